# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver answers to the data of a probe is told, and one that stalls does not end the diagnosis."""

from __future__ import annotations

import http.client
import io
import urllib.error
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.live.host_probe import HostProbe

from .fake_host import FakeMachine
from .test_host_watch import CLOCK_STEPS, set_clock_in_first_pause

QUESTION = {"signals": ["traces"], "url": "http://127.0.0.1:4318", "failed_spans": False, "timeout_seconds": 1}


class Answer(io.BytesIO):
    """The body of an answer, or what ends its read."""

    def __init__(self, text: bytes, trouble: Exception | None = None) -> None:
        super().__init__(text)
        self.trouble = trouble

    def read(self, size: int | None = -1) -> bytes:
        if self.trouble:
            raise self.trouble
        return super().read(size)


class RefusingMachine(FakeMachine):
    """A host whose receiver answers 400 with this body."""

    answer = Answer(b"")

    def get(self, _url: str) -> str:
        return ""

    def post(self, url: str, _body: bytes, _seconds: float) -> Any:
        raise urllib.error.HTTPError(url, 400, "Bad Request", Message(), self.answer)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(b"no such tenant\n"), "answers 400: no such tenant"),
        (Answer(b"", TimeoutError("timed out")), "answers 400: "),
        (Answer(b"", http.client.IncompleteRead(b"")), "answers 400: "),
    ],
    ids=["says why", "stalls", "breaks off"],
)
def test_a_receiver_that_refuses_is_told(tmp_path: Path, answer: Answer, why: str) -> None:
    machine = RefusingMachine(tmp_path)
    machine.answer = answer
    row = HostProbe(machine, "http://127.0.0.1:8888", QUESTION).run()["signals"]["traces"]
    assert (row["sent"], row["why"]) == (False, why)


class TakingMachine(FakeMachine):
    """A host whose collector takes data, and never counts it."""

    def get(self, _url: str) -> str:
        return ""

    def post(self, _url: str, _body: bytes, _seconds: float) -> Any:
        return None


@pytest.mark.parametrize("step", CLOCK_STEPS)
def test_a_clock_that_is_set_changes_no_time_of_a_probe(
    tmp_path: Path, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = TakingMachine(tmp_path)
    set_clock_in_first_pause(machine, step, monkeypatch)
    begun = machine.booted_for
    HostProbe(machine, "http://127.0.0.1:8888", {**QUESTION, "timeout_seconds": 10}).run()
    assert machine.booted_for - begun == pytest.approx(10, abs=2)
