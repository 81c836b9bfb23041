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
    items_percent,
    kind_words,
    lost_in_words,
    percent_words,
    readable_size,
    sender_name,
    series_words,
)
from .sent_changes import MOST_MOVERS
from .tallies import Sender

Row = Mapping[str, Any]
WIDEST = 100
"""The width of the longest bar, in units of its picture."""


def forecast_model(forecast: Row) -> dict[str, Any]:
    """Return what the page shows of the result of a forecast."""
    changes = forecast["changes"]
    return {
        "title": f"Forecast of {forecast['collector']}",
        "tiles": list(_tiles(forecast)),
        "breaches": forecast["breaches"],
        "movers": _movers(changes),
        "cost": forecast["cost_per_month"]["text"],
        "exporters": [_exporter(change) for change in changes],
        "senders": [sender for change in changes for sender in _senders(change)],
        "kinds": [kind for change in changes for kind in _kinds(change)],
        "notes": forecast["notes"],
    }


def _tiles(forecast: Row) -> Iterator[dict[str, str]]:
    """Yield the figures at the top: bytes and items before and after, the cost, and the limits that are passed."""
    for figure in ("bytes", "items"):
        before, after = (sum(change[side][figure] for change in forecast["changes"]) for side in ("before", "after"))
        shown = f"{_amount(figure, before)} → {_amount(figure, after)}"
        yield {"number": percent_words(before, after), "what": f"{figure}: {shown}", "state": ""}
    cost = forecast["cost_per_month"]
    if cost["text"]:
        yield {"number": f"{cost['after'] - cost['before']:+,.2f}", "what": "cost per month", "state": ""}
    passed = len(forecast["breaches"])
    yield {"number": str(passed), "what": "limits passed", "state": "error" if passed else "good"}


def _amount(figure: str, number: int) -> str:
    return readable_size(number) if figure == "bytes" else f"{number:,}"


def _movers(changes: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the exporters and signals whose bytes change most, with the widths of their bars."""
    moved = [change for change in changes if change["before"] != change["after"]]
    largest = sorted(moved, key=lambda change: -abs(_bytes_moved(change)))[:MOST_MOVERS]
    most = max((change[side]["bytes"] for change in largest for side in ("before", "after")), default=0)
    return [{**_bars(change, most), **_exporter(change)} for change in largest]


def _bytes_moved(change: Row) -> int:
    return int(change["after"]["bytes"] - change["before"]["bytes"])


def _bars(change: Row, most: int) -> dict[str, float]:
    widths = {side: WIDEST * change[side]["bytes"] / most if most else 0.0 for side in ("before", "after")}
    return {f"{side}_width": round(width, 1) for side, width in widths.items()}


def _exporter(change: Row) -> dict[str, Any]:
    before, after = change["before"], change["after"]
    return {
        "exporter": exporter_name(change),
        "signal": change["signal"],
        "items": f"{before['items']:,} → {after['items']:,} {ITEM_NOUNS.get(change['signal'], 'items')}",
        "items_percent": items_percent(change),
        "size": f"{readable_size(before['bytes'])} → {readable_size(after['bytes'])}",
        "size_percent": percent_words(before["bytes"], after["bytes"]),
        "series": series_words(change),
        "lost": lost_in_words(change),
        "gained": change["gained_attributes"],
    }


def _senders(change: Row) -> Iterator[dict[str, str]]:
    for move in change["largest_changes"]:
        before, after = move["before"], move["after"]
        yield {
            "sender": sender_name(Sender(move["service"], move["namespace"], move["tenant"])),
            "exporter": exporter_name(change),
            "signal": change["signal"],
            "items": f"{before['items']:,} → {after['items']:,}",
            "size": f"{readable_size(before['bytes'])} → {readable_size(after['bytes'])}",
        }


def _kinds(change: Row) -> Iterator[dict[str, str]]:
    """Yield the kinds of log records and data points of which one side alone has items."""
    for side in ("before", "after"):
        for kind in change[f"only_{side}"]["kinds"]:
            yield {
                "kind": kind_words(change["signal"], kind, side),
                "exporter": exporter_name(change),
                "signal": change["signal"],
                "side": side,
                "items": f"{kind['items']:,}",
            }
