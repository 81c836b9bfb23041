# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of waves and alerts note for each other: which record counts, and what is no record."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._alerts.run_records import (
    ELSEWHERE_SECONDS,
    Stop,
    WaveRun,
    check_stop,
    is_under_way,
    parse_record,
    record_to_dict,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

RUN = WaveRun("here", 7, "start", 100.0, 200.0, "first", ["web1"])
STOP = Stop("OtelCollectorDown", "agent", "web1", 150.0)


@pytest.mark.parametrize("record", [RUN, STOP])
def test_a_record_comes_back_as_it_was(record: Any) -> None:
    assert parse_record(type(record), record_to_dict(record), "file") == record


@pytest.mark.parametrize(
    ("record", "field", "wrong"),
    [
        (RUN, "hosts", "web1"),
        (RUN, "hosts", [1]),
        (RUN, "pid", "7"),
        (RUN, "pid", True),
        (RUN, "wave_begun", True),
        (STOP, "at", None),
        (STOP, "at", math.nan),
        (STOP, "at", math.inf),
        (STOP, "at", 1e300),
        (STOP, "alert", 1),
    ],
)
def test_what_is_no_record_is_named(record: Any, field: str, wrong: Any) -> None:
    with pytest.raises(Problem, match=f"`{field}` is missing or of another type \\(at stop.json\\)"):
        parse_record(type(record), {**record_to_dict(record), field: wrong}, "stop.json")
    with pytest.raises(Problem):
        parse_record(type(record), [], "stop.json")


def test_a_run_of_this_machine_goes_on_as_long_as_its_process() -> None:
    assert is_under_way(RUN, "here", "start", current_time=10_000_000)
    assert not is_under_way(RUN, "here", "another start", current_time=201)
    assert not is_under_way(RUN, "here", "", current_time=201)


def test_a_run_of_another_machine_is_taken_for_ended_some_time() -> None:
    assert is_under_way(RUN, "there", "", current_time=200 + ELSEWHERE_SECONDS - 1)
    assert not is_under_way(RUN, "there", "", current_time=200 + ELSEWHERE_SECONDS)


def test_a_run_is_known_by_its_process() -> None:
    assert RUN.is_same(replace(RUN, wave="rest", wave_begun=300.0))
    assert not RUN.is_same(replace(RUN, process="another"))
    assert not RUN.is_same(None)


def test_an_alert_since_the_run_began_stops_it() -> None:
    with pytest.raises(Problem) as stopped:
        check_stop(STOP, run_begun=150.0, waves=["rest", "last"])
    assert str(stopped.value).startswith(
        "Begin wave rest: an alert has come since this run began: OtelCollectorDown of collector agent on web1 at "
        "1970-01-01 00:02:30 UTC. These waves did not begin: rest, last."
    )


def test_an_older_alert_and_none_stop_nothing() -> None:
    check_stop(STOP, run_begun=150.5, waves=["rest"])
    check_stop(None, run_begun=0.0, waves=["rest"])
