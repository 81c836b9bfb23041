# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of all objects that the operator makes of an OpenTelemetryCollector. Private.

The operator overwrites an object that has one of these names already, whoever owns it. So a run refuses such names
before it applies a collector. For example, a collector `agent` of mode deployment has a Service
`agent-collector-headless`. Sources: Build in the operator's internal/manifests/collector and
internal/manifests/targetallocator, 0.152 to 0.158.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .._otelcol.config.paths import value_at
from .._otelcol.kube.objects import ObjectRef, controlling_owner
from .._otelcol.kube.operator_names import child_name, operator_labels
from .operator_status import ALLOCATOR, COLLECTOR, KINDS, Object, list_children

BUDGET = "PodDisruptionBudget"
# What the names of objects add to the name of the collector: those of the collector, and those of its target allocator.
_COLLECTOR_SUFFIX = "-collector"
_ALLOCATOR_SUFFIX = "-targetallocator"
_SERVICES = (
    _COLLECTOR_SUFFIX,
    f"{_COLLECTOR_SUFFIX}-headless",
    f"{_COLLECTOR_SUFFIX}-monitoring",
    f"{_COLLECTOR_SUFFIX}-extension",
)
# The modes of collectors whose pods get a PodDisruptionBudget.
_BUDGETED_MODES = ("deployment", "statefulset")
# The strategies of target allocators whose pods get none.
_UNBUDGETED_STRATEGIES = ("least-weighted",)
_ALLOCATOR_LABELS = {"app.kubernetes.io/component": "opentelemetry-targetallocator"}
_PART_OF_LABELS = {"app.kubernetes.io/part-of": "opentelemetry"}


class _MadeObjects(NamedTuple):
    """Objects of one kind that the operator makes beside the workloads."""

    kind: str
    name_suffixes: tuple[str, ...]
    """What the name of each adds to that of the collector."""
    is_made: Callable[[Object], bool]
    """Whether the operator makes them, by the spec of the collector."""


def _collector_mode(spec: Object) -> str:
    """Return the mode of a collector: `deployment` by default."""
    return str(spec.get("mode") or "deployment")


def _has_workload(spec: Object) -> bool:
    """Return whether a collector has a workload of its own; a sidecar has none."""
    return _collector_mode(spec) in KINDS


def _has_budget(spec: Object) -> bool:
    return _collector_mode(spec) in _BUDGETED_MODES


def _has_autoscaler(spec: Object) -> bool:
    return bool(spec.get("autoscaler"))


def _has_allocator(spec: Object) -> bool:
    return bool(value_at(spec, ("targetAllocator", "enabled")))


def _has_allocator_budget(spec: Object) -> bool:
    return _has_allocator(spec) and spec["targetAllocator"].get("allocationStrategy") not in _UNBUDGETED_STRATEGIES


# For a resource as this collection writes it, which names ServiceAccounts and asks for no Ingress, NetworkPolicy or
# monitor. The name of the collector's ConfigMap ends with the hash of what it holds, so others do not have it.
_MADE_OBJECTS = (
    # Each row: the kind, what the name of each object adds to that of the collector, and whether they are made.
    _MadeObjects("Service", _SERVICES, _has_workload),
    _MadeObjects(BUDGET, (_COLLECTOR_SUFFIX,), _has_budget),
    _MadeObjects("HorizontalPodAutoscaler", (_COLLECTOR_SUFFIX,), _has_autoscaler),
    _MadeObjects(ALLOCATOR, ("",), _has_allocator),
    _MadeObjects("ConfigMap", (_ALLOCATOR_SUFFIX,), _has_allocator),
    _MadeObjects("Service", (_ALLOCATOR_SUFFIX,), _has_allocator),
    _MadeObjects(BUDGET, (_ALLOCATOR_SUFFIX,), _has_allocator_budget),
)


def list_made_objects(resource: Object) -> list[ObjectRef]:
    """Return the names of all objects that the operator makes of a collector: workloads, then the others."""
    metadata, spec = resource["metadata"], resource.get("spec") or {}
    namespace, name = str(metadata.get("namespace") or ""), metadata["name"]
    refs = [ObjectRef(child.kind, child.namespace, child.name) for child in list_children(resource)]
    for row in _MADE_OBJECTS:
        if row.is_made(spec):
            refs += [ObjectRef(row.kind, namespace, child_name(name, suffix)) for suffix in row.name_suffixes]
    return refs


def is_made_for(resource: Object, live_object: Object) -> bool:
    """Return whether the operator has made an object for this collector, or for an earlier one of its name."""
    owner = controlling_owner(live_object) or {}
    return owner.get("kind") in (COLLECTOR, ALLOCATOR) and owner.get("name") == resource["metadata"]["name"]


def map_budget_labels(resource: Object) -> dict[ObjectRef, dict[str, str]]:
    """Return the PodDisruptionBudgets that the operator makes of a collector, with the labels of their pods.

    The operator makes them even if the resource has no budget; they then have the operator's default.
    """
    labels = {**(resource["metadata"].get("labels") or {}), **operator_labels(resource), **_PART_OF_LABELS}
    labels_by_budget = {}
    for child in list_made_objects(resource):
        if child.kind == BUDGET:
            is_of_collector = child.name.endswith(_COLLECTOR_SUFFIX)
            labels_by_budget[child] = labels if is_of_collector else {**labels, **_ALLOCATOR_LABELS}
    return labels_by_budget
