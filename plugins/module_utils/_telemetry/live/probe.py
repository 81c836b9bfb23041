# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send one item of each signal, and see it arrive. Private."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from ..._kube.live.progress import Progress, tell_nobody
from ..._otelcol.errors import Failure
from ..evidence import describe_arrivals
from ..lost_records import RecordLosses, find_losses
from .arrival_evidence import ArrivalEvidence
from .hop_readings import HopReadings
from .otlp_payloads import build_otlp_request, explain_refusal
from .otlp_senders import NotSentError, SendRequest

# The pauses between two attempts grow from the first one, by a factor, up to the last one.
_FIRST_PAUSE_SECONDS, _PAUSE_GROWTH, _LAST_PAUSE_SECONDS = 0.1, 1.5, 2.0
_LONGEST_SEND_SECONDS = 5.0
# A wait is told anew in this time, so that nobody takes it for a hang.
_SECONDS_BETWEEN_REMINDERS = 10
_FIX_OF_UNTAKEN_SIGNAL = (
    "Check the address, the protocol, TLS and the headers, and that the collector has an OTLP receiver there."
)
_FIX_OF_LOST_SIGNAL = "Correct the config of that collector or the endpoint; playbook diagnose says more about it."

# Returns the request of a signal, by the signal, the id of the probe and the name of the service.
MakeRequest = Callable[[str, str, str], bytes]


class _Attempt(NamedTuple):
    """What came of sending a request once: why it was not taken, and whether it may be in a moment."""

    reason: str = ""
    may_pass_later: bool = False

    @property
    def is_taken(self) -> bool:
        return not self.reason


@dataclass
class Probe:
    """One probe: how far each signal came, within one span of time.

    Without `evidence` the probe ends when its signals are taken. `row_by_signal` is the result, by signal.
    """

    send_request: SendRequest
    evidence: ArrivalEvidence | None
    probe_id: str
    service: str
    timeout_seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    make_request: MakeRequest = build_otlp_request
    hop_readings: HopReadings | None = None
    tell: Callable[[str], None] = tell_nobody
    row_by_signal: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, signals: list[str]) -> dict[str, Any]:
        """Send all signals, then wait until all have arrived. Raises Failure for one that does not."""
        start = self.clock()
        send_times = {signal: self._send_signal(signal, start) for signal in signals}
        message = f"{', '.join(signals)} sent"
        if self.evidence:
            self._await_arrival(self.evidence, send_times, start)
            message = describe_arrivals(self.row_by_signal)
        return {"changed": False, "msg": message, **self._collect_facts()}

    def _send_signal(self, signal: str, start: float) -> float:
        """Send a signal until it is taken, and return at which second that attempt began. Raises Failure."""
        self.row_by_signal[signal] = {"sent": False, "arrived": False, "seconds": None, "seen": "", "evidence": []}
        request = self.make_request(signal, self.probe_id, self.service)
        reason = ""
        for _poll in self._poll_until_timeout(start):
            attempt_start = self.clock()
            attempt = self._try_to_send(signal, request)
            if attempt.is_taken:
                self.row_by_signal[signal].update(sent=True, seconds=round(self.clock() - attempt_start, 3))
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
        """Wait until all signals have arrived. Raises Failure with what lost them if they have not in time."""
        for _poll in self._poll_until_timeout(start):
            for signal, arrival in evidence.look(self._list_missing_signals()).items():
                seconds = round(self.clock() - send_times[signal], 3)
                arrival_state = {
                    "arrived": True,
                    "seconds": seconds,
                    "seen": arrival.place,
                    "evidence": arrival.evidence_lines,
                }
                self.row_by_signal[signal].update(arrival_state)
            missing_signals = self._list_missing_signals()
            if not missing_signals:
                return
            self._tell_waiting(start, f"{', '.join(missing_signals)} not arrived yet")
        raise self._describe_missing_signals(evidence)

    def _describe_missing_signals(self, evidence: ArrivalEvidence) -> Failure:
        """Return the failure of the signals that are missing, with the collectors that lost them."""
        missing_signals = self._list_missing_signals()
        losses = self._find_losses(missing_signals)
        problem = f"{', '.join(missing_signals)} sent and taken, but not arrived after {self.timeout_seconds:g} s"
        if losses.lines:
            problem += f": {'; '.join(losses.lines)}"
        fix = _FIX_OF_LOST_SIGNAL if losses.is_inside else evidence.hint(missing_signals[0])
        return Failure(problem, asked=f"See probe {self.probe_id} arrive", fix=fix, facts=self._collect_facts())

    def _find_losses(self, missing_signals: list[str]) -> RecordLosses:
        """Return which collectors on the way lost the signals; nothing if the way is not known."""
        hops = self.hop_readings.read_hops() if self.hop_readings else []
        loss_lines: list[str] = []
        is_inside = False
        for signal in missing_signals if hops else []:
            signal_losses = find_losses(hops, signal)
            self.row_by_signal[signal]["lost"] = signal_losses.lines
            loss_lines += signal_losses.lines
            is_inside = is_inside or signal_losses.is_inside
        return RecordLosses(list(dict.fromkeys(loss_lines)), is_inside)

    def _list_missing_signals(self) -> list[str]:
        """Return the signals that have not arrived."""
        return [signal for signal, state in self.row_by_signal.items() if not state["arrived"]]

    def _collect_facts(self) -> dict[str, Any]:
        return {"probe_id": self.probe_id, "signals": self.row_by_signal}

    def _poll_until_timeout(self, start: float) -> Iterator[None]:
        """Yield once, then after each pause until the time of the probe is over."""
        pause = _FIRST_PAUSE_SECONDS
        yield
        while self.clock() - start < self.timeout_seconds:
            self.sleep(pause)
            pause = min(pause * _PAUSE_GROWTH, _LAST_PAUSE_SECONDS)
            yield

    def _tell_waiting(self, start: float, state: str) -> None:
        """Tell what the probe waits for, each time that some seconds have passed."""
        seconds_left = max(self.timeout_seconds - (self.clock() - start), 0)
        rounded_up = -(-seconds_left // _SECONDS_BETWEEN_REMINDERS) * _SECONDS_BETWEEN_REMINDERS
        self._progress(f"Probe of {self.service}", f"{state}, at most {rounded_up:.0f} s more")

    @cached_property
    def _progress(self) -> Progress:
        return Progress(self.tell, self.clock)
