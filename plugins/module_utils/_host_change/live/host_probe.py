# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test data into the OTLP receiver of a collector of this host, and whether it is counted in and out. Private."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ..host_judgement import Count, counts
from ..probe_record import ACCEPTED, SENT, TROUBLE, gained, has_arrived, probe_body
from .machine import Machine

SEND_SECONDS, POLL_SECONDS = 5.0, 0.3
_MOST_TOLD = 300


class HostProbe:
    """One probe of one collector, within one span of time."""

    def __init__(self, machine: Machine, metrics: str, question: Mapping[str, Any]) -> None:
        self.machine, self.metrics, self.question = machine, metrics, question
        self.id = f"{int(machine.now()):08x}{secrets.token_hex(4)}"

    def run(self) -> dict[str, Any]:
        """Return how far each signal came."""
        before = self._counted()
        signals = {signal: self._sent(signal) for signal in self.question["signals"]}
        left = [signal for signal, row in signals.items() if row["sent"]]
        after, start = before, self.machine.now()
        while left:
            after = self._counted()
            left = [signal for signal in left if not self._arrived(before, after, signal, signals)]
            if not left or self.machine.now() - start >= self.question["timeout_seconds"]:
                break
            self.machine.sleep(POLL_SECONDS)
        for signal in left:
            signals[signal]["trouble"] = gained(before, after, signal, TROUBLE)
        return {"id": self.id, "seconds": self.question["timeout_seconds"], "signals": signals}

    def _counted(self) -> Mapping[Count, int]:
        try:
            return counts(self.machine.get(self.metrics))
        except (OSError, ValueError):
            return {}

    def _sent(self, signal: str) -> dict[str, Any]:
        body = probe_body(signal, self.id, int(self.machine.now() * 1e9), self.question["failed_spans"])
        why = ""
        try:
            self.machine.post(f"{self.question['url']}/v1/{signal}", body, SEND_SECONDS)
        except urllib.error.HTTPError as error:
            told = error.read(_MOST_TOLD).decode("utf-8", "replace").strip()
            why = f"answers {error.code}: {told}"
        except (OSError, ValueError) as error:
            why = str(error)
        return {"sent": not why, "arrived": False, "why": why, "trouble": [], "evidence": []}

    def _arrived(self, before: Any, after: Any, signal: str, signals: Mapping[str, Any]) -> bool:
        if has_arrived(before, after, signal):
            signals[signal].update(arrived=True, evidence=gained(before, after, signal, (ACCEPTED, SENT)))
        return bool(signals[signal]["arrived"])
