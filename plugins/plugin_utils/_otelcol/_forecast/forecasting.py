# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast of a change: the same capture is sent through the config of before and through the one of after.

A capture is telemetry that a collector received, in files (`captured.py`). A replay sends it to a Collector on this
machine (`replay.py`), once for each side of the change, and what both send is compared. Limits are what the user allows
a change to do; a breach is a limit that is passed. The modules `pipeline_forecast` and `collector_forecast` return the
result, whose `report` has lines such as ::

    otlp_grpc/backend: 1,000 → 620 spans (-38.0 %), 1.0 MiB → 512.0 KiB (-50.0 %)

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
from .._testing.chosen_collector import choose_collector
from .._testing.collector_setup import CollectorSetup
from .captured import Capture, check_not_in_capture, read_capture
from .forecast_configs import ForecastConfigs, read_configs
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
    configs = read_configs(arguments, CaptureFacts.of(capture.manifest).collector)
    return forecast_between_configs(configs, capture, arguments, warn)


def check_options(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for limits and prices that are none, and for reports that would replace input, or each other."""
    _read_user_names(arguments)
    for option in _REPORT_OPTIONS:
        _files.check_output_is_no_input(arguments.get(option), [arguments[name] for name in _INPUT_OPTIONS], option)
        check_not_in_capture(arguments.get(option), arguments["capture"], option)
    _files.check_outputs_differ({option: arguments.get(option) for option in _REPORT_OPTIONS})


def refuse_breaches(result: ForecastOutcome, fail_on: str) -> None:
    """Raise Problem if a forecast passes a limit, unless `fail_on` is `never`."""
    if result["failure"] and fail_on != NEVER:
        raise Problem(f"\n{result['report']}", asked=result["failure"], facts=dict(result))


def forecast_between_configs(
    configs: ForecastConfigs, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> ForecastResult:
    """Return what a change of a collector does to what the collector sends. Raises Problem if nothing can be compared.

    `arguments` are those of `pipeline_forecast`.
    """
    named_by_user = _read_user_names(arguments)
    facts = CaptureFacts.of(capture.manifest)
    sides = _replay_both_sides(configs, capture, arguments, warn)
    changes = _find_changes(sides, str(arguments["capture"]))
    compared_forecast = Forecast(
        collector=configs.name,
        changes=tuple(changes),
        breach_lines=tuple(named_by_user.limits.find_breaches(changes)),
        note_lines=tuple(dict.fromkeys(_list_notes(sides, facts, named_by_user, changes))),
        scale=Scale(
            sides.after.replayed.item_count_by_signal,
            {**facts.rate_by_signal, **named_by_user.rates},
        ),
        prices=dict(named_by_user.prices),
        currency=arguments["currency"],
    )
    return build_forecast_result(compared_forecast, sides.mask_secrets)


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
class _ReplayedSide:
    """One side of a change after its replay: what ran the replay, and what it sent."""

    setup: CollectorSetup
    replayed: Replayed

    @property
    def tallies(self) -> list[Tally]:
        """What was in the telemetry that was sent, by exporter and signal."""
        tallies: list[Tally] = []
        for sent_by_signal in self.replayed.sent_by_exporter.values():
            tallies += [sent.tally for sent in sent_by_signal.values()]
        return tallies

    @property
    def sent_signals(self) -> set[str]:
        """The signals that exporters got."""
        return set().union(*self.replayed.sent_by_exporter.values())


@dataclass(frozen=True)
class _BothSides:
    """The collector before the change and after it, each with its replay."""

    before: _ReplayedSide
    after: _ReplayedSide

    def mask_secrets(self, text: str) -> str:
        """Return a text without the secrets of both configs."""
        return self.after.setup.hide_secrets(self.before.setup.hide_secrets(text))


def _replay_both_sides(
    configs: ForecastConfigs, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> _BothSides:
    """Return what both configs send. The one of before may have a Collector of its own. Raises Problem."""
    isolation = choice.choose_isolation(arguments.get("isolation") or choice.AUTO, warn)
    arguments_before = {**arguments, "binary": arguments["before_binary"] or arguments["binary"]}
    setup_before = choose_collector(configs.config_before, arguments_before, isolation, warn)
    setup_after = choose_collector(configs.config_after, arguments, isolation, warn)
    replay = Replay(capture.read_requests, arguments["receivers"], arguments["tenant_attribute"])
    return _BothSides(_replay_side("before", setup_before, replay), _replay_side("after", setup_after, replay))


def _replay_side(side: str, setup: CollectorSetup, replay: Replay) -> _ReplayedSide:
    """Return what a side, `before` or `after`, sends. A Problem names the side, and shows no secret of its config."""
    try:
        return _ReplayedSide(setup, replay_capture(setup, replay, side))
    except Problem as problem:
        wrong = f"{side}: {mask_and_clean(problem.wrong, mask=setup.hide_secrets)}"
        raise Problem(wrong, where=problem.where, fix=problem.fix) from problem


def _find_changes(sides: _BothSides, capture: str) -> list[SentChange]:
    """Return what changes, most bytes first. Raises Problem if nothing was compared."""
    before, after = sides.before.replayed, sides.after.replayed
    paired_exporters = pair_exporters(before.exporters, after.exporters)
    changes = sort_by_size_of_change(
        list(list_changes(before.sent_by_exporter, after.sent_by_exporter, paired_exporters))
    )
    if not any(after.item_count_by_signal.values()):
        raise Problem(f"the capture {capture} is empty", fix="Capture again while clients send.")
    if not changes:
        wrong = f"no record of {capture} reaches an exporter, before or after, so nothing was compared"
        raise Problem(wrong, fix="Capture longer, or see which receiver the records belong to.")
    return changes


def _list_notes(
    sides: _BothSides, facts: CaptureFacts, named_by_user: NamedOptions, changes: Sequence[SentChange]
) -> Iterator[str]:
    """Yield what a reader of the forecast should know: of the capture, of both sides, and of what a user names."""
    before, after = sides.before, sides.after
    captured_items = after.replayed.item_count_by_signal
    if facts.config_sha256 not in ("", hash_config(before.setup.config)):
        yield "the capture was made with another config than the one of before"
    yield from facts.describe_limits()
    yield from list_signal_notes(before.replayed.received_signals | after.replayed.received_signals, captured_items)
    yield from list_replay_notes(before.setup.config, before.replayed.exporters)
    yield from list_replay_notes(after.setup.config, after.replayed.exporters)
    yield from _describe_lone_changes("before", before.replayed, after.replayed)
    yield from _describe_lone_changes("after", after.replayed, before.replayed)
    for signal, item_count in captured_items.items():
        if item_count and signal not in before.sent_signals | after.sent_signals:
            yield f"no exporter gets {signal}, before or after"
    yield from named_by_user.limits.find_unseen_attributes(before.tallies)
    receivers = frozenset((*before.replayed.signals_by_receiver, *after.replayed.signals_by_receiver))
    seen_telemetry = ReplayFacts(captured_items, changes, (*before.tallies, *after.tallies), receivers)
    yield from list_unmatched_notes(named_by_user, seen_telemetry)


def _describe_lone_changes(side: str, replayed: Replayed, other: Replayed) -> Iterator[str]:
    """Yield a note for each change that the replay makes in the config of one side and not in that of the other."""
    for change in replayed.config_changes:
        if change not in other.config_changes:
            yield f"{side} alone: {change}"
