# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics that are worth dropping: unchanged metrics, attributes that make series, metrics of two scopes. Private.

`observation.py` adds each metric of a capture to `CapturedMetrics`, and asks it for proposals in the end (see
proposals.py). Each analysis is a function of its own.

Example: `http.requests` has 100 series, and 10 without attribute `client.port`. The proposal is a processor
`transform/series` that sums the series of all ports.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from .._otelcol.otlp_requests import METRIC_KINDS
from . import proposals
from .attribute_use import NEVER_PROPOSED
from .captured_records import NO_AMOUNT, Amount, ReadableValues, Record
from .metric_series import LEAST_POINTS, MetricUse, SeriesIdentity
from .ottl_texts import quote_literal
from .proposals import CaptureGap, SavingProposal
from .record_json import encode_point_value
from .removal_options import ProcessorOption, build_filter_option, build_noise_recipe

MOST_SERIES = 200_000
"""So many series are distinguished; the data points of others are counted as not looked at."""
_LEAST_SERIES = 10
"""An attribute that makes fewer series is not worth a change."""
_MERGE_FUNCTIONS = {"gauge": "mean", "sum": "sum", "histogram": "sum", "exponentialHistogram": "sum"}
"""How points of series that become one are put together. Source: `aggregate_on_attributes` of processor transform."""
_DELTA_TEMPORALITIES = (1, "AGGREGATION_TEMPORALITY_DELTA")


class CapturedMetrics:
    """The metrics of a capture. `kept_attributes` are names of attributes that are never proposed."""

    def __init__(self, readable: ReadableValues, kept_attributes: frozenset[str] = frozenset()) -> None:
        self._readable = readable
        self._kept_attributes = NEVER_PROPOSED | kept_attributes
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
                metric.amount = metric.amount.plus(record.item_count, record.size_bytes)
                self._count_points(metric, record, data.get("aggregationTemporality") in _DELTA_TEMPORALITIES)

    def _count_points(self, metric: MetricUse, record: Record, is_delta: bool) -> None:
        bytes_per_point = record.size_bytes // max(record.item_count, 1)
        for point, attributes in record.items:
            identity = SeriesIdentity(record.resource.identity, frozenset(attributes.items()))
            if identity not in metric.series:
                if self._series_count >= MOST_SERIES:
                    self._left_out_points += 1
                    continue
                self._series_count += 1
            series = metric.series[identity]
            series.add_point(encode_point_value(point), record.scope, bytes_per_point)
            # A delta that is the same each time still counts something each time.
            if is_delta and _has_nonzero_count(point):
                series.has_changed = True

    def find_outcomes(self) -> Iterator[SavingProposal | CaptureGap]:
        """Yield the proposals on metrics, and what the capture does not show."""
        short_series = 0
        for name, metric in self._metrics.items():
            yield from _propose_unchanged(name, metric)
            yield from _propose_attributes(name, metric, self._kept_attributes)
            yield from _propose_scopes(name, metric, self._readable)
            short_series += sum(series.is_too_short for series in metric.series.values())
        if short_series:
            reason = f"{short_series:,} series have fewer than {LEAST_POINTS} data points. Capture for longer"
            yield CaptureGap(proposals.UNCHANGED_METRICS, reason)
        if self._left_out_points:
            reason = (
                f"{self._left_out_points:,} data points of series after the first {MOST_SERIES:,} were not looked at"
            )
            for kind in (proposals.UNCHANGED_METRICS, proposals.SERIES, proposals.DUPLICATE_METRICS):
                yield CaptureGap(kind, reason)


def _has_nonzero_count(point: Mapping[str, Any]) -> bool:
    """Return whether a data point counts something: its number or its count is not 0, nor a text such as `0.0`."""
    # OTLP in JSON writes 64-bit integers as texts. Without its zeros and its point, a zero is an empty text.
    return any(str(point.get(name) or "0").strip("0.") for name in ("asDouble", "asInt", "count"))


# ── Unchanged metrics ──


def _propose_unchanged(name: str, metric: MetricUse) -> Iterator[SavingProposal]:
    """Yield the proposal to drop a metric, if none of its series ever changes."""
    all_series = list(metric.series.values())
    if all_series and all(series.is_unchanged for series in all_series):
        option = build_noise_recipe(metrics=[f"^{re.escape(name)}$"])
        detail = f"{len(all_series):,} series"
        yield SavingProposal(proposals.UNCHANGED_METRICS, name, {"metrics": metric.amount}, option, detail)


# ── Attributes that make series ──


def _propose_attributes(name: str, metric: MetricUse, kept_attributes: frozenset[str]) -> Iterator[SavingProposal]:
    """Yield the proposal to remove an attribute, if a metric has at most half of its series without it."""
    function = _MERGE_FUNCTIONS.get(metric.kind)
    series_count = len(metric.series)
    # Series of other kinds cannot be merged: nobody can add up the quantiles of summaries.
    if function is None or series_count < _LEAST_SERIES:
        return
    attribute_names = metric.list_attribute_names()
    for attribute in attribute_names:
        merged_count = len({identity.without_attribute(attribute) for identity in metric.series})
        if attribute in kept_attributes or 2 * merged_count > series_count:
            continue
        yield SavingProposal(
            kind=proposals.SERIES,
            subject=f"{attribute} of {name}",
            removed_amounts={"metrics": _multiply(metric.amount, share=1 - merged_count / series_count)},
            option=_build_merge_option(name, function, [other for other in attribute_names if other != attribute]),
            detail=f"{series_count:,} → {merged_count:,} series",
        )


def _multiply(amount: Amount, share: float) -> Amount:
    return Amount(round(amount.item_count * share), round(amount.size_bytes * share))


def _build_merge_option(metric: str, function: str, attributes: list[str]) -> ProcessorOption:
    """Return a processor that merges the series of a metric whose values of these attributes are equal.

    `function` says how their data points are put together. Example of its statement:

        aggregate_on_attributes("sum", ["status"]) where metric.name == "http.requests"
    """
    statement = (
        f'aggregate_on_attributes("{function}", {json.dumps(attributes)}) where metric.name == {quote_literal(metric)}'
    )
    settings = {"error_mode": "ignore", "metric_statements": [statement]}
    return ProcessorOption(processor="transform/series", settings=settings, signals=("metrics",))


# ── Metrics of two scopes ──


def _propose_scopes(name: str, metric: MetricUse, readable: ReadableValues) -> Iterator[SavingProposal | CaptureGap]:
    """Yield the proposal to drop a metric of one scope, if the same series come from another scope too.

    Of each such series, the scope with the fewest data points is dropped.
    """
    amount_by_scope: dict[str, Amount] = defaultdict(lambda: NO_AMOUNT)
    for series in metric.series.values():
        if len(series.amount_by_scope) > 1:
            scope = series.rarest_scope
            amount_by_scope[scope] = amount_by_scope[scope].plus(*series.amount_by_scope[scope])
    # Names of scopes are masked, unless they are those of OpenTelemetry's libraries.
    is_readable = readable.can_read("scope.name")
    for scope, amount in amount_by_scope.items():
        condition = f"metric.name == {quote_literal(name)} and instrumentation_scope.name == {quote_literal(scope)}"
        option = build_filter_option("scopes", "metrics", "metric", condition) if is_readable else None
        detail = f"the same series come from another scope than '{scope}'"
        yield SavingProposal(proposals.DUPLICATE_METRICS, name, {"metrics": amount}, option, detail)
        if not is_readable:
            reason = "names of scopes are masked. Capture with `capture_keep: [scope.name]`"
            yield CaptureGap(proposals.DUPLICATE_METRICS, reason)
