# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the operator does not reconcile a resource: its log, its lease, or that no operator runs. Private.

To reconcile a resource, such as an OpenTelemetryCollector, is to make the workloads that it describes. A lease is the
lock by which only one of several pods of the operator works.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.operator_status import OPERATOR_POD_SELECTOR
from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.config.masking import mask_and_clean
from ..._otelcol.config.paths import mapping_at
from ..failures import Object

# How the names of the operator's leases end.
_LEASE_ENDING = ".opentelemetry.io"
# So many lines of a log are read, and the last few errors are shown, each cut to so many characters.
_LOG_LINES = 500
_SHOWN_ERRORS = 2
_LINE_LENGTH = 500


def explain_unreconciled_resources(cluster: Cluster, resources: list[Object]) -> list[str]:
    """Return why the operator does not reconcile resources, as sentences; empty if nothing is known."""
    if not resources:
        return []
    try:
        pods = list(cluster.items("/api/v1/pods", {"labelSelector": OPERATOR_POD_SELECTOR}))
    except ApiError:  # no permission to list pods
        return []
    if not pods:
        return [f"The cluster has no pod of the operator ({OPERATOR_POD_SELECTOR}). Install or start the operator."]
    reasons = _explain_held_leases(cluster, pods)
    for pod in pods:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/log"
        for error in _list_logged_errors(cluster, path, resources):
            reasons.append(f"The operator {metadata['namespace']}/{metadata['name']}: {error}")
    return reasons


def _explain_held_leases(cluster: Cluster, pods: list[Object]) -> list[str]:
    """Return the leases of deleted operator pods: a new pod waits until such a lease expires."""
    pod_names = {pod["metadata"]["name"] for pod in pods}
    reasons = []
    for namespace in sorted({pod["metadata"]["namespace"] for pod in pods}):
        try:
            leases = list(cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"))
        except ApiError:
            continue
        for lease in leases:
            holder = _find_lease_holder(lease)
            if holder and holder not in pod_names:
                lease_seconds = mapping_at(lease, "spec").get("leaseDurationSeconds")
                reasons.append(
                    f"The operator in {namespace} waits for the lease of {holder}, a pod that no longer exists."
                    f" It acquires the lease about {lease_seconds} s after its start."
                )
    return reasons


def _find_lease_holder(lease: Object) -> str:
    """Return the pod that holds a lease of the operator; empty for another lease, and for one that nobody holds.

    A holder is `POD_UUID` (controller-runtime, pkg/leaderelection). A Lease may have no spec.
    """
    if not lease["metadata"]["name"].endswith(_LEASE_ENDING):
        return ""
    pod_name, _underscore, _uuid = str(mapping_at(lease, "spec").get("holderIdentity") or "").rpartition("_")
    return pod_name


def _list_logged_errors(cluster: Cluster, path: str, resources: list[Object]) -> list[str]:
    """Return the last logged errors that name one of the resources. The operator logs JSON objects."""
    try:
        log_lines = cluster.text(path, {"tailLines": _LOG_LINES}).splitlines()
    except ApiError:
        return []
    errors = []
    for log_line in log_lines:
        if not any(_mentions_resource(log_line, resource["metadata"]) for resource in resources):
            continue
        error = _read_logged_error(log_line)
        if error:
            errors.append(mask_and_clean(error, _LINE_LENGTH))
    return list(dict.fromkeys(errors))[-_SHOWN_ERRORS:]


def _mentions_resource(log_line: str, metadata: Mapping[str, Any]) -> bool:
    """Whether a line of the log names a resource. A line of another namespace may have the same name."""
    namespace = metadata["namespace"]
    return f'"name":"{metadata["name"]}"' in log_line and (
        f'"namespace":"{namespace}"' in log_line or '"namespace":' not in log_line
    )


def _read_logged_error(log_line: str) -> str:
    """Return the error of a line of the log; empty if the line has none, or is no JSON object."""
    try:
        return str(mapping_at(parse_json(log_line)).get("error") or "")
    except ValueError:
        return ""
