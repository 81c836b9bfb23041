# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much the pods beside that of a capture receive, as their own metrics count it. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._telemetry.metrics import SIGNALS_OF_ITEMS, CountKey, Reading, subtract_readings, sum_readings

_ACCEPTED = "receiver_accepted"
"""What a receiver has taken. Source: documentation.md of receiverhelper."""


@dataclass(frozen=True)
class PodReading:
    """The pods of a collector at a time, in seconds, and what each has counted since its start.

    `counts_by_pod` has the ready pods that were read, by name, and `unread_reason` says why another one could not be.
    """

    read_time: float
    pod_names: frozenset[str]
    ready_pod_count: int
    counts_by_pod: Mapping[str, Reading]
    unread_reason: str = ""


@dataclass(frozen=True)
class ServedRecords:
    """The records that all pods that serve have accepted in some seconds, by signal.

    They are known of so many of the ready pods; the others are taken for as busy. `unread_reason` says why one is not
    known.
    """

    records_by_signal: Mapping[str, float]
    seconds: float
    known_pod_count: int
    ready_pod_count: int
    unread_reason: str = ""


def compute_served_records(
    first_reading: PodReading, last_reading: PodReading, receivers: Sequence[str]
) -> ServedRecords:
    """Return what the pods of a collector accepted by these receivers between two readings.

    A signal that no pod counts is left out: nobody knows whether it does not come in, or is not counted. What a pod
    took that has gone meanwhile is not known.
    """
    gained_by_pod: dict[str, Reading] = {}
    for pod, counts in last_reading.counts_by_pod.items():
        if pod in first_reading.counts_by_pod:
            gained_by_pod[pod] = subtract_readings(first_reading.counts_by_pod[pod], counts)
        elif pod not in first_reading.pod_names:  # it has begun since, so all that it has counted is new
            gained_by_pod[pod] = counts
    gained_by_all = sum_readings(list(gained_by_pod.values()))
    ready_pods = max(last_reading.ready_pod_count, len(gained_by_pod))
    records: dict[str, float] = {}
    for signal in SIGNALS_OF_ITEMS.values():
        keys = [CountKey(_ACCEPTED, receiver, signal) for receiver in receivers]
        accepted_counts = [gained_by_all[key] for key in keys if key in gained_by_all]
        if accepted_counts:
            records[signal] = sum(accepted_counts) * ready_pods / len(gained_by_pod)
    return ServedRecords(
        records,
        last_reading.read_time - first_reading.read_time,
        len(gained_by_pod),
        ready_pods,
        first_reading.unread_reason or last_reading.unread_reason,
    )
