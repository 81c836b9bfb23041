# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import (
    invariants,
    planted_records,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.pipeline_stages import name_stage

from tests.support.cases import cases

from .planted_config import CONFIG, PLAN, SPAN

STEPS = {name_stage("traces", number): {"spans": [SPAN]} for number in range(3)}
LINE = {"body": next(iter(PLAN.given_parts[1]["files"].values()))}
LOGS = {name_stage("logs", 0): {"logs": [LINE]}}
ALL: dict[str, Any] = {**STEPS, **LOGS, "a": {"spans": [SPAN], "logs": [LINE]}, "b": {"spans": [SPAN]}}


def judged(**changes: Any) -> tuple[list[str], list[str]]:
    return invariants.judge_invariants(CONFIG, PLAN, {**ALL, **changes}, ("a", "b"))


def test_what_all_exporters_get_is_named_by_place() -> None:
    wrong, notes = judged()
    assert wrong == []
    assert "a: spans.attributes.user.email leaves with an e-mail address" in notes
    assert "b: spans.events[0].attributes.text leaves with an e-mail address, a card number, a token or key" in notes
    assert "a: logs.body leaves with an e-mail address, a card number, a token or key" in notes


def test_what_one_exporter_does_not_get_may_not_leave_by_another() -> None:
    clean = deepcopy(SPAN)
    clean["attributes"].pop("user.email")
    wrong, notes = judged(a={"spans": [clean], "logs": [LINE]})
    assert wrong == [
        "b: spans.attributes.user.email leaves with an e-mail address, which the config stops on its way to a"
    ]
    assert not any("user.email" in note and note.startswith("a: spans") for note in notes)


def test_what_drops_a_record_stops_no_secret() -> None:
    """Another exporter may get what a sampler keeps from this one."""
    wrong, _notes = invariants.judge_invariants(CONFIG, PLAN, {**ALL, "a": {"logs": [LINE]}}, ("b",))
    assert wrong == []


@pytest.mark.parametrize("change", [str.upper, lambda text: f"x{text}"])
def test_a_value_that_moved_or_changed_its_case_is_found(change: Any) -> None:
    email = SPAN["attributes"]["user.email"]
    moved = {**SPAN, "attributes": {change(email): 1}}
    _wrong, notes = judged(a={"spans": [moved], "logs": [LINE]}, b={"spans": [moved]})
    assert any(note.startswith("a: spans.attributes.") and note.endswith("with an e-mail address") for note in notes)


@cases(
    "changes, said",
    (
        {name_stage("traces", 1): {}, name_stage("traces", 2): {}, "a": {"logs": [LINE]}, "b": {}},
        "traces: transform loses 1 of 1 spans",
    ),
    ({name_stage("traces", 0): {}}, "traces: 1 spans are sent, and 0 come in"),
    ({name_stage("traces", 0): {"spans": [SPAN, SPAN]}}, "traces: 1 spans are sent, and 2 come in"),
    ({"b": {}}, "b: 0 spans arrive of 1"),
    ({"b": {"spans": [SPAN, SPAN]}}, "b: 2 spans arrive of 1"),
    ({name_stage("traces", 2): {"spans": [SPAN, SPAN]}}, "traces: filter makes 2 spans of 1"),
)
def test_what_is_lost_or_made_up_is_said(changes: Any, said: str) -> None:
    assert said in judged(**changes)[0]


def test_a_filter_may_drop_and_is_named() -> None:
    wrong, notes = judged(**{name_stage("traces", 2): {}, "a": {"logs": [LINE]}, "b": {}})
    assert wrong == []
    assert "traces: filter drops 1 of 1 spans" in notes


def test_a_line_that_is_not_read_is_said() -> None:
    wrong, notes = judged(**{name_stage("logs", 0): {}, "a": {"spans": [SPAN]}})
    assert (wrong, "logs: the planted line of file_log is not read; write a test with `files`" in notes) == ([], True)


@pytest.mark.parametrize(("kind", "followed"), [("forward", True), ("round_robin", False)])
def test_records_are_followed_through_connectors(kind: str, followed: bool) -> None:
    config = {
        "receivers": {"otlp": {}},
        "service": {
            "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": [kind]},
                "traces/2": {"receivers": [kind], "exporters": ["a"]},
                "profiles": {"receivers": ["otlp"], "exporters": ["c"]},
            }
        },
        "connectors": {kind: {}},
    }
    planned = planted_records.plant_records(config)
    got = {name_stage("traces", 0): {"spans": [SPAN]}, "a": {"spans": [SPAN]}}
    wrong, notes = invariants.judge_invariants(config, planned, got, ("a", "c"))
    assert (f"{kind} passes none of 1 spans on" in notes) is followed
    assert ("traces/2: no record is followed here" in notes) is not followed
    assert ("a: 1 spans arrive of 0" in wrong) is followed
    assert "profiles: no record is followed here" in notes
