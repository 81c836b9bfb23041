# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator makes of a collector, by names that others may use already. It overwrites what it finds. Private.

Sources: Build in the operator's internal/manifests/collector and internal/manifests/targetallocator, 0.152 to 0.158.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .._otelcol.config.paths import at
from .._otelcol.kube.objects import Ref, controller_of
from .._otelcol.kube.operator_names import child_name, operator_labels
from .operator_status import ALLOCATOR, COLLECTOR, KINDS, Object, children

BUDGET = "PodDisruptionBudget"
_COLLECTOR, _ALLOCATOR = "-collector", "-targetallocator"
_SERVICES = (_COLLECTOR, f"{_COLLECTOR}-headless", f"{_COLLECTOR}-monitoring", f"{_COLLECTOR}-extension")
_BUDGETED, _UNBUDGETED = ("deployment", "statefulset"), ("least-weighted",)
_OF_ALLOCATOR = {"app.kubernetes.io/component": "opentelemetry-targetallocator"}
_PART_OF = {"app.kubernetes.io/part-of": "opentelemetry"}


class _Made(NamedTuple):
    """Objects beside the workloads: their kind, what their names add to that of the collector, and when they are."""

    kind: str
    suffixes: tuple[str, ...]
    when: Callable[[Object], Any]


def _mode(spec: Object) -> str:
    return str(spec.get("mode") or "deployment")


def _allocates(spec: Object) -> bool:
    return bool(at(spec, ("targetAllocator", "enabled")))


def _has_budget(spec: Object) -> bool:
    return _allocates(spec) and spec["targetAllocator"].get("allocationStrategy") not in _UNBUDGETED


# For a resource as this collection writes it, which names ServiceAccounts and asks for no Ingress, NetworkPolicy or
# monitor. The name of the collector's ConfigMap ends with the hash of what it holds, so others do not have it.
_MADE = (
    _Made("Service", _SERVICES, lambda spec: _mode(spec) in KINDS),
    _Made(BUDGET, (_COLLECTOR,), lambda spec: _mode(spec) in _BUDGETED),
    _Made("HorizontalPodAutoscaler", (_COLLECTOR,), lambda spec: spec.get("autoscaler")),
    _Made(ALLOCATOR, ("",), _allocates),
    _Made("ConfigMap", (_ALLOCATOR,), _allocates),
    _Made("Service", (_ALLOCATOR,), _allocates),
    _Made(BUDGET, (_ALLOCATOR,), _has_budget),
)


def made(resource: Object) -> list[Ref]:
    """Return the names of all that the operator makes of a collector."""
    metadata, spec = resource["metadata"], resource.get("spec") or {}
    namespace, name = str(metadata.get("namespace") or ""), metadata["name"]
    refs = [Ref(child.kind, child.namespace, child.name) for child in children(resource)]
    for row in _MADE:
        if row.when(spec):
            refs += [Ref(row.kind, namespace, child_name(name, suffix)) for suffix in row.suffixes]
    return refs


def made_for(resource: Object, live: Object) -> bool:
    """Return whether the operator has made an object for this collector, or for an earlier one of its name."""
    owner = controller_of(live) or {}
    return owner.get("kind") in (COLLECTOR, ALLOCATOR) and owner.get("name") == resource["metadata"]["name"]


def budgets(resource: Object) -> dict[Ref, dict[str, str]]:
    """Return the budgets that the operator makes of a collector, with the labels of their pods.

    It makes them unasked: without a budget in the resource they have its default.
    """
    labels = {**(resource["metadata"].get("labels") or {}), **operator_labels(resource), **_PART_OF}
    labels_of_budget = {}
    for child in made(resource):
        if child.kind == BUDGET:
            is_of_collector = child.name.endswith(_COLLECTOR)
            labels_of_budget[child] = labels if is_of_collector else {**labels, **_OF_ALLOCATOR}
    return labels_of_budget
