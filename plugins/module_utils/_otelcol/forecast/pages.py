# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast as lines of text for a terminal, and as Markdown for a pull request. Private.

The module `pipeline_forecast` returns both. In text, a change of what one exporter sends of one signal is a line, with
details below it:

    forecast of gateway from 1,000 spans
    otlp/a: 1,000 → 620 spans (-38.0 %, ± 1.2), 1.0 MiB → 512.0 KiB (-50.0 %)
        lost attributes: user.id
        cart in shop: 400 → 20 items, 300.0 KiB → 15.0 KiB
    limit: otlp/a: traces: items 1,000 → 620, beyond the limit -10%

A side is before or after the change. forecast_words.py puts the parts into words, for the HTML page too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..otlp_requests import describe_item_count
from ..rules.report_model import format_markdown_code
from ..traits import sends_nothing
from .forecast_words import (
    describe_churn,
    describe_items_percent,
    describe_kind,
    describe_lost_attributes,
    describe_sender,
    describe_series,
    format_percent_change,
    format_size,
)
from .money import Scale, compute_monthly_cost, needs_rate
from .sent_changes import Figures, SenderChange, SentChange


@dataclass(frozen=True)
class Forecast:
    """What a change of a collector does to what its exporters send."""

    collector: str
    changes: tuple[SentChange, ...]
    breach_lines: tuple[str, ...]
    """A line for each limit that the change passes."""
    note_lines: tuple[str, ...]
    """What the replay cannot tell."""
    scale: Scale
    """How the capture relates to the traffic of a month."""
    prices: dict[str, float]
    """The user's table, such as `{"gib": 0.1}`."""
    currency: str = ""
    """The unit of the prices."""

    @property
    def price_before(self) -> float:
        """What everything costs in a month before the change."""
        prices = []
        for change in self.changes:
            old_exporter = change.old_exporter or change.exporter
            prices.append(self._compute_price(change.signal, old_exporter, change.before))
        return sum(prices)

    @property
    def price_after(self) -> float:
        """What everything costs in a month after the change."""
        return sum(self._compute_price(change.signal, change.exporter, change.after) for change in self.changes)

    def _compute_price(self, signal: str, exporter: str, figures: Figures) -> float:
        if sends_nothing(exporter):
            return 0.0
        return compute_monthly_cost(signal, figures, self.scale, self.prices)

    @property
    def signals_without_rate(self) -> list[str]:
        """The signals whose cost is not known, because nobody knows how much of them comes in."""
        signals: dict[str, None] = {}
        for change in self.changes:
            is_priced = not sends_nothing(change.exporter) and needs_rate(change.signal, self.prices)
            if is_priced and not self.scale.compute_factor(change.signal):
                signals[change.signal] = None
        return list(signals)


def sort_by_size_of_change(changes: Sequence[SentChange]) -> list[SentChange]:
    """Return the changes, those of most bytes first."""

    def rank(change: SentChange) -> tuple[int, str]:
        changed_bytes = abs(change.after.byte_count - change.before.byte_count)
        return -changed_bytes, change.exporter

    return sorted(changes, key=rank)


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
    yield from _list_sender_lines(change)


# ── Markdown ──


_TABLE_HEAD = ("| exporter | signal | items | bytes | series | lost attributes |", "|---|---|---|---|---|---|")


def render_markdown(forecast: Forecast, mask_secrets: Callable[[str], str] = str) -> str:
    """Return the forecast for a pull request; `mask_secrets` returns a text without secrets."""

    def masked_code(text: str) -> str:
        """Return a text as code, masked before it is cut: a cut secret is not recognised."""
        return format_markdown_code(mask_secrets(text))

    paragraphs = _list_paragraphs(forecast, masked_code)
    return "\n\n".join(paragraphs) + "\n"


def _list_paragraphs(forecast: Forecast, masked_code: Callable[[str], str]) -> Iterator[str]:
    """Yield the parts of the Markdown between which an empty line stands. A part may have several lines."""
    yield f"### Forecast of {masked_code(forecast.collector)}"
    yield _render_bullets(forecast.breach_lines, masked_code) or "No limit is passed."
    table_rows = [_render_table_row(change, masked_code) for change in forecast.changes]
    yield "\n".join((*_TABLE_HEAD, *table_rows))
    if forecast.prices:
        yield f"Cost per month: {describe_cost(forecast)}"
    sender_bullets = _render_bullets_of_changes(forecast.changes, _list_sender_lines, masked_code)
    if sender_bullets:
        yield "Largest changes:"
        yield sender_bullets
    kind_bullets = _render_bullets_of_changes(forecast.changes, _list_kind_lines, masked_code)
    if kind_bullets:
        yield "Log records and data points of one side alone:"
        yield kind_bullets
    if forecast.note_lines:
        yield _render_bullets(forecast.note_lines, masked_code)


def _render_bullets(lines: Iterable[str], masked_code: Callable[[str], str]) -> str:
    """Return lines as a list; empty text for no lines."""
    return "\n".join(f"- {masked_code(line)}" for line in lines)


def _render_bullets_of_changes(
    changes: Iterable[SentChange],
    list_lines: Callable[[SentChange], Iterable[str]],
    masked_code: Callable[[str], str],
) -> str:
    """Return the lines on each change as a list, whose items begin with the exporter and signal of the change."""
    bullets: list[str] = []
    for change in changes:
        subject = f"{masked_code(change.name)} {change.signal}"
        bullets += [f"- {subject}: {masked_code(line)}" for line in list_lines(change)]
    return "\n".join(bullets)


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


# ── Lines of both ──


def _list_kind_lines(change: SentChange) -> Iterator[str]:
    """Yield a line for each kind of log records or data points of which one side alone has items."""
    for side, one_side in (("before", change.only_before), ("after", change.only_after)):
        for kind in one_side.largest_kinds:
            yield f"only {side}: {kind.item_count:,} of {describe_kind(change.signal, kind.as_dict(), side)}"


def _list_sender_lines(change: SentChange) -> Iterator[str]:
    """Yield a line for each sender whose bytes change most."""
    for sender_change in change.sender_changes:
        yield _format_sender_change(sender_change)


def _format_sender_change(change: SenderChange) -> str:
    """Return a line such as `cart in shop: 10 → 5 items, 2.0 KiB → 1.0 KiB`."""
    item_counts = f"{change.before.item_count:,} → {change.after.item_count:,} items"
    return f"{describe_sender(change.sender)}: {item_counts}, {_format_sizes(change.before, change.after)}"


def _format_sizes_with_percent(change: SentChange) -> str:
    percent = format_percent_change(change.before.byte_count, change.after.byte_count)
    return f"{_format_sizes(change.before, change.after)} ({percent})"


def _format_sizes(before: Figures, after: Figures) -> str:
    return f"{format_size(before.byte_count)} → {format_size(after.byte_count)}"


def describe_cost(forecast: Forecast) -> str:
    """Return what a month costs before and after, or why that is not known."""
    price_before, price_after = forecast.price_before, forecast.price_after
    signals_without_rate = ", ".join(forecast.signals_without_rate)
    if signals_without_rate and not price_before and not price_after:
        return f"not known, since the rate of {signals_without_rate} is not known. Give `rates`"
    currency = f" {forecast.currency}" if forecast.currency else ""
    exception = f", without {signals_without_rate}, whose rate is not known" if signals_without_rate else ""
    return f"{price_before:,.2f} → {price_after:,.2f}{currency} ({price_after - price_before:+,.2f}){exception}"
