# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many series of metrics begin and end within a sample. Private.

Backends charge for new series: a metric with an attribute such as `pod.uid` has a new one for each pod. A forecast
shows `12 → 3 appear, 10 → 2 end`, and sent_changes.py asks here for the numbers of each side.

A sender, the service whose metric it is, measures a metric at an interval, which is the longest time between two points
of one of its series. A series that has no point in the first interval of its metric appears in the sample; one that has
none in the last one ends. With points each minute from 10:00 to 10:30, a series with points from 10:12 on appears.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .forecast_rows import ChurnSideRow
from .tallies import MetricSeries, SenderName

_LEAST_INTERVALS = 2
"""In less time, a series whose turn is late looks like one that appears."""


@dataclass(frozen=True)
class Churn:
    """How many series appear in a sample, and how many end in it."""

    appearing_series: int = 0
    ending_series: int = 0
    known_series: int = 0
    """How many series were measured often enough to tell; the others are in neither number."""

    def plus(self, other: Churn) -> Churn:
        """Return the sum of both."""
        return Churn(
            self.appearing_series + other.appearing_series,
            self.ending_series + other.ending_series,
            self.known_series + other.known_series,
        )

    def as_dict(self) -> ChurnSideRow:
        """Return it as a task result shows it."""
        return {"appear": self.appearing_series, "end": self.ending_series, "known": self.known_series}


def measure_churn(series: Iterable[MetricSeries]) -> Churn:
    """Return the churn of all series whose metrics were measured often enough."""
    series_by_metric: dict[int, list[MetricSeries]] = defaultdict(list)
    for measured_series in series:
        if measured_series.first_time:
            series_by_metric[measured_series.metric].append(measured_series)
    churn = Churn()
    for metric_series in series_by_metric.values():
        churn = churn.plus(_measure_metric_churn(metric_series))
    return churn


def _measure_metric_churn(series: Sequence[MetricSeries]) -> Churn:
    """Return the churn of a metric, whose senders may measure it at intervals of their own."""
    first_time = min(measured_series.first_time for measured_series in series)
    last_time = max(measured_series.last_time for measured_series in series)
    longest_gap = max(measured_series.longest_gap for measured_series in series)
    series_by_sender: dict[SenderName, list[MetricSeries]] = defaultdict(list)
    for measured_series in series:
        series_by_sender[measured_series.sender].append(measured_series)
    churn = Churn()
    for sender_series in series_by_sender.values():
        interval = max(measured_series.longest_gap for measured_series in sender_series) or longest_gap
        churn = churn.plus(_measure_sender_churn(sender_series, interval, first_time, last_time))
    return churn


def _measure_sender_churn(series: Sequence[MetricSeries], interval: int, first_time: int, last_time: int) -> Churn:
    """Return which series appear and end between the first and the last point of their metric; times in nanoseconds."""
    if not interval or last_time - first_time < _LEAST_INTERVALS * interval:
        return Churn()
    appeared = sum(measured_series.first_time > first_time + interval for measured_series in series)
    ended = sum(measured_series.last_time < last_time - interval for measured_series in series)
    return Churn(appeared, ended, len(series))
