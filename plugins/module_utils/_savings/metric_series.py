# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of the series of each metric of a capture. Private.

A series is what has the same metric, resource and attributes: `http.requests` of `cart-1` with `{"status": "200"}`.
`metric_use.py` adds the data points of a capture, and looks in the end at how they changed:

| data points of a series | `is_unchanged` | `is_too_short` |
|---|---|---|
| 5, 5, 5 | True | False |
| 5, 5 | False | True: a longer capture may show that it never changes |
| 5, 6 | False | False |
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from .captured_records import NO_AMOUNT, Amount

LEAST_POINTS = 3
"""With fewer data points, a series cannot be called unchanged."""


class SeriesIdentity(NamedTuple):
    """A series of a metric: its resource, and its attributes."""

    resource: int
    """A number that equal resources share."""
    attributes: frozenset[tuple[str, str]]
    """Each as a name and a value in JSON."""

    def without_attribute(self, name: str) -> SeriesIdentity:
        """Return the series into which this one is merged if an attribute is removed."""
        return SeriesIdentity(self.resource, frozenset(pair for pair in self.attributes if pair[0] != name))


@dataclass
class SeriesUse:
    """The data points of a series that the capture has."""

    point_count: int = 0
    last_value: str = ""
    has_changed: bool = False
    """Whether two of its data points have different values, or one counts something since the one before (delta)."""
    amount_by_scope: dict[str, Amount] = field(default_factory=dict)

    def add_point(self, value: str, scope: str, size: int) -> None:
        """Count a data point. The value is in JSON, and the scope is the name of the library that made it."""
        if self.point_count and value != self.last_value:
            self.has_changed = True
        self.last_value = value
        self.point_count += 1
        self.amount_by_scope[scope] = self.amount_by_scope.get(scope, NO_AMOUNT).plus(1, size)

    @property
    def is_unchanged(self) -> bool:
        """Whether it has enough data points, all with the same value."""
        return not self.has_changed and self.point_count >= LEAST_POINTS

    @property
    def is_too_short(self) -> bool:
        """Whether it has too few data points to be called unchanged."""
        return not self.has_changed and self.point_count < LEAST_POINTS

    @property
    def rarest_scope(self) -> str:
        """The scope with the fewest data points; of several, the first by name."""
        return min(self.amount_by_scope, key=lambda scope: (self.amount_by_scope[scope].item_count, scope))


@dataclass
class MetricUse:
    """The data points of a metric that the capture has, together and by series."""

    kind: str
    """Such as `gauge` or `sum`."""
    amount: Amount = NO_AMOUNT
    series: dict[SeriesIdentity, SeriesUse] = field(default_factory=lambda: defaultdict(SeriesUse))

    def list_attribute_names(self) -> list[str]:
        """Return the names of all attributes of its series, sorted."""
        names: set[str] = set()
        for identity in self.series:
            names.update(name for name, _value in identity.attributes)
        return sorted(names)
