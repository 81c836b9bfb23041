# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test data into the OTLP receiver of a collector of this host, and whether it is counted in and out. Private."""

from __future__ import annotations

import http.client
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ..host_judgement import Count, parse_counts
from ..probe_record import (
    ACCEPTED_COUNT,
    SENT_COUNT,
    TROUBLE_COUNTS,
    build_probe_request,
    has_arrived,
    list_grown_counts,
)
from .machine import Machine

SEND_SECONDS, POLL_SECONDS = 5.0, 0.3
_MOST_ANSWER_BYTES = 300


class HostProbe:
    """One probe of one collector, within one span of time."""

    def __init__(self, machine: Machine, metrics: str, question: Mapping[str, Any]) -> None:
        self.machine, self.metrics, self.question = machine, metrics, question
        self.probe_id = f"{int(machine.now()):08x}{secrets.token_hex(4)}"

    def run(self) -> dict[str, Any]:
        """Return how far each signal came."""
        first_counts = self._read_counts()
        row_by_signal = {signal: self._send_test_data(signal) for signal in self.question["signals"]}
        waiting_signals = [signal for signal, signal_row in row_by_signal.items() if signal_row["sent"]]
        last_counts, started_at = first_counts, self.machine.now()
        while waiting_signals:
            last_counts = self._read_counts()
            waiting_signals = [
                signal
                for signal in waiting_signals
                if not self._note_arrival(first_counts, last_counts, signal, row_by_signal)
            ]
            if not waiting_signals or self.machine.now() - started_at >= self.question["timeout_seconds"]:
                break
            self.machine.sleep(POLL_SECONDS)
        for signal in waiting_signals:
            row_by_signal[signal]["trouble"] = list_grown_counts(first_counts, last_counts, signal, TROUBLE_COUNTS)
        return {"id": self.probe_id, "seconds": self.question["timeout_seconds"], "signals": row_by_signal}

    def _read_counts(self) -> Mapping[Count, int]:
        try:
            return parse_counts(self.machine.get(self.metrics))
        except (OSError, ValueError):
            return {}

    def _send_test_data(self, signal: str) -> dict[str, Any]:
        body = build_probe_request(signal, self.probe_id, int(self.machine.now() * 1e9), self.question["failed_spans"])
        reason = ""
        try:
            self.machine.post(f"{self.question['url']}/v1/{signal}", body, SEND_SECONDS)
        except urllib.error.HTTPError as error:
            reason = f"answers {error.code}: {_read_answer(error)}"
        except (OSError, ValueError) as error:
            reason = str(error)
        return {"sent": not reason, "arrived": False, "why": reason, "trouble": [], "evidence": []}

    def _note_arrival(self, first_counts: Any, last_counts: Any, signal: str, row_by_signal: Mapping[str, Any]) -> bool:
        if has_arrived(first_counts, last_counts, signal):
            row_by_signal[signal].update(
                arrived=True,
                evidence=list_grown_counts(first_counts, last_counts, signal, (ACCEPTED_COUNT, SENT_COUNT)),
            )
        return bool(row_by_signal[signal]["arrived"])


def _read_answer(error: urllib.error.HTTPError) -> str:
    """Return the beginning of what a server said; empty if it stalled or broke off."""
    try:
        return error.read(_MOST_ANSWER_BYTES).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        return ""
