# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a forecast in words: percentages, sizes, senders, series and kinds of records. Private.

The text and the Markdown of a forecast (pages.py) and its HTML page (forecast_model.py) use the same words, such as
`-38.0 %, ± 1.2`, `512.0 KiB` and `cart in shop of tenant a`. The rows are those of a task result (forecast_rows.py). A
side is before or after the change; a bound says how far a figure may be wrong, since the capture is a sample.
"""

from __future__ import annotations

from .forecast_rows import ChurnSideRow, KindRow, OneSideRow, SentChangeRow
from .tallies import SenderName

_SIZE_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def describe_lost_attributes(change: SentChangeRow) -> list[str]:
    """Return the attributes that a change loses, such as `user.id`, or `team on 40 items` if others keep it."""
    partly_lost = [
        f"{attribute['name']} on {attribute['items']:,} items" for attribute in change["partly_lost_attributes"]
    ]
    return [*change["lost_attributes"], *partly_lost]


def describe_kind(signal: str, kind: KindRow, side: str) -> str:
    """Return the log records or data points that one side alone has, in words; `side` is `before` or `after`.

    For example `user <*> failed (error, cart)` for log records, or `http.requests, which loses route` for data points.
    """
    if signal == "logs":
        name = kind["name"] or "records without a text"
        origin_words = [word for word in (kind["severity"], kind["service"]) if word]
        return f"{name} ({', '.join(origin_words)})" if origin_words else name
    if not kind["attributes"]:
        return kind["name"]
    verb = "loses" if side == "before" else "gains"
    return f"{kind['name']}, which {verb} {', '.join(kind['attributes'])}"


def describe_sender(sender: SenderName) -> str:
    """Return the sender of telemetry in words, such as `cart in shop of tenant a`."""
    words = [sender.service or "without service.name"]
    if sender.namespace:
        words.append(f"in {sender.namespace}")
    if sender.tenant:
        words.append(f"of tenant {sender.tenant}")
    return " ".join(words)


def describe_items_percent(change: SentChangeRow) -> str:
    """Return by how much the items change, and how far this may be wrong, such as `-38.0 %, ± 1.2`.

    If both sides have items that the other lacks, their shares follow.
    """
    items_before = change["before"]["items"]
    percent = format_percent_change(items_before, change["after"]["items"])
    words = f"{percent}{_describe_bound(change['bound_percent'])}"
    only_before, only_after = change["only_before"], change["only_after"]
    if not only_before["items"] or not only_after["items"]:
        return words
    share_before = _describe_share(only_before, items_before)
    share_after = _describe_share(only_after, items_before)
    return f"{words}; {share_before} only before; {share_after} only after"


def _describe_share(side: OneSideRow, items_before: int) -> str:
    """Return the items of one side alone, and their share of all items before the change."""
    share = 100 * side["items"] / items_before if items_before else 0.0
    return f"{side['items']:,} ({share:.1f} %{_describe_bound(side['bound_percent'])})"


def _describe_bound(bound_percent: float | None) -> str:
    """Return the bound after a comma; empty if the figure is exact."""
    if bound_percent is None:
        return ", of a sample that is too small for a bound"
    return f", ± {bound_percent}" if bound_percent else ""


def describe_series(change: SentChangeRow) -> str:
    """Return the number of series before and after, and how many appear and end; empty if there are none."""
    series_before, series_after = change["before"]["series"], change["after"]["series"]
    if not series_before and not series_after:
        return ""
    return f"{series_before:,} → {series_after:,}{describe_churn(change)}"


def describe_churn(change: SentChangeRow) -> str:
    """Return how many series appear and end in the sample, after a comma; empty if this is known of no series."""
    before, after = change["series_churn"]["before"], change["series_churn"]["after"]
    if not before["known"] and not after["known"]:
        return ""
    appearing = f"{_format_churn(before, before['appear'])} → {_format_churn(after, after['appear'])} appear"
    ending = f"{_format_churn(before, before['end'])} → {_format_churn(after, after['end'])} end"
    words = f", {appearing}, {ending}"
    if before["known"] == change["before"]["series"] and after["known"] == change["after"]["series"]:
        return words
    return f"{words}, known of {before['known']:,} → {after['known']:,}"


def _format_churn(side: ChurnSideRow, number: int) -> str:
    """Return a number of series of one side; `?` if the side knows it of none."""
    return f"{number:,}" if side["known"] else "?"


def format_percent_change(before: int, after: int) -> str:
    """Return by how much a figure changes, in percent of what it was before."""
    if before == after:
        return "same"
    return f"{100 * (after - before) / before:+.1f} %" if before else "new"


def format_size(size: float) -> str:
    """Return bytes in a unit that keeps the number short."""
    for unit, factor in _SIZE_UNITS:
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} B"
