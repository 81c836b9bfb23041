# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector costs, each and all."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.fleet_report.costs import cost, totals

from .helpers import Fleet, config

RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1.5", "memory": "1Gi"}}
RULE = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["get", "list"]}


def row(mode: str = "deployment", seen: int | None = None, spec: Any = None, **more: Any) -> dict[str, Any]:
    fleet = Fleet().add("a", config({"debug": {}}), mode, resources=more.pop("resources", RESOURCES), spec=spec or {})
    fleet.object("ClusterRole", "", "obs-a", "a", rules=[RULE])
    fleet.object("ClusterRole", "", "other-a", "a", rules=[RULE, RULE])
    for kind, body in more.items():
        fleet.object(kind, "obs", "a", "a", spec=body)
    return cost(fleet.members()[0], seen)


def test_all_that_it_may_do_and_opens_is_told() -> None:
    found = row()
    assert found["rules"] == ["pods, deployments (apps): get, list"]
    assert (found["ports"], found["iam_actions"]) == (["4317/TCP otlp"], ["xray:PutTraceSegments"])


def test_the_rights_of_its_target_allocator_are_its_own() -> None:
    fleet = Fleet().add("a", config({"debug": {}}))
    fleet.object(
        "ClusterRole", "", "obs-a-targetallocator", "a", rules=[{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    )
    assert cost(fleet.members()[0], None)["rules"] == ["/metrics: get"]


@pytest.mark.parametrize(
    ("found", "pods", "total"),
    [
        (row(spec={"replicas": 3}), "3", "750m"),
        (row(), "1", "250m"),
        (row(seen=2, spec={"replicas": 3}), "2 running, 3", "500m"),
        (row("daemonset", seen=8), "8 running, one on every node", "2"),
        (row(HorizontalPodAutoscaler={"minReplicas": 2, "maxReplicas": 6}), "2 to 6", "1.5"),
        (row(spec={"autoscaler": {"minReplicas": 1, "maxReplicas": 2}}), "1 to 2", "500m"),
    ],
)
def test_requests_are_multiplied_by_the_pods(found: dict[str, Any], pods: str, total: str) -> None:
    assert (found["pods"], found["total"]["cpu_request"]) == (pods, total)


def test_nobody_knows_how_many_nodes_there_are() -> None:
    found = row("daemonset")
    assert (found["pods"], found["total"]) == ("one on every node", {})
    assert found["shown"]["memory_limit"] == "1 GiB"


def test_a_custom_resource_says_what_its_pods_get() -> None:
    fleet = Fleet().add("a", config({"debug": {}}), custom={"resources": RESOURCES, "replicas": 2})
    assert cost(fleet.members()[0], None)["total"]["memory_request"] == "1 GiB"


def test_what_is_no_quantity_costs_nothing_that_is_known() -> None:
    found = row(resources={"requests": {"cpu": "many", "memory": "much"}})
    assert found["shown"] == {
        "cpu_request": "\N{EN DASH}", "memory_request": "\N{EN DASH}",
        "cpu_limit": "no limit", "memory_limit": "no limit",
    }  # fmt: skip


def test_totals_leave_out_whose_pods_are_not_known_and_say_so() -> None:
    found = totals([row(spec={"replicas": 2}), row("daemonset"), row(resources={"requests": {"cpu": "1"}})])
    assert found == {
        "cpu_request": "1.5", "memory_request": "1 GiB",
        "cpu_limit": "no limit", "memory_limit": "no limit", "unknown": "1",
    }  # fmt: skip
