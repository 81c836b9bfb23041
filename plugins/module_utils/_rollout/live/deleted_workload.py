# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell that an awaited object was deleted, and by whom as far as the cluster shows it. Private."""

from __future__ import annotations

from ..._kube.live.cluster import ApiError, Cluster
from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import Manifest, Ref

ALONE = "See that no `remove` and no user deletes it while a run deploys it, then run again."
AUDIT = "Kubernetes records who deleted it in the audit log of the API server alone."


def is_gone(found: Manifest | None) -> bool:
    """Return whether an object does not exist, or will not for long."""
    return found is None or bool(found["metadata"].get("deletionTimestamp"))


def deleted(cluster: Cluster, one: Ref) -> Failure:
    """Return the failure of a wait for an object that another one deletes or has deleted."""
    wrong = f"it was deleted: {_who(cluster, one.namespace)}"
    return Failure(wrong, asked=f"Wait for {one}", fix=f"{ALONE} {AUDIT}", facts={"failures": []})


def _who(cluster: Cluster, namespace: str) -> str:
    others = "another run, such as `remove`, or a user did it"
    try:
        found = cluster.get(f"/api/v1/namespaces/{namespace}") if namespace else {"metadata": {}}
    except ApiError:  # no permission to read the namespace
        return others
    if found is None:
        return f"the namespace '{namespace}' was deleted too"
    if since := found["metadata"].get("deletionTimestamp"):
        return f"the namespace '{namespace}' is being deleted, since {since}"
    return others
