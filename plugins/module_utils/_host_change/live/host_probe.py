# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send test data to the OTLP receiver of a collector of this host, and see whether it is counted in and out. Private.

`live/diagnose_task.py` runs the probe if the task asks for it. A probe is one record of each signal; probe_record.py
builds the requests and judges the counts. For example, the row of a signal that arrived is

    {"sent": True, "arrived": True, "why": "", "trouble": [],
     "evidence": ["otlp: receiver_accepted +1", "otlp_grpc: exporter_sent +1"]}
"""

from __future__ import annotations

import http.client
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import TypedDict

from ..host_metrics import HostCountKey, parse_host_counts
from ..host_question import HostQuestion
from ..probe_record import (
    ACCEPTED_COUNT,
    SENT_COUNT,
    TROUBLE_COUNTS,
    build_probe_request,
    has_arrived,
    list_grown_counts,
)
from .machine import Machine

# How long the collector may take to answer a request.
SEND_SECONDS = 5.0
# The seconds between two readings of its metrics.
POLL_SECONDS = 0.3
# How much of an answer is shown.
_MOST_ANSWER_BYTES = 300


class SignalRow(TypedDict):
    """How far the test data of one signal came."""

    sent: bool
    """Whether the receiver took it."""
    arrived: bool
    """Whether a receiver counted it in and an exporter counted it out."""
    why: str
    """Why the receiver did not take it; empty if it did."""
    trouble: list[str]
    """The counts that say what went wrong, if it did not arrive."""
    evidence: list[str]
    """The counts that say that it arrived."""


class ProbeRow(TypedDict):
    """The result of a probe: its id, the seconds in which the data had to arrive, and a row for each signal."""

    id: str
    seconds: float
    signals: dict[str, SignalRow]


class HostProbe:
    """One probe of one collector. `metrics_url` is the URL of the collector's own metrics."""

    def __init__(self, machine: Machine, metrics_url: str, question: HostQuestion) -> None:
        self.machine, self.metrics_url, self.question = machine, metrics_url, question
        self.probe_id = f"{int(machine.now()):08x}{secrets.token_hex(4)}"

    def run(self) -> ProbeRow:
        """Send the test data of each signal, and wait until all that was taken has arrived or the time is over."""
        timeout_seconds = self.question["timeout_seconds"]
        first_counts = self._read_counts()
        row_by_signal = {signal: self._send_test_data(signal) for signal in self.question["signals"]}
        last_counts, started_at = first_counts, self.machine.read_uptime()
        while _list_missing_signals(row_by_signal):
            last_counts = self._read_counts()
            for signal in _list_missing_signals(row_by_signal):
                if has_arrived(first_counts, last_counts, signal):
                    names_of_evidence = (ACCEPTED_COUNT, SENT_COUNT)
                    evidence = list_grown_counts(first_counts, last_counts, signal, names_of_evidence)
                    row_by_signal[signal].update({"arrived": True, "evidence": evidence})
            if not _list_missing_signals(row_by_signal) or self.machine.read_uptime() - started_at >= timeout_seconds:
                break
            self.machine.sleep(POLL_SECONDS)
        for signal in _list_missing_signals(row_by_signal):
            row_by_signal[signal]["trouble"] = list_grown_counts(first_counts, last_counts, signal, TROUBLE_COUNTS)
        return {"id": self.probe_id, "seconds": timeout_seconds, "signals": row_by_signal}

    def _read_counts(self) -> Mapping[HostCountKey, int]:
        """Return what the collector counts; nothing if its metrics cannot be read at this moment."""
        try:
            return parse_host_counts(self.machine.get(self.metrics_url))
        except (OSError, ValueError):
            return {}

    def _send_test_data(self, signal: str) -> SignalRow:
        """Send one item of a signal to the collector, and return how far it came."""
        now_nanoseconds = int(self.machine.now() * 1e9)
        body = build_probe_request(signal, self.probe_id, now_nanoseconds, self.question["failed_spans"])
        reason = ""
        try:
            self.machine.post(f"{self.question['url']}/v1/{signal}", body, SEND_SECONDS)
        except urllib.error.HTTPError as error:
            reason = f"answers {error.code}: {_read_answer(error)}"
        except (OSError, ValueError) as error:
            reason = str(error)
        return {"sent": not reason, "arrived": False, "why": reason, "trouble": [], "evidence": []}


def _list_missing_signals(row_by_signal: Mapping[str, SignalRow]) -> list[str]:
    """Return the signals whose test data the receiver has taken, and that have not arrived."""
    return [signal for signal, row in row_by_signal.items() if row["sent"] and not row["arrived"]]


def _read_answer(error: urllib.error.HTTPError) -> str:
    """Return the beginning of what a server said; empty if it stalled or broke off."""
    try:
        return error.read(_MOST_ANSWER_BYTES).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        return ""
