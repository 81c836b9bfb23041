# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts and numbers that the HTML page of a forecast shows.

`build_forecast_model` turns the result of a forecast into a `ForecastModel`, which the template
`playbooks/templates/forecast/page.html.j2` prints. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypedDict

from ..otlp_requests import ITEM_NOUNS
from .forecast_rows import FiguresRow, KindRow, SenderChangeRow, SentChangeRow, ShownForecast
from .forecast_words import (
    describe_items_percent,
    describe_kind,
    describe_lost_attributes,
    describe_sender,
    describe_series,
    format_percent_change,
    format_size,
)
from .forecasts_together import exporter_name
from .sent_changes import MOST_LISTED
from .tallies import SenderName

WIDEST_BAR = 100
"""The width of the longest bar, in units of its picture."""


class Tile(TypedDict):
    """A figure at the top of the page, such as `-12.0 %` of `bytes: 2.0 MiB → 1.8 MiB`.

    `number` is the large text, `what` the small one. `state` is the CSS class of the tile: `error`, `good` or empty.
    """

    number: str
    what: str
    state: str


class ExporterRow(TypedDict):
    """What one exporter sends of one signal before and after, in words. `lost` and `gained` are attributes."""

    exporter: str
    signal: str
    items: str
    items_percent: str
    size: str
    size_percent: str
    series: str
    lost: list[str]
    gained: list[str]


class MoverRow(ExporterRow):
    """One of the largest changes, with the widths of its bars."""

    before_width: float
    after_width: float


class SenderRow(TypedDict):
    """How the items and bytes of one sender change at one exporter."""

    sender: str
    exporter: str
    signal: str
    items: str
    size: str


class KindOfSideRow(TypedDict):
    """Log records or data points that one side alone has; `side` is `before` or `after`."""

    kind: str
    exporter: str
    signal: str
    side: str
    items: str


class ForecastModel(TypedDict):
    """All that the page shows."""

    title: str
    tiles: list[Tile]
    breaches: list[str]
    movers: list[MoverRow]
    cost: str
    exporters: list[ExporterRow]
    senders: list[SenderRow]
    kinds: list[KindOfSideRow]
    notes: list[str]


def build_forecast_model(forecast: ShownForecast) -> ForecastModel:
    """Return what the page shows of a forecast."""
    changes = forecast["changes"]
    sender_rows: list[SenderRow] = []
    kind_rows: list[KindOfSideRow] = []
    for change in changes:
        sender_rows += [_build_sender_row(change, sender_change) for sender_change in change["largest_changes"]]
        kind_rows += [_build_kind_row(change, kind, "before") for kind in change["only_before"]["kinds"]]
        kind_rows += [_build_kind_row(change, kind, "after") for kind in change["only_after"]["kinds"]]
    return {
        "title": f"Forecast of {forecast['collector']}",
        "tiles": list(_build_tiles(forecast)),
        "breaches": forecast["breaches"],
        "movers": _build_movers(changes),
        "cost": forecast["cost_per_month"]["text"],
        "exporters": [_build_exporter_row(change) for change in changes],
        "senders": sender_rows,
        "kinds": kind_rows,
        "notes": forecast["notes"],
    }


# ── Tiles ──


def _build_tiles(forecast: ShownForecast) -> Iterator[Tile]:
    """Yield the figures at the top: bytes and items before and after, the cost, and the number of passed limits."""
    changes, cost = forecast["changes"], forecast["cost_per_month"]
    bytes_before = sum(change["before"]["bytes"] for change in changes)
    bytes_after = sum(change["after"]["bytes"] for change in changes)
    items_before = sum(change["before"]["items"] for change in changes)
    items_after = sum(change["after"]["items"] for change in changes)
    yield {
        "number": format_percent_change(bytes_before, bytes_after),
        "what": f"bytes: {format_size(bytes_before)} → {format_size(bytes_after)}",
        "state": "",
    }
    yield {
        "number": format_percent_change(items_before, items_after),
        "what": f"items: {items_before:,} → {items_after:,}",
        "state": "",
    }
    if cost["text"]:
        yield {"number": f"{cost['after'] - cost['before']:+,.2f}", "what": "cost per month", "state": ""}
    breach_count = len(forecast["breaches"])
    yield {"number": str(breach_count), "what": "limits passed", "state": "error" if breach_count else "good"}


# ── Rows of tables ──


def _build_movers(changes: Sequence[SentChangeRow]) -> list[MoverRow]:
    """Return the exporters and signals whose bytes change most, with the widths of their bars."""
    changed = [change for change in changes if change["before"] != change["after"]]
    largest_changes = sorted(changed, key=_bytes_moved, reverse=True)[:MOST_LISTED]
    largest_size = 0
    for change in largest_changes:
        largest_size = max(largest_size, change["before"]["bytes"], change["after"]["bytes"])
    return [_build_mover_row(change, largest_size) for change in largest_changes]


def _bytes_moved(change: SentChangeRow) -> int:
    """Return by how many bytes a change moves, up or down."""
    return abs(change["after"]["bytes"] - change["before"]["bytes"])


def _build_mover_row(change: SentChangeRow, largest_size: int) -> MoverRow:
    """Return a row with bars; that of `largest_size` bytes is the longest."""
    return {
        "before_width": _compute_bar_width(change["before"], largest_size),
        "after_width": _compute_bar_width(change["after"], largest_size),
        **_build_exporter_row(change),
    }


def _compute_bar_width(figures: FiguresRow, largest_size: int) -> float:
    if not largest_size:
        return 0.0
    return round(WIDEST_BAR * figures["bytes"] / largest_size, 1)


def _build_exporter_row(change: SentChangeRow) -> ExporterRow:
    before, after = change["before"], change["after"]
    return {
        "exporter": exporter_name(change),
        "signal": change["signal"],
        "items": f"{_format_item_counts(before, after)} {ITEM_NOUNS.get(change['signal'], 'items')}",
        "items_percent": describe_items_percent(change),
        "size": _format_sizes(before, after),
        "size_percent": format_percent_change(before["bytes"], after["bytes"]),
        "series": describe_series(change),
        "lost": describe_lost_attributes(change),
        "gained": change["gained_attributes"],
    }


def _build_sender_row(change: SentChangeRow, sender_change: SenderChangeRow) -> SenderRow:
    sender = SenderName(sender_change["service"], sender_change["namespace"], sender_change["tenant"])
    return {
        "sender": describe_sender(sender),
        "exporter": exporter_name(change),
        "signal": change["signal"],
        "items": _format_item_counts(sender_change["before"], sender_change["after"]),
        "size": _format_sizes(sender_change["before"], sender_change["after"]),
    }


def _build_kind_row(change: SentChangeRow, kind: KindRow, side: str) -> KindOfSideRow:
    return {
        "kind": describe_kind(change["signal"], kind, side),
        "exporter": exporter_name(change),
        "signal": change["signal"],
        "side": side,
        "items": f"{kind['items']:,}",
    }


def _format_item_counts(before: FiguresRow, after: FiguresRow) -> str:
    return f"{before['items']:,} → {after['items']:,}"


def _format_sizes(before: FiguresRow, after: FiguresRow) -> str:
    return f"{format_size(before['bytes'])} → {format_size(after['bytes'])}"
