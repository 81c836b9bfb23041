# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry of the journal is read whatever form its message has."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.host_question import DiagnosisOptions
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.journal_facts import (
    read_journal_entries,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.machine import CommandResult

from .fake_host import FakeMachine


class LoggingMachine(FakeMachine):
    """A host whose journal has one entry, with this message as JSON."""

    message = ""

    def run(self, *words: str) -> CommandResult:
        if words[0] == "journalctl":
            return CommandResult(0, f'{{"__REALTIME_TIMESTAMP": "1700000000000000", "MESSAGE": {self.message}}}')
        return super().run(*words)


@pytest.mark.parametrize(
    ("message", "text"),
    [('"started"', "started"), ("[104, 105]", "hi"), ('["a", "b"]', "a\nb"), ('["a", [104, 105]]', "a\nhi")],
    ids=["a text", "bytes", "two texts", "a text and bytes"],
)
def test_a_message_of_the_journal_may_be_bytes_or_several(tmp_path: Path, message: str, text: str) -> None:
    machine = LoggingMachine(tmp_path)
    machine.message = message
    options = DiagnosisOptions({}, sends_test_data=False, log_seconds=600, log_line_count=100)
    assert [entry["text"] for entry in read_journal_entries(machine, "otelcol-agent.service", options)] == [text]
