# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the change of a sample may be from that of all telemetry. Private.

A forecast measures a change by a capture, which is a sample of all telemetry. If a sampler keeps 600 of 1,000 captured
spans, the ratio is 0.6, and in all telemetry it may be between 0.57 and 0.63: then the bound is 0.03, and the forecast
shows `-40.0 %, ± 3.0`. The bound is None if the sample is too small to tell, and 0 if nothing was left to chance.
sent_changes.py asks for the bounds.

An item is a span, a data point or a log record. Spans of a trace are kept or dropped together, so the units that chance
chooses are traces; other items are chosen one by one.
Source: the ratio estimator of survey sampling (Cochran, "Sampling Techniques", 6.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from .forecast_rows import OneSideRow
from .record_kinds import KindOfOneSide

LEAST_TRACES = 30
"""With fewer traces, or fewer single items, a bound says nothing."""
_DEVIATIONS = 1.96
"""Standard deviations on both sides that 95 of 100 samples are within, of a normal distribution."""


class Unit(NamedTuple):
    """A trace of the sample: how many items it has before and after the change."""

    items_before: int
    items_after: int


@dataclass(frozen=True)
class OneSide:
    """The items that one side of a change alone has: before, since the change drops them, or after."""

    item_count: int = 0
    error_bound: float | None = 0.0
    """By how much their ratio to all items of before may be wrong. None if the sample is too small to tell."""
    largest_kinds: tuple[KindOfOneSide, ...] = ()
    """The kinds of log records and data points with most of these items."""

    def as_dict(self) -> OneSideRow:
        """Return it as a task result shows it."""
        kinds = [kind.as_dict() for kind in self.largest_kinds]
        return {"items": self.item_count, "bound_percent": bound_in_percent(self.error_bound), "kinds": kinds}


def bound_in_percent(bound: float | None) -> float | None:
    """Return a bound in percent points, as a task result shows it; None if the sample is too small."""
    return None if bound is None else round(100 * bound, 1)


def estimate_ratio_bound(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> float | None:
    """Return by how much the ratio of items after and before may be wrong, from the number of items of each trace.

    The ratio of all telemetry is within the bound of the sample's in 95 of 100 random samples; None if the sample is
    too small to tell. A sample that is kept or dropped whole has the bound 0.
    """
    total_before, total_after = sum(items_before.values()), sum(items_after.values())
    if not total_before or not total_after or items_before == items_after:
        return 0.0
    if len(items_before) < LEAST_TRACES:
        return None
    return _compute_bound(_pair_traces(items_before, items_after), total_before, total_after)


def count_only_before(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> OneSide:
    """Return the items that only before has, from the number of items of each trace."""
    return _count_one_side(items_before, items_after, _replace_by_loss)


def count_only_after(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> OneSide:
    """Return the items that only after has, from the number of items of each trace."""
    return _count_one_side(items_before, items_after, _replace_by_gain)


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


def _pair_traces(items_before: Mapping[int, int], items_after: Mapping[int, int]) -> Iterator[Unit]:
    """Yield the items of each trace before and after: `{1: 5}` and `{1: 3, 2: 1}` yield (5, 3) and (0, 1)."""
    for trace, item_count in items_before.items():
        yield Unit(item_count, items_after.get(trace, 0))
    for trace, item_count in items_after.items():
        if trace not in items_before:
            yield Unit(0, item_count)


def _replace_by_loss(unit: Unit) -> Unit:
    """Return a unit whose items after are those that it loses: `Unit(5, 2)` for `Unit(5, 3)`."""
    return Unit(unit.items_before, max(0, unit.items_before - unit.items_after))


def _replace_by_gain(unit: Unit) -> Unit:
    """Return a unit whose items after are those that it gains: `Unit(5, 1)` for `Unit(5, 6)`."""
    return Unit(unit.items_before, max(0, unit.items_after - unit.items_before))


def _count_one_side(
    items_before: Mapping[int, int], items_after: Mapping[int, int], replace_items: Callable[[Unit], Unit]
) -> OneSide:
    """Return the items that one side alone has. `replace_items` puts their number in place of the items after."""

    def iter_units() -> Iterator[Unit]:
        return map(replace_items, _pair_traces(items_before, items_after))

    item_count = sum(unit.items_after for unit in iter_units())
    total_before = sum(items_before.values())
    has_all_items = all(unit.items_after == unit.items_before for unit in iter_units())
    if not item_count or not total_before or has_all_items:
        return OneSide(item_count)
    if len(items_before) < LEAST_TRACES:
        return OneSide(item_count, error_bound=None)
    return OneSide(item_count, _compute_bound(iter_units(), total_before, item_count))


def _compute_bound(units: Iterable[Unit], total_before: int, total_after: int) -> float:
    """Return the bound of the ratio of two totals, from the units that make them."""
    ratio = total_after / total_before
    sum_of_squares = 0.0
    for unit in units:
        difference = unit.items_after - ratio * unit.items_before
        sum_of_squares += difference * difference
    return _DEVIATIONS * sqrt(sum_of_squares) / total_before
