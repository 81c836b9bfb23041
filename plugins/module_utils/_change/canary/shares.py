# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares of items that went wrong, and what is certain of them. Private.

Shares are compared by the bounds of Wilson's score interval: a small number of failures in a small number of items
proves nothing. Items of one reading may fail together, as those of one request do, so a share of many items in few
readings counts as one of so many items as there are readings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

from .count_rows import ExporterRow, ReceiverRow, Row
from .sides import Sides

# How far the bounds of a share are from it, in standard deviations: the true share is beyond either bound in 0.5 %.
_DEVIATIONS = 2.58
# Failures up to this share, in percent, are rare: each counts alone, and not with all others of its reading.
_RARE_PERCENT = 2


def compute_wilson_bounds(part: float, whole: float) -> tuple[float, float]:
    """Return between which shares, in percent, the true one surely is. Source: Wilson's score interval."""
    if not whole:
        return 0.0, 0.0
    share, squared_deviations = min(part / whole, 1.0), _DEVIATIONS * _DEVIATIONS
    middle = share + squared_deviations / (2 * whole)
    width = _DEVIATIONS * sqrt(share * (1 - share) / whole + squared_deviations / (4 * whole * whole))
    return 100 * (middle - width) / (1 + squared_deviations / whole), 100 * (middle + width) / (
        1 + squared_deviations / whole
    )


@dataclass(frozen=True)
class Share:
    """Items of one component that went wrong, of those that were offered to it."""

    bad_items: int
    offered_items: int

    @property
    def percent(self) -> int:
        """The share in percent; 0 of nothing."""
        return round(100 * self.bad_items / self.offered_items) if self.offered_items else 0

    @property
    def is_rare(self) -> bool:
        """Whether few fail: too few to be requests that failed as a whole."""
        return 100 * self.bad_items <= _RARE_PERCENT * self.offered_items

    def compute_certain_percent(self, readings: int) -> float:
        """Return which share goes wrong for certain, in percent."""
        return compute_wilson_bounds(*self._limit_to_readings(readings))[0]

    def compute_possible_percent(self, readings: int) -> float:
        """Return which share may go wrong, in percent."""
        counts = (self.bad_items, self.offered_items) if self.is_rare else self._limit_to_readings(readings)
        return compute_wilson_bounds(*counts)[1]

    def _limit_to_readings(self, readings: int) -> tuple[float, float]:
        """Return how many went wrong and were offered, as a share of no more items than readings."""
        if self.offered_items > readings:
            return self.bad_items * readings / self.offered_items, readings
        return self.bad_items, self.offered_items


@dataclass(frozen=True)
class ComparedShare:
    """The share of a canary beside the worst one of the rest, and in how many readings each was counted."""

    canary_share: Share
    rest_share: Share
    canary_reading_count: int
    rest_reading_count: int

    @property
    def excess_points(self) -> int:
        """By how many percentage points more goes wrong in the canary for certain than may go wrong in the rest."""
        certain_excess = self.canary_share.compute_certain_percent(
            self.canary_reading_count
        ) - self.rest_share.compute_possible_percent(self.rest_reading_count)
        return max(round(certain_excess), 0)

    def as_row(self, name: str) -> dict[str, Any]:
        """Return the fields of a row of facts; `name` says what went wrong."""
        return {
            name: self.canary_share.bad_items,
            "offered": self.canary_share.offered_items,
            f"{name}_percent": self.canary_share.percent,
            f"rest_{name}": self.rest_share.bad_items,
            "rest_offered": self.rest_share.offered_items,
            f"rest_{name}_percent": self.rest_share.percent,
            f"{name}_excess": self.excess_points,
        }


@dataclass(frozen=True)
class CountedFields:
    """Rows of one kind, and which of their fields count items that went wrong, and items that went well."""

    row_kind: str
    bad_fields: tuple[str, ...]
    good_field: str

    def compute_share(self, row: Row) -> Share:
        """Return the share of a row that went wrong."""
        bad_count = sum(row[name] for name in self.bad_fields)
        return Share(bad_count, bad_count + row[self.good_field])


RECEIVED = CountedFields("receives", ("refused", "failed"), "accepted")
EXPORTED = CountedFields("exports", ("send_failed", "enqueue_failed"), "sent")


def compare_shares(
    sides: Sides, counted_fields: CountedFields, index: int, row: ReceiverRow | ExporterRow
) -> ComparedShare:
    """Return which share of the items of a row went wrong, beside the worst share of such rows of the rest.

    `index` is the place of the row among the rows of its kind.
    """
    totals = [
        0,
        *sides.canary.sum_fields_by_reading(
            counted_fields.row_kind, index, *counted_fields.bad_fields, counted_fields.good_field
        ),
    ]
    counting_readings = sum(current_total > previous_total for previous_total, current_total in pairwise(totals))
    rest_readings = len(sides.canary.polls)
    rest_shares = [
        counted_fields.compute_share(rest_row.row)
        for rest_row in sides.find_rest_rows_or_signal(counted_fields.row_kind, row)
    ]
    return ComparedShare(
        counted_fields.compute_share(row),
        _find_worst_share(rest_shares, rest_readings),
        counting_readings,
        rest_readings,
    )


def _find_worst_share(shares: Iterable[Share], readings: int) -> Share:
    """Return the share of which most may go wrong; among equal ones that of the most items."""
    return max(
        shares, key=lambda share: (share.compute_possible_percent(readings), share.offered_items), default=Share(0, 0)
    )
