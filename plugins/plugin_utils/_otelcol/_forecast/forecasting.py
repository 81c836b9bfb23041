# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of a change: the same capture through the config of before and the one of after. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.masking import quoted
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.capture_facts import CaptureFacts, config_hash
from ....module_utils._otelcol.forecast.limits import checked_limits
from ....module_utils._otelcol.forecast.money import Scale, checked_prices, checked_rates
from ....module_utils._otelcol.forecast.pages import Forecast, by_size_of_change
from ....module_utils._otelcol.forecast.replay_notes import notes_of_signals, replay_notes
from ....module_utils._otelcol.forecast.sent_changes import Change, changes_of, paired_exporters
from ....module_utils._otelcol.forecast.tallies import Tally
from ....module_utils._otelcol.forecast.unmatched import Named, Seen, checked_receivers, unmatched_notes
from .. import _files
from .._isolation import choice
from .._testing.bench import Bench
from .._testing.chosen_bench import chosen_bench
from .captured import Capture, check_outside, read_capture
from .forecast_forms import Forms, forms_of_arguments
from .forecast_result import result_of_forecast
from .replay import Replay, Replayed, replayed

NEVER = "never"
_REPORTS = ("markdown_path", "output_path", "html_path")
_READ = ("before", "after", "capture")


def forecast(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return what a change does to what a collector sends, as a task result.

    Raises Problem if nothing can be compared. `refuse_breaches` raises one for a limit that is passed.
    """
    check_options(arguments)
    capture = read_capture(Path(arguments["capture"]))
    forms = forms_of_arguments(arguments, CaptureFacts.of(capture.manifest).collector)
    return forecast_of(forms, capture, arguments, warn)


def check_options(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for limits and prices that are none, and for reports that would replace what is read."""
    _named_by_user(arguments)
    for option in _REPORTS:
        _files.check_apart(arguments.get(option), [arguments[name] for name in _READ], option)
        check_outside(arguments.get(option), arguments["capture"], option)


def refuse_breaches(result: Mapping[str, Any], fail_on: str) -> None:
    """Raise Problem if a forecast passes a limit, unless `fail_on` is `never`."""
    if result["failure"] and fail_on != NEVER:
        raise Problem(f"\n{result['report']}", asked=result["failure"], facts=dict(result))


def forecast_of(
    forms: Forms, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> dict[str, Any]:
    """Return what the change from one form of a collector to the other does, as a task result.

    Raises Problem if nothing can be compared.
    """
    named = _named_by_user(arguments)
    facts = CaptureFacts.of(capture.manifest)
    both = _replayed_forms(forms, capture, arguments, warn)
    changes = _changes_between(both, str(arguments["capture"]))
    made = Forecast(
        collector=forms.name,
        changes=tuple(changes),
        breaches=tuple(named.limits.breaches(changes)),
        notes=tuple(dict.fromkeys(_notes(both, facts, named, changes))),
        scale=Scale(both.after.sent.came, {**facts.rates, **named.rates}),
        prices=dict(named.prices),
        currency=arguments["currency"],
    )
    return result_of_forecast(made, both.without_secrets)


def _named_by_user(arguments: Mapping[str, Any]) -> Named:
    """Return what a user names for a forecast. Raises Problem for limits, prices, rates or receivers that are none."""
    return Named(
        limits=checked_limits(arguments["limits"]),
        prices=checked_prices(arguments["prices"]),
        rates=checked_rates(arguments["rates"]),
        receivers=checked_receivers(arguments["receivers"]),
        tenant_attribute=arguments.get("tenant_attribute", ""),
    )


@dataclass(frozen=True)
class _ReplayedForm:
    """What runs a form of a collector, and what that sent."""

    bench: Bench
    sent: Replayed

    @property
    def tallies(self) -> list[Tally]:
        """What was in the telemetry that was sent, by exporter and signal."""
        return [sent.tally for by_signal in self.sent.sent.values() for sent in by_signal.values()]

    @property
    def signals(self) -> set[str]:
        """The signals that exporters got."""
        return {signal for by_signal in self.sent.sent.values() for signal in by_signal}


@dataclass(frozen=True)
class _ReplayedForms:
    """Both forms of a collector after the replays."""

    before: _ReplayedForm
    after: _ReplayedForm

    def without_secrets(self, text: str) -> str:
        """Return a text without the secrets of both configs."""
        return self.after.bench.hidden(self.before.bench.hidden(text))


def _replayed_forms(
    forms: Forms, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> _ReplayedForms:
    """Return what both forms send. The old one may have a Collector of its own. Raises Problem."""
    isolation = choice.chosen_isolation(arguments.get("isolation") or choice.AUTO, warn)
    of_before = {**arguments, "binary": arguments["before_binary"] or arguments["binary"]}
    before = chosen_bench(forms.before, of_before, isolation, warn)
    after = chosen_bench(forms.after, arguments, isolation, warn)
    replay = Replay(capture.requests, arguments["receivers"], arguments["tenant_attribute"])
    return _ReplayedForms(_replayed_form("before", before, replay), _replayed_form("after", after, replay))


def _replayed_form(which: str, bench: Bench, replay: Replay) -> _ReplayedForm:
    """Return what a form sends. A Problem names the form, and shows no secret of its config."""
    try:
        return _ReplayedForm(bench, replayed(bench, replay, which))
    except Problem as problem:
        wrong = f"{which}: {quoted(problem.wrong, mask=bench.hidden)}"
        raise Problem(wrong, where=problem.where, fix=problem.fix) from problem


def _changes_between(both: _ReplayedForms, capture: str) -> list[Change]:
    """Return what changes, most bytes first. Raises Problem if nothing was compared."""
    old, new = both.before.sent, both.after.sent
    names = paired_exporters(old.exporters, new.exporters)
    changes = by_size_of_change(list(changes_of(old.sent, new.sent, names)))
    if not any(new.came.values()):
        raise Problem(f"the capture {capture} is empty", fix="Capture again while clients send.")
    if not changes:
        wrong = f"no record of {capture} reaches an exporter, before or after, so nothing was compared"
        raise Problem(wrong, fix="Capture longer, or see which receiver the records belong to.")
    return changes


def _notes(both: _ReplayedForms, facts: CaptureFacts, named: Named, changes: Sequence[Change]) -> Iterator[str]:
    """Yield what a reader of the forecast should know: of the capture, of both forms, and of what a user names."""
    before, after = both.before, both.after
    if facts.config_sha256 not in ("", config_hash(before.bench.config)):
        yield "the capture was made with another config than the one of before"
    yield from facts.notes()
    yield from notes_of_signals(before.sent.taken | after.sent.taken, after.sent.came)
    yield from replay_notes(before.bench.config, before.sent.exporters)
    yield from replay_notes(after.bench.config, after.sent.exporters)
    yield from _changes_of_one("before", before.sent, after.sent)
    yield from _changes_of_one("after", after.sent, before.sent)
    for signal, items in after.sent.came.items():
        if items and signal not in before.signals | after.signals:
            yield f"no exporter gets {signal}, before or after"
    yield from named.limits.unseen(before.tallies)
    receivers = frozenset((*before.sent.receivers, *after.sent.receivers))
    seen = Seen(after.sent.came, changes, (*before.tallies, *after.tallies), receivers)
    yield from unmatched_notes(named, seen)


def _changes_of_one(which: str, form: Replayed, other: Replayed) -> Iterator[str]:
    """Yield what the replay changes in the config of one form alone."""
    for change in form.changes:
        if change not in other.changes:
            yield f"{which} alone: {change}"
