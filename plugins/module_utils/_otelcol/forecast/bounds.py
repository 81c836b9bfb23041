# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the change of a sample may be from that of all telemetry. Private.

Source: the ratio estimator of survey sampling (Cochran, "Sampling Techniques", 6.4), whose units are traces, since the
spans of a trace are kept or dropped together, or else single items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

from .record_kinds import KindOfOneSide

LEAST_TRACES = 30
"""With fewer units, a bound says nothing."""
_LEVEL = 1.96
"""Standard deviations on both sides that 95 of 100 samples are within, of a normal distribution."""


class Unit(NamedTuple):
    """A unit of the sample, such as a trace: its items before and after."""

    before: int
    after: int


@dataclass(frozen=True)
class OneSide:
    """Items that only one side has, and by how much their ratio to all items of before may be wrong.

    None as a bound says that the sample is too small to tell. `kinds` are those of log records and data points with
    most of these items.
    """

    items: int = 0
    bound: float | None = 0.0
    kinds: tuple[KindOfOneSide, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as a task result shows it."""
        kinds = [kind.as_dict() for kind in self.kinds]
        return {"items": self.items, "bound_percent": percent_of(self.bound), "kinds": kinds}


def percent_of(bound: float | None) -> float | None:
    """Return a bound in percent points, as a task result shows it; None if the sample is too small."""
    return None if bound is None else round(100 * bound, 1)


def ratio_bound(before: Mapping[int, int], after: Mapping[int, int]) -> float | None:
    """Return by how much the ratio of items after and before may be wrong, from the items of each trace.

    The ratio of all telemetry is within the bound of the sample's in 95 of 100 random samples; None if the sample is
    too small to tell. A sample that is kept or dropped whole has the bound 0.
    """
    total_before, total_after = sum(before.values()), sum(after.values())
    if not total_before or not total_after or before == after:
        return 0.0
    if len(before) < LEAST_TRACES:
        return None
    return _bound(_units(before, after), total_before, total_after)


def only_before(before: Mapping[int, int], after: Mapping[int, int]) -> OneSide:
    """Return the items that only before has, from the items of each trace."""
    return _one_side(before, after, _fewer)


def only_after(before: Mapping[int, int], after: Mapping[int, int]) -> OneSide:
    """Return the items that only after has, from the items of each trace."""
    return _one_side(before, after, _more)


def ratio_bound_of_items(before: int, after: int) -> float | None:
    """Return the same for items that are kept, dropped or made one by one, such as log records and data points."""
    if after in (0, before) or not before:
        return 0.0
    if before < LEAST_TRACES:
        return None
    ratio = after / before
    variance = ratio * (1 - ratio) if ratio <= 1 else ratio * (ratio - 1)
    return _LEVEL * sqrt(variance / before)


def _units(before: Mapping[int, int], after: Mapping[int, int]) -> Iterator[Unit]:
    for trace, items in before.items():
        yield Unit(items, after.get(trace, 0))
    for trace, items in after.items():
        if trace not in before:
            yield Unit(0, items)


def _fewer(unit: Unit) -> Unit:
    return Unit(unit.before, max(0, unit.before - unit.after))


def _more(unit: Unit) -> Unit:
    return Unit(unit.before, max(0, unit.after - unit.before))


def _one_side(before: Mapping[int, int], after: Mapping[int, int], part: Callable[[Unit], Unit]) -> OneSide:
    items = sum(part(unit).after for unit in _units(before, after))
    total = sum(before.values())
    is_whole = all(part(unit).after == unit.before for unit in _units(before, after))
    if not items or not total or is_whole:
        return OneSide(items)
    if len(before) < LEAST_TRACES:
        return OneSide(items, None)
    return OneSide(items, _bound(map(part, _units(before, after)), total, items))


def _bound(units: Iterable[Unit], total_before: int, total_after: int) -> float:
    ratio = total_after / total_before
    squares = 0.0
    for unit in units:
        difference = unit.after - ratio * unit.before
        squares += difference * difference
    return _LEVEL * sqrt(squares) / total_before
