# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that are worth dropping: unchanged series, attributes that make series, metrics of two scopes. Private."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._otelcol.otlp_requests import METRIC_KINDS
from . import proposals
from .attribute_use import KEPT
from .captured_records import NOTHING, Amount, Readable, Record, value_of
from .ottl_texts import quoted
from .proposals import Option, Proposal, Untold, drop_noise, filtered

LEAST_POINTS = 3
"""With fewer data points, a series cannot be called unchanged."""
MOST_SERIES = 200_000
"""So many series are told apart."""
_LEAST_SERIES = 10
"""An attribute that makes fewer series is not worth a change."""
_MERGED_BY = {"gauge": "mean", "sum": "sum", "histogram": "sum", "exponentialHistogram": "sum"}
"""How points of series that become one are put together. Source: `aggregate_on_attributes` of processor transform."""
_DELTA = (1, "AGGREGATION_TEMPORALITY_DELTA")


class Series(NamedTuple):
    """A series: numbers that equal resources share, and its attributes with their values in JSON."""

    resource: int
    attributes: frozenset[tuple[str, str]]


@dataclass
class SeriesUse:
    """What came of a series: its data points, the last value, whether it was ever another, and points by scope."""

    points: int = 0
    value: str = ""
    changed: bool = False
    scopes: dict[str, Amount] = field(default_factory=dict)

    def add(self, value: str, scope: str, size: int) -> None:
        """Count a data point."""
        self.changed |= bool(self.points) and value != self.value
        self.value = value
        self.points += 1
        self.scopes[scope] = self.scopes.get(scope, NOTHING).plus(1, size)


@dataclass
class MetricUse:
    """What came of a metric: its kind, all of its data points, and its series."""

    kind: str
    amount: Amount = NOTHING
    series: dict[Series, SeriesUse] = field(default_factory=lambda: defaultdict(SeriesUse))


class MetricsUse:
    """The metrics of a capture. `kept` are names of attributes that are never proposed."""

    def __init__(self, readable: Readable, kept: frozenset[str] = frozenset()) -> None:
        self._readable, self._kept = readable, KEPT | kept
        self._metrics: dict[str, MetricUse] = {}
        self._series = 0
        self._left_out = 0

    def add(self, record: Record) -> None:
        """Count a metric with its data points."""
        name = str(record.body.get("name") or "")
        for kind in METRIC_KINDS:
            data = record.body.get(kind)
            if data:
                metric = self._metrics.setdefault(name, MetricUse(kind))
                metric.amount = metric.amount.plus(record.items, record.size)
                self._add_points(metric, record, data.get("aggregationTemporality") in _DELTA)

    def _add_points(self, metric: MetricUse, record: Record, is_delta: bool) -> None:
        size_each = record.size // max(record.items, 1)
        for point, attributes in record.holders:
            series = Series(record.resource.identity, frozenset(attributes.items()))
            if series not in metric.series:
                if self._series >= MOST_SERIES:
                    self._left_out += 1
                    continue
                self._series += 1
            # A delta that is the same each time still counts something each time.
            value = value_of(point)
            use = metric.series[series]
            use.add(value, record.scope, size_each)
            use.changed |= is_delta and _counts_something(point)

    def outcomes(self) -> Iterator[Proposal | Untold]:
        """Yield what is worth dropping."""
        short = 0
        for name, metric in self._metrics.items():
            yield from self._of_unchanged(name, metric)
            yield from self._of_attributes(name, metric)
            yield from self._of_scopes(name, metric)
            short += _short_series(metric)
        if short:
            why = f"{short:,} series have fewer than {LEAST_POINTS} data points. Capture for longer"
            yield Untold(proposals.UNCHANGED, why)
        if self._left_out:
            why = f"{self._left_out:,} data points of series after the first {MOST_SERIES:,} were not looked at"
            yield from (Untold(kind, why) for kind in (proposals.UNCHANGED, proposals.SERIES, proposals.SCOPES))

    def _of_unchanged(self, name: str, metric: MetricUse) -> Iterator[Proposal]:
        """Yield a metric of which no series ever changes."""
        uses = list(metric.series.values())
        if uses and all(use.points >= LEAST_POINTS and not use.changed for use in uses):
            option = drop_noise(metrics=[f"^{re.escape(name)}$"])
            detail = f"{len(uses):,} series"
            yield Proposal(proposals.UNCHANGED, name, {"metrics": metric.amount}, option, detail)

    def _of_attributes(self, name: str, metric: MetricUse) -> Iterator[Proposal]:
        """Yield attributes without which a metric has at most half of its series."""
        function, all_series = _MERGED_BY.get(metric.kind, ""), list(metric.series)
        if not function or len(all_series) < _LEAST_SERIES:
            return
        names = sorted({attribute for series in all_series for attribute, _value_of in series.attributes})
        for attribute in names:
            left = {_without(series, attribute) for series in all_series}
            if attribute in self._kept or 2 * len(left) > len(all_series):
                continue
            others = [other for other in names if other != attribute]
            share = 1 - len(left) / len(all_series)
            removed = Amount(round(metric.amount.items * share), round(metric.amount.size * share))
            detail = f"{len(all_series):,} → {len(left):,} series"
            option = _merging(name, function, others)
            yield Proposal(proposals.SERIES, f"{attribute} of {name}", {"metrics": removed}, option, detail)

    def _of_scopes(self, name: str, metric: MetricUse) -> Iterator[Proposal | Untold]:
        """Yield the scope with fewer points of the series that come from two."""
        amounts: dict[str, Amount] = defaultdict(lambda: NOTHING)
        for use in metric.series.values():
            if len(use.scopes) > 1:
                least = min(use.scopes, key=lambda scope: (use.scopes[scope].items, scope))
                amounts[least] = amounts[least].plus(*use.scopes[least])
        for scope, amount in amounts.items():
            # Names of scopes are masked, unless they are those of OpenTelemetry's libraries.
            is_readable = self._readable.reads("scope.name")
            condition = f"metric.name == {quoted(name)} and instrumentation_scope.name == {quoted(scope)}"
            option = filtered("scopes", "metrics", "metric", condition)
            detail = f"the same series come from another scope than '{scope}'"
            yield Proposal(proposals.SCOPES, name, {"metrics": amount}, option if is_readable else None, detail)
            if not is_readable:
                yield Untold(proposals.SCOPES, "names of scopes are masked. Capture with `capture_keep: [scope.name]`")


def _short_series(metric: MetricUse) -> int:
    return sum(1 for use in metric.series.values() if use.points < LEAST_POINTS and not use.changed)


def _without(series: Series, name: str) -> Series:
    left = frozenset(pair for pair in series.attributes if pair[0] != name)
    return Series(series.resource, left)


def _merging(metric: str, function: str, attributes: list[str]) -> Option:
    """Return what makes one series of those that differ in other attributes than these alone."""
    statement = f'aggregate_on_attributes("{function}", {json.dumps(attributes)}) where metric.name == {quoted(metric)}'
    settings = {"error_mode": "ignore", "metric_statements": [statement]}
    return Option(processor="transform/series", settings=settings, signals=("metrics",))


def _counts_something(point: Mapping[str, Any]) -> bool:
    return any(str(point.get(name) or "0").strip("0.") for name in ("asDouble", "asInt", "count"))
