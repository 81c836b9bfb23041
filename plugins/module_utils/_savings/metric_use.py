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
from .attribute_use import NEVER_PROPOSED
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record, encode_point_value
from .ottl_texts import quote_literal
from .proposals import Proposal, RemovalOption, UntoldKind, build_filter_option, build_noise_recipe

LEAST_POINTS = 3
"""With fewer data points, a series cannot be called unchanged."""
MOST_SERIES = 200_000
"""So many series are told apart."""
_LEAST_SERIES = 10
"""An attribute that makes fewer series is not worth a change."""
_MERGE_FUNCTIONS = {"gauge": "mean", "sum": "sum", "histogram": "sum", "exponentialHistogram": "sum"}
"""How points of series that become one are put together. Source: `aggregate_on_attributes` of processor transform."""
_DELTA_TEMPORALITIES = (1, "AGGREGATION_TEMPORALITY_DELTA")


class SeriesIdentity(NamedTuple):
    """A series: numbers that equal resources share, and its attributes with their values in JSON."""

    resource: int
    attributes: frozenset[tuple[str, str]]


@dataclass
class SeriesUse:
    """What came of a series: its data points, the last value, whether it was ever another, and points by scope."""

    point_count: int = 0
    last_value: str = ""
    has_changed: bool = False
    amount_by_scope: dict[str, Amount] = field(default_factory=dict)

    def add_point(self, value: str, scope: str, size: int) -> None:
        """Count a data point."""
        self.has_changed |= bool(self.point_count) and value != self.last_value
        self.last_value = value
        self.point_count += 1
        self.amount_by_scope[scope] = self.amount_by_scope.get(scope, NO_AMOUNT).plus(1, size)


@dataclass
class MetricUse:
    """What came of a metric: its kind, all of its data points, and its series."""

    kind: str
    amount: Amount = NO_AMOUNT
    series: dict[SeriesIdentity, SeriesUse] = field(default_factory=lambda: defaultdict(SeriesUse))


class CapturedMetrics:
    """The metrics of a capture. `kept` are names of attributes that are never proposed."""

    def __init__(self, readable: ReadableValues, kept_attributes: frozenset[str] = frozenset()) -> None:
        self._readable, self._kept = readable, NEVER_PROPOSED | kept_attributes
        self._metrics: dict[str, MetricUse] = {}
        self._series = 0
        self._left_out = 0

    def add_record(self, record: Record) -> None:
        """Count a metric with its data points."""
        name = str(record.body.get("name") or "")
        for kind in METRIC_KINDS:
            data = record.body.get(kind)
            if data:
                metric = self._metrics.setdefault(name, MetricUse(kind))
                metric.amount = metric.amount.plus(record.items, record.size)
                self._count_points(metric, record, data.get("aggregationTemporality") in _DELTA_TEMPORALITIES)

    def _count_points(self, metric: MetricUse, record: Record, is_delta: bool) -> None:
        bytes_per_point = record.size // max(record.items, 1)
        for point, attributes in record.holders:
            series = SeriesIdentity(record.resource.identity, frozenset(attributes.items()))
            if series not in metric.series:
                if self._series >= MOST_SERIES:
                    self._left_out += 1
                    continue
                self._series += 1
            # A delta that is the same each time still counts something each time.
            value = encode_point_value(point)
            series_use = metric.series[series]
            series_use.add_point(value, record.scope, bytes_per_point)
            series_use.has_changed |= is_delta and _has_nonzero_count(point)

    def find_outcomes(self) -> Iterator[Proposal | UntoldKind]:
        """Yield what is worth dropping."""
        short_series = 0
        for name, metric in self._metrics.items():
            yield from self._propose_unchanged(name, metric)
            yield from self._propose_attributes(name, metric)
            yield from self._propose_scopes(name, metric)
            short_series += _count_short_series(metric)
        if short_series:
            reason = f"{short_series:,} series have fewer than {LEAST_POINTS} data points. Capture for longer"
            yield UntoldKind(proposals.UNCHANGED, reason)
        if self._left_out:
            reason = f"{self._left_out:,} data points of series after the first {MOST_SERIES:,} were not looked at"
            yield from (UntoldKind(kind, reason) for kind in (proposals.UNCHANGED, proposals.SERIES, proposals.SCOPES))

    def _propose_unchanged(self, name: str, metric: MetricUse) -> Iterator[Proposal]:
        """Yield a metric of which no series ever changes."""
        series_uses = list(metric.series.values())
        if series_uses and all(
            series_use.point_count >= LEAST_POINTS and not series_use.has_changed for series_use in series_uses
        ):
            option = build_noise_recipe(metrics=[f"^{re.escape(name)}$"])
            detail = f"{len(series_uses):,} series"
            yield Proposal(proposals.UNCHANGED, name, {"metrics": metric.amount}, option, detail)

    def _propose_attributes(self, name: str, metric: MetricUse) -> Iterator[Proposal]:
        """Yield attributes without which a metric has at most half of its series."""
        function, all_series = _MERGE_FUNCTIONS.get(metric.kind, ""), list(metric.series)
        if not function or len(all_series) < _LEAST_SERIES:
            return
        attribute_names = sorted({attribute for series in all_series for attribute, _value_of in series.attributes})
        for attribute in attribute_names:
            merged_series = {_remove_attribute(series, attribute) for series in all_series}
            if attribute in self._kept or 2 * len(merged_series) > len(all_series):
                continue
            other_attributes = [other_attribute for other_attribute in attribute_names if other_attribute != attribute]
            removed_share = 1 - len(merged_series) / len(all_series)
            removed = Amount(
                round(metric.amount.item_count * removed_share), round(metric.amount.size_bytes * removed_share)
            )
            detail = f"{len(all_series):,} → {len(merged_series):,} series"
            option = _build_merge_option(name, function, other_attributes)
            yield Proposal(proposals.SERIES, f"{attribute} of {name}", {"metrics": removed}, option, detail)

    def _propose_scopes(self, name: str, metric: MetricUse) -> Iterator[Proposal | UntoldKind]:
        """Yield the scope with fewer points of the series that come from two."""
        amounts: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        for series_use in metric.series.values():
            if len(series_use.amount_by_scope) > 1:
                rarest_scope = min(
                    series_use.amount_by_scope, key=lambda scope: (series_use.amount_by_scope[scope].item_count, scope)
                )
                amounts[rarest_scope] = amounts[rarest_scope].plus(*series_use.amount_by_scope[rarest_scope])
        for scope, amount in amounts.items():
            # Names of scopes are masked, unless they are those of OpenTelemetry's libraries.
            is_readable = self._readable.can_read("scope.name")
            condition = f"metric.name == {quote_literal(name)} and instrumentation_scope.name == {quote_literal(scope)}"
            option = build_filter_option("scopes", "metrics", "metric", condition)
            detail = f"the same series come from another scope than '{scope}'"
            yield Proposal(proposals.SCOPES, name, {"metrics": amount}, option if is_readable else None, detail)
            if not is_readable:
                yield UntoldKind(
                    proposals.SCOPES, "names of scopes are masked. Capture with `capture_keep: [scope.name]`"
                )


def _count_short_series(metric: MetricUse) -> int:
    return sum(
        1
        for series_use in metric.series.values()
        if series_use.point_count < LEAST_POINTS and not series_use.has_changed
    )


def _remove_attribute(series: SeriesIdentity, name: str) -> SeriesIdentity:
    other_attributes = frozenset(pair for pair in series.attributes if pair[0] != name)
    return SeriesIdentity(series.resource, other_attributes)


def _build_merge_option(metric: str, function: str, attributes: list[str]) -> RemovalOption:
    """Return what makes one series of those that differ in other attributes than these alone."""
    statement = (
        f'aggregate_on_attributes("{function}", {json.dumps(attributes)}) where metric.name == {quote_literal(metric)}'
    )
    settings = {"error_mode": "ignore", "metric_statements": [statement]}
    return RemovalOption(processor="transform/series", settings=settings, signals=("metrics",))


def _has_nonzero_count(point: Mapping[str, Any]) -> bool:
    return any(str(point.get(name) or "0").strip("0.") for name in ("asDouble", "asInt", "count"))
