# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes without an agent, and why."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.node_coverage import find_uncovered_nodes

CONTROL = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
GPU = {"key": "gpu", "value": "yes", "effect": "NoExecute"}
NONE = "the DaemonSet has no pod there"


def node(*taints: dict[str, str], name: str = "b", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"os": "linux", **labels}}, "spec": {"taints": list(taints)}}


def uncovered(*nodes: dict[str, Any], **spec: Any) -> list[tuple[str, str]]:
    workload = {"spec": {"template": {"spec": {"nodeSelector": {"os": "linux"}, **spec}}}}
    found = find_uncovered_nodes(workload, [{"spec": {"nodeName": "a"}}], [node(name="a"), *nodes])
    return [(row["node"], row["why"]) for row in found]


def test_a_node_with_a_pod_or_that_the_agent_is_not_meant_for_is_covered() -> None:
    fargate = {"eks.amazonaws.com/compute-type": "fargate"}
    assert uncovered(node(os="windows"), node(**fargate), node(type="virtual-kubelet")) == []


def test_a_node_without_a_pod_is_told_with_its_taints() -> None:
    text = "it does not tolerate node-role.kubernetes.io/control-plane:NoSchedule, gpu=yes:NoExecute"
    assert uncovered(node(CONTROL, GPU)) == [("b", text)]
    assert uncovered(node()) == [("b", NONE)]


@pytest.mark.parametrize(
    ("taint", "toleration", "why"),
    [
        (GPU, {"operator": "Exists"}, NONE),
        (GPU, {"operator": "Exists", "effect": "NoSchedule"}, "it does not tolerate gpu=yes:NoExecute"),
        (GPU, {"operator": "Exists", "key": "gpu"}, NONE),
        (GPU, {"key": "gpu", "value": "yes", "effect": "NoExecute"}, NONE),
        (GPU, {"key": "gpu", "value": "no"}, "it does not tolerate gpu=yes:NoExecute"),
        ({"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}, {"key": "other"}, NONE),
        ({"key": "soft", "effect": "PreferNoSchedule"}, {"key": "other"}, NONE),
    ],
    ids=str,
)
def test_tolerations_count_as_kubernetes_counts_them(
    taint: dict[str, str], toleration: dict[str, str], why: str
) -> None:
    assert uncovered(node(taint), tolerations=[toleration]) == [("b", why)]


def test_what_a_node_affinity_leaves_out_is_not_known() -> None:
    assert uncovered(node(), affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}) == []
