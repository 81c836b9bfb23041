# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a forecast in a task result, as the modules `pipeline_forecast` and `collector_forecast` return it.

The classes of this room write these rows in their methods `as_dict`. The pages and reports of a forecast read them.
Private.
"""

from __future__ import annotations

from typing import TypedDict


class FiguresRow(TypedDict):
    """How much an exporter sends of one signal: items, bytes over the network, and different series of metrics."""

    items: int
    bytes: int
    series: int


class KindRow(TypedDict):
    """Log records or data points of one kind that one side alone has: before or after the change.

    `name` is the event, the template of the log body, or the metric. Data points have '' as severity and service.
    `attributes` are those of its data points that the other side lacks.
    """

    name: str
    severity: str
    service: str
    items: int
    attributes: list[str]


class OneSideRow(TypedDict):
    """The items that one side alone has. `bound_percent` is None if the sample is too small to tell the error."""

    items: int
    bound_percent: float | None
    kinds: list[KindRow]


class ChurnSideRow(TypedDict):
    """How many series appear and end in the sample, and of how many series this is known."""

    appear: int
    end: int
    known: int


class ChurnRow(TypedDict):
    """The churn of series before and after the change."""

    before: ChurnSideRow
    after: ChurnSideRow


class PartlyLostRow(TypedDict):
    """An attribute, and how many items have surely lost it while others still have it."""

    name: str
    items: int


class SenderChangeRow(TypedDict):
    """What changes for one sender. A sender without the attribute of its service, namespace or tenant has ''."""

    service: str
    namespace: str
    tenant: str
    before: FiguresRow
    after: FiguresRow


class SentChangeRow(TypedDict):
    """What changes for one exporter and signal. `old_exporter` is the name of the exporter before the change.

    `bound_percent` is None if the sample is too small to tell the error.
    """

    exporter: str
    old_exporter: str
    signal: str
    before: FiguresRow
    after: FiguresRow
    bound_percent: float | None
    only_before: OneSideRow
    only_after: OneSideRow
    series_churn: ChurnRow
    lost_attributes: list[str]
    partly_lost_attributes: list[PartlyLostRow]
    gained_attributes: list[str]
    largest_changes: list[SenderChangeRow]


class CostRow(TypedDict):
    """What a month costs before and after the change. `text` has both in words, and is '' without prices."""

    before: float
    after: float
    text: str


class ShownForecast(TypedDict):
    """A forecast as pages and reports show it. `breaches` has a line for each limit that the change passes."""

    collector: str
    changes: list[SentChangeRow]
    breaches: list[str]
    notes: list[str]
    cost_per_month: CostRow
    markdown: str


class ForecastOutcome(TypedDict):
    """What the results of both modules have. `failure` says that limits are passed, and is '' if none is."""

    changed: bool
    report: str
    failure: str


class ForecastResult(ShownForecast, ForecastOutcome):
    """The forecast of one collector, as `pipeline_forecast` returns it."""


class UnknownRow(TypedDict):
    """A collector that changes without a forecast, and why it has none."""

    collector: str
    why: str


class CollectorForecasts(ForecastOutcome):
    """The forecasts of all collectors that change, as `collector_forecast` returns them."""

    forecasts: list[ForecastResult]
    unknown: list[UnknownRow]
    markdown: str
