# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many series of metrics begin and end within a sample. Private.

A sender measures a metric at an interval, which is the longest time between two points of one of its series. A series
that has no point in the first interval of its metric appears in the sample; one that has none in the last one ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .tallies import Sender, Series

_LEAST_INTERVALS = 2
"""In less time, a series whose turn is late looks like one that appears."""


@dataclass(frozen=True)
class Churn:
    """How many series appear in a sample, and how many end in it. `known` is of how many series that is known."""

    appear: int = 0
    end: int = 0
    known: int = 0

    def plus(self, other: Churn) -> Churn:
        """Return the sum of both."""
        return Churn(self.appear + other.appear, self.end + other.end, self.known + other.known)

    def as_dict(self) -> dict[str, int]:
        """Return it as a task result shows it."""
        return {"appear": self.appear, "end": self.end, "known": self.known}


def churn_of(series: Iterable[Series]) -> Churn:
    """Return the churn of all series whose metrics were measured often enough."""
    of_metrics: dict[int, list[Series]] = defaultdict(list)
    for one in series:
        if one.first:
            of_metrics[one.metric].append(one)
    churn = Churn()
    for of_metric in of_metrics.values():
        churn = churn.plus(_churn_of_metric(of_metric))
    return churn


def _churn_of_metric(series: Sequence[Series]) -> Churn:
    """Return the churn of a metric, whose senders may measure it at intervals of their own."""
    begin, end = min(one.first for one in series), max(one.last for one in series)
    slowest = max(one.gap for one in series)
    of_senders: dict[Sender, list[Series]] = defaultdict(list)
    for one in series:
        of_senders[one.sender].append(one)
    churn = Churn()
    for of_sender in of_senders.values():
        interval = max(one.gap for one in of_sender) or slowest
        churn = churn.plus(_churn_of_sender(of_sender, interval, begin, end))
    return churn


def _churn_of_sender(series: Sequence[Series], interval: int, begin: int, end: int) -> Churn:
    """Return which series appear and end between the first and the last point of their metric; times in nanoseconds."""
    if not interval or end - begin < _LEAST_INTERVALS * interval:
        return Churn()
    appeared = sum(one.first > begin + interval for one in series)
    ended = sum(one.last < end - interval for one in series)
    return Churn(appeared, ended, len(series))
