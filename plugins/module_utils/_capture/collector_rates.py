# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute how much the collector's own pods receive during a capture, from two readings of their metrics. Private.

`serving_pods` makes the readings. The manifest of a capture has rates of all pods together by what is computed here.
For example, a collector has 3 ready pods after 60 s. The numbers are spans that a pod has accepted since its start:

| pod | first reading | last reading | accepted |
|---|---|---|---|
| a | 900 | 1000 | 100 |
| b | not there yet | 140 | 140 |
| c | was not read | 500 | not known, so it is taken for as busy as a and b: 120 |

The result is `ServedRecords({"traces": 360.0}, seconds=60.0, known_pod_count=2, ready_pod_count=3)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._telemetry.metrics import SIGNALS_OF_ITEMS, CountKey, Reading, subtract_readings, sum_readings

# The metric of what a receiver has accepted. Source: documentation.md of receiverhelper.
_ACCEPTED = "receiver_accepted"


@dataclass(frozen=True)
class PodReading:
    """What the pods of a collector have counted since their starts, at one time."""

    read_time: float
    """The time in seconds of the clock of the run."""
    pod_names: frozenset[str]
    """All pods, as NAMESPACE/NAME."""
    ready_pod_count: int
    counts_by_pod: Mapping[str, Reading]
    """What those ready pods have counted whose metrics were read."""
    unread_reason: str = ""
    """Why the metrics of another ready pod were not read; empty if all were."""


@dataclass(frozen=True)
class ServedRecords:
    """How many records all ready pods of a collector have accepted in some seconds.

    Only some of the pods may be known. The others are taken for as busy as these.
    """

    records_by_signal: Mapping[str, float]
    seconds: float
    known_pod_count: int
    ready_pod_count: int
    unread_reason: str = ""
    """Why another pod is not known; empty if all are."""


def compute_served_records(
    first_reading: PodReading, last_reading: PodReading, receivers: Sequence[str]
) -> ServedRecords:
    """Return what the pods of a collector accepted by these receivers between two readings.

    A signal that no pod counts is left out: nobody knows whether it does not come in, or is not counted. A pod that has
    gone between the readings is left out too.
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
        if accepted_counts:  # so at least one pod is known
            records[signal] = sum(accepted_counts) * ready_pods / len(gained_by_pod)
    return ServedRecords(
        records_by_signal=records,
        seconds=last_reading.read_time - first_reading.read_time,
        known_pod_count=len(gained_by_pod),
        ready_pod_count=ready_pods,
        unread_reason=first_reading.unread_reason or last_reading.unread_reason,
    )
