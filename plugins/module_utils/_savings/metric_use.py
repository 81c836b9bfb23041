# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that are worth dropping: unchanged series, attributes that make series, metrics of two scopes.

`observation.py` adds each metric of a capture to `CapturedMetrics`, and asks it for proposals in the end. Private.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._otelcol.otlp_requests import METRIC_KINDS
from . import proposals
from .attribute_use import NEVER_PROPOSED
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record, encode_point_value
from .ottl_texts import quote_literal
from .proposals import SavingProposal, UntoldKind
from .removal_options import ProcessorOption, build_filter_option, build_noise_recipe

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
    """A series of a metric: its resource, and its attributes."""

    resource: int
    """A number that equal resources share."""
    attributes: frozenset[tuple[str, str]]
    """Each as a name and a value in JSON."""


@dataclass
class SeriesUse:
    """The data points of a series that the capture has."""

    point_count: int = 0
    last_value: str = ""
    has_changed: bool = False
    """Whether two of its data points have different values."""
    amount_by_scope: dict[str, Amount] = field(default_factory=dict)

    def add_point(self, value: str, scope: str, size: int) -> None:
        """Count a data point."""
        self.has_changed |= bool(self.point_count) and value != self.last_value
        self.last_value = value
        self.point_count += 1
        self.amount_by_scope[scope] = self.amount_by_scope.get(scope, NO_AMOUNT).plus(1, size)


@dataclass
class MetricUse:
    """The data points of a metric that the capture has, together and by series."""

    kind: str
    """Such as `gauge` or `sum`."""
    amount: Amount = NO_AMOUNT
    series: dict[SeriesIdentity, SeriesUse] = field(default_factory=lambda: defaultdict(SeriesUse))


class CapturedMetrics:
    """The metrics of a capture. `kept_attributes` are names of attributes that are never proposed."""

    def __init__(self, readable: ReadableValues, kept_attributes: frozenset[str] = frozenset()) -> None:
        self._readable, self._kept = readable, NEVER_PROPOSED | kept_attributes
        self._metrics: dict[str, MetricUse] = {}
        self._series_count = 0
        self._left_out_points = 0

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
                if self._series_count >= MOST_SERIES:
                    self._left_out_points += 1
                    continue
                self._series_count += 1
            series_use = metric.series[series]
            series_use.add_point(encode_point_value(point), record.scope, bytes_per_point)
            # A delta that is the same each time still counts something each time.
            series_use.has_changed |= is_delta and _has_nonzero_count(point)

    def find_outcomes(self) -> Iterator[SavingProposal | UntoldKind]:
        """Yield the proposals on metrics, and what the capture cannot tell of them."""
        short_series = 0
        for name, metric in self._metrics.items():
            yield from self._propose_unchanged(name, metric)
            yield from self._propose_attributes(name, metric)
            yield from self._propose_scopes(name, metric)
            short_series += _count_short_series(metric)
        if short_series:
            reason = f"{short_series:,} series have fewer than {LEAST_POINTS} data points. Capture for longer"
            yield UntoldKind(proposals.UNCHANGED_METRICS, reason)
        if self._left_out_points:
            reason = (
                f"{self._left_out_points:,} data points of series after the first {MOST_SERIES:,} were not looked at"
            )
            for kind in (proposals.UNCHANGED_METRICS, proposals.SERIES, proposals.DUPLICATE_METRICS):
                yield UntoldKind(kind, reason)

    def _propose_unchanged(self, name: str, metric: MetricUse) -> Iterator[SavingProposal]:
        """Yield the proposal to drop a metric, if none of its series ever changes."""
        series_uses = list(metric.series.values())
        if series_uses and all(map(_is_unchanged, series_uses)):
            option = build_noise_recipe(metrics=[f"^{re.escape(name)}$"])
            detail = f"{len(series_uses):,} series"
            yield SavingProposal(proposals.UNCHANGED_METRICS, name, {"metrics": metric.amount}, option, detail)

    def _propose_attributes(self, name: str, metric: MetricUse) -> Iterator[SavingProposal]:
        """Yield the proposal to remove an attribute, if a metric has at most half of its series without it."""
        function, all_series = _MERGE_FUNCTIONS.get(metric.kind, ""), list(metric.series)
        if not function or len(all_series) < _LEAST_SERIES:
            return
        attribute_names = _list_attribute_names(all_series)
        for attribute in attribute_names:
            merged_series = {_remove_attribute(series, attribute) for series in all_series}
            if attribute in self._kept or 2 * len(merged_series) > len(all_series):
                continue
            other_attributes = [other_attribute for other_attribute in attribute_names if other_attribute != attribute]
            removed = _take_share(metric.amount, 1 - len(merged_series) / len(all_series))
            detail = f"{len(all_series):,} → {len(merged_series):,} series"
            option = _build_merge_option(name, function, other_attributes)
            yield SavingProposal(proposals.SERIES, f"{attribute} of {name}", {"metrics": removed}, option, detail)

    def _propose_scopes(self, name: str, metric: MetricUse) -> Iterator[SavingProposal | UntoldKind]:
        """Yield the proposal to drop a metric of one scope, if the same series come from another scope too.

        Of each such series, the scope with the fewest data points is dropped.
        """
        amounts: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
        for series_use in metric.series.values():
            if len(series_use.amount_by_scope) > 1:
                rarest_scope = _find_rarest_scope(series_use)
                amounts[rarest_scope] = amounts[rarest_scope].plus(*series_use.amount_by_scope[rarest_scope])
        for scope, amount in amounts.items():
            # Names of scopes are masked, unless they are those of OpenTelemetry's libraries.
            is_readable = self._readable.can_read("scope.name")
            condition = f"metric.name == {quote_literal(name)} and instrumentation_scope.name == {quote_literal(scope)}"
            option = build_filter_option("scopes", "metrics", "metric", condition)
            detail = f"the same series come from another scope than '{scope}'"
            yield SavingProposal(
                proposals.DUPLICATE_METRICS, name, {"metrics": amount}, option if is_readable else None, detail
            )
            if not is_readable:
                yield UntoldKind(
                    proposals.DUPLICATE_METRICS, "names of scopes are masked. Capture with `capture_keep: [scope.name]`"
                )


def _is_unchanged(series_use: SeriesUse) -> bool:
    """Whether a series has enough data points, all with the same value."""
    return series_use.point_count >= LEAST_POINTS and not series_use.has_changed


def _count_short_series(metric: MetricUse) -> int:
    """Return how many series have too few data points to be called unchanged."""
    short_series = 0
    for series_use in metric.series.values():
        if series_use.point_count < LEAST_POINTS and not series_use.has_changed:
            short_series += 1
    return short_series


def _find_rarest_scope(series_use: SeriesUse) -> str:
    """Return the scope with the fewest data points of a series; of several, the first by name."""
    amounts = series_use.amount_by_scope
    return min(amounts, key=lambda scope: (amounts[scope].item_count, scope))


def _list_attribute_names(all_series: Iterable[SeriesIdentity]) -> list[str]:
    """Return the names of all attributes of some series, sorted."""
    names: set[str] = set()
    for series in all_series:
        names.update(name for name, _value in series.attributes)
    return sorted(names)


def _take_share(amount: Amount, share: float) -> Amount:
    return Amount(round(amount.item_count * share), round(amount.size_bytes * share))


def _remove_attribute(series: SeriesIdentity, name: str) -> SeriesIdentity:
    """Return the series into which a series is merged without an attribute."""
    other_attributes = frozenset(pair for pair in series.attributes if pair[0] != name)
    return SeriesIdentity(series.resource, other_attributes)


def _build_merge_option(metric: str, function: str, attributes: list[str]) -> ProcessorOption:
    """Return a processor that merges the series of a metric whose values of these attributes are equal.

    `function` says how their data points are put together.
    """
    statement = (
        f'aggregate_on_attributes("{function}", {json.dumps(attributes)}) where metric.name == {quote_literal(metric)}'
    )
    settings = {"error_mode": "ignore", "metric_statements": [statement]}
    return ProcessorOption(processor="transform/series", settings=settings, signals=("metrics",))


def _has_nonzero_count(point: Mapping[str, Any]) -> bool:
    """Whether a data point counts something: its number or its count is not 0, nor a text of zeros."""
    return any(str(point.get(name) or "0").strip("0.") for name in ("asDouble", "asInt", "count"))
