# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eks_addon_info waits for an add-on that another owner manages."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._identity.live.call_errors import AnsibleCallError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.addon.addon_issues import ADVICE_BY_CODE
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.testbed.aws.world import Stage

from ..._identity.live.runs import Runs


def test_an_addon_of_others_is_waited_for_without_a_change() -> None:
    runs = Runs.with_addon()
    starting = ("InsufficientNumberOfReplicas",)
    runs.stages(Stage("CREATING", 60), Stage("DEGRADED", 60, issues=starting), Stage("ACTIVE"))
    runs.changing()
    began = runs.clock()
    result = runs.follow()
    assert (result["changed"], result["addons"][0]["status"]) == (False, "ACTIVE")
    assert 120 <= runs.clock() - began < 150
    assert runs.follow(wait=False)["addons"][0]["status"] == "ACTIVE"
    assert runs.changing() == []


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        (Stage("DEGRADED", issues=("ConfigurationConflict",)), ADVICE_BY_CODE["ConfigurationConflict"].fix),
        (Stage("DEGRADED", issues=("AccessDenied",)), "it has been degraded for"),
        (Stage("CREATE_FAILED", issues=("AccessDenied",)), "The owner of the add-on has to try again"),
        (Stage("CREATING"), "still CREATING after 600 s"),
        (Stage("DELETING"), "another user removed it, or is removing it"),
    ],
)
def test_the_wait_for_an_addon_of_others_fails_with_its_issues(stage: Stage, told: str) -> None:
    runs = Runs.with_addon()
    runs.stages(stage)
    with pytest.raises(Problem, match=r"^Wait for the add-on adot of the cluster prod") as raised:
        runs.follow(wait_timeout=600)
    text = str(raised.value)
    assert told in text
    assert "update_timeout_seconds" not in text
    assert ("wait_timeout" in text) is (stage.status == "CREATING")
    assert "warned" in runs.follow(check=True), "check mode waits for nothing"


def test_an_addon_that_nobody_creates_is_named_in_time_and_a_wrong_cluster_at_once() -> None:
    runs = Runs()
    with pytest.raises(Problem, match=r"still ABSENT after 60 s.*Check the name and the region"):
        runs.follow(wait_timeout=60)
    began = runs.clock()
    with pytest.raises(AnsibleCallError):
        runs.follow(cluster_name="nowhere")
    assert runs.clock() - began < 10
