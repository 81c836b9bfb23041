# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes evicts no pod that two PodDisruptionBudgets select, so a run must not add the second one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...fake_api import FakeApi
from ...live_helpers import obj
from .bundle_helpers import COLLECTOR, NAMESPACE, absent, actions, ours, plain, present

PODS = {"template": {"metadata": {"labels": {**COLLECTOR, "team": "x"}}, "spec": {"containers": []}}}
ALL: dict[str, Any] = {}


def budget(name: str = "a", selector: Any = None, namespace: str = "ns", **more: Any) -> Any:
    chosen = {"matchLabels": COLLECTOR} if selector is None else selector
    return obj(
        "PodDisruptionBudget", name, namespace, api="policy/v1", spec={"selector": chosen, "maxUnavailable": 1}, **more
    )


BUNDLE = [NAMESPACE, plain(**PODS), budget(labels=COLLECTOR)]


@pytest.mark.parametrize(
    ("theirs", "refused"),
    [
        (budget("theirs"), True),
        (budget("theirs", ALL), True),
        (budget("theirs", {"matchExpressions": [{"key": "team", "operator": "In", "values": ["x"]}]}), True),
        (budget("theirs", {"matchExpressions": [{"key": "team", "operator": "In", "values": ["y"]}]}), False),
        (budget("theirs", {"matchLabels": {"app": "other"}}), False),
        (budget("theirs", namespace="other"), False),
    ],
)
def test_a_second_budget_for_the_same_pods_is_refused_before_anything_is_applied(theirs: Any, refused: bool) -> None:
    api = FakeApi(NAMESPACE, theirs)
    if not refused:
        assert actions(present(api, BUNDLE))["PodDisruptionBudget a"] == "created"
        return
    with pytest.raises(Problem, match="PodDisruptionBudget ns/theirs of another owner selects the same pods") as caught:
        present(api, BUNDLE)
    assert "enabled: false" in caught.value.fix
    assert api.sent("PATCH") == []


def test_a_budget_that_exists_is_not_compared_again_and_one_of_ours_gives_way() -> None:
    api = ours(*BUNDLE)
    api.add(budget("theirs"))
    assert actions(present(api, BUNDLE))["PodDisruptionBudget a"] == "unchanged"
    moved = ours(NAMESPACE, plain(**PODS), budget("before", labels=COLLECTOR))
    found = actions(present(moved, BUNDLE, prune_selector="o11y.opentelemetry/collector=a"))
    assert (found["PodDisruptionBudget a"], found["PodDisruptionBudget before"]) == ("created", "pruned")
    assert actions(absent(moved, BUNDLE))["PodDisruptionBudget a"] == "deleted"
