# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell that an awaited object was deleted, and by whom as far as the cluster shows it. Private.

A wait (rollout_wait.py, and that for the first pods of a canary) asks `is_gone` about each object that it reads again,
and raises the failure of `report_deleted`. For example, its `wrong` is "it was deleted: the namespace 'shop' was
deleted too".
"""

from __future__ import annotations

from ..._kube.live.cluster import ApiError, Cluster
from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import Manifest, ObjectRef

FIX_OF_DELETION = "See that no `remove` and no user deletes it while a run deploys it, then run again."
AUDIT_HINT = "Kubernetes records who deleted it in the audit log of the API server alone."


def is_gone(live_object: Manifest | None) -> bool:
    """Return whether an object does not exist, or will not for long."""
    return live_object is None or bool(live_object["metadata"].get("deletionTimestamp"))


def report_deleted(cluster: Cluster, object_reference: ObjectRef) -> Failure:
    """Return the failure of a wait for an object that another one deletes or has deleted."""
    problem = f"it was deleted: {_describe_who_deleted(cluster, object_reference.namespace)}"
    return Failure(
        problem, asked=f"Wait for {object_reference}", fix=f"{FIX_OF_DELETION} {AUDIT_HINT}", facts={"failures": []}
    )


def _describe_who_deleted(cluster: Cluster, namespace: str) -> str:
    """Return what is known of the deletion: the namespace is gone or goes, or somebody deleted the workload alone."""
    other_user = "another run, such as `remove`, or a user did it"
    if not namespace:  # an object of the whole cluster
        return other_user
    try:
        live_namespace = cluster.get(f"/api/v1/namespaces/{namespace}")
    except ApiError:  # no permission to read the namespace
        return other_user
    if live_namespace is None:
        return f"the namespace '{namespace}' was deleted too"
    if deletion_time := live_namespace["metadata"].get("deletionTimestamp"):
        return f"the namespace '{namespace}' is being deleted, since {deletion_time}"
    return other_user
