# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast of a change: the same capture is sent through the config of before and through the one of after.

What both send is compared. The modules `pipeline_forecast` and `collector_forecast` return the comparison. A capture is
telemetry that a collector received, in files (`captured.py`). A form is the collector before or after the change
(`forecast_forms.py`), a replay sends the capture to one form (`replay.py`), and a bench is a Collector on this machine
that can run it (`bench.py`). Limits are what the user allows a change to do; a breach is a limit that is passed.
Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.masking import mask_and_clean
from ....module_utils._otelcol.errors import Problem
from ....module_utils._otelcol.forecast.capture_facts import CaptureFacts, hash_config
from ....module_utils._otelcol.forecast.forecast_rows import ForecastOutcome, ForecastResult
from ....module_utils._otelcol.forecast.limits import parse_limits
from ....module_utils._otelcol.forecast.money import Scale, parse_prices, parse_rates
from ....module_utils._otelcol.forecast.pages import Forecast, sort_by_size_of_change
from ....module_utils._otelcol.forecast.replay_notes import list_replay_notes, list_signal_notes
from ....module_utils._otelcol.forecast.sent_changes import SentChange, list_changes, pair_exporters
from ....module_utils._otelcol.forecast.tallies import Tally
from ....module_utils._otelcol.forecast.unmatched import (
    NamedOptions,
    ReplayFacts,
    list_unmatched_notes,
    parse_receivers,
)
from .. import _files
from .._isolation import choice
from .._testing.bench import Bench
from .._testing.chosen_bench import choose_bench
from .captured import Capture, check_not_in_capture, read_capture
from .forecast_forms import ForecastForms, read_forms
from .forecast_result import build_forecast_result
from .replay import Replay, Replayed, replay_capture

NEVER = "never"
_REPORT_OPTIONS = ("markdown_path", "output_path", "html_path")
_INPUT_OPTIONS = ("before", "after", "capture")


def forecast_change(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> ForecastResult:
    """Return what a change does to what a collector sends. `arguments` are those of `pipeline_forecast`.

    Raises Problem if nothing can be compared. `refuse_breaches` raises one for a limit that is passed.
    """
    check_options(arguments)
    capture = read_capture(Path(arguments["capture"]))
    forms = read_forms(arguments, CaptureFacts.of(capture.manifest).collector)
    return forecast_between_forms(forms, capture, arguments, warn)


def check_options(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for limits and prices that are none, and for reports that would replace what is read."""
    _read_user_names(arguments)
    for option in _REPORT_OPTIONS:
        _files.check_output_is_no_input(arguments.get(option), [arguments[name] for name in _INPUT_OPTIONS], option)
        check_not_in_capture(arguments.get(option), arguments["capture"], option)


def refuse_breaches(result: ForecastOutcome, fail_on: str) -> None:
    """Raise Problem if a forecast passes a limit, unless `fail_on` is `never`."""
    if result["failure"] and fail_on != NEVER:
        raise Problem(f"\n{result['report']}", asked=result["failure"], facts=dict(result))


def forecast_between_forms(
    forms: ForecastForms, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> ForecastResult:
    """Return what the change from one form of a collector to the other does to what the collector sends.

    Raises Problem if nothing can be compared.
    """
    named_by_user = _read_user_names(arguments)
    facts = CaptureFacts.of(capture.manifest)
    replayed_forms = _replay_forms(forms, capture, arguments, warn)
    changes = _find_changes(replayed_forms, str(arguments["capture"]))
    compared_forecast = Forecast(
        collector=forms.name,
        changes=tuple(changes),
        breach_lines=tuple(named_by_user.limits.find_breaches(changes)),
        note_lines=tuple(dict.fromkeys(_list_notes(replayed_forms, facts, named_by_user, changes))),
        scale=Scale(
            replayed_forms.form_after.replayed_data.item_count_by_signal,
            {**facts.rate_by_signal, **named_by_user.rates},
        ),
        prices=dict(named_by_user.prices),
        currency=arguments["currency"],
    )
    return build_forecast_result(compared_forecast, replayed_forms.mask_secrets)


def _read_user_names(arguments: Mapping[str, Any]) -> NamedOptions:
    """Return the options of a forecast that name something. Raises Problem if one of them cannot be read."""
    return NamedOptions(
        limits=parse_limits(arguments["limits"]),
        prices=parse_prices(arguments["prices"]),
        rates=parse_rates(arguments["rates"]),
        receivers=parse_receivers(arguments["receivers"]),
        tenant_attribute=arguments.get("tenant_attribute", ""),
    )


@dataclass(frozen=True)
class _ReplayedForm:
    """A form of a collector after its replay: the bench that ran it, and what it sent."""

    bench: Bench
    replayed_data: Replayed

    @property
    def tallies(self) -> list[Tally]:
        """What was in the telemetry that was sent, by exporter and signal."""
        tallies: list[Tally] = []
        for sent_by_signal in self.replayed_data.sent_by_exporter.values():
            tallies += [sent.tally for sent in sent_by_signal.values()]
        return tallies

    @property
    def sent_signals(self) -> set[str]:
        """The signals that exporters got."""
        return set().union(*self.replayed_data.sent_by_exporter.values())


@dataclass(frozen=True)
class _ReplayedForms:
    """Both forms of a collector after the replays."""

    form_before: _ReplayedForm
    form_after: _ReplayedForm

    def mask_secrets(self, text: str) -> str:
        """Return a text without the secrets of both configs."""
        return self.form_after.bench.hide_secrets(self.form_before.bench.hide_secrets(text))


def _replay_forms(
    forms: ForecastForms, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> _ReplayedForms:
    """Return what both forms send. The old one may have a Collector of its own. Raises Problem."""
    isolation = choice.choose_isolation(arguments.get("isolation") or choice.AUTO, warn)
    arguments_before = {**arguments, "binary": arguments["before_binary"] or arguments["binary"]}
    bench_before = choose_bench(forms.config_before, arguments_before, isolation, warn)
    bench_after = choose_bench(forms.config_after, arguments, isolation, warn)
    replay = Replay(capture.read_requests, arguments["receivers"], arguments["tenant_attribute"])
    return _ReplayedForms(_replay_form("before", bench_before, replay), _replay_form("after", bench_after, replay))


def _replay_form(form_label: str, bench: Bench, replay: Replay) -> _ReplayedForm:
    """Return what a form sends. A Problem names the form, and shows no secret of its config."""
    try:
        return _ReplayedForm(bench, replay_capture(bench, replay, form_label))
    except Problem as problem:
        wrong = f"{form_label}: {mask_and_clean(problem.wrong, mask=bench.hide_secrets)}"
        raise Problem(wrong, where=problem.where, fix=problem.fix) from problem


def _find_changes(replayed_forms: _ReplayedForms, capture: str) -> list[SentChange]:
    """Return what changes, most bytes first. Raises Problem if nothing was compared."""
    replay_before, replay_after = replayed_forms.form_before.replayed_data, replayed_forms.form_after.replayed_data
    names = pair_exporters(replay_before.exporters, replay_after.exporters)
    changes = sort_by_size_of_change(
        list(list_changes(replay_before.sent_by_exporter, replay_after.sent_by_exporter, names))
    )
    if not any(replay_after.item_count_by_signal.values()):
        raise Problem(f"the capture {capture} is empty", fix="Capture again while clients send.")
    if not changes:
        wrong = f"no record of {capture} reaches an exporter, before or after, so nothing was compared"
        raise Problem(wrong, fix="Capture longer, or see which receiver the records belong to.")
    return changes


def _list_notes(
    replayed_forms: _ReplayedForms, facts: CaptureFacts, named_by_user: NamedOptions, changes: Sequence[SentChange]
) -> Iterator[str]:
    """Yield what a reader of the forecast should know: of the capture, of both forms, and of what a user names."""
    form_before, form_after = replayed_forms.form_before, replayed_forms.form_after
    if facts.config_sha256 not in ("", hash_config(form_before.bench.config)):
        yield "the capture was made with another config than the one of before"
    yield from facts.describe_limits()
    yield from list_signal_notes(
        form_before.replayed_data.received_signals | form_after.replayed_data.received_signals,
        form_after.replayed_data.item_count_by_signal,
    )
    yield from list_replay_notes(form_before.bench.config, form_before.replayed_data.exporters)
    yield from list_replay_notes(form_after.bench.config, form_after.replayed_data.exporters)
    yield from _describe_lone_changes("before", form_before.replayed_data, form_after.replayed_data)
    yield from _describe_lone_changes("after", form_after.replayed_data, form_before.replayed_data)
    for signal, items in form_after.replayed_data.item_count_by_signal.items():
        if items and signal not in form_before.sent_signals | form_after.sent_signals:
            yield f"no exporter gets {signal}, before or after"
    yield from named_by_user.limits.find_unseen_attributes(form_before.tallies)
    receivers = frozenset(
        (*form_before.replayed_data.signals_by_receiver, *form_after.replayed_data.signals_by_receiver)
    )
    seen_telemetry = ReplayFacts(
        form_after.replayed_data.item_count_by_signal, changes, (*form_before.tallies, *form_after.tallies), receivers
    )
    yield from list_unmatched_notes(named_by_user, seen_telemetry)


def _describe_lone_changes(form_label: str, form: Replayed, other: Replayed) -> Iterator[str]:
    """Yield a note for each change that the replay makes in the config of one form and not in that of the other."""
    for change in form.config_changes:
        if change not in other.config_changes:
            yield f"{form_label} alone: {change}"
