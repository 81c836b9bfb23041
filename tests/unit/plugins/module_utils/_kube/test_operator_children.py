# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator makes of a collector. The lists are those of the operator 0.158 on a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.operator_children import (
    list_made_objects,
    map_budget_labels,
)

SERVICES = ["Service a-collector", "Service a-collector-extension", "Service a-collector-headless"]
SERVICES += ["Service a-collector-monitoring"]
BUDGET, SCALER = "PodDisruptionBudget a-collector", "HorizontalPodAutoscaler a-collector"
ALLOCATOR = ["ConfigMap a-targetallocator", "Deployment a-targetallocator", "Service a-targetallocator"]
ALLOCATOR += ["TargetAllocator a"]
ALLOCATOR_BUDGET = "PodDisruptionBudget a-targetallocator"


def allocated(mode: str, strategy: str) -> dict[str, Any]:
    return {"mode": mode, "targetAllocator": {"enabled": True, "allocationStrategy": strategy}}


def resource(spec: Any) -> dict[str, Any]:
    metadata = {"name": "a", "namespace": "ns", "labels": {"team": "x"}}
    return {"kind": "OpenTelemetryCollector", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ["Deployment a-collector", BUDGET, *SERVICES]),
        (
            {"mode": "deployment", "autoscaler": {"maxReplicas": 3}},
            ["Deployment a-collector", SCALER, BUDGET, *SERVICES],
        ),
        ({"mode": "daemonset"}, ["DaemonSet a-collector", *SERVICES]),
        ({"mode": "sidecar"}, []),
        ({"mode": "statefulset"}, ["StatefulSet a-collector", BUDGET, *SERVICES]),
        (
            allocated("statefulset", "consistent-hashing"),
            ["StatefulSet a-collector", BUDGET, *SERVICES, *ALLOCATOR, ALLOCATOR_BUDGET],
        ),
        (
            allocated("statefulset", "least-weighted"),
            ["StatefulSet a-collector", BUDGET, *SERVICES, *ALLOCATOR],
        ),
        (allocated("daemonset", "per-node"), ["DaemonSet a-collector", *SERVICES, *ALLOCATOR, ALLOCATOR_BUDGET]),
    ],
)
def test_what_a_resource_asks_for_is_made(spec: Any, expected: list[str]) -> None:
    found = list_made_objects(resource(spec))
    assert sorted(f"{one.kind} {one.name}" for one in found) == sorted(expected)
    assert {one.namespace for one in found} <= {"ns"}


def test_budgets_select_the_pods_of_the_collector_and_of_its_allocator() -> None:
    common = {
        "team": "x",
        "app.kubernetes.io/managed-by": "opentelemetry-operator",
        "app.kubernetes.io/instance": "ns.a",
        "app.kubernetes.io/part-of": "opentelemetry",
    }
    assert {
        one.name: labels
        for one, labels in map_budget_labels(resource(allocated("statefulset", "consistent-hashing"))).items()
    } == {
        f"a-{part}": {**common, "app.kubernetes.io/component": f"opentelemetry-{part}"}
        for part in ("collector", "targetallocator")
    }
