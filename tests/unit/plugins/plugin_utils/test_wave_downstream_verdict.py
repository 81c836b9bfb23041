# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate makes of collectors that get data of a wave: the gateway behind the agents."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.downstream_collectors import (
    SentData,
    select_reads,
)
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_downstream_verdict, _wave_results

from .test_wave_gate import CHANGED, PASSED, UNCHANGED, decided, said

BEFORE, AFTER = _wave_downstream_verdict.HOST_READ_VARIABLES
CLUSTERS_BEFORE, CLUSTERS_AFTER = _wave_downstream_verdict.CLUSTER_READ_VARIABLES
WELL = said(50, 0, 9)


def behind(rounds: list[dict[str, Any]], before: dict[str, Any] | None = None, **gate: Any) -> dict[str, Any]:
    """Return what tasks have left of the gateway behind web1, which has sent 5000 spans before the change."""
    known = before or said(5000, 0, 600, 1, name="gateway")
    after = {"results": [{"item": "gw1", **one} for one in rounds]}
    return {
        "gate": {"behind": select_reads([SentData("web1", "gw1", "gateway")], [], 21), **gate},
        "variables": {BEFORE: {"results": [{"item": "gw1", **known}]}, AFTER: after},
    }


def rounds(good: int, bad: int, failed_before: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Return three readings of the gateway after the change: what it has counted since its start."""
    return [
        said(5000 + good * number, failed_before + bad * number, 600 + 20 * number, 1, name="gateway", **more)
        for number in (1, 2, 3)
    ]


def test_a_gateway_that_does_well_is_named_with_what_it_was_compared() -> None:
    told = decided(WELL, **behind(rounds(50, 0)))["msg"]
    assert " Data: behind the wave, gateway on gw1: compared with the readings before the change; " in told


def test_a_gateway_that_fails_with_the_change_of_its_agents_fails_their_wave() -> None:
    with pytest.raises(Problem) as told:
        decided(WELL, **behind(rounds(0, 50)))
    assert "collectors do worse with the change: behind the wave, gateway on gw1: [exports_fail]" in str(told.value)
    assert "exporters/otlp_grpc: 100 of 100 spans failed" in str(told.value)


def test_a_gateway_that_failed_before_the_change_fails_no_wave() -> None:
    given = behind(rounds(0, 50, 9000), said(5000, 9000, 600, 1, name="gateway"))
    assert "behind the wave, gateway on gw1: compared with" in decided(WELL, **given)["msg"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([{"collectors": [], "unread": "gone"}] * 3, "gone"),
        ([{"collectors": []}] * 3, "it does not run"),
        ([{"collectors": [], "unseen": [{"name": "gateway", "why": "forbidden"}]}] * 3, "forbidden"),
        ([{"collectors": [], "unseen": [{"name": "another", "why": "forbidden"}]}] * 3, "it does not run"),
        ([], "the watch did not run"),
        (rounds(50, 0, release="000009"), "it has changed meanwhile"),
        (rounds(50, 0, written="18"), "it has changed meanwhile"),
    ],
)
def test_a_gateway_that_cannot_be_read_is_told_and_counts_as_missing(answers: Any, why: str) -> None:
    said_so = f"behind the wave, gateway on gw1 was not compared: {why}"
    assert said_so in decided(WELL, **behind(answers))["msg"]
    with pytest.raises(Problem, match="which `without_data` makes a failure: ") as told:
        decided(WELL, **behind(answers, without_data="fail"))
    assert said_so in str(told.value)


def test_a_gateway_without_data_is_told() -> None:
    silent = "behind the wave, gateway on gw1: no data came in, so only restarts were judged"
    assert silent in decided(WELL, **behind(rounds(0, 0)))["msg"]


def test_nothing_is_said_behind_a_wave_in_which_nothing_changed() -> None:
    unchanged = decided(said(50, 0, 9, passed=PASSED), **behind([]), **{_wave_results.APPLIED_TO_HOST: UNCHANGED})
    assert unchanged["msg"].endswith("Data: nothing changed, so nothing was compared.")


def test_a_gateway_in_the_wave_that_changed_is_judged_there() -> None:
    gate = {"behind": select_reads([SentData("web0", "web1", "agent")], [], 21)}
    assert "behind the wave" not in decided(WELL, gate=gate, **{_wave_results.APPLIED_TO_HOST: CHANGED})["msg"]


def test_a_gateway_of_a_cluster_is_judged_behind_hosts() -> None:
    gate = {"behind": select_reads([SentData("web1", "eu", "obs/gateway")], ["eu"], 21)}
    before = {"item": "eu", **said(5000, 0, 600, 1, name="obs/gateway")}
    after = [{"item": "eu", **one} for one in rounds(0, 50)]
    for one in after:
        one["collectors"][0]["name"] = "obs/gateway"
    variables = {CLUSTERS_BEFORE: {"results": [before]}, CLUSTERS_AFTER: {"results": after}}
    with pytest.raises(Problem, match=r"behind the wave, obs/gateway on eu: \[exports_fail\]"):
        decided(WELL, gate=gate, variables=variables)


def test_collectors_that_are_not_read_are_named_by_the_gate() -> None:
    places = select_reads([SentData("web1", f"gw{number}", "gateway") for number in range(7)], [], 21)
    told = decided(WELL, gate={"behind": places})["msg"]
    assert "behind the wave, at most 5 hosts are read, and these are not: gateway on gw5, gateway on gw6; " in told
