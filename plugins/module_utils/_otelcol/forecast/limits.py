# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of a change: what may grow or shrink by how much, and which attributes must stay. Private.

Users give them as the option `limits` of a forecast. A change passes a limit if it goes beyond it; a breach is a line
about such a limit. A figure is a number of items, bytes or series. `lost_attributes` of the option names attributes
that must stay:

    limits:
      items: +20%
      series: 100k
      lost_attributes: [service.name]

    otlp/backend: logs: items 1,000 → 1,500, beyond the limit +20%
    otlp/backend: logs: attribute service.name is lost
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Problem, suggest_word
from .sent_changes import RESOURCE_SUFFIX, Figures, SentChange
from .tallies import Tally

FIGURES = ("items", "bytes", "series")
LOST_ATTRIBUTES = "lost_attributes"
LIMITS = (*FIGURES, LOST_ATTRIBUTES)
# `+20%` or `- 5.5 %`. Groups: the sign, the number.
_PERCENT = re.compile(r"([+-])\s*(\d{1,6}(?:\.\d{1,3})?)\s*%\Z", re.ASCII)
# `500` or `100k`. Groups: the number, the unit.
_AMOUNT = re.compile(r"(\d{1,15})\s*([kMG]?)\Z", re.ASCII)
_FACTORS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_FIX = "Write a change such as '+20%' or '-10%', or for series a number such as 100k."


@dataclass(frozen=True)
class ForecastLimit:
    """One limit of a figure: a change in percent, up or down, or an amount."""

    figure_name: str
    text: str
    """As the user wrote it, such as `-10%`: with a minus, a larger loss passes the limit."""
    percent: float | None = None
    """None for an amount."""
    amount: int | None = None
    """None for a percentage."""

    def is_passed_by(self, before: int, after: int) -> bool:
        """Return whether a figure that changes so is beyond the limit."""
        if self.amount is not None:
            return after > self.amount
        # Multiplied in place of divided: before may be 0.
        change = 100 * (after - before)
        allowed_change = (self.percent or 0.0) * before
        is_limit_of_loss = self.text.startswith("-")
        return change < allowed_change if is_limit_of_loss else change > allowed_change


@dataclass(frozen=True)
class ForecastLimits:
    """What a change may do. `kept_attributes` are the names of attributes that must stay."""

    figure_limits: tuple[ForecastLimit, ...] = ()
    kept_attributes: tuple[str, ...] = ()

    def find_breaches(self, changes: Sequence[SentChange]) -> Iterator[str]:
        """Yield a line for each limit that a change is beyond."""
        for change in changes:
            subject = f"{change.name}: {change.signal}"
            for line in self._list_passed_limits(change):
                yield f"{subject}: {line}"
            for name in self._list_lost_attributes(change):
                yield f"{subject}: attribute {name} is lost"
            for name, items in change.partly_lost_attributes:
                if _strip_resource_mark(name) in self.kept_attributes:
                    yield f"{subject}: attribute {name} is lost on {items:,} of {change.after.item_count:,} items"

    def _list_passed_limits(self, change: SentChange) -> Iterator[str]:
        """Yield each figure that a change moves beyond its limit, with what it was and is."""
        for limit in self.figure_limits:
            before = _find_figure(change.before, limit.figure_name)
            after = _find_figure(change.after, limit.figure_name)
            if limit.is_passed_by(before, after):
                yield f"{limit.figure_name} {before:,} → {after:,}, beyond the limit {limit.text}"

    def find_unseen_attributes(self, before: Iterable[Tally]) -> Iterator[str]:
        """Yield a line for each attribute that nothing had before the change, so that its loss cannot show."""
        attribute_names: set[str] = set()
        for tally in before:
            attribute_names.update(attribute.name for attribute in tally.items_by_attribute)
        for name in self.kept_attributes:
            if name not in attribute_names:
                yield f"lost_attributes: nothing has attribute {name} before the change, so its loss cannot show"

    def _list_lost_attributes(self, change: SentChange) -> Iterator[str]:
        """Yield each attribute that must stay and is lost, as the change names it: with its holder, if it has one."""
        shown_by_name = {_strip_resource_mark(shown_name): shown_name for shown_name in change.lost_attributes}
        for name in self.kept_attributes:
            if name in shown_by_name:
                yield shown_by_name[name]


def _find_figure(figures: Figures, name: str) -> int:
    """Return the figure that a limit names: `items`, `bytes` or `series`."""
    figures_by_name = {"items": figures.item_count, "bytes": figures.byte_count, "series": figures.series_count}
    return figures_by_name[name]


def _strip_resource_mark(shown_name: str) -> str:
    """Return the name of an attribute without what marks it as one of the resource."""
    return shown_name.removesuffix(RESOURCE_SUFFIX)


def parse_limits(limits_option: Mapping[str, Any]) -> ForecastLimits:
    """Return the limits that a user gives. Raises Problem for an unknown name, and for what is no limit."""
    figures: list[ForecastLimit] = []
    for name, value in limits_option.items():
        if name not in LIMITS:
            wrong = f"there is no limit '{name}'{suggest_word(str(name), LIMITS)}"
            raise Problem(wrong, where="limits", fix=f"Limits: {', '.join(LIMITS)}.")
        if name != LOST_ATTRIBUTES:
            figures += [_parse_limit(name, text) for text in _as_sequence(value)]
    kept_attributes = tuple(_parse_attribute(name) for name in _as_sequence(limits_option.get(LOST_ATTRIBUTES, ())))
    return ForecastLimits(tuple(figures), kept_attributes)


def _parse_attribute(name: Any) -> str:
    """Return the name of an attribute that must stay. Raises Problem for what is no name."""
    if isinstance(name, str) and name:
        return name
    wrong = f"'{name}' is no limit of {LOST_ATTRIBUTES}"
    raise Problem(wrong, where=f"limits.{LOST_ATTRIBUTES}", fix="Write names of attributes, such as [service.name].")


def _parse_limit(figure: str, value: Any) -> ForecastLimit:
    """Return a limit of a figure. Raises Problem for what is neither percent with a sign nor an amount of series."""
    text = str(value).strip()
    percent_match = _PERCENT.match(text)
    if percent_match:
        sign, number = percent_match.groups()
        return ForecastLimit(figure, text, percent=float(f"{sign}{number}"))
    amount_match = _AMOUNT.match(text)
    # Items and bytes of a capture depend on how long it took, so no amount limits them.
    if amount_match and figure == "series":
        number, unit = amount_match.groups()
        return ForecastLimit(figure, text, amount=int(number) * _FACTORS[unit])
    raise Problem(f"'{value}' is no limit of {figure}", where=f"limits.{figure}", fix=_FIX)


def _as_sequence(value: Any) -> Sequence[Any]:
    """Return the items of a list, or a single value as the only one."""
    return value if isinstance(value, (list, tuple)) else (value,)
