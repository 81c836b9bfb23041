# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workloads have pods without the sidecar that they request, or with an older one? Private.

A sidecar is a container that the operator adds to a new pod. A pod gets a sidecar, or a newer one, when its workload
restarts; until then the workload is stale. `live/restart.py` names or restarts stale workloads. For example, a pod of
the Deployment `web` with the annotation `sidecar.opentelemetry.io/inject: side` and without the container of it:

    OutdatedWorkload("Deployment", "shop", "web", "without the sidecar shop/side")

Source of what a pod requests: internal/webhook and pkg/sidecar (annotation.go, pod.go) of opentelemetry-operator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .._kube.namespaced_name import NamespacedName
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.names import LONGEST_LABEL
from .._otelcol.kube.objects import Manifest, ObjectRef
from .restarts import OutdatedWorkload, container_names, find_workload_of, is_running

# The annotation by which a pod or a namespace requests a sidecar, see `find_requested_sidecar`.
INJECT_ANNOTATION = "sidecar.opentelemetry.io/inject"
# The label that the operator gives a pod with a sidecar.
INJECTED_LABEL = "sidecar.opentelemetry.io/injected"
# The name of the container that is the sidecar.
SIDECAR_CONTAINER = "otc-container"


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
            # Its pods may lack different things, as during a rollout. One reason is enough, and a restart mends all.
            stale_workloads.setdefault(workload.object_ref, workload)
    return list(stale_workloads.values())


def _explain_stale_pod(
    pod: Manifest, namespace_annotations: Mapping[str, str], change_times: Mapping[NamespacedName, str]
) -> str:
    """Return what a pod lacks, such as `with an older sidecar ns/side`; empty if it lacks nothing.

    `change_times` says when the spec of each known sidecar last changed.
    """
    annotation = find_requested_sidecar(pod, namespace_annotations)
    sidecar = _resolve_sidecar(annotation, pod["metadata"]["namespace"], known_sidecars=change_times.keys())
    if sidecar is None:
        return ""
    if SIDECAR_CONTAINER not in container_names(pod):
        return f"without the sidecar {sidecar}"
    if str(pod["metadata"]["creationTimestamp"]) < change_times[sidecar]:
        return f"with an older sidecar {sidecar}"
    return ""


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
    # A pod may ask for a sidecar although its namespace wants none.
    if not namespace_request or namespace_request.lower() == "false":
        return pod_request
    # `true` leaves the choice to the namespace.
    return namespace_request if pod_request.lower() == "true" else pod_request


def _resolve_sidecar(
    annotation: str, namespace: str, known_sidecars: Collection[NamespacedName]
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


def find_spec_change_time(resource: Manifest) -> str:
    """Return when the spec of a resource last changed, as the API server recorded it, such as `2026-01-31T12:00:00Z`.

    Times of this form are compared as texts. Without a record, the time of its creation counts.
    """
    change_times = []
    for entry in list_at(resource, "metadata", "managedFields"):
        if not entry.get("subresource") and "f:spec" in mapping_at(entry, "fieldsV1"):
            change_times.append(str(entry.get("time") or ""))
    return max(change_times) if change_times else str(resource["metadata"]["creationTimestamp"])


def injected_label(namespace: str, name: str) -> str:
    """Return the value of INJECTED_LABEL that the operator gives pods with a sidecar, such as `shop.side`."""
    return f"{namespace}.{name}"[:LONGEST_LABEL]
