# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that has just started is looked at when it serves or has ended, not before."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_answer import CollectorFacts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_question import DiagnosisOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_release import (
    CollectorBundle,
    OpenedPort,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_facts import (
    collect_host_facts,
    read_settled_unit,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_store import Store
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import CommandResult
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.taken_ports import Holder, ListeningSocket

from .fake_host import FakeMachine

AGENT = CollectorBundle("agent", ports=(OpenedPort(4317, "tcp", "127.0.0.1"),))
RUNS = "ActiveState=active\nSubState=running\nMainPID=7\nNRestarts=3"
ENDED = "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\nMainPID=0\nNRestarts=3"


class StartingMachine(FakeMachine):
    """A host whose service opens its port, or ends, so many seconds after the first look."""

    def __init__(self, root: Path, *, opens: float = 1e9, ends: float = 1e9, age: float = 0.0, thief: int = 0) -> None:
        super().__init__(root)
        self.others = {4317: Holder(81, "nc", "thief.service")} if thief else {}
        self.opens, self.ends, self.begun = self.clock + opens, self.clock + ends, self.booted_for - age

    def run(self, *_words: str) -> CommandResult:
        shown = ENDED if self.clock >= self.ends else RUNS
        return CommandResult(0, f"{shown}\nActiveEnterTimestampMonotonic={int(self.begun * 1e6)}")

    def list_listeners(self) -> list[ListeningSocket]:
        own = [ListeningSocket("tcp", "127.0.0.1", 4317, "1")] if self.clock >= self.opens else []
        return own + [ListeningSocket("tcp", "0.0.0.0", port, f"other{port}") for port in self.others]


OPTIONS = DiagnosisOptions({}, sends_test_data=False, log_seconds=600, log_line_count=100)


def facts_of(machine: StartingMachine) -> CollectorFacts:
    store = Store(machine.root, AGENT.name, machine, encrypts=False)
    return collect_host_facts(machine, read_settled_unit(machine, store, AGENT), store, AGENT, OPTIONS)


def test_a_process_that_ends_after_each_start_is_not_said_to_run(tmp_path: Path) -> None:
    service = facts_of(StartingMachine(tmp_path, ends=5))["service"]
    assert (service["active"], service["sub"], service["result"]) == ("activating", "auto-restart", "exit-code")


@pytest.mark.parametrize(
    ("machine", "seconds", "closed"),
    [({"opens": 0}, 0, 0), ({"opens": 4}, 4, 0), ({}, 30, 1), ({"age": 60}, 0, 1)],
    ids=["serves", "serves soon", "never serves", "has run for a minute"],
)
def test_the_wait_is_as_long_as_a_start_and_bounded(
    tmp_path: Path, machine: dict[str, float], seconds: float, closed: int
) -> None:
    host = StartingMachine(tmp_path, **machine)
    begun = host.clock
    facts = facts_of(host)
    assert host.clock - begun == pytest.approx(seconds, abs=0.5)
    assert len(facts["closed"]) == closed
