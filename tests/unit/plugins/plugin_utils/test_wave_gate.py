# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gate makes of what hosts have said: who is watched, what is compared, who goes back."""

from __future__ import annotations

import getpass
import os
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.action import wave_plan
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _wave_figures, _wave_gate, _wave_results
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._wave_samples import count_samples

((REST_FIRST, REST_LAST), _clusters) = _wave_figures.LATER_WAVE_VARIABLES
SECRET = "a-secret-of-this-test"
CONFIG = f"""
receivers: {{otlp: {{protocols: {{grpc: {{}}}}}}}}
exporters: {{otlp_grpc: {{endpoint: "gateway:4317", headers: {{authorization: Bearer {SECRET}}}}}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_grpc]}}}}}}
"""
BACK = {"goes_back": ["first"], "settles": ["first"]}
PASSED = {"wave": "first", "verdict": "passed"}
ROW = {"item": "agent", "release": "000002", "written": "17"}
CHANGED = {"changed": True, "results": [{**ROW, "changed": True, "undecided": "000001"}]}
INSTALLED = {"changed": True, "results": [{**ROW, "changed": True, "undecided": "nothing"}]}
UNCHANGED = {"changed": False, "results": [{**ROW, "changed": False, "undecided": ""}]}


def said(good: int, bad: int, seconds: int, readings: int = 14, **more: Any) -> dict[str, Any]:
    """Return what module host_wave returns of a collector that counts so many spans between two readings."""
    polls = []
    for number in range(readings):
        text = "\n".join(
            (
                f'otelcol_receiver_accepted_spans{{receiver="otlp"}} {(good + bad) * (number + 1)}',
                f'otelcol_exporter_sent_spans{{exporter="otlp_grpc"}} {good * (number + 1)}',
                f'otelcol_exporter_send_failed_spans{{exporter="otlp_grpc"}} {bad * (number + 1)}',
                f"otelcol_process_uptime {seconds + 3 * number}",
            )
        )
        polls.append({"at": 3.0 * number, "restarts": 0, "text": text, "why": ""})
    release = {"release": "000002", "written": "17", "sum": "abc", "passed": {}}
    one = {"name": "agent", **release, "config": CONFIG, "polls": polls, **more}
    return {"collectors": count_samples([one], 1_800_000_000.0)}


def rest(good: int, bad: int) -> dict[str, Any]:
    both = [said(good, bad, 9, 1), said(2 * good, 2 * bad, 60, 1)]
    first, last = ({"results": [{"item": "web2", **one}]} for one in both)
    return {REST_FIRST: first, REST_LAST: last}


def goes_back(*releases: dict[str, str]) -> dict[str, Any]:
    """Return the facts of a wave whose one host brings its agent back to a release."""
    row = {"member": "web1", "name": "agent", "undoes": "000002", "written": "17"}
    share = {"services": [{**row, **one} for one in releases], "clusters": []}
    return {"shares": {"web1": share} if releases else {}}


def decided(after: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return what the gate says of web1, the one host of the first wave; web2 is the second one."""
    wave = {"name": "first", "lost": [], "max_failed": 0, "watch_seconds": 21.0, "without_data": "pass", **BACK}
    planned = {
        "hosts": ["web1", "web2"],
        "wave_of": {"web1": "first", "web2": "last"},
        "samples": ["web1", "web2"],
        "waves": [{**wave, **more.pop("gate", {})}, {**wave, "name": "last"}],
    }
    registered = more.pop("variables", {})
    web1 = {
        _wave_results.READ_AFTER: after,
        _wave_results.APPLIED_TO_HOST: CHANGED,
        _wave_results.READ_BEFORE: said(50, 0, 9, 1),
        **more,
    }
    variables = {"hostvars": {"web1": web1, "web2": {}}, "ansible_play_hosts": ["web1", "web2"]}
    variables |= {**rest(50, 0), **registered}
    return _wave_gate.judge_wave(planned, "first", variables, check_mode=False)


def test_a_wave_that_works_says_with_what_it_was_compared() -> None:
    assert decided(said(50, 0, 9))["msg"] == (
        "Wave first passed: 1 host, collectors changed on 1 (web1). Data: agent on web1: compared with web2 and the"
        " readings before the change."
    )


def test_a_wave_that_does_worse_fails_and_names_what_goes_back() -> None:
    with pytest.raises(Problem, match=r"agent on web1: \[exports_fail\] exporters/otlp_grpc: .* failed") as told:
        decided(said(0, 50, 9))
    assert told.value.facts == goes_back({"release": "000001"})


def test_what_this_run_did_not_change_is_not_said_to_be_worse_with_the_change() -> None:
    with pytest.raises(Problem, match="collectors do badly, which this run did not change: agent on web1"):
        decided(
            said(0, 50, 9), **{_wave_results.APPLIED_TO_HOST: UNCHANGED, _wave_results.READ_BEFORE: said(0, 50, 9, 1)}
        )


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_name() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", no_name)
    assert wave_plan._find_user_name() == f"uid {os.getuid()}"


def test_a_host_that_failed_after_its_collector_changed_goes_back() -> None:
    results = [{**ROW, "changed": True, "failed": True, "undecided": "000001"}]
    failed = {_wave_results.APPLIED_TO_HOST: {"changed": True, "results": results}, _wave_results.FAILURE: FAILED}
    with pytest.raises(Problem, match="1 of 1 host failed, and none may: web1: Deploy: boom") as told:
        decided(said(50, 0, 9), **failed)
    assert told.value.facts == goes_back({"release": "000001"})


def test_a_first_install_goes_back_to_nothing_by_name() -> None:
    with pytest.raises(Problem, match="exports_fail") as told:
        decided(said(0, 50, 9), **{_wave_results.APPLIED_TO_HOST: INSTALLED})
    assert told.value.facts == goes_back({"release": "nothing"})


def test_a_change_of_an_earlier_run_that_passed_no_wave_is_judged_without_its_own_past() -> None:
    with pytest.raises(Problem, match="exports_fail") as told:
        decided(
            said(0, 50, 9), **{_wave_results.APPLIED_TO_HOST: UNCHANGED, _wave_results.READ_BEFORE: said(0, 50, 9, 1)}
        )
    assert told.value.facts == goes_back()


def test_what_has_passed_and_did_not_change_is_not_judged() -> None:
    passed = decided(said(0, 50, 9, passed=PASSED), **{_wave_results.APPLIED_TO_HOST: UNCHANGED})
    assert passed["msg"].endswith("Data: nothing changed, so nothing was compared.")


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (said(0, 0, 9), "no data came in, so only restarts were judged"),
        ({"collectors": [], "unread": "gone"}, "web1 was not read: gone"),
    ],
)
def test_a_wave_without_data_counts_as_the_inventory_says(after: dict[str, Any], why: str) -> None:
    assert why in decided(after)["msg"]
    with pytest.raises(Problem, match="which `without_data` makes a failure: ") as told:
        decided(after, gate={"without_data": "fail"})
    assert why in str(told.value)


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({_wave_results.APPLIED_TO_HOST: CHANGED, _wave_results.READ_BEFORE: said(1, 0, 9, 1, passed=PASSED)}, 60),
        ({_wave_results.APPLIED_TO_HOST: UNCHANGED, _wave_results.READ_BEFORE: said(1, 0, 9, 1, passed=PASSED)}, 0),
        ({_wave_results.APPLIED_TO_HOST: UNCHANGED, _wave_results.READ_BEFORE: said(1, 0, 9, 1)}, 60),
        ({_wave_results.APPLIED_TO_HOST: CHANGED, _wave_results.FAILURE: {"task": "Deploy"}}, 0),
        ({_wave_results.APPLIED_TO_HOST: UNCHANGED}, 60),
        (
            {_wave_results.APPLIED_TO_HOST: UNCHANGED, _wave_results.READ_BEFORE: {"collectors": [], "unread": "gone"}},
            60,
        ),
        ({_wave_results.READ_BEFORE: said(1, 0, 9, 1)}, 0),
        ({}, 0),
    ],
)
def test_hosts_are_watched_that_changed_or_have_not_passed(variables: dict[str, Any], seconds: float) -> None:
    assert _wave_results.choose_watch_seconds(60, variables) == seconds


FAIL = {"without_data": "fail"}
FAILED = {"task": "Deploy", "result": {"msg": "boom"}}
READ = {
    _wave_results.READ_AFTER: said(50, 0, 9),
    _wave_results.APPLIED_TO_HOST: CHANGED,
    _wave_results.READ_BEFORE: said(50, 0, 9, 1),
}


def decided_two(second: dict[str, Any], *, max_failed: int = 0, samples: tuple[str, ...] = ("web1", "web2")) -> Any:
    """Return what the gate says of a wave that must have data, whose first host is well."""
    wave = {"name": "first", "lost": [], "max_failed": max_failed, "watch_seconds": 21.0, **BACK, **FAIL}
    planned = {
        "hosts": ["web1", "web2", "web3"],
        "wave_of": {"web1": "first", "web2": "first", "web3": "last"},
        "samples": list(samples),
        "waves": [wave, {**wave, "name": "last"}],
    }
    hostvars = {"web1": READ, "web2": second, "web3": {}}
    variables = {"hostvars": hostvars, "ansible_play_hosts": [*hostvars], "groups": {"otel_linux": [*hostvars]}}
    return _wave_gate.judge_wave(planned, "first", {**variables, **rest(50, 0)}, check_mode=False)


def test_the_changes_of_the_last_wave_stay_before_the_run_tells_a_host_that_was_allowed_to_fail() -> None:
    wave = {"name": "first", "lost": [], "max_failed": 1, "watch_seconds": 0, **BACK, **FAIL}
    planned = {"hosts": ["web1", "web2"], "wave_of": dict.fromkeys(["web1", "web2"], "first"), "waves": [wave]}
    hostvars = {"web1": READ, "web2": {_wave_results.FAILURE: FAILED}}
    variables = {"hostvars": hostvars, "ansible_play_hosts": [*hostvars]}
    assert (
        _wave_gate.judge_wave(planned, "first", variables, check_mode=False)["shares"]
        == goes_back({"release": "000001"})["shares"]
    )
    with pytest.raises(Problem, match="all waves passed, but 1 host failed: web2: Deploy: boom"):
        _wave_gate.conclude_run(planned, variables)
    well = {**variables, "hostvars": {"web1": READ, "web2": READ}}
    assert _wave_gate.conclude_run(planned, well)["msg"] == "All waves passed, and no host failed."


def test_a_wave_with_data_of_all_passes() -> None:
    assert "compared with web2" in decided_two(READ)["msg"]


@pytest.mark.parametrize(
    ("second", "why"),
    [
        ({_wave_results.FAILURE: FAILED}, "web2 failed, so it was not compared"),
        ({**READ, _wave_results.READ_AFTER: {"collectors": [], "unread": "gone"}}, "web2 was not read: gone"),
        ({_wave_results.APPLIED_TO_HOST: CHANGED}, "web2 was not read: the watch did not run"),
        ({**READ, _wave_results.READ_AFTER: said(0, 0, 9)}, "no data came in on web2"),
        ({**READ, _wave_results.READ_AFTER: said(50, 0, 9, release="000003")}, "runs release 000003 of another run"),
        # Another run has removed the collector and installed it again, which counts from one number again.
        (
            {**READ, _wave_results.READ_AFTER: said(50, 0, 9, written="18")},
            "runs another release 000002, of another run",
        ),
    ],
)
def test_a_member_without_data_is_missing(second: dict[str, Any], why: str) -> None:
    with pytest.raises(Problem, match="which `without_data` makes a failure: ") as told:
        decided_two(second, max_failed=1)
    assert why in str(told.value)


@pytest.mark.parametrize(("more", "compared"), [({}, True), ({"release": "000003"}, False), ({"written": "18"}, False)])
def test_readings_of_two_releases_are_not_joined(more: dict[str, str], compared: bool) -> None:
    """A collector of a later wave that was installed anew between its readings counts from zero again."""
    later = rest(50, 0)
    (collector,) = later[REST_LAST]["results"][0]["collectors"]
    collector.update(more)
    told = decided(said(50, 0, 9), variables=later)["msg"]
    assert ("compared with web2" in told) is compared


def test_a_host_without_services_is_no_cluster_and_misses_no_data() -> None:
    absent = {_wave_results.APPLIED_TO_HOST: {"changed": True, "results": [{"item": "agent", "changed": True}]}}
    told = decided_two(absent, samples=("web1",))["msg"]
    assert "web2 has no collector to compare, by its `otel_host_state`" in told
    assert "cluster" not in told


def test_a_host_that_failed_is_not_said_to_be_unchanged() -> None:
    failed = {_wave_results.APPLIED_TO_HOST: {"results": []}, _wave_results.FAILURE: FAILED}
    told = decided(said(50, 0, 9), gate={"max_failed": 1}, **failed)["msg"]
    assert told.endswith("Data: web1 failed, so it was not compared.")


NOTED = {"web1": [{"name": "agent", "release": "000002", "written": "17", "sum": "abc"}]}


@pytest.mark.parametrize(
    ("after", "applied", "passed"),
    [
        (said(50, 0, 9), CHANGED, NOTED),
        (said(50, 0, 9), UNCHANGED, NOTED),
        (said(50, 0, 9), {"results": []}, {}),
        (said(50, 0, 9, readings=1), UNCHANGED, {}),
        (said(0, 0, 9), CHANGED, {}),
        (said(50, 0, 9, release="000003"), CHANGED, {}),
        (said(50, 0, 9, written="18"), CHANGED, {}),
        (said(50, 0, 9, passed=PASSED), UNCHANGED, {}),
        ({"collectors": [], "unread": "gone"}, CHANGED, {}),
    ],
)
def test_only_what_this_run_applied_and_data_judged_has_passed(after: Any, applied: Any, passed: Any) -> None:
    assert decided(after, **{_wave_results.APPLIED_TO_HOST: applied})["passed"] == passed


def test_a_secret_of_a_config_stays_in_no_variable() -> None:
    assert SECRET not in str(said(1, 0, 9))
    assert count_samples([{"name": "agent", "config": "a: [", "polls": []}], 0.0)[0]["config"] == {}
