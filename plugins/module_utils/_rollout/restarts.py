# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workloads have pods without a requested sidecar or with an older one, and which can restart. Private.

A sidecar is a container that the operator adds to a new pod. So a pod gets a sidecar, or a newer one, when its workload
restarts. `live/restart.py` finds and restarts such workloads; other rooms read here what a pod requests.
Source of what a pod requests: internal/webhook and pkg/sidecar (annotation.go, pod.go) of opentelemetry-operator.

The file has two parts. `find_stale_workloads` says which workloads have pods without the sidecar that they request, or
with an older one: such a workload is stale. `find_restart_obstacle` says why a workload cannot restart without the loss
of a replica meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._kube.namespaced_name import NamespacedName
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import join_at_most
from .._otelcol.kube.names import LONGEST_LABEL
from .._otelcol.kube.objects import Manifest, ObjectRef, controlling_owner

# The annotation by which a pod or a namespace requests a sidecar, see `find_requested_sidecar`, and the label that the
# operator gives a pod with a sidecar.
INJECT_ANNOTATION, INJECTED_LABEL = "sidecar.opentelemetry.io/inject", "sidecar.opentelemetry.io/injected"
SIDECAR_CONTAINER = "otc-container"
# The annotation that `kubectl rollout restart` sets.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_FINISHED_PHASES = ("Succeeded", "Failed")
# The hash that ends the name of a ReplicaSet, such as `web-5d4f8c7b6` of the Deployment `web`.
_REPLICA_SET_SUFFIX = re.compile(r"-[a-z0-9]+\Z")
# A share of the replicas, such as `25%`.
_PERCENT = re.compile(r"(\d+)%\Z")
# The default of maxSurge and maxUnavailable of a Deployment. Source: the API reference of apps/v1.
_DEFAULT_SHARE = "25%"
# How many workloads a message names.
MOST_SHOWN = 10


class OutdatedWorkload(NamedTuple):
    """The name of a workload, and what its pods lack, such as `with an older sidecar ns/side`."""

    kind: str
    namespace: str
    name: str
    reason: str = ""

    @property
    def object_ref(self) -> ObjectRef:
        """The name without the reason."""
        return ObjectRef(self.kind, self.namespace, self.name)

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


def find_workload_of(pod: Manifest, reason: str = "") -> OutdatedWorkload:
    """Return the workload that a pod belongs to: its Deployment, another owner, or the pod itself."""
    namespace, pod_name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    owner = controlling_owner(pod)
    if not owner:
        return OutdatedWorkload("Pod", namespace, pod_name, reason)
    if owner["kind"] == "ReplicaSet":
        deployment_name = _REPLICA_SET_SUFFIX.sub("", owner["name"])
        return OutdatedWorkload("Deployment", namespace, deployment_name, reason)
    return OutdatedWorkload(owner["kind"], namespace, owner["name"], reason)


def build_restart_command(namespace: str, workloads: Iterable[OutdatedWorkload]) -> tuple[str, str]:
    """Return the names of workloads, at most ten of them, and the command that restarts those.

    kubectl names a workload `deployment/web`.
    """
    names = [f"{workload.kind.lower()}/{workload.name}" for workload in workloads]
    shown_names = join_at_most(MOST_SHOWN, names, " ")
    command = f"kubectl -n {namespace} rollout restart {' '.join(names[:MOST_SHOWN])}"
    return shown_names, command


def find_requested_sidecar(pod: Manifest, namespace_annotations: Mapping[str, str]) -> str:
    """Return the annotation that counts for a pod: its own, or that of its namespace. Empty if neither has one.

    The annotation is a text: `true` (the only sidecar of the namespace), `false` (none), or the name of a sidecar, such
    as `side` or `otel/side`. That of the pod counts, with one exception: if the pod says `true`, and the namespace
    names a sidecar, that sidecar counts.
    """
    pod_request = str(mapping_at(pod, "metadata", "annotations").get(INJECT_ANNOTATION) or "")
    namespace_request = str(namespace_annotations.get(INJECT_ANNOTATION) or "")
    if not pod_request:
        return namespace_request
    if not namespace_request or namespace_request.lower() == "false":
        return pod_request
    # `true` leaves the choice to the namespace.
    return namespace_request if pod_request.lower() == "true" else pod_request


def injected_label(namespace: str, name: str) -> str:
    """Return the value of INJECTED_LABEL that the operator gives pods with a sidecar of this resource."""
    return f"{namespace}.{name}"[:LONGEST_LABEL]


def find_spec_change_time(resource: Manifest) -> str:
    """Return when the spec of a resource last changed, as the API server recorded it, such as `2026-01-31T12:00:00Z`.

    Times of this form are compared as texts. Without a record, the time of its creation counts.
    """
    change_times = []
    for entry in list_at(resource, "metadata", "managedFields"):
        if not entry.get("subresource") and "f:spec" in mapping_at(entry, "fieldsV1"):
            change_times.append(str(entry.get("time") or ""))
    return max(change_times) if change_times else str(resource["metadata"]["creationTimestamp"])


def find_stale_workloads(
    pods: Iterable[Manifest], namespaces: Mapping[str, Mapping[str, str]], resources: Iterable[Manifest]
) -> list[OutdatedWorkload]:
    """Return the workloads whose pods request one of these sidecars, and lack it or have an older one.

    `namespaces` has the annotations of each namespace. `resources` are the OpenTelemetryCollectors of the sidecars.
    """
    change_times: dict[NamespacedName, str] = {}
    for resource in resources:
        sidecar_name = NamespacedName(resource["metadata"]["namespace"], resource["metadata"]["name"])
        change_times[sidecar_name] = find_spec_change_time(resource)
    stale_workloads: dict[ObjectRef, OutdatedWorkload] = {}
    for pod in filter(is_running, pods):
        namespace_annotations = namespaces.get(pod["metadata"]["namespace"], {})
        reason = _explain_stale_pod(pod, namespace_annotations, change_times)
        if reason:
            workload = find_workload_of(pod, reason)
            stale_workloads.setdefault(workload.object_ref, workload)
    return list(stale_workloads.values())


def _explain_stale_pod(
    pod: Manifest, namespace_annotations: Mapping[str, str], change_times: Mapping[NamespacedName, str]
) -> str:
    """Return what a pod lacks, such as `with an older sidecar ns/side`; empty if it lacks nothing.

    `change_times` says when the spec of each known sidecar last changed.
    """
    annotation = find_requested_sidecar(pod, namespace_annotations)
    sidecar = _resolve_sidecar(annotation, pod["metadata"]["namespace"], change_times)
    if sidecar is None:
        return ""
    if SIDECAR_CONTAINER not in container_names(pod):
        return f"without the sidecar {sidecar}"
    if str(pod["metadata"]["creationTimestamp"]) < change_times[sidecar]:
        return f"with an older sidecar {sidecar}"
    return ""


def _resolve_sidecar(
    annotation: str, namespace: str, known_sidecars: Iterable[NamespacedName]
) -> NamespacedName | None:
    """Return the known sidecar that an annotation of a pod names; None if it names none of them.

    `true` means the only sidecar of the pod's namespace.
    """
    if annotation.lower() in ("", "false"):
        return None
    if annotation.lower() == "true":
        namespace_sidecars = [sidecar for sidecar in known_sidecars if sidecar.namespace == namespace]
        return namespace_sidecars[0] if len(namespace_sidecars) == 1 else None
    sidecar_namespace, slash, sidecar_name = annotation.partition("/")
    sidecar = NamespacedName(sidecar_namespace, sidecar_name) if slash else NamespacedName(namespace, annotation)
    return sidecar if sidecar in known_sidecars else None


def find_restart_obstacle(live_workload: Manifest | None) -> str:
    """Return why a workload cannot restart with every replica available; empty if it can.

    The reason is the end of a sentence, such as `it is paused`.
    """
    if live_workload is None:
        return "it no longer exists"
    kind, spec, status = live_workload["kind"], live_workload["spec"], live_workload.get("status") or {}
    if kind == "Deployment":
        return _find_deployment_obstacle(spec, status)
    if kind == "DaemonSet":
        return _find_daemon_set_obstacle(spec, status)
    return f"a {kind} replaces a pod only after the pod is gone"


def _find_daemon_set_obstacle(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """Return why the restart of a DaemonSet takes pods away; empty if it takes none.

    Only `maxSurge` lets a new pod start before the old one stops; without it, it is 0. Kubernetes rounds it up, so the
    number of pods does not matter here: it is resolved as a share of 100, which is 0 for 0 and `0%` alone.
    """
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
    """Return why a Deployment is not restarted; empty if it may be."""
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
    """Return why a restart by a strategy takes replicas away; empty if it takes none.

    Kubernetes rounds `maxSurge` up, so any share above zero is at least one pod. So it is resolved as a share of 100
    here, which is 0 for 0 and `0%` alone. If both `maxSurge` and
    `maxUnavailable` come to 0, Kubernetes takes `maxUnavailable` as 1.
    Source: ResolveFenceposts in pkg/controller/deployment/util/deployment_util.go of Kubernetes.
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


def _resolve_share(value: int | str, total: int) -> int:
    """Return the number of pods that `2` or `25%` of a total means, rounded down as for maxUnavailable."""
    percentage = _PERCENT.match(str(value))
    return int(percentage[1]) * total // 100 if percentage else int(value)
