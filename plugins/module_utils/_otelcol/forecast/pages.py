# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forecast as lines of text and as Markdown. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..otlp_requests import items_in_words
from ..rules.report_model import markdown_code
from ..traits import sends_nothing
from .money import Scale, needs_rate, price_of_month
from .sent_changes import Change, Figures, Move
from .tallies import Sender

_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


@dataclass(frozen=True)
class Forecast:
    """What a change of a collector does to what its exporters send."""

    collector: str
    changes: tuple[Change, ...]
    breaches: tuple[str, ...]
    notes: tuple[str, ...]
    scale: Scale
    prices: dict[str, float]
    currency: str = ""

    def prices_of_month(self, change: Change) -> tuple[float, float]:
        """Return what an exporter's signal costs in a month before and after the change."""
        before = self._price(change.signal, change.old_exporter or change.exporter, change.before)
        return before, self._price(change.signal, change.exporter, change.after)

    def _price(self, signal: str, exporter: str, figures: Figures) -> float:
        return 0.0 if sends_nothing(exporter) else price_of_month(signal, figures, self.scale, self.prices)

    @property
    def signals_without_rate(self) -> list[str]:
        """The signals whose cost is not known, because nobody knows how much of them comes in."""
        sent = dict.fromkeys(change.signal for change in self.changes if not sends_nothing(change.exporter))
        return [signal for signal in sent if needs_rate(signal, self.prices) and not self.scale.factor(signal)]

    @property
    def price_before(self) -> float:
        """What everything costs in a month before the change."""
        return sum(self.prices_of_month(change)[0] for change in self.changes)

    @property
    def price_after(self) -> float:
        """What everything costs in a month after the change."""
        return sum(self.prices_of_month(change)[1] for change in self.changes)


def by_size_of_change(changes: Sequence[Change]) -> list[Change]:
    """Return the changes, those that move most bytes first."""
    return sorted(changes, key=lambda change: (-abs(change.after.size - change.before.size), change.exporter))


def text_lines(forecast: Forecast) -> Iterator[str]:
    """Yield the forecast as a person reads it in a terminal."""
    captured = forecast.scale.captured
    counted = [items_in_words(signal, number) for signal, number in captured.items()]
    yield f"forecast of {forecast.collector} from {', '.join(counted)}"
    for change in forecast.changes:
        yield _change_line(change)
        yield from (f"    {line}" for line in _details(change))
    if forecast.prices:
        yield f"cost per month: {money_words(forecast)}"
    yield from (f"limit: {line}" for line in forecast.breaches)
    yield from (f"note: {line}" for line in forecast.notes)


def _change_line(change: Change) -> str:
    after = items_in_words(change.signal, change.after.items)
    figures = [f"{change.before.items:,} → {after} ({_items_percent(change)})"]
    size = f"{readable_size(change.before.size)} → {readable_size(change.after.size)}"
    figures.append(f"{size} ({percent_words(change.before.size, change.after.size)})")
    if change.before.series or change.after.series:
        percent = percent_words(change.before.series, change.after.series)
        figures.append(
            f"{change.before.series:,} → {change.after.series:,} series ({percent}{churn_words(change.as_dict())})"
        )
    return f"{change.name}: {', '.join(figures)}"


def _details(change: Change) -> Iterator[str]:
    lost = lost_in_words(change.as_dict())
    if lost:
        yield f"lost attributes: {', '.join(lost)}"
    if change.gained_attributes:
        yield f"gained attributes: {', '.join(change.gained_attributes)}"
    yield from _kind_lines(change)
    yield from (_move_line(move) for move in change.moves)


def lost_in_words(change: Mapping[str, Any]) -> list[str]:
    """Return the attributes that a change loses, and on how many items if not on all.

    `change` is a change as a task result shows it.
    """
    partly_lost = change["partly_lost_attributes"]
    return [*change["lost_attributes"], *(f"{lost['name']} on {lost['items']:,} items" for lost in partly_lost)]


def _kind_lines(change: Change) -> Iterator[str]:
    """Yield a line for each kind of log records or data points of which one side alone has items."""
    for side, one_side in (("before", change.only_before), ("after", change.only_after)):
        for kind in one_side.kinds:
            yield f"only {side}: {kind.items:,} of {kind_words(change.signal, kind.as_dict(), side)}"


def kind_words(signal: str, kind: Mapping[str, Any], side: str) -> str:
    """Return what log records or data points of one side alone are, in words.

    `kind` is a row of `kinds` as a task result shows it, and `side` is `before` or `after`.
    """
    if signal == "logs":
        of_log = ", ".join(filter(None, (kind["severity"], kind["service"])))
        return f"{kind['name'] or 'records without a text'}{f' ({of_log})' if of_log else ''}"
    if not kind["attributes"]:
        return str(kind["name"])
    verb = "loses" if side == "before" else "gains"
    return f"{kind['name']}, which {verb} {', '.join(kind['attributes'])}"


def _move_line(move: Move) -> str:
    size = f"{readable_size(move.before.size)} → {readable_size(move.after.size)}"
    return f"{sender_name(move.sender)}: {move.before.items:,} → {move.after.items:,} items, {size}"


def sender_name(sender: Sender) -> str:
    """Return whose telemetry it is, in words."""
    service, namespace, tenant = sender
    words = [service or "without service.name"]
    words += [f"in {namespace}"] if namespace else []
    words += [f"of tenant {tenant}"] if tenant else []
    return " ".join(words)


def _items_percent(change: Change) -> str:
    return items_percent(change.as_dict())


def items_percent(change: Mapping[str, Any]) -> str:
    """Return by how much the items change, with the bound, and what one side alone has if both sides have such items.

    `change` is a change as a task result shows it.
    """
    before = change["before"]["items"]
    words = f"{percent_words(before, change['after']['items'])}{_bound_words(change['bound_percent'])}"
    if not change["only_before"]["items"] or not change["only_after"]["items"]:
        return words
    sides = (f"{_side_words(change[f'only_{side}'], before)} only {side}" for side in ("before", "after"))
    return "; ".join((words, *sides))


def _side_words(side: Mapping[str, Any], before: int) -> str:
    share = 100 * side["items"] / before if before else 0.0
    return f"{side['items']:,} ({share:.1f} %{_bound_words(side['bound_percent'])})"


def _bound_words(bound_percent: float | None) -> str:
    if bound_percent is None:
        return ", of a sample that is too small for a bound"
    return f", ± {bound_percent}" if bound_percent else ""


def churn_words(change: Mapping[str, Any]) -> str:
    """Return how many series appear and end in the sample, after a comma; empty if that is known of none.

    `change` is a change as a task result shows it.
    """
    before, after = change["series_churn"]["before"], change["series_churn"]["after"]
    if not before["known"] and not after["known"]:
        return ""
    words = f", {_of_known(before, 'appear')} → {_of_known(after, 'appear')} appear"
    words += f", {_of_known(before, 'end')} → {_of_known(after, 'end')} end"
    is_whole = all(side["known"] == change[name]["series"] for name, side in (("before", before), ("after", after)))
    return words if is_whole else f"{words}, known of {before['known']:,} → {after['known']:,}"


def _of_known(side: Mapping[str, int], figure: str) -> str:
    return f"{side[figure]:,}" if side["known"] else "?"


def percent_words(before: int, after: int) -> str:
    """Return by how much a figure changes, in percent of what it was before."""
    if before == after:
        return "same"
    return f"{100 * (after - before) / before:+.1f} %" if before else "new"


def readable_size(size: float) -> str:
    """Return bytes in a unit that keeps the number short."""
    for unit, factor in _UNITS:
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} B"


def money_words(forecast: Forecast) -> str:
    """Return what a month costs before and after, or why that is not known."""
    unknown = forecast.signals_without_rate
    if unknown and not forecast.price_before and not forecast.price_after:
        return f"not known, since the rate of {', '.join(unknown)} is not known. Give `rates`"
    before, after = forecast.price_before, forecast.price_after
    unit = f" {forecast.currency}" if forecast.currency else ""
    rest = f", without {', '.join(unknown)}, whose rate is not known" if unknown else ""
    return f"{before:,.2f} → {after:,.2f}{unit} ({after - before:+,.2f}){rest}"


def markdown(forecast: Forecast, mask: Callable[[str], str] = str) -> str:
    """Return the forecast for a pull request; `mask` returns a text without secrets."""

    def code(text: str) -> str:
        """Return a text as code, masked before it is cut: a cut secret is not recognised."""
        return markdown_code(mask(text))

    lines = [f"### Forecast of {code(forecast.collector)}", ""]
    lines += [f"- {code(line)}" for line in forecast.breaches] or ["No limit is passed."]
    lines += ["", "| exporter | signal | items | bytes | series | lost attributes |", "|---|---|---|---|---|---|"]
    lines += [_row(change, code) for change in forecast.changes]
    if forecast.prices:
        lines += ["", f"Cost per month: {money_words(forecast)}"]
    moves = [(change, _move_line(move)) for change in forecast.changes for move in change.moves]
    if moves:
        lines += ["", "Largest changes:", ""]
        lines += [f"- {code(change.name)} {change.signal}: {code(line)}" for change, line in moves]
    of_one_side = [(change, line) for change in forecast.changes for line in _kind_lines(change)]
    if of_one_side:
        lines += ["", "Log records and data points of one side alone:", ""]
        lines += [f"- {code(change.name)} {change.signal}: {code(line)}" for change, line in of_one_side]
    lines += ["", *(f"- {code(note)}" for note in forecast.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _row(change: Change, code: Callable[[str], str]) -> str:
    items = f"{change.before.items:,} → {change.after.items:,} ({_items_percent(change)})"
    size = f"{readable_size(change.before.size)} → {readable_size(change.after.size)}"
    cells = (
        code(change.name),
        change.signal,
        items,
        f"{size} ({percent_words(change.before.size, change.after.size)})",
        _series(change),
        ", ".join(map(code, lost_in_words(change.as_dict()))),
    )
    return f"| {' | '.join(cells)} |"


def _series(change: Change) -> str:
    return series_words(change.as_dict())


def series_words(change: Mapping[str, Any]) -> str:
    """Return the series of a change as a task result shows it, and how many appear and end; empty without series."""
    before, after = change["before"]["series"], change["after"]["series"]
    return f"{before:,} → {after:,}{churn_words(change)}" if before or after else ""
