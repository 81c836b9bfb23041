# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast as lines of text and as Markdown. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..otlp_requests import describe_item_count
from ..rules.report_model import format_markdown_code
from ..traits import sends_nothing
from .money import Scale, compute_monthly_cost, needs_rate
from .sent_changes import Change, Figures, Move
from .tallies import Sender

_SIZE_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


@dataclass(frozen=True)
class Forecast:
    """What a change of a collector does to what its exporters send."""

    collector: str
    changes: tuple[Change, ...]
    breach_lines: tuple[str, ...]
    note_lines: tuple[str, ...]
    scale: Scale
    prices: dict[str, float]
    currency: str = ""

    def compute_monthly_prices(self, change: Change) -> tuple[float, float]:
        """Return what an exporter's signal costs in a month before and after the change."""
        price_before = self._compute_price(change.signal, change.old_exporter or change.exporter, change.before)
        return price_before, self._compute_price(change.signal, change.exporter, change.after)

    def _compute_price(self, signal: str, exporter: str, figures: Figures) -> float:
        return 0.0 if sends_nothing(exporter) else compute_monthly_cost(signal, figures, self.scale, self.prices)

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


def sort_by_size_of_change(changes: Sequence[Change]) -> list[Change]:
    """Return the changes, those that move most bytes first."""
    return sorted(
        changes, key=lambda change: (-abs(change.after.byte_count - change.before.byte_count), change.exporter)
    )


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


def _format_change_line(change: Change) -> str:
    after = describe_item_count(change.signal, change.after.item_count)
    figures = [f"{change.before.item_count:,} → {after} ({_describe_items_percent(change)})"]
    size = f"{format_size(change.before.byte_count)} → {format_size(change.after.byte_count)}"
    figures.append(f"{size} ({format_percent_change(change.before.byte_count, change.after.byte_count)})")
    if change.before.series_count or change.after.series_count:
        percent = format_percent_change(change.before.series_count, change.after.series_count)
        figures.append(
            f"{change.before.series_count:,} → {change.after.series_count:,} series"
            f" ({percent}{describe_churn(change.as_dict())})"
        )
    return f"{change.name}: {', '.join(figures)}"


def _list_details(change: Change) -> Iterator[str]:
    lost_attributes = describe_lost_attributes(change.as_dict())
    if lost_attributes:
        yield f"lost attributes: {', '.join(lost_attributes)}"
    if change.gained_attributes:
        yield f"gained attributes: {', '.join(change.gained_attributes)}"
    yield from _list_kind_lines(change)
    yield from (_format_move(move) for move in change.moves)


def describe_lost_attributes(change: Mapping[str, Any]) -> list[str]:
    """Return the attributes that a change loses, and on how many items if not on all.

    `change` is a change as a task result shows it.
    """
    partly_lost = change["partly_lost_attributes"]
    return [
        *change["lost_attributes"],
        *(f"{lost_attribute['name']} on {lost_attribute['items']:,} items" for lost_attribute in partly_lost),
    ]


def _list_kind_lines(change: Change) -> Iterator[str]:
    """Yield a line for each kind of log records or data points of which one side alone has items."""
    for side, one_side in (("before", change.only_before), ("after", change.only_after)):
        for kind in one_side.largest_kinds:
            yield f"only {side}: {kind.item_count:,} of {describe_kind(change.signal, kind.as_dict(), side)}"


def describe_kind(signal: str, kind: Mapping[str, Any], side: str) -> str:
    """Return what log records or data points of one side alone are, in words.

    `kind` is a row of `kinds` as a task result shows it, and `side` is `before` or `after`.
    """
    if signal == "logs":
        log_origin = ", ".join(filter(None, (kind["severity"], kind["service"])))
        return f"{kind['name'] or 'records without a text'}{f' ({log_origin})' if log_origin else ''}"
    if not kind["attributes"]:
        return str(kind["name"])
    verb = "loses" if side == "before" else "gains"
    return f"{kind['name']}, which {verb} {', '.join(kind['attributes'])}"


def _format_move(move: Move) -> str:
    size = f"{format_size(move.before.byte_count)} → {format_size(move.after.byte_count)}"
    return f"{describe_sender(move.sender)}: {move.before.item_count:,} → {move.after.item_count:,} items, {size}"


def describe_sender(sender: Sender) -> str:
    """Return whose telemetry it is, in words."""
    service, namespace, tenant = sender
    words = [service or "without service.name"]
    words += [f"in {namespace}"] if namespace else []
    words += [f"of tenant {tenant}"] if tenant else []
    return " ".join(words)


def _describe_items_percent(change: Change) -> str:
    return describe_items_percent(change.as_dict())


def describe_items_percent(change: Mapping[str, Any]) -> str:
    """Return by how much the items change, with the bound, and what one side alone has if both sides have such items.

    `change` is a change as a task result shows it.
    """
    items_before = change["before"]["items"]
    words = f"{format_percent_change(items_before, change['after']['items'])}{_describe_bound(change['bound_percent'])}"
    if not change["only_before"]["items"] or not change["only_after"]["items"]:
        return words
    side_phrases = (
        f"{_describe_side(change[f'only_{side}'], items_before)} only {side}" for side in ("before", "after")
    )
    return "; ".join((words, *side_phrases))


def _describe_side(side: Mapping[str, Any], items_before: int) -> str:
    share = 100 * side["items"] / items_before if items_before else 0.0
    return f"{side['items']:,} ({share:.1f} %{_describe_bound(side['bound_percent'])})"


def _describe_bound(bound_percent: float | None) -> str:
    if bound_percent is None:
        return ", of a sample that is too small for a bound"
    return f", ± {bound_percent}" if bound_percent else ""


def describe_churn(change: Mapping[str, Any]) -> str:
    """Return how many series appear and end in the sample, after a comma; empty if that is known of none.

    `change` is a change as a task result shows it.
    """
    before, after = change["series_churn"]["before"], change["series_churn"]["after"]
    if not before["known"] and not after["known"]:
        return ""
    words = f", {_format_known_figure(before, 'appear')} → {_format_known_figure(after, 'appear')} appear"
    words += f", {_format_known_figure(before, 'end')} → {_format_known_figure(after, 'end')} end"
    is_whole = all(side["known"] == change[name]["series"] for name, side in (("before", before), ("after", after)))
    return words if is_whole else f"{words}, known of {before['known']:,} → {after['known']:,}"


def _format_known_figure(side: Mapping[str, int], figure: str) -> str:
    return f"{side[figure]:,}" if side["known"] else "?"


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
    signals_without_rate = forecast.signals_without_rate
    if signals_without_rate and not forecast.price_before and not forecast.price_after:
        return f"not known, since the rate of {', '.join(signals_without_rate)} is not known. Give `rates`"
    price_before, price_after = forecast.price_before, forecast.price_after
    currency_suffix = f" {forecast.currency}" if forecast.currency else ""
    exception = f", without {', '.join(signals_without_rate)}, whose rate is not known" if signals_without_rate else ""
    return f"{price_before:,.2f} → {price_after:,.2f}{currency_suffix} ({price_after - price_before:+,.2f}){exception}"


def render_markdown(forecast: Forecast, mask_secrets: Callable[[str], str] = str) -> str:
    """Return the forecast for a pull request; `mask_secrets` returns a text without secrets."""

    def masked_code(text: str) -> str:
        """Return a text as code, masked before it is cut: a cut secret is not recognised."""
        return format_markdown_code(mask_secrets(text))

    lines = [f"### Forecast of {masked_code(forecast.collector)}", ""]
    lines += [f"- {masked_code(line)}" for line in forecast.breach_lines] or ["No limit is passed."]
    lines += ["", "| exporter | signal | items | bytes | series | lost attributes |", "|---|---|---|---|---|---|"]
    lines += [_render_row(change, masked_code) for change in forecast.changes]
    if forecast.prices:
        lines += ["", f"Cost per month: {describe_cost(forecast)}"]
    moves = [(change, _format_move(move)) for change in forecast.changes for move in change.moves]
    if moves:
        lines += ["", "Largest changes:", ""]
        lines += [f"- {masked_code(change.name)} {change.signal}: {masked_code(line)}" for change, line in moves]
    lines_of_one_side = [(change, line) for change in forecast.changes for line in _list_kind_lines(change)]
    if lines_of_one_side:
        lines += ["", "Log records and data points of one side alone:", ""]
        lines += [
            f"- {masked_code(change.name)} {change.signal}: {masked_code(line)}" for change, line in lines_of_one_side
        ]
    lines += ["", *(f"- {masked_code(note)}" for note in forecast.note_lines)]
    return "\n".join(lines).rstrip() + "\n"


def _render_row(change: Change, masked_code: Callable[[str], str]) -> str:
    items = f"{change.before.item_count:,} → {change.after.item_count:,} ({_describe_items_percent(change)})"
    size = f"{format_size(change.before.byte_count)} → {format_size(change.after.byte_count)}"
    cells = (
        masked_code(change.name),
        change.signal,
        items,
        f"{size} ({format_percent_change(change.before.byte_count, change.after.byte_count)})",
        _describe_change_series(change),
        ", ".join(map(masked_code, describe_lost_attributes(change.as_dict()))),
    )
    return f"| {' | '.join(cells)} |"


def _describe_change_series(change: Change) -> str:
    return describe_series(change.as_dict())


def describe_series(change: Mapping[str, Any]) -> str:
    """Return the series of a change as a task result shows it, and how many appear and end; empty without series."""
    before, after = change["before"]["series"], change["after"]["series"]
    return f"{before:,} → {after:,}{describe_churn(change)}" if before or after else ""
