# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast as lines of text for a terminal, and as Markdown for a pull request.

Functions `describe_…` and `format_…` put parts of a forecast into words; the HTML page uses them too. A change is what
one exporter sends of one signal before and after (sent_changes.py); a side is before or after. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..otlp_requests import describe_item_count
from ..rules.report_model import format_markdown_code
from ..traits import sends_nothing
from .forecast_rows import ChurnSideRow, KindRow, OneSideRow, SentChangeRow
from .money import Scale, compute_monthly_cost, needs_rate
from .sent_changes import Figures, Move, SentChange
from .tallies import SenderName

_SIZE_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


@dataclass(frozen=True)
class Forecast:
    """What a change of a collector does to what its exporters send.

    `prices` is the user's table, such as `{"gib": 0.1}`, and `currency` the unit of its numbers.
    """

    collector: str
    changes: tuple[SentChange, ...]
    breach_lines: tuple[str, ...]
    note_lines: tuple[str, ...]
    scale: Scale
    prices: dict[str, float]
    currency: str = ""

    def compute_monthly_prices(self, change: SentChange) -> tuple[float, float]:
        """Return what an exporter's signal costs in a month before and after the change."""
        old_exporter = change.old_exporter or change.exporter
        price_before = self._compute_price(change.signal, old_exporter, change.before)
        price_after = self._compute_price(change.signal, change.exporter, change.after)
        return price_before, price_after

    def _compute_price(self, signal: str, exporter: str, figures: Figures) -> float:
        if sends_nothing(exporter):
            return 0.0
        return compute_monthly_cost(signal, figures, self.scale, self.prices)

    @property
    def signals_without_rate(self) -> list[str]:
        """The signals whose cost is not known, because nobody knows how much of them comes in."""
        sent_signals = dict.fromkeys(change.signal for change in self.changes if not sends_nothing(change.exporter))
        return [
            signal
            for signal in sent_signals
            if needs_rate(signal, self.prices) and not self.scale.compute_factor(signal)
        ]

    @property
    def price_before(self) -> float:
        """What everything costs in a month before the change."""
        return sum(self.compute_monthly_prices(change)[0] for change in self.changes)

    @property
    def price_after(self) -> float:
        """What everything costs in a month after the change."""
        return sum(self.compute_monthly_prices(change)[1] for change in self.changes)


def sort_by_size_of_change(changes: Sequence[SentChange]) -> list[SentChange]:
    """Return the changes, those that move most bytes first."""
    return sorted(
        changes, key=lambda change: (-abs(change.after.byte_count - change.before.byte_count), change.exporter)
    )


# ── Text ──


def render_text_lines(forecast: Forecast) -> Iterator[str]:
    """Yield the forecast as a person reads it in a terminal."""
    captured_items = forecast.scale.captured_by_signal
    captured_words = [describe_item_count(signal, number) for signal, number in captured_items.items()]
    yield f"forecast of {forecast.collector} from {', '.join(captured_words)}"
    for change in forecast.changes:
        yield _format_change_line(change)
        yield from (f"    {line}" for line in _list_details(change))
    if forecast.prices:
        yield f"cost per month: {describe_cost(forecast)}"
    yield from (f"limit: {line}" for line in forecast.breach_lines)
    yield from (f"note: {line}" for line in forecast.note_lines)


def _format_change_line(change: SentChange) -> str:
    """Return a line such as `otlp/a: 1,000 → 620 spans (-38.0 %), 1.0 MiB → 512.0 KiB (-50.0 %)`."""
    row = change.as_dict()
    item_count_after = describe_item_count(change.signal, change.after.item_count)
    words = [
        f"{change.before.item_count:,} → {item_count_after} ({describe_items_percent(row)})",
        _format_sizes_with_percent(change),
    ]
    if change.before.series_count or change.after.series_count:
        percent = format_percent_change(change.before.series_count, change.after.series_count)
        series = f"{change.before.series_count:,} → {change.after.series_count:,} series"
        words.append(f"{series} ({percent}{describe_churn(row)})")
    return f"{change.name}: {', '.join(words)}"


def _list_details(change: SentChange) -> Iterator[str]:
    """Yield the lines below that of a change: its attributes, its kinds of one side alone, and its senders."""
    lost_attributes = describe_lost_attributes(change.as_dict())
    if lost_attributes:
        yield f"lost attributes: {', '.join(lost_attributes)}"
    if change.gained_attributes:
        yield f"gained attributes: {', '.join(change.gained_attributes)}"
    yield from _list_kind_lines(change)
    yield from (_format_move(move) for move in change.moves)


# ── Markdown ──


def render_markdown(forecast: Forecast, mask_secrets: Callable[[str], str] = str) -> str:
    """Return the forecast for a pull request; `mask_secrets` returns a text without secrets."""

    def masked_code(text: str) -> str:
        """Return a text as code, masked before it is cut: a cut secret is not recognised."""
        return format_markdown_code(mask_secrets(text))

    lines = [f"### Forecast of {masked_code(forecast.collector)}", ""]
    lines += [f"- {masked_code(line)}" for line in forecast.breach_lines] or ["No limit is passed."]
    lines += ["", "| exporter | signal | items | bytes | series | lost attributes |", "|---|---|---|---|---|---|"]
    lines += [_render_table_row(change, masked_code) for change in forecast.changes]
    if forecast.prices:
        lines += ["", f"Cost per month: {describe_cost(forecast)}"]
    move_bullets: list[str] = []
    kind_bullets: list[str] = []
    for change in forecast.changes:
        subject = f"{masked_code(change.name)} {change.signal}"
        move_bullets += [f"- {subject}: {masked_code(_format_move(move))}" for move in change.moves]
        kind_bullets += [f"- {subject}: {masked_code(line)}" for line in _list_kind_lines(change)]
    if move_bullets:
        lines += ["", "Largest changes:", "", *move_bullets]
    if kind_bullets:
        lines += ["", "Log records and data points of one side alone:", "", *kind_bullets]
    lines += ["", *(f"- {masked_code(note)}" for note in forecast.note_lines)]
    return "\n".join(lines).rstrip() + "\n"


def _render_table_row(change: SentChange, masked_code: Callable[[str], str]) -> str:
    row = change.as_dict()
    cells = (
        masked_code(change.name),
        change.signal,
        f"{change.before.item_count:,} → {change.after.item_count:,} ({describe_items_percent(row)})",
        _format_sizes_with_percent(change),
        describe_series(row),
        ", ".join(map(masked_code, describe_lost_attributes(row))),
    )
    return f"| {' | '.join(cells)} |"


# ── Parts of a forecast in words ──


def _list_kind_lines(change: SentChange) -> Iterator[str]:
    """Yield a line for each kind of log records or data points of which one side alone has items."""
    for side, one_side in (("before", change.only_before), ("after", change.only_after)):
        for kind in one_side.largest_kinds:
            yield f"only {side}: {kind.item_count:,} of {describe_kind(change.signal, kind.as_dict(), side)}"


def _format_move(move: Move) -> str:
    """Return a line such as `cart in shop: 10 → 5 items, 2.0 KiB → 1.0 KiB`."""
    item_counts = f"{move.before.item_count:,} → {move.after.item_count:,} items"
    return f"{describe_sender(move.sender)}: {item_counts}, {_format_sizes(move.before, move.after)}"


def _format_sizes_with_percent(change: SentChange) -> str:
    percent = format_percent_change(change.before.byte_count, change.after.byte_count)
    return f"{_format_sizes(change.before, change.after)} ({percent})"


def _format_sizes(before: Figures, after: Figures) -> str:
    return f"{format_size(before.byte_count)} → {format_size(after.byte_count)}"


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


def describe_cost(forecast: Forecast) -> str:
    """Return what a month costs before and after, or why that is not known."""
    price_before, price_after = forecast.price_before, forecast.price_after
    signals_without_rate = ", ".join(forecast.signals_without_rate)
    if signals_without_rate and not price_before and not price_after:
        return f"not known, since the rate of {signals_without_rate} is not known. Give `rates`"
    currency = f" {forecast.currency}" if forecast.currency else ""
    exception = f", without {signals_without_rate}, whose rate is not known" if signals_without_rate else ""
    return f"{price_before:,.2f} → {price_after:,.2f}{currency} ({price_after - price_before:+,.2f}){exception}"
