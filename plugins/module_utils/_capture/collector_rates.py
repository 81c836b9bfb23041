# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the pods beside that of a capture receive, as their own metrics count it. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._telemetry.metrics import ITEMS, Key, Reading, grown, total

_ACCEPTED = "receiver_accepted"
"""What a receiver has taken. Source: documentation.md of receiverhelper."""


@dataclass(frozen=True)
class PodReading:
    """The pods of a collector at a time, in seconds, and what each has counted since its start.

    `counts` has the ready pods that were read, by name, and `why` says why another one could not be.
    """

    at: float
    pods: frozenset[str]
    ready_pods: int
    counts: Mapping[str, Reading]
    why: str = ""


@dataclass(frozen=True)
class ServedRecords:
    """The records that all pods that serve have accepted in some seconds, by signal.

    They are known of so many of the ready pods; the others are taken for as busy. `why` says why one is not known.
    """

    records: Mapping[str, float]
    seconds: float
    known_pods: int
    ready_pods: int
    why: str = ""


def served_records(before: PodReading, after: PodReading, receivers: Sequence[str]) -> ServedRecords:
    """Return what the pods of a collector accepted by these receivers between two readings.

    A signal that no pod counts is left out: nobody knows whether it does not come in, or is not counted. What a pod
    took that has gone meanwhile is not known.
    """
    gained: dict[str, Reading] = {}
    for pod, counts in after.counts.items():
        if pod in before.counts:
            gained[pod] = grown(before.counts[pod], counts)
        elif pod not in before.pods:  # it has begun since, so all that it has counted is new
            gained[pod] = counts
    gained_by_all = total(list(gained.values()))
    ready_pods = max(after.ready_pods, len(gained))
    records: dict[str, float] = {}
    for signal in ITEMS.values():
        keys = [Key(_ACCEPTED, receiver, signal) for receiver in receivers]
        accepted = [gained_by_all[key] for key in keys if key in gained_by_all]
        if accepted:
            records[signal] = sum(accepted) * ready_pods / len(gained)
    return ServedRecords(records, after.at - before.at, len(gained), ready_pods, before.why or after.why)
