# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.workload import (
    horizontal_pod_autoscaler,
    pod_disruption_budget,
)

from ..helpers import METADATA, SELECTOR, build

BOUNDS = {"min_replicas": 1, "max_replicas": 3}


def metric(name: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def test_an_autoscaler_follows_cpu_and_memory() -> None:
    one = build(autoscaling={**BOUNDS, "cpu_percent": 80, "memory_percent": 70, "behavior": {"scaleDown": {}}})
    assert horizontal_pod_autoscaler(one) == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": METADATA,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"},
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [metric("cpu", 80), metric("memory", 70)],
            "behavior": {"scaleDown": {}},
        },
    }


@pytest.mark.parametrize(
    ("more", "metrics"),
    [
        ({"cpu_percent": 80, "memory_percent": None}, [metric("cpu", 80)]),
        ({"memory_percent": 7}, [metric("memory", 7)]),
    ],
)
def test_an_autoscaler_follows_only_what_it_is_told(more: dict[str, Any], metrics: list[Any]) -> None:
    spec = horizontal_pod_autoscaler(build(autoscaling={**BOUNDS, **more}))["spec"]  # type: ignore[index]
    assert spec["metrics"] == metrics
    assert "behavior" not in spec


def test_an_autoscaler_finds_a_statefulset() -> None:
    one = horizontal_pod_autoscaler(build(mode="statefulset", autoscaling=BOUNDS))
    assert one is not None
    assert one["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"


def test_bounds_that_are_crossed_are_refused() -> None:
    with pytest.raises(Problem, match=r"'gateway' has min_replicas 4 above max_replicas 3\. Swap or raise them\."):
        horizontal_pod_autoscaler(build(autoscaling={"min_replicas": 4, "max_replicas": 3}))


def test_bounds_may_be_the_same() -> None:
    assert horizontal_pod_autoscaler(build(autoscaling={"min_replicas": 3, "max_replicas": 3})) is not None


@pytest.mark.parametrize(
    ("options", "budget"),
    [
        ({"min_available": 1}, {"minAvailable": 1}),
        ({"min_available": 0}, {"minAvailable": 0}),
        ({"max_unavailable": "25%", "min_available": None}, {"maxUnavailable": "25%"}),
    ],
)
def test_a_budget_protects_the_pods(options: dict[str, Any], budget: dict[str, Any]) -> None:
    assert pod_disruption_budget(build(disruption_budget=options)) == {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": METADATA,
        "spec": {"selector": {"matchLabels": SELECTOR}, **budget},
    }


def test_a_budget_says_one_thing() -> None:
    with pytest.raises(Problem, match=r"'gateway' has both min_available and max_unavailable.*takes one of them"):
        pod_disruption_budget(build(disruption_budget={"min_available": 1, "max_unavailable": 1}))


def test_there_is_none_of_them_when_none_is_asked_for() -> None:
    assert horizontal_pod_autoscaler(build()) is None
    assert pod_disruption_budget(build()) is None
