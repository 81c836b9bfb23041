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

from .._otelcol.config.paths import items, section
from .._otelcol.errors import at_most
from .._otelcol.kube.names import LONGEST_LABEL
from .._otelcol.kube.objects import Manifest, controller_of

INJECT, INJECTED = "sidecar.opentelemetry.io/inject", "sidecar.opentelemetry.io/injected"
SIDECAR = "otc-container"
# The annotation that `kubectl rollout restart` sets.
RESTARTED = "kubectl.kubernetes.io/restartedAt"
_OVER = ("Succeeded", "Failed")
_REPLICA_SET = re.compile(r"-[a-z0-9]+\Z")
_PERCENT = re.compile(r"(\d+)%\Z")
_DEFAULT_SHARE = "25%"
SHOWN = 10


class Workload(NamedTuple):
    """A workload by its name, and what its pods lack."""

    kind: str
    namespace: str
    name: str
    reason: str = ""

    def __str__(self) -> str:
        """Return `Kind namespace/name`, as messages name it."""
        return f"{self.kind} {self.namespace}/{self.name}"


def running(pod: Manifest) -> bool:
    """Return whether a pod has neither ended nor is about to."""
    return pod.get("status", {}).get("phase") not in _OVER and not pod["metadata"].get("deletionTimestamp")


def containers(pod: Manifest) -> list[str]:
    """Return the containers of a pod; a sidecar may be an init container."""
    init_containers = pod["spec"].get("initContainers") or []
    other_containers = pod["spec"].get("containers") or []
    return [container["name"] for container in [*init_containers, *other_containers]]


def workload_of(pod: Manifest, reason: str = "") -> Workload:
    """Return what a pod belongs to; a ReplicaSet is named after its Deployment and a hash."""
    metadata = pod["metadata"]
    owner = controller_of(pod)
    if not owner:
        return Workload("Pod", metadata["namespace"], metadata["name"], reason)
    if owner["kind"] == "ReplicaSet":
        return Workload("Deployment", metadata["namespace"], _REPLICA_SET.sub("", owner["name"]), reason)
    return Workload(owner["kind"], metadata["namespace"], owner["name"], reason)


def command(namespace: str, workloads: Iterable[Workload]) -> tuple[str, str]:
    """Return the workloads as kubectl names them, at most ten, and the command that restarts them."""
    names = [f"{workload.kind.lower()}/{workload.name}" for workload in workloads]
    return at_most(SHOWN, names, " "), f"kubectl -n {namespace} rollout restart {' '.join(names[:SHOWN])}"


def requested(pod: Manifest, namespace: Mapping[str, str]) -> str:
    """Return the sidecar that the annotations of a pod and of its namespace request, empty for none."""
    of_pod = str(section(pod, "metadata", "annotations").get(INJECT) or "")
    of_namespace = str(namespace.get(INJECT) or "")
    if not of_pod:
        return of_namespace
    if not of_namespace or of_namespace.lower() == "false":
        return of_pod
    # `true` leaves the choice to the namespace.
    return of_namespace if of_pod.lower() == "true" else of_pod


def injected_label(namespace: str, name: str) -> str:
    """Return the label of pods that have a sidecar of this resource."""
    return f"{namespace}.{name}"[:LONGEST_LABEL]


def changed_at(resource: Manifest) -> str:
    """Return when the spec of a resource last changed, as the API server recorded it."""
    times = []
    for entry in items(resource, "metadata", "managedFields"):
        if not entry.get("subresource") and "f:spec" in section(entry, "fieldsV1"):
            times.append(str(entry.get("time") or ""))
    return max(times) if times else str(resource["metadata"]["creationTimestamp"])


def stale(
    pods: Iterable[Manifest], namespaces: Mapping[str, Mapping[str, str]], resources: Iterable[Manifest]
) -> list[Workload]:
    """Return the workloads of pods without one of these sidecars that they request, or with an older one.

    `namespaces` has the annotations of each namespace.
    """
    changes: dict[tuple[str, str], str] = {}
    for resource in resources:
        metadata = resource["metadata"]
        changes[metadata["namespace"], metadata["name"]] = changed_at(resource)
    stale_workloads: dict[tuple[str, ...], Workload] = {}
    for pod in filter(running, pods):
        namespace = pod["metadata"]["namespace"]
        sidecar = _reference(requested(pod, namespaces.get(namespace, {})), namespace, changes)
        if sidecar is None:
            continue
        if SIDECAR not in containers(pod):
            reason = f"without the sidecar {'/'.join(sidecar)}"
        elif str(pod["metadata"]["creationTimestamp"]) < changes[sidecar]:
            reason = f"with an older sidecar {'/'.join(sidecar)}"
        else:
            continue
        workload = workload_of(pod, reason)
        stale_workloads.setdefault((workload.kind, workload.namespace, workload.name), workload)
    return list(stale_workloads.values())


def _reference(annotation: str, namespace: str, known: Mapping[tuple[str, str], str]) -> tuple[str, str] | None:
    """Return the resource that an annotation names. `true` means the only one of the namespace."""
    value = annotation.lower()
    if value in ("", "false"):
        return None
    if value == "true":
        in_namespace = [resource for resource in known if resource[0] == namespace]
        return in_namespace[0] if len(in_namespace) == 1 else None
    before, slash, after = annotation.partition("/")
    resource = (before, after) if slash else (namespace, annotation)
    return resource if resource in known else None


def obstacle(live: Manifest | None) -> str:
    """Return why a workload cannot restart with every replica available, empty if it can."""
    if live is None:
        return "it no longer exists"
    kind, spec, status = live["kind"], live["spec"], live.get("status") or {}
    if kind == "Deployment":
        return _obstacle_of_deployment(spec, status)
    if kind == "DaemonSet":
        return _obstacle_of_daemon_set(spec, status)
    return f"a {kind} replaces a pod only after the pod is gone"


def _obstacle_of_daemon_set(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    strategy = spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    if strategy.get("type") == "OnDelete":
        return "its strategy is OnDelete"
    if _share(rolling.get("maxSurge", 0), 100) == 0:
        return "its strategy has no maxSurge, so each node would lose its pod"
    if status.get("numberAvailable", 0) < status.get("desiredNumberScheduled", 0):
        return "not all of its pods are available"
    return ""


def _obstacle_of_deployment(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    strategy, replicas = spec.get("strategy") or {}, spec.get("replicas", 1)
    rolling = strategy.get("rollingUpdate") or {}
    unavailable = _share(rolling.get("maxUnavailable", _DEFAULT_SHARE), replicas)
    if strategy.get("type") == "Recreate":
        return "its strategy is Recreate"
    if spec.get("paused"):
        return "it is paused"
    if replicas == 0:
        return "it has no replicas"
    if unavailable:
        return f"its strategy allows {unavailable} unavailable of {replicas} replicas; set maxUnavailable to 0"
    counts = {status.get(count, 0) for count in ("updatedReplicas", "availableReplicas", "replicas")}
    if counts != {replicas}:
        return "a rollout is in progress, or not all of its replicas are available"
    return ""


def _share(value: Any, total: int) -> int:
    """Return a number or a percentage of a total, rounded down as Kubernetes does for maxUnavailable."""
    match = _PERCENT.match(str(value))
    return int(match[1]) * total // 100 if match else int(value)
