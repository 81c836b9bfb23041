# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workloads have pods without a requested sidecar or with an older one, and which can restart. Private.

Source of what a pod requests: internal/webhook and pkg/sidecar (annotation.go, pod.go) of opentelemetry-operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import join_at_most
from .._otelcol.kube.names import LONGEST_LABEL
from .._otelcol.kube.objects import Manifest, controlling_owner

INJECT_ANNOTATION, INJECTED_LABEL = "sidecar.opentelemetry.io/inject", "sidecar.opentelemetry.io/injected"
SIDECAR_CONTAINER = "otc-container"
# The annotation that `kubectl rollout restart` sets.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_FINISHED_PHASES = ("Succeeded", "Failed")
_REPLICA_SET_SUFFIX = re.compile(r"-[a-z0-9]+\Z")
_PERCENT = re.compile(r"(\d+)%\Z")
_DEFAULT_SHARE = "25%"
MOST_SHOWN = 10


class Workload(NamedTuple):
    """A workload by its name, and what its pods lack."""

    kind: str
    namespace: str
    name: str
    reason: str = ""

    def __str__(self) -> str:
        """Return `Kind namespace/name`, as messages name it."""
        return f"{self.kind} {self.namespace}/{self.name}"


def is_running(pod: Manifest) -> bool:
    """Return whether a pod has neither ended nor is about to."""
    return pod.get("status", {}).get("phase") not in _FINISHED_PHASES and not pod["metadata"].get("deletionTimestamp")


def container_names(pod: Manifest) -> list[str]:
    """Return the containers of a pod; a sidecar may be an init container."""
    init_containers = pod["spec"].get("initContainers") or []
    other_containers = pod["spec"].get("containers") or []
    return [container["name"] for container in [*init_containers, *other_containers]]


def find_workload_of(pod: Manifest, reason: str = "") -> Workload:
    """Return what a pod belongs to; a ReplicaSet is named after its Deployment and a hash."""
    metadata = pod["metadata"]
    owner = controlling_owner(pod)
    if not owner:
        return Workload("Pod", metadata["namespace"], metadata["name"], reason)
    if owner["kind"] == "ReplicaSet":
        return Workload("Deployment", metadata["namespace"], _REPLICA_SET_SUFFIX.sub("", owner["name"]), reason)
    return Workload(owner["kind"], metadata["namespace"], owner["name"], reason)


def build_restart_command(namespace: str, workloads: Iterable[Workload]) -> tuple[str, str]:
    """Return the workloads as kubectl names them, at most ten, and the command that restarts them."""
    names = [f"{workload.kind.lower()}/{workload.name}" for workload in workloads]
    return join_at_most(
        MOST_SHOWN, names, " "
    ), f"kubectl -n {namespace} rollout restart {' '.join(names[:MOST_SHOWN])}"


def find_requested_sidecar(pod: Manifest, namespace_annotations: Mapping[str, str]) -> str:
    """Return the sidecar that the annotations of a pod and of its namespace request, empty for none."""
    pod_request = str(mapping_at(pod, "metadata", "annotations").get(INJECT_ANNOTATION) or "")
    namespace_request = str(namespace_annotations.get(INJECT_ANNOTATION) or "")
    if not pod_request:
        return namespace_request
    if not namespace_request or namespace_request.lower() == "false":
        return pod_request
    # `true` leaves the choice to the namespace.
    return namespace_request if pod_request.lower() == "true" else pod_request


def injected_label(namespace: str, name: str) -> str:
    """Return the label of pods that have a sidecar of this resource."""
    return f"{namespace}.{name}"[:LONGEST_LABEL]


def find_spec_change_time(resource: Manifest) -> str:
    """Return when the spec of a resource last changed, as the API server recorded it."""
    change_times = []
    for entry in list_at(resource, "metadata", "managedFields"):
        if not entry.get("subresource") and "f:spec" in mapping_at(entry, "fieldsV1"):
            change_times.append(str(entry.get("time") or ""))
    return max(change_times) if change_times else str(resource["metadata"]["creationTimestamp"])


def find_stale_workloads(
    pods: Iterable[Manifest], namespaces: Mapping[str, Mapping[str, str]], resources: Iterable[Manifest]
) -> list[Workload]:
    """Return the workloads of pods without one of these sidecars that they request, or with an older one.

    `namespaces` has the annotations of each namespace.
    """
    change_times: dict[tuple[str, str], str] = {}
    for resource in resources:
        metadata = resource["metadata"]
        change_times[metadata["namespace"], metadata["name"]] = find_spec_change_time(resource)
    stale_workloads: dict[tuple[str, ...], Workload] = {}
    for pod in filter(is_running, pods):
        namespace = pod["metadata"]["namespace"]
        sidecar = _resolve_sidecar(find_requested_sidecar(pod, namespaces.get(namespace, {})), namespace, change_times)
        if sidecar is None:
            continue
        if SIDECAR_CONTAINER not in container_names(pod):
            reason = f"without the sidecar {'/'.join(sidecar)}"
        elif str(pod["metadata"]["creationTimestamp"]) < change_times[sidecar]:
            reason = f"with an older sidecar {'/'.join(sidecar)}"
        else:
            continue
        workload = find_workload_of(pod, reason)
        stale_workloads.setdefault((workload.kind, workload.namespace, workload.name), workload)
    return list(stale_workloads.values())


def _resolve_sidecar(
    annotation: str, namespace: str, sidecars: Mapping[tuple[str, str], str]
) -> tuple[str, str] | None:
    """Return the resource that an annotation names. `true` means the only one of the namespace."""
    lowered_annotation = annotation.lower()
    if lowered_annotation in ("", "false"):
        return None
    if lowered_annotation == "true":
        namespace_sidecars = [sidecar for sidecar in sidecars if sidecar[0] == namespace]
        return namespace_sidecars[0] if len(namespace_sidecars) == 1 else None
    sidecar_namespace, slash, sidecar_name = annotation.partition("/")
    sidecar = (sidecar_namespace, sidecar_name) if slash else (namespace, annotation)
    return sidecar if sidecar in sidecars else None


def find_restart_obstacle(live_workload: Manifest | None) -> str:
    """Return why a workload cannot restart with every replica available, empty if it can."""
    if live_workload is None:
        return "it no longer exists"
    kind, spec, status = live_workload["kind"], live_workload["spec"], live_workload.get("status") or {}
    if kind == "Deployment":
        return _find_deployment_obstacle(spec, status)
    if kind == "DaemonSet":
        return _find_daemon_set_obstacle(spec, status)
    return f"a {kind} replaces a pod only after the pod is gone"


def _find_daemon_set_obstacle(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    strategy = spec.get("updateStrategy") or {}
    rolling_update = strategy.get("rollingUpdate") or {}
    if strategy.get("type") == "OnDelete":
        return "its strategy is OnDelete"
    if _resolve_share(rolling_update.get("maxSurge", 0), 100) == 0:
        return "its strategy has no maxSurge, so each node would lose its pod"
    if status.get("numberAvailable", 0) < status.get("desiredNumberScheduled", 0):
        return "not all of its pods are available"
    return ""


def _find_deployment_obstacle(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    replicas = spec.get("replicas", 1)
    if spec.get("paused"):
        return "it is paused"
    if replicas == 0:
        return "it has no replicas"
    strategy_obstacle = _find_deployment_strategy_obstacle(spec.get("strategy") or {}, replicas)
    if strategy_obstacle:
        return strategy_obstacle
    replica_counts = {status.get(status_key, 0) for status_key in ("updatedReplicas", "availableReplicas", "replicas")}
    if replica_counts != {replicas}:
        return "a rollout is in progress, or not all of its replicas are available"
    return ""


def _find_deployment_strategy_obstacle(strategy: Mapping[str, Any], replicas: int) -> str:
    """Return why a restart by a strategy takes replicas away, empty if it takes none.

    Without a surge, Kubernetes takes `maxUnavailable` as 1 if it comes to 0; it rounds a surge up, so that any share
    above zero is one. Source: ResolveFenceposts in pkg/controller/deployment/util/deployment_util.go of Kubernetes.
    """
    if strategy.get("type") == "Recreate":
        return "its strategy is Recreate"
    rolling_update = strategy.get("rollingUpdate") or {}
    if _resolve_share(rolling_update.get("maxSurge", _DEFAULT_SHARE), 100) == 0:
        return "its strategy has no maxSurge, so it would lose a replica; set maxSurge to 1 and maxUnavailable to 0"
    max_unavailable = _resolve_share(rolling_update.get("maxUnavailable", _DEFAULT_SHARE), replicas)
    if max_unavailable:
        return f"its strategy allows {max_unavailable} unavailable of {replicas} replicas; set maxUnavailable to 0"
    return ""


def _resolve_share(value: Any, total: int) -> int:
    """Return a number or a percentage of a total, rounded down as Kubernetes does for maxUnavailable."""
    percentage = _PERCENT.match(str(value))
    return int(percentage[1]) * total // 100 if percentage else int(value)
