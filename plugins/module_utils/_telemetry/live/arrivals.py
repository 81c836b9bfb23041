# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the signals of a probe arrived, and what a kind of evidence for that has to know. Private.

A signal is traces, metrics or logs; a probe sends one record of each. `probe.py` looks for their arrival again and
again. The evidence is in pods (arrival_evidence.py), at backends (backend_search.py) or in both: then
`CombinedEvidence` asks all. For example, the arrivals of a probe whose log record is still missing:

    {"traces": Arrival("the log of pod obs/gateway-x7k2p, container otc-container", ["ResourceSpans #0", …])}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Arrival(NamedTuple):
    """Where a signal was seen, such as `the log of pod a/b`, and the lines that show it."""

    place: str
    evidence_lines: list[str]


# The signals that arrived. Others are missing.
ArrivalsBySignal = dict[str, Arrival]


class ArrivalEvidence(Protocol):
    """Knows whether a signal arrived, and why it may not have arrived."""

    def keeps(self, signal: str) -> bool:
        """Return whether this evidence can see a signal at all."""

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the signals that arrived, each with where it was seen and the evidence."""

    def hint(self, signal: str) -> str:
        """Return what to check when a signal does not arrive."""


class CombinedEvidence:
    """Sees a signal arrive when all kinds of evidence see it, such as a pod and a backend."""

    def __init__(self, evidence_kinds: Sequence[ArrivalEvidence]) -> None:
        self._evidence_kinds = evidence_kinds
        self._missed_by: dict[str, ArrivalEvidence] = {}
        """By signal, the evidence that did not see it when it last looked."""

    def keeps(self, signal: str) -> bool:
        """Return whether one kind of evidence can see a signal."""
        return any(evidence.keeps(signal) for evidence in self._evidence_kinds)

    def look(self, signals: list[str]) -> ArrivalsBySignal:
        """Return the signals that all kinds of evidence see. Each kind looks once, for the signals that it keeps."""
        arrivals_by_signal: dict[str, list[Arrival]] = {signal: [] for signal in signals}
        for evidence in self._evidence_kinds:
            kept_signals = [signal for signal in arrivals_by_signal if evidence.keeps(signal)]
            seen_arrivals = evidence.look(kept_signals) if kept_signals else {}
            for signal in kept_signals:
                if signal in seen_arrivals:
                    arrivals_by_signal[signal].append(seen_arrivals[signal])
                else:  # the other kinds need not look for it any more
                    self._missed_by[signal] = evidence
                    del arrivals_by_signal[signal]
        return {signal: _join_arrivals(arrivals) for signal, arrivals in arrivals_by_signal.items()}

    def hint(self, signal: str) -> str:
        """Return the hint of the evidence that did not see a signal."""
        return self._missed_by.get(signal, self._evidence_kinds[0]).hint(signal)


def _join_arrivals(arrivals: Sequence[Arrival]) -> Arrival:
    """Return the arrivals that several kinds of evidence saw as one arrival."""
    evidence_lines: list[str] = []
    for arrival in arrivals:
        evidence_lines += arrival.evidence_lines
    return Arrival(" and ".join(arrival.place for arrival in arrivals), evidence_lines)
