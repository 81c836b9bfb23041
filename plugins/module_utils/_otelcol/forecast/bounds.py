# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the change of a sample may be from that of all telemetry. Private.

The sample is the capture, whose items are spans, data points or log records. A bound is how far the ratio of items
after and before may be from that of all telemetry, such as 0.02; it is None if the sample is too small to tell, and 0
if nothing was left to chance. sent_changes.py asks for the bounds.
Source: the ratio estimator of survey sampling (Cochran, "Sampling Techniques", 6.4), whose units are traces, since the
spans of a trace are kept or dropped together, or else single items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from .forecast_rows import OneSideRow
from .record_kinds import KindOfOneSide

LEAST_TRACES = 30
"""With fewer units, a bound says nothing."""
_DEVIATIONS = 1.96
"""Standard deviations on both sides that 95 of 100 samples are within, of a normal distribution."""


class Unit(NamedTuple):
    """A unit of the sample, such as a trace: its items before and after."""

    items_before: int
    items_after: int


@dataclass(frozen=True)
class OneSide:
    """Items that only one side has, and by how much their ratio to all items of before may be wrong.

    None as a bound says that the sample is too small to tell. `largest_kinds` are those of log records and data points
    with most of these items.
    """

    item_count: int = 0
    error_bound: float | None = 0.0
    largest_kinds: tuple[KindOfOneSide, ...] = ()

    def as_dict(self) -> OneSideRow:
        """Return it as a task result shows it."""
        kinds = [kind.as_dict() for kind in self.largest_kinds]
        return {"items": self.item_count, "bound_percent": bound_in_percent(self.error_bound), "kinds": kinds}


def bound_in_percent(bound: float | None) -> float | None:
    """Return a bound in percent points, as a task result shows it; None if the sample is too small."""
    return None if bound is None else round(100 * bound, 1)


def estimate_ratio_bound(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> float | None:
    """Return by how much the ratio of items after and before may be wrong, from the items of each trace.

    The ratio of all telemetry is within the bound of the sample's in 95 of 100 random samples; None if the sample is
    too small to tell. A sample that is kept or dropped whole has the bound 0.
    """
    total_before, total_after = sum(items_before.values()), sum(items_after.values())
    if not total_before or not total_after or items_before == items_after:
        return 0.0
    if len(items_before) < LEAST_TRACES:
        return None
    return _compute_bound(_pair_units(items_before, items_after), total_before, total_after)


def count_only_before(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> OneSide:
    """Return the items that only before has, from the items of each trace."""
    return _count_one_side(items_before, items_after, _keep_loss)


def count_only_after(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> OneSide:
    """Return the items that only after has, from the items of each trace."""
    return _count_one_side(items_before, items_after, _keep_gain)


def estimate_item_ratio_bound(count_before: int, count_after: int) -> float | None:
    """Return by how much the ratio of items after and before may be wrong, if each item is kept or dropped by itself.

    That is so for log records and data points. The result is as that of `estimate_ratio_bound`.
    """
    if count_after in (0, count_before) or not count_before:
        return 0.0
    if count_before < LEAST_TRACES:
        return None
    ratio = count_after / count_before
    variance = ratio * (1 - ratio) if ratio <= 1 else ratio * (ratio - 1)
    return _DEVIATIONS * sqrt(variance / count_before)


def _pair_units(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> Iterator[Unit]:
    for trace, item_count in items_before.items():
        yield Unit(item_count, items_after.get(trace, 0))
    for trace, item_count in items_after.items():
        if trace not in items_before:
            yield Unit(0, item_count)


def _keep_loss(unit: Unit) -> Unit:
    """Return a unit whose items after are those that only before has."""
    return Unit(unit.items_before, max(0, unit.items_before - unit.items_after))


def _keep_gain(unit: Unit) -> Unit:
    return Unit(unit.items_before, max(0, unit.items_after - unit.items_before))


def _count_one_side(
    items_before: Mapping[int, int], items_after: Mapping[int, int], select_part: Callable[[Unit], Unit]
) -> OneSide:
    item_count = sum(select_part(unit).items_after for unit in _pair_units(items_before, items_after))
    total_before = sum(items_before.values())
    is_whole = all(
        select_part(unit).items_after == unit.items_before for unit in _pair_units(items_before, items_after)
    )
    if not item_count or not total_before or is_whole:
        return OneSide(item_count)
    if len(items_before) < LEAST_TRACES:
        return OneSide(item_count, None)
    return OneSide(
        item_count, _compute_bound(map(select_part, _pair_units(items_before, items_after)), total_before, item_count)
    )


def _compute_bound(units: Iterable[Unit], total_before: int, total_after: int) -> float:
    ratio = total_after / total_before
    sum_of_squares = 0.0
    for unit in units:
        difference = unit.items_after - ratio * unit.items_before
        sum_of_squares += difference * difference
    return _DEVIATIONS * sqrt(sum_of_squares) / total_before
