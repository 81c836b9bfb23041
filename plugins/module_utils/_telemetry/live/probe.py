# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send one item of each signal to a receiver, and wait until the items arrive. Private.

Module otlp_probe makes a `TelemetryProbe` in `live/probe_task.py`. A signal is traces, metrics or logs; a hop is
a collector on the way of the items, whose counts tell where an item was lost. The result has a row for each signal:

    {traces: {sent: true, arrived: true, seconds: 1.2, seen: "the log of pod obs/gateway-x7k2p, …", evidence: […]}}
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypedDict

from ..._kube.live.progress import Progress, tell_nobody
from ..._otelcol.errors import Failure
from ..evidence import describe_arrivals
from ..lost_records import RecordLosses, find_losses
from .arrivals import ArrivalEvidence
from .hop_readings import HopReadings
from .otlp_payloads import build_otlp_request, explain_refusal
from .otlp_senders import NotSentError, SendRequest

# The pauses between two attempts grow by a factor, from the first pause to the last one.
_FIRST_PAUSE_SECONDS = 0.1
_PAUSE_GROWTH = 1.5
_LAST_PAUSE_SECONDS = 2.0
# How long one attempt to send may take.
_LONGEST_SEND_SECONDS = 5.0
# A long wait is told again after so many seconds, so that nobody takes it for a hang.
_SECONDS_BETWEEN_REMINDERS = 10
_FIX_OF_UNTAKEN_SIGNAL = (
    "Check the address, the protocol, TLS and the headers, and that the collector has an OTLP receiver there."
)
_FIX_OF_LOST_SIGNAL = "Correct the config of that collector or the endpoint; playbook diagnose says more about it."

# Takes a signal, the id of the probe and the name of the service, and returns the body of the request.
MakeRequest = Callable[[str, str, str], bytes]


class _SignalKeys(TypedDict):
    """The keys that every row has."""

    sent: bool
    """Whether the receiver has taken the item."""
    arrived: bool
    seconds: float | None
    """How long the item took to be taken, and then to arrive; None until it was taken."""
    seen: str
    """Where it arrived."""
    evidence: list[str]
    """The lines that show the arrival."""


class SignalRow(_SignalKeys, total=False):
    """How far the item of one signal came, as the module returns it."""

    lost: list[str]
    """Where the item was lost, if it did not arrive and the collectors on the way are known."""


class _Attempt(NamedTuple):
    """The result of sending a request once."""

    reason: str = ""
    """Why the receiver did not take it; empty if it did."""
    may_pass_later: bool = False
    """Whether the receiver may take it in a moment."""

    @property
    def is_taken(self) -> bool:
        return not self.reason


@dataclass
class TelemetryProbe:
    """One probe: sends all signals and sees them arrive within `timeout_seconds`."""

    send_request: SendRequest
    evidence: ArrivalEvidence | None
    """Sees the arrival. Without it, the probe ends when its signals are taken."""
    probe_id: str
    service: str
    timeout_seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    make_request: MakeRequest = build_otlp_request
    hop_readings: HopReadings | None = None
    """Reads the counts of the collectors on the way, if they are known."""
    tell: Callable[[str], None] = tell_nobody
    row_by_signal: dict[str, SignalRow] = field(default_factory=dict)

    def run(self, signals: list[str]) -> dict[str, Any]:
        """Send all signals, wait until all have arrived, and return the result of the module.

        Raises Failure if a signal is not taken or does not arrive.
        """
        start = self.clock()
        send_times = {signal: self._send_signal(signal, start) for signal in signals}
        message = f"{', '.join(signals)} sent"
        if self.evidence:
            self._await_arrival(self.evidence, send_times, start)
            message = describe_arrivals({signal: row["seen"] for signal, row in self.row_by_signal.items()})
        return {"changed": False, "msg": message, **self._collect_facts()}

    def _send_signal(self, signal: str, start: float) -> float:
        """Send a signal until it is taken, and return when that attempt began, by the clock.

        Raises Failure if the receiver refuses it, or does not take it in time.
        """
        self.row_by_signal[signal] = {"sent": False, "arrived": False, "seconds": None, "seen": "", "evidence": []}
        request = self.make_request(signal, self.probe_id, self.service)
        reason = ""
        for _poll in self._poll_until_timeout(start):
            attempt_start = self.clock()
            attempt = self._try_to_send(signal, request)
            if attempt.is_taken:
                row = self.row_by_signal[signal]
                row["sent"] = True
                row["seconds"] = round(self.clock() - attempt_start, 3)
                return attempt_start
            reason = attempt.reason
            if not attempt.may_pass_later:
                break
            self._tell_waiting(start, f"{signal} not taken yet")
        raise Failure(
            f"not taken: {reason}", asked=f"Send {signal}", fix=_FIX_OF_UNTAKEN_SIGNAL, facts=self._collect_facts()
        )

    def _try_to_send(self, signal: str, request: bytes) -> _Attempt:
        """Send a request once."""
        try:
            answer = self.send_request(signal, request, min(self.timeout_seconds, _LONGEST_SEND_SECONDS))
        except NotSentError as error:
            return _Attempt(str(error), error.again)
        return _Attempt(explain_refusal(signal, answer))

    def _await_arrival(self, evidence: ArrivalEvidence, send_times: dict[str, float], start: float) -> None:
        """Wait until all signals have arrived. Raises Failure if a signal does not arrive in time."""
        for _poll in self._poll_until_timeout(start):
            for signal, arrival in evidence.look(self._list_missing_signals()).items():
                row = self.row_by_signal[signal]
                row["arrived"] = True
                row["seconds"] = round(self.clock() - send_times[signal], 3)
                row["seen"] = arrival.place
                row["evidence"] = arrival.evidence_lines
            missing_signals = self._list_missing_signals()
            if not missing_signals:
                return
            self._tell_waiting(start, f"{', '.join(missing_signals)} not arrived yet")
        raise self._describe_missing_signals(evidence)

    def _describe_missing_signals(self, evidence: ArrivalEvidence) -> Failure:
        """Return the failure of the signals that have not arrived, with the collectors that lost them."""
        missing_signals = self._list_missing_signals()
        losses = self._find_losses(missing_signals)
        problem = f"{', '.join(missing_signals)} sent and taken, but not arrived after {self.timeout_seconds:g} s"
        if losses.lines:
            problem += f": {'; '.join(losses.lines)}"
        fix = _FIX_OF_LOST_SIGNAL if losses.is_inside else evidence.hint(missing_signals[0])
        return Failure(problem, asked=f"See probe {self.probe_id} arrive", fix=fix, facts=self._collect_facts())

    def _find_losses(self, missing_signals: list[str]) -> RecordLosses:
        """Return where the signals were lost; no lines if the collectors on the way are not known."""
        loss_lines: list[str] = []
        is_inside = False
        hops = self.hop_readings.read_hops() if self.hop_readings else []
        if not hops:
            return RecordLosses(loss_lines, is_inside)
        for signal in missing_signals:
            signal_losses = find_losses(hops, signal)
            self.row_by_signal[signal]["lost"] = signal_losses.lines
            loss_lines += signal_losses.lines
            is_inside = is_inside or signal_losses.is_inside
        return RecordLosses(list(dict.fromkeys(loss_lines)), is_inside)

    def _list_missing_signals(self) -> list[str]:
        """Return the signals that have not arrived."""
        return [signal for signal, row in self.row_by_signal.items() if not row["arrived"]]

    def _collect_facts(self) -> dict[str, Any]:
        return {"probe_id": self.probe_id, "signals": self.row_by_signal}

    def _poll_until_timeout(self, start: float) -> Iterator[None]:
        """Yield at once, and then after each pause, until the timeout has passed since `start`."""
        pause = _FIRST_PAUSE_SECONDS
        yield
        while self.clock() - start < self.timeout_seconds:
            self.sleep(pause)
            pause = min(pause * _PAUSE_GROWTH, _LAST_PAUSE_SECONDS)
            yield

    def _tell_waiting(self, start: float, state: str) -> None:
        """Tell what the probe waits for, each time that some seconds have passed."""
        seconds_left = max(self.timeout_seconds - (self.clock() - start), 0)
        # Progress tells a state only when it changes. Rounded up, it changes once in each such time.
        rounded_up = math.ceil(seconds_left / _SECONDS_BETWEEN_REMINDERS) * _SECONDS_BETWEEN_REMINDERS
        self._progress(f"Probe of {self.service}", f"{state}, at most {rounded_up:.0f} s more")

    @cached_property
    def _progress(self) -> Progress:
        return Progress(self.tell, self.clock)
