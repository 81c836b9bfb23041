# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth dropping of a capture, and what real Collectors send with the options that would drop it. Private."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..module_utils._otelcol.config.masking import quoted
from ..module_utils._otelcol.errors import Problem, cleaned, near
from ..module_utils._otelcol.forecast.capture_facts import CaptureFacts
from ..module_utils._otelcol.forecast.unmatched import checked_receivers, unmatched_receivers
from ..module_utils._otelcol.otlp_requests import LISTS
from ..module_utils._otelcol.testing.checked_pipelines import fed_receivers
from ..module_utils._savings.captured_records import Readable
from ..module_utils._savings.instrumentation_score import score_of
from ..module_utils._savings.measured_shares import Shares, measured_shares, sent_anything
from ..module_utils._savings.observation import Found, Wishes, look_at
from ..module_utils._savings.proposals import Option, Proposal
from ..module_utils._savings.savings_data import savings_data
from ..module_utils._savings.savings_lines import savings_lines
from ..module_utils._savings.savings_markdown import savings_markdown
from ..module_utils._savings.told_savings import Savings, Told
from . import _savings_options as options
from ._otelcol import _builds, _files, _inputs, _yaml
from ._otelcol._build_request import BuildRequest
from ._otelcol._forecast.captured import Capture, check_outside, read_capture
from ._otelcol._forecast.replay import Replay, Replayed, replayed
from ._otelcol._isolation import choice
from ._otelcol._testing.bench import Bench
from ._otelcol._testing.chosen_bench import Chosen, chosen_bench

_BY_TIME = "what it keeps depends on the time, and a replay is faster than the capture was"
_NONE = "`measure` is 0, so nothing is measured"
_FEWER = "`measure` is {measured}, and others come first: raise it to measure more"
# What passes everything on: by it, an option is measured if no config is given.
_PLAIN = "a config that passes everything on"


@dataclass(frozen=True)
class Bed:
    """What measures options: the Collector with the config of before, what is replayed, and what was sent then."""

    bench: Bench
    replay: Replay
    before: Replayed
    version: str

    def sent_with(self, option: Option) -> Replayed:
        """Return what is sent with an option."""
        config = options.with_option(self.bench.config, option, self.version)
        return _replayed(replace(self.bench, config=config), self.replay)


def savings(arguments: Mapping[str, Any], warn: Callable[[str], None], check: bool = False) -> dict[str, Any]:
    """Return what is worth dropping of a capture, as a task result.

    Raises Problem if nothing came in, if no record reaches an exporter, and for a config that cannot be run.
    """
    for option in ("markdown_path", "output_path"):
        _files.check_apart(arguments[option], [arguments["capture"], arguments["config"]], option)
        check_outside(arguments[option], arguments["capture"], option)
    checked_receivers(arguments["receivers"])
    capture = read_capture(Path(arguments["capture"]))
    facts = CaptureFacts.of(capture.manifest)
    chosen, name = _chosen(arguments, facts)
    kept = [*arguments["keep"], arguments["tenant_attribute"]]
    wishes = Wishes(frozenset(filter(None, kept)), arguments["least_percent"], options.samples(chosen.config))
    readable = Readable.of(facts, capture.manifest)
    found = look_at(capture.contents(), readable, wishes)
    if not any(came.items for came in found.came.values()):
        raise Problem(f"the capture {arguments['capture']} is empty", fix="Capture again while clients send.")
    told = tuple(_told(found, chosen, capture, arguments, warn))
    scores = tuple(score_of(service, of_service, readable) for service, of_service in sorted(found.services.items()))
    notes = [*facts.notes(), *_unmatched(found, chosen.config, arguments["receivers"])]
    if any(row.measured for row in told):
        notes.append(f"the shares were measured with {chosen.where}")
    made = Savings(name, found, told, scores, tuple(notes))
    result = {"changed": False, **savings_data(made), "report": "\n".join(map(cleaned, savings_lines(made)))}
    return {**result, "changed": not check and _write(made, arguments)}


def _unmatched(found: Found, config: Mapping[str, Any], receivers: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each thing that a user names and that has no effect."""
    if found.unseen:
        yield f"nothing in the capture has {', '.join(found.unseen)}, named to be kept"
    yield from unmatched_receivers(receivers, frozenset(fed_receivers(config)))


def _chosen(arguments: Mapping[str, Any], facts: CaptureFacts) -> tuple[Chosen, str]:
    """Return the config with which options are measured, and what the report calls it."""
    if arguments["config"]:
        return _of_file(arguments["config"]), Path(arguments["config"]).name
    known = {str(collector["name"]): collector for collector in arguments["collectors"]}
    asked = arguments["collector"] or facts.collector
    if asked in known:
        config = _inputs.collect_inputs([], known[asked]["config"]).inputs[0].config
        return Chosen(config, str(known[asked].get("image") or ""), f"{asked} of the inventory"), asked
    if arguments["collector"]:
        wrong = f"there is no collector '{asked}'{near(asked, known)}"
        raise Problem(wrong, where="collector", fix=f"Collectors: {', '.join(known) or 'none'}.")
    return Chosen(_plain_config(), "", _PLAIN), asked or Path(arguments["capture"]).name


def _of_file(path: str) -> Chosen:
    configs = [given for given in _inputs.collect_inputs([path], None).inputs if isinstance(given.config, dict)]
    if len(configs) != 1:
        wrong = f"{path} has {len(configs)} configs, and the options of one are measured"
        raise Problem(wrong, where="config", fix="Name a file with one config.")
    return Chosen(configs[0].config, configs[0].context.image, path)


def _plain_config() -> dict[str, Any]:
    pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {}}}},
        "exporters": {"otlp_http": {"endpoint": "http://backend:4318"}},
        "service": {"pipelines": dict.fromkeys(LISTS, pipeline)},
    }


def _told(
    found: Found, chosen: Chosen, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]
) -> Iterator[Told]:
    """Yield each proposal with its option and the shares that real Collectors show, of those with most bytes."""
    pipelines = options.pipelines_of(chosen.config)
    measurable = _largest_of_each_kind(filter(_can_measure, found.proposals))[: arguments["measure"]]
    bed = _bed(chosen, capture, arguments, warn) if measurable else None
    for proposal in found.proposals:
        option = proposal.option
        pasted = option.pasted(pipelines) if option else {}
        told = Told(
            proposal,
            pasted,
            _yaml.dump(pasted) if pasted else "",
            why_not_measured=_why_not(proposal, arguments["measure"]),
        )
        if bed and option and proposal in measurable:
            told = replace(told, measured=_measured(bed, option), why_not_measured="")
        yield told


def _largest_of_each_kind(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return proposals, which come by their bytes: the largest of each kind, then the second of each, and so on."""
    seen = Counter[str]()
    turns: list[tuple[int, Proposal]] = []
    for proposal in proposals:
        turns.append((seen[proposal.kind], proposal))
        seen[proposal.kind] += 1
    return [proposal for _turn, proposal in sorted(turns, key=lambda entry: entry[0])]


def _can_measure(proposal: Proposal) -> bool:
    return proposal.option is not None and not proposal.option.by_time


def _why_not(proposal: Proposal, most: int) -> str:
    """Return why an option is not among the `most` that are measured; empty if there is none to measure."""
    if proposal.option is None:
        return ""
    if proposal.option.by_time:
        return _BY_TIME
    return _FEWER.format(measured=most) if most else _NONE


def _bed(chosen: Chosen, capture: Capture, arguments: Mapping[str, Any], warn: Callable[[str], None]) -> Bed:
    """Return what measures options. Raises Problem if the config of before sends nothing."""
    isolation = choice.chosen_isolation(arguments.get("isolation") or choice.AUTO, warn)
    bench = chosen_bench(chosen, arguments, isolation, warn)
    replay = Replay(capture.requests, arguments["receivers"], arguments["tenant_attribute"])
    target = _builds.resolve_build(BuildRequest.from_arguments(arguments), chosen.image)
    bed = Bed(bench, replay, _replayed(bench, replay), target.version if target else "")
    if not sent_anything(bed.before.sent):
        wrong = f"no record of {arguments['capture']} reaches an exporter of {chosen.where}, so nothing was measured"
        raise Problem(wrong, fix="Name the config of the collector that the capture is of.")
    return bed


def _measured(bed: Bed, option: Option) -> dict[str, Shares]:
    return measured_shares(bed.before.sent, bed.sent_with(option).sent)


def _replayed(bench: Bench, replay: Replay) -> Replayed:
    """Return what a config sends. A Problem shows no secret of it."""
    try:
        return replayed(bench, replay, "savings")
    except Problem as problem:
        raise Problem(quoted(problem.wrong, mask=bench.hidden), where=problem.where, fix=problem.fix) from problem


def _write(made: Savings, arguments: Mapping[str, Any]) -> bool:
    """Write the reports that were asked for; return whether one has changed."""
    texts: Iterable[tuple[str | None, Callable[[], str]]] = (
        (arguments["markdown_path"], lambda: savings_markdown(made)),
        (arguments["output_path"], lambda: json.dumps(savings_data(made), indent=2, ensure_ascii=False) + "\n"),
    )
    changed = False
    for path, text in texts:
        if path:
            changed |= _files.place_private(Path(path), text())
    return changed
