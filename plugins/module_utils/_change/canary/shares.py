# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a larger share of items fail in the canary than in the rest, and is that certain? Private.

Shares are compared by the bounds of Wilson's score interval, because few failures among few items prove nothing. For
example, 1 failure of 2 items means a share between 6 % and 94 %, and 500 failures of 1000 one between 46 % and 54 %.

Items of one reading may fail together, as the items of one request do. So no share counts as one of more items than
there are readings: 500 of 1000 items in 10 readings count as 5 of 10.

A share is a part of the items that were offered to a component. It is certain up to the lowest bound, and possible up
to the highest. The canary is worse than the rest by as much as its certain share exceeds the possible share of the
rest: the excess, in percentage points.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

from ..._telemetry.signal_flow import ExporterRow, ReceiverRow
from .count_rows import Row
from .fact_rows import RowKind
from .sides import Sides

# The width of the interval on either side, in standard deviations: in 0.5 % of cases the true share is beyond a bound.
_DEVIATIONS = 2.58
# Failures up to this share, in percent, are rare: each counts alone, and not with all others of its reading.
_RARE_PERCENT = 2


def compute_wilson_bounds(part: float, whole: float) -> tuple[float, float]:
    """Return the lowest and the highest percentage that the true share may have. Source: Wilson's score interval."""
    if not whole:
        return 0.0, 0.0
    share = min(part / whole, 1.0)
    squared_deviations = _DEVIATIONS * _DEVIATIONS
    middle = share + squared_deviations / (2 * whole)
    width = _DEVIATIONS * sqrt(share * (1 - share) / whole + squared_deviations / (4 * whole * whole))
    divisor = 1 + squared_deviations / whole
    return 100 * (middle - width) / divisor, 100 * (middle + width) / divisor


@dataclass(frozen=True)
class FailedShare:
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
        """Return which share goes wrong at least, in percent."""
        lowest_percent, _highest_percent = compute_wilson_bounds(*self._limit_to_readings(readings))
        return lowest_percent

    def compute_possible_percent(self, readings: int) -> float:
        """Return which share goes wrong at most, in percent."""
        counts = (self.bad_items, self.offered_items) if self.is_rare else self._limit_to_readings(readings)
        _lowest_percent, highest_percent = compute_wilson_bounds(*counts)
        return highest_percent

    def _limit_to_readings(self, readings: int) -> tuple[float, float]:
        """Return bad and offered items of the same share, but of no more items than readings."""
        if self.offered_items > readings:
            return self.bad_items * readings / self.offered_items, readings
        return self.bad_items, self.offered_items


@dataclass(frozen=True)
class ComparedShare:
    """The share of a canary beside the worst one of the rest, and in how many readings each was counted."""

    canary_share: FailedShare
    rest_share: FailedShare
    canary_reading_count: int
    rest_reading_count: int

    @property
    def excess_points(self) -> int:
        """By how many percentage points the least of the canary exceeds the most of the rest; 0 if they overlap."""
        canary_percent = self.canary_share.compute_certain_percent(self.canary_reading_count)
        rest_percent = self.rest_share.compute_possible_percent(self.rest_reading_count)
        return max(round(canary_percent - rest_percent), 0)

    def as_row(self, name: str) -> dict[str, Any]:
        """Return the fields of a row of facts. `name` says what went wrong: `failed` or `rejected`."""
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

    row_kind: RowKind
    bad_fields: tuple[str, ...]
    good_field: str

    def compute_share(self, row: Row) -> FailedShare:
        """Return the share of a row that went wrong."""
        bad_count = sum(row[name] for name in self.bad_fields)
        return FailedShare(bad_count, bad_count + row[self.good_field])


RECEIVED = CountedFields("receives", ("refused", "failed"), "accepted")
EXPORTED = CountedFields("exports", ("send_failed", "enqueue_failed"), "sent")


def compare_shares(
    sides: Sides, counted_fields: CountedFields, index: int, row: ReceiverRow | ExporterRow
) -> ComparedShare:
    """Return which share of the items of a row went wrong, beside the worst share of such rows of the rest.

    `index` is the place of the row among the rows of its kind. The rest counts as read as often as the canary.
    """
    rest_readings = len(sides.canary.readings)
    rest_rows = sides.find_rest_rows_or_all_of_signal(counted_fields.row_kind, row)
    rest_shares = [counted_fields.compute_share(rest_row.row) for rest_row in rest_rows]
    return ComparedShare(
        canary_share=counted_fields.compute_share(row),
        rest_share=_find_worst_share(rest_shares, rest_readings),
        canary_reading_count=_count_readings_with_items(sides, counted_fields, index),
        rest_reading_count=rest_readings,
    )


def _count_readings_with_items(sides: Sides, counted_fields: CountedFields, index: int) -> int:
    """Return in how many readings of the canary new items were counted at a component."""
    fields = (*counted_fields.bad_fields, counted_fields.good_field)
    item_counts = sides.canary.sum_fields_by_reading(counted_fields.row_kind, index, *fields)
    return sum(current > previous for previous, current in pairwise([0, *item_counts]))


def _find_worst_share(shares: Iterable[FailedShare], readings: int) -> FailedShare:
    """Return the share with the highest possible percentage; among equal ones that of the most items."""

    def rate_badness(share: FailedShare) -> tuple[float, int]:
        return share.compute_possible_percent(readings), share.offered_items

    return max(shares, key=rate_badness, default=FailedShare(0, 0))
