# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator reports about its resources, and what it creates from them. Private.

A custom resource, such as an OpenTelemetryCollector, is ready when the workloads that the operator makes from it are.
Waits and the diagnosis ask here which workloads these are, and whether they are those of the current resource. For
example, a collector `agent` of mode daemonset with a target allocator has the children

    DaemonSet obs/agent-collector, Deployment obs/agent-targetallocator

Sources: the operator's `internal/naming`, `internal/manifests` and `internal/status`, 0.152 to 0.158.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.operator_names import child_name
from .conditions import find_condition

Object = dict[str, Any]

COLLECTOR = "OpenTelemetryCollector"
ALLOCATOR = "TargetAllocator"
# The label of the operator's pods, set by its release, its chart and OLM in any namespace.
OPERATOR_POD_SELECTOR = "app.kubernetes.io/name=opentelemetry-operator"
# The kinds of workloads by the `mode` of a collector; a sidecar has none.
KINDS = {"deployment": "Deployment", "daemonset": "DaemonSet", "statefulset": "StatefulSet"}


class ChildOwner(NamedTuple):
    """The custom resource that a workload is made from."""

    kind: str
    name: str


class Child(NamedTuple):
    """A workload that the operator creates: its name, its owner and the fields that it must have when it is current."""

    kind: str
    namespace: str
    name: str
    owner: ChildOwner
    image: str
    """The image that it must have; empty for any."""
    replicas: int | None
    """The number of pods that it must have; None for any."""
    annotations: dict[str, str]
    """The annotations that its pods must have."""

    def __str__(self) -> str:
        """Return `Kind namespace/name`."""
        return f"{self.kind} {self.namespace}/{self.name}"


def is_followed(resource: Object) -> bool:
    """Return whether a resource is ready when the operator's workloads for it are ready."""
    return resource.get("kind") in (COLLECTOR, ALLOCATOR)


def list_children(resource: Object) -> list[Child]:
    """Return the workloads of a resource. A sidecar has none: the operator injects it into other pods."""
    spec = resource.get("spec") or {}
    if resource["kind"] == ALLOCATOR:
        return [_build_allocator(resource, spec)]
    workloads = []
    kind = KINDS.get(spec.get("mode") or "deployment")
    if kind:
        workloads.append(_build_child(resource, kind, "-collector", COLLECTOR, spec))
    allocator = spec.get("targetAllocator") or {}
    if allocator.get("enabled"):
        workloads.append(_build_allocator(resource, allocator))
    return workloads


def _build_allocator(resource: Object, spec: Object) -> Child:
    """Return the workload of a target allocator.

    `resource` is a TargetAllocator, or a collector whose field `targetAllocator` is `spec`. In both, the annotations of
    the pods stand in the spec of the resource itself.
    """
    allocator_spec = {**spec, "podAnnotations": (resource.get("spec") or {}).get("podAnnotations")}
    return _build_child(resource, "Deployment", "-targetallocator", ALLOCATOR, allocator_spec)


def _build_child(resource: Object, kind: str, suffix: str, owner: str, spec: Object) -> Child:
    metadata = resource["metadata"]
    # An autoscaler sets the count of the resource, and the operator follows.
    has_fixed_replicas = kind != "DaemonSet" and not spec.get("autoscaler")
    return Child(
        kind=kind,
        namespace=metadata.get("namespace") or "",
        name=child_name(metadata["name"], suffix),
        owner=ChildOwner(owner, metadata["name"]),
        image=spec.get("image") or "",
        replicas=spec.get("replicas") if has_fixed_replicas else None,
        annotations=spec.get("podAnnotations") or {},
    )


def explain_unreconciled(resource: Object, live_workloads: list[Object | None]) -> str:
    """Return why the operator has not rolled out a resource's current generation, or an empty string."""
    if mapping_at(resource, "spec").get("managementState") == "unmanaged":
        # The operator leaves the workloads alone, so they need not have the fields of the resource.
        return _explain_mismatch(resource, live_workloads, trusts_collector_fields=True)
    if _reports_status(resource):
        reason = _explain_status(resource)
        return reason or _explain_mismatch(resource, live_workloads, trusts_collector_fields=True)
    if resource["kind"] == COLLECTOR and not mapping_at(resource, "status").get("version"):
        return "no operator has reconciled it"
    return _explain_mismatch(resource, live_workloads, trusts_collector_fields=False)


def _reports_status(resource: Object) -> bool:
    """Return whether the operator says how far it is: one of 0.154 or later does so."""
    return bool(find_condition(resource, "Ready") or mapping_at(resource, "status").get("observedGeneration"))


def _explain_status(resource: Object) -> str:
    """Return why a resource is not rolled out by what the operator says of it, or an empty string."""
    seen_generation = mapping_at(resource, "status").get("observedGeneration") or 0
    generation = resource["metadata"].get("generation") or 0
    if seen_generation < generation:
        return f"the operator has seen generation {seen_generation}, not {generation}"
    ready_condition = find_condition(resource, "Ready")
    if ready_condition and ready_condition.get("status") != "True":
        return f"the operator says {ready_condition.get('reason')}: {ready_condition.get('message')}"
    return ""


def _explain_mismatch(resource: Object, live_workloads: list[Object | None], *, trusts_collector_fields: bool) -> str:
    """Return why a workload does not match its resource.

    With `trusts_collector_fields`, the fields of the collector's own workload are not compared: the operator's status
    covers them. It does not cover the target allocator, which another controller creates. Without a status, the fields
    alone show whether the operator has written the current resource.
    """
    for child, workload in zip(list_children(resource), live_workloads, strict=True):
        if workload is None or workload["metadata"].get("deletionTimestamp"):
            return f"{child} does not exist"
        references = workload["metadata"].get("ownerReferences") or []
        owners = [ChildOwner(reference.get("kind"), reference.get("name")) for reference in references]
        if child.owner not in owners:
            return f"{child} has another owner"
        is_collector_itself = child.owner.kind == resource["kind"] == COLLECTOR
        if trusts_collector_fields and is_collector_itself:
            continue
        lacking_field = _find_lacking_field(child, workload)
        if lacking_field:
            return f"{child} does not have the {lacking_field} of the resource yet"
    return ""


def _find_lacking_field(child: Child, workload: Object) -> str:
    """Return a field that a workload does not have as its resource says, or an empty string."""
    template = workload["spec"]["template"]
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    images = [container.get("image") for container in template["spec"].get("containers") or []]
    if child.image and child.image not in images:
        return "image"
    if not child.annotations.items() <= annotations.items():
        return "podAnnotations"
    if child.replicas is not None and child.replicas != workload["spec"].get("replicas"):
        return "replicas"
    return ""
