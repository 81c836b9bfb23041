# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector counted before a change is read, and metrics that cannot be read do not end the change.

The times of a watch are those that pass, also if somebody sets the clock of the host meanwhile.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_judgement import EarlierCounts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_release import CollectorBundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_watch import (
    read_earlier_counts,
)

from .fake_host import FIRST, FakeHost, FakeMachine


class ServingMachine(FakeMachine):
    """A host whose collector serves these metrics."""

    metrics = ""

    def get(self, _url: str) -> str:
        return self.metrics


@pytest.mark.parametrize("value", ["1e999", "+-"])
def test_metrics_with_a_count_that_is_none_count_nothing(tmp_path: Path, value: str) -> None:
    machine = ServingMachine(tmp_path)
    machine.metrics = f'otelcol_exporter_sent_spans{{exporter="debug"}} {value}'
    assert read_earlier_counts(machine, CollectorBundle("agent", metrics_url="http://127.0.0.1:8888")) == EarlierCounts(
        {}, 0.0
    )


METRICS = 'otelcol_exporter_sent_spans{exporter="debug"} %d\notelcol_process_uptime 100\n'
CLOCK_STEPS = (-3600, 3600)


def set_clock_in_first_pause(machine: FakeMachine, step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody set the clock of the host while a run waits for the first time."""
    sleep = machine.sleep

    def sleep_and_step(seconds: float) -> None:
        monkeypatch.setattr(machine, "sleep", sleep)
        sleep(seconds)
        machine.clock += step

    monkeypatch.setattr(machine, "sleep", sleep_and_step)


@pytest.mark.parametrize("step", CLOCK_STEPS)
def test_a_clock_that_is_set_changes_no_time_of_a_judgement(
    tmp_path: Path, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost(tmp_path)
    second = f"{FIRST}# second\n"
    watched: dict[str, Any] = {"metrics": "http://127.0.0.1:8888/metrics", "watch_seconds": 9}
    host.machine.metrics = {FIRST: METRICS % 1000, second: METRICS % 90}
    host.run(host.bundle(**watched))
    set_clock_in_first_pause(host.machine, step, monkeypatch)
    result = host.run(host.bundle(second, **watched))
    assert result["notes"] == ["judged by 3 readings in 9 s: exporters/debug"], result


@pytest.mark.parametrize("step", CLOCK_STEPS)
def test_a_clock_that_is_set_changes_no_time_of_a_wait(
    tmp_path: Path, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost(tmp_path)
    host.run(host.bundle())
    set_clock_in_first_pause(host.machine, step, monkeypatch)
    begun = host.machine.booted_for
    assert "nothing listens on port 4317/tcp within 30 s" in host.run(host.bundle("listen 9\n"))["msg"]
    assert host.machine.booted_for - begun == pytest.approx(30, abs=2)


def test_a_clock_that_is_set_back_hides_no_line_that_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says that the collector is ready. In the journal, it is of a time before the start then."""
    host = FakeHost(tmp_path)
    monkeypatch.setattr(host.machine, "journal", lambda _unit, _since: "")
    set_clock_in_first_pause(host.machine, -3600, monkeypatch)
    begun = host.machine.booted_for
    assert "failed" not in host.run(host.bundle())
    assert host.machine.booted_for - begun < 10
