# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page of a forecast shows: the largest changes, the limits, and each exporter. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..otlp_requests import ITEM_NOUNS
from .forecasts_together import exporter_name
from .pages import (
    describe_items_percent,
    describe_kind,
    describe_lost_attributes,
    describe_sender,
    describe_series,
    format_percent_change,
    format_size,
)
from .sent_changes import MOST_MOVERS
from .tallies import Sender

Row = Mapping[str, Any]
WIDEST_BAR = 100
"""The width of the longest bar, in units of its picture."""


def build_forecast_model(forecast: Row) -> dict[str, Any]:
    """Return what the page shows of the result of a forecast."""
    changes = forecast["changes"]
    return {
        "title": f"Forecast of {forecast['collector']}",
        "tiles": list(_build_tiles(forecast)),
        "breaches": forecast["breaches"],
        "movers": _build_movers(changes),
        "cost": forecast["cost_per_month"]["text"],
        "exporters": [_build_exporter_row(change) for change in changes],
        "senders": [sender for change in changes for sender in _build_sender_rows(change)],
        "kinds": [kind for change in changes for kind in _build_kind_rows(change)],
        "notes": forecast["notes"],
    }


def _build_tiles(forecast: Row) -> Iterator[dict[str, str]]:
    """Yield the figures at the top: bytes and items before and after, the cost, and the limits that are passed."""
    for figure in ("bytes", "items"):
        total_before, total_after = (
            sum(change[side][figure] for change in forecast["changes"]) for side in ("before", "after")
        )
        change_text = f"{_format_figure(figure, total_before)} → {_format_figure(figure, total_after)}"
        yield {
            "number": format_percent_change(total_before, total_after),
            "what": f"{figure}: {change_text}",
            "state": "",
        }
    cost = forecast["cost_per_month"]
    if cost["text"]:
        yield {"number": f"{cost['after'] - cost['before']:+,.2f}", "what": "cost per month", "state": ""}
    breach_count = len(forecast["breaches"])
    yield {"number": str(breach_count), "what": "limits passed", "state": "error" if breach_count else "good"}


def _format_figure(figure: str, number: int) -> str:
    return format_size(number) if figure == "bytes" else f"{number:,}"


def _build_movers(changes: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the exporters and signals whose bytes change most, with the widths of their bars."""
    changed = [change for change in changes if change["before"] != change["after"]]
    largest_changes = sorted(changed, key=lambda change: -abs(_byte_difference(change)))[:MOST_MOVERS]
    largest_size = max((change[side]["bytes"] for change in largest_changes for side in ("before", "after")), default=0)
    return [{**_bar_widths(change, largest_size), **_build_exporter_row(change)} for change in largest_changes]


def _byte_difference(change: Row) -> int:
    return int(change["after"]["bytes"] - change["before"]["bytes"])


def _bar_widths(change: Row, largest_size: int) -> dict[str, float]:
    widths = {
        side: WIDEST_BAR * change[side]["bytes"] / largest_size if largest_size else 0.0 for side in ("before", "after")
    }
    return {f"{side}_width": round(width, 1) for side, width in widths.items()}


def _build_exporter_row(change: Row) -> dict[str, Any]:
    before, after = change["before"], change["after"]
    return {
        "exporter": exporter_name(change),
        "signal": change["signal"],
        "items": f"{before['items']:,} → {after['items']:,} {ITEM_NOUNS.get(change['signal'], 'items')}",
        "items_percent": describe_items_percent(change),
        "size": f"{format_size(before['bytes'])} → {format_size(after['bytes'])}",
        "size_percent": format_percent_change(before["bytes"], after["bytes"]),
        "series": describe_series(change),
        "lost": describe_lost_attributes(change),
        "gained": change["gained_attributes"],
    }


def _build_sender_rows(change: Row) -> Iterator[dict[str, str]]:
    for sender_change in change["largest_changes"]:
        before, after = sender_change["before"], sender_change["after"]
        yield {
            "sender": describe_sender(
                Sender(sender_change["service"], sender_change["namespace"], sender_change["tenant"])
            ),
            "exporter": exporter_name(change),
            "signal": change["signal"],
            "items": f"{before['items']:,} → {after['items']:,}",
            "size": f"{format_size(before['bytes'])} → {format_size(after['bytes'])}",
        }


def _build_kind_rows(change: Row) -> Iterator[dict[str, str]]:
    """Yield the kinds of log records and data points of which one side alone has items."""
    for side in ("before", "after"):
        for kind in change[f"only_{side}"]["kinds"]:
            yield {
                "kind": describe_kind(change["signal"], kind, side),
                "exporter": exporter_name(change),
                "signal": change["signal"],
                "side": side,
                "items": f"{kind['items']:,}",
            }
