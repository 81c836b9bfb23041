# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forecasts of a change: the same capture through the config of before and the one of after. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....module_utils._otelcol.config.masking import quoted
from ....module_utils._otelcol.errors import Problem, near
from ....module_utils._otelcol.forecast.capture_facts import CaptureFacts, config_hash
from ....module_utils._otelcol.forecast.limits import checked_limits
from ....module_utils._otelcol.forecast.money import Scale, checked_prices, checked_rates
from ....module_utils._otelcol.forecast.pages import Forecast, by_size_of_change, markdown, money_words, text_lines
from ....module_utils._otelcol.forecast.replay_notes import notes_of_signals, replay_notes
from ....module_utils._otelcol.forecast.sent_changes import changes_of, paired_exporters
from ....module_utils._otelcol.forecast.tallies import Sender, Tally
from ....module_utils._otelcol.forecast.unmatched import Named, Seen, checked_receivers, unmatched_notes
from ....module_utils._otelcol.rules.reports import count_in_words
from ....module_utils._otelcol.testing.case import Suite
from .. import _files, _inputs
from .._isolation import choice
from .._testing.bench import Bench
from .._testing.chosen_bench import Chosen, chosen_bench
from .._testing.running_configs import input_in_cluster
from .captured import Capture, check_outside, read_capture
from .replay import Replay, Replayed, replayed

NEVER = "never"


@dataclass(frozen=True)
class Forms:
    """A collector as it is before a change and after it."""

    name: str
    before: Chosen
    after: Chosen


def forecast(arguments: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """Return what a change does to what a collector sends, as a task result.

    Raises Problem if nothing can be compared. `refuse_breaches` raises one for a limit that is passed.
    """
    check_options(arguments)
    capture = read_capture(Path(arguments["capture"]))
    name = _name(arguments, CaptureFacts.of(capture.manifest))
    forms = Forms(name, _before(name, arguments), _after(name, arguments))
    return forecast_of(forms, capture, arguments, warn)


def check_options(arguments: Mapping[str, Any]) -> None:
    """Raise Problem for limits and prices that are none, and for reports that would replace what is read."""
    checked_limits(arguments["limits"])
    checked_prices(arguments["prices"])
    checked_rates(arguments["rates"])
    checked_receivers(arguments["receivers"])
    _check_reports(arguments)


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
    limits, prices = checked_limits(arguments["limits"]), checked_prices(arguments["prices"])
    rates = checked_rates(arguments["rates"])
    facts = CaptureFacts.of(capture.manifest)
    isolation = choice.chosen_isolation(arguments.get("isolation") or choice.AUTO, warn)
    before = chosen_bench(forms.before, _of_before(arguments), isolation, warn)
    after = chosen_bench(forms.after, arguments, isolation, warn)
    replay = Replay(capture.requests, arguments["receivers"], arguments["tenant_attribute"])
    old, new = _replayed("before", before, replay), _replayed("after", after, replay)
    names = paired_exporters(old.exporters, new.exporters)
    changes = by_size_of_change(list(changes_of(old.sent, new.sent, names)))
    if not any(new.came.values()):
        raise Problem(f"the capture {arguments['capture']} is empty", fix="Capture again while clients send.")
    if not changes:
        wrong = f"no record of {arguments['capture']} reaches an exporter, before or after, so nothing was compared"
        raise Problem(wrong, fix="Capture longer, or see which receiver the records belong to.")
    named = Named(limits, prices, rates, checked_receivers(arguments["receivers"]), arguments["tenant_attribute"])
    seen = Seen(new.came, changes, (*_tallies(old), *_tallies(new)), frozenset((*old.receivers, *new.receivers)))
    notes = (
        *_notes(facts, (before, old), (after, new)),
        *limits.unseen(_tallies(old)),
        *unmatched_notes(named, seen),
    )
    found = Forecast(
        collector=forms.name,
        changes=tuple(changes),
        breaches=tuple(limits.breaches(changes)),
        notes=tuple(dict.fromkeys(notes)),
        scale=Scale(new.came, {**facts.rates, **rates}),
        prices=prices,
        currency=arguments["currency"],
    )
    return _result(found, before, after)


def _name(arguments: Mapping[str, Any], facts: CaptureFacts) -> str:
    """Return the name of the collector that the capture is of. Raises Problem if none or several could be meant."""
    if arguments["before"] and arguments["after"]:
        return Path(arguments["after"]).name
    known = [str(collector["name"]) for collector in arguments["collectors"]]
    asked = arguments["collector"] or facts.collector
    if asked in known:
        return asked
    if asked:
        wrong = f"there is no collector '{asked}'{near(asked, known)}"
        raise Problem(wrong, fix=f"Collectors: {', '.join(known) or 'none'}.")
    if len(known) == 1:
        return known[0]
    wrong = f"the capture names no collector, and there are {len(known)}"
    raise Problem(wrong, fix="Name one with `collector`, or give the files `before` and `after`.")


def _of_before(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments for the old form, which may have a Collector of its own."""
    return {**arguments, "binary": arguments["before_binary"] or arguments["binary"]}


def _before(name: str, arguments: Mapping[str, Any]) -> Chosen:
    if arguments["before"]:
        return _of_file(arguments["before"], "before")
    if arguments.get("kept") is not None:
        return _running_on_host(name, arguments["kept"])
    if arguments["resources"] is None:
        fix = "Name the config of before as a file with `before`, or give the objects of the cluster."
        raise Problem("the config that runs is not known: the cluster was not read", where="before", fix=fix)
    found = input_in_cluster(Suite(name, collector=name), arguments["collectors"], arguments["resources"])
    if found is None:
        wrong = f"the cluster has no collector '{name}' with one config"
        raise Problem(wrong, where="before", fix="Name the config of before as a file with `before`.")
    return Chosen(found.config, found.context.image, f"{name} in the cluster")


def _running_on_host(name: str, kept: Mapping[str, Chosen]) -> Chosen:
    """Return what runs on a Linux host. Its collectors have the name of the host before their own."""
    for full_name, form in kept.items():
        if full_name.endswith(f"/{name}") and form.config:
            return form
    fix = "Name the config of before as a file with `before`."
    raise Problem(f"no collector '{name}' runs on the host with one config that can be read", where="before", fix=fix)


def _after(name: str, arguments: Mapping[str, Any]) -> Chosen:
    if arguments["after"]:
        return _of_file(arguments["after"], "after")
    rendered = next(collector for collector in arguments["collectors"] if str(collector["name"]) == name)
    config = _inputs.collect_inputs([], rendered["config"]).inputs[0].config
    return Chosen(config, str(rendered.get("image") or ""), f"{name} of the inventory")


def _of_file(path: str, option: str) -> Chosen:
    found = [given for given in _inputs.collect_inputs([path], None).inputs if isinstance(given.config, dict)]
    if len(found) != 1:
        wrong = f"{path} has {count_in_words(len(found), 'config')}, and a forecast compares one with another"
        raise Problem(wrong, where=option, fix="Name a file with one config.")
    return Chosen(found[0].config, found[0].context.image, path)


def _replayed(which: str, bench: Bench, replay: Replay) -> Replayed:
    """Return what a form sends. A Problem names the form, and shows no secret of its config."""
    try:
        return replayed(bench, replay, which)
    except Problem as problem:
        wrong = f"{which}: {quoted(problem.wrong, mask=bench.hidden)}"
        raise Problem(wrong, where=problem.where, fix=problem.fix) from problem


def _tallies(form: Replayed) -> list[Tally]:
    return [sent.tally for by_signal in form.sent.values() for sent in by_signal.values()]


def _notes(facts: CaptureFacts, *forms: tuple[Bench, Replayed]) -> Iterator[str]:
    """Yield what a reader of the forecast should know, of the capture and of the forms of before and after."""
    (before, old), (after, new) = forms
    if facts.config_sha256 not in ("", config_hash(before.config)):
        yield "the capture was made with another config than the one of before"
    yield from facts.notes()
    yield from notes_of_signals(old.taken | new.taken, new.came)
    yield from replay_notes(before.config, old.exporters)
    yield from replay_notes(after.config, new.exporters)
    for which, form, other in (("before", old, new), ("after", new, old)):
        yield from (f"{which} alone: {change}" for change in form.changes if change not in other.changes)
    reached = {signal for form in (old, new) for by_signal in form.sent.values() for signal in by_signal}
    came = [signal for signal, items in new.came.items() if items]
    yield from (f"no exporter gets {signal}, before or after" for signal in came if signal not in reached)


def _check_reports(arguments: Mapping[str, Any]) -> None:
    """Raise Problem if a report would replace what the forecast reads."""
    for option in ("markdown_path", "output_path", "html_path"):
        _files.check_apart(arguments.get(option), [arguments[name] for name in ("before", "after", "capture")], option)
        check_outside(arguments.get(option), arguments["capture"], option)


def _result(found: Forecast, before: Bench, after: Bench) -> dict[str, Any]:
    def hidden(text: str) -> str:
        return after.hidden(before.hidden(text))

    passed = count_in_words(len(found.breaches), "limit")
    return {
        "changed": False,
        "collector": found.collector,
        "changes": list(_changes(found, hidden)),
        "breaches": [hidden(line) for line in found.breaches],
        "notes": [hidden(line) for line in found.notes],
        "cost_per_month": _cost(found),
        "report": "\n".join(quoted(line, mask=hidden) for line in text_lines(found)),
        "markdown": hidden(markdown(found)),
        "failure": f"{found.collector} passes {passed}" if found.breaches else "",
    }


def _changes(found: Forecast, hidden: Callable[[str], str]) -> Iterator[dict[str, Any]]:
    """Yield the changes as data. A secret of a config may be a name of a sender too, or a part of an exporter's."""
    for change in found.changes:
        told = change.as_dict()
        for key in ("exporter", "old_exporter"):
            told[key] = hidden(told[key])
        for move in told["largest_changes"]:
            for name in Sender._fields:
                move[name] = hidden(move[name])
        yield told


def _cost(found: Forecast) -> dict[str, Any]:
    """Return what a month costs, as numbers and in words; no words without prices."""
    text = money_words(found) if found.prices else ""
    return {"before": found.price_before, "after": found.price_after, "text": text}
