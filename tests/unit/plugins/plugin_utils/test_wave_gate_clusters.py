# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate makes of what clusters have said: which collectors are watched and compared, and what went back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_figures, _wave_gate, _wave_results

from .test_wave_gate import BACK, said

(_hosts, (REST_FIRST, REST_LAST)) = _wave_figures.LATER_WAVE_VARIABLES
OF_CLUSTER, AFTER, BEFORE = _wave_results.APPLIED_TO_CLUSTER, _wave_results.READ_AFTER, _wave_results.READ_BEFORE
PASSED = {"wave": "first", "verdict": "passed"}
RENDERED = {
    "workloads": [
        {"kind": "Deployment", "namespace": "obs", "name": "agent"},
        {"kind": "OpenTelemetryCollector", "namespace": "obs", "name": "beside"},
    ],
    "sidecars": [{"namespace": "obs", "name": "beside"}],
}
CHANGED, UNCHANGED = {"changed": True, "kept_records": {"obs/agent": "run"}}, {"changed": False, "kept_records": {}}


def read(good: int, bad: int, seconds: int = 9, readings: int = 14, **more: Any) -> dict[str, Any]:
    """Return what module collector_wave returns."""
    name = more.pop("name", "obs/agent")
    return {**said(good, bad, seconds, readings, name=name, release="abc", **more), "taken": []}


def member(after: Any, applied: Any = CHANGED, **more: Any) -> dict[str, Any]:
    known = {_wave_results.RENDERED: RENDERED, OF_CLUSTER: applied, BEFORE: read(50, 0, readings=1)}
    return {**known, **({} if after is None else {AFTER: after}), **more}


def rest(good: int, bad: int, name: str = "obs/agent") -> dict[str, Any]:
    both = [read(good, bad, 9, 1, name=name), read(2 * good, 2 * bad, 60, 1, name=name)]
    first, last = ({"results": [{"item": "us", **one}]} for one in both)
    return {REST_FIRST: first, REST_LAST: last}


def decided(eu: dict[str, Any], others: dict[str, Any], without_data: str = "pass") -> dict[str, Any]:
    """Return what the gate says of the cluster eu, the one member of the first wave; us is in the second one."""
    wave = {"lost": [], "max_failed": 0, "watch_seconds": 42.0, "without_data": without_data, **BACK}
    planned = {
        "hosts": ["eu", "us"],
        "wave_of": {"eu": "first", "us": "last"},
        "samples": ["eu", "us"],
        "waves": [{**wave, "name": "first"}, {**wave, "name": "last"}],
    }
    variables = {"hostvars": {"eu": eu, "us": {}}, "ansible_play_hosts": ["eu", "us"], **others}
    return _wave_gate.judge_wave(planned, "first", variables, check_mode=False)


def test_clusters_are_compared_with_those_of_later_waves_and_with_themselves_before() -> None:
    found = decided(member(read(50, 0)), rest(50, 0), "fail")
    assert "obs/agent on eu: compared with us and the readings before the change" in found["msg"]
    assert found["passed"] == {"eu": [{"name": "obs/agent", "release": "abc", "written": "17", "sum": "abc"}]}


@pytest.mark.parametrize("others", [rest(50, 0), {}, {REST_FIRST: {}, REST_LAST: {}}])
def test_a_cluster_that_does_worse_fails_its_wave(others: dict[str, Any]) -> None:
    with pytest.raises(Problem, match=r"obs/agent on eu: \[exports_fail\]"):
        decided(member(read(0, 50)), others)


def test_a_collector_of_the_same_name_in_another_namespace_is_its_like() -> None:
    found = decided(member(read(50, 0)), rest(50, 0, "obs-us/agent"))
    assert "compared with us and" in found["msg"]
    assert "compared with us" not in decided(member(read(50, 0)), rest(50, 0, "obs/agents"))["msg"]
    assert "compared with us" not in decided(member(read(50, 0)), rest(50, 0, "agent"))["msg"], "a service of a host"


@pytest.mark.parametrize(
    ("eu", "why"),
    [
        (member(None), "eu was not read: the watch did not run"),
        (member({"collectors": [], "unread": "forbidden"}), "eu was not read: forbidden"),
        (member({"collectors": [], "taken": ["obs/agent"]}), "obs/agent on eu was changed by another run"),
        (member({"collectors": [], "taken": []}), "obs/agent on eu does not run"),
        (
            member({"collectors": [], "unseen": [{"name": "obs/agent", "why": "forbidden"}]}),
            "obs/agent on eu was not read: forbidden",
        ),
        (member(read(0, 0), **{BEFORE: read(0, 0, readings=1)}), "obs/agent on eu: no data came in"),
    ],
)
def test_a_cluster_without_data_is_missing(eu: dict[str, Any], why: str) -> None:
    assert why in decided(eu, {})["msg"]
    with pytest.raises(Problem, match="which `without_data` makes a failure: ") as told:
        decided(eu, {}, "fail")
    assert why in str(told.value)


def test_pods_with_a_sidecar_belong_to_applications_and_are_missed_by_nobody() -> None:
    assert "beside" not in decided(member(read(50, 0)), {}, "fail")["msg"]


@pytest.mark.parametrize(
    ("applied", "passed", "seconds"),
    [(CHANGED, PASSED, 60), (UNCHANGED, PASSED, 0), (UNCHANGED, {}, 60), ({**CHANGED, "failed": True}, PASSED, 60)],
)
def test_clusters_are_watched_that_changed_or_have_not_passed(applied: Any, passed: Any, seconds: float) -> None:
    eu = member(None, applied, **{BEFORE: read(1, 0, readings=1, passed=passed)})
    assert _wave_results.choose_watch_seconds(60, eu) == seconds
    assert _wave_results.choose_watch_seconds(60, {**eu, _wave_results.FAILURE: {"task": "Apply"}}) == 0


def test_a_cluster_on_which_nothing_was_applied_is_not_watched() -> None:
    assert _wave_results.choose_watch_seconds(60, {_wave_results.RENDERED: RENDERED}) == 0
