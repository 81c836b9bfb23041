# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for a config without a written test: what one planted record for each receiver and signal shows.

Nothing is made up, nothing is lost but by a component whose purpose it is, and a planted secret is stopped or named.
Private.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..config.paths import dotted, leaves
from ..config.pipelines import PipelineGraph, signal_of
from ..traits import PROCESSORS, Trait, hands_on, kind_of, takes_turns, traits_of
from .harness import fed_receivers, gets_a_part, stage
from .policies import KINDS
from .records import OF_PIPELINES, Record

Got = Mapping[str, Mapping[str, Sequence[Record]]]
_FILE_LOG = "filelog"
# The folder of a pod's logs, as a kubelet names it.
_POD = "planted_planted-0_0f0f0f0f-0000-4000-8000-000000000000"
_LINE = "2026-01-01T00:00:00.000000000Z stdout F "


@dataclass(frozen=True)
class Secret:
    """A planted value, of which kind it is, and the record that has it."""

    value: str
    kind: str
    record: str


@dataclass(frozen=True)
class Plan:
    """What is sent, and the secrets in it."""

    given: tuple[dict[str, Any], ...]
    secrets: tuple[Secret, ...]


def planted_records(config: Mapping[str, Any]) -> Plan:
    """Return one record for each receiver and each signal that it feeds; for file_log, a line of a file."""
    secrets: list[Secret] = []
    given: list[dict[str, Any]] = []
    for item, signals in fed_receivers(config).items():
        for signal in filter(OF_PIPELINES.__contains__, signals):
            name = f"planted-{OF_PIPELINES[signal]}-{len(given)}-record"

            def new(kind: str, name: str = name) -> str:
                secrets.append(Secret(_VALUES[kind](len(secrets)), kind, name))
                return secrets[-1].value

            if kind_of(item) == _FILE_LOG:
                given.append({"files": line((config.get("receivers") or {}).get(item) or {}, f"{name}: {_text(new)}")})
            else:
                given.append({"to": item, OF_PIPELINES[signal]: [_record(OF_PIPELINES[signal], name, new)]})
    return Plan(tuple(given), tuple(secrets))


def _card(number: int) -> str:
    digits = f"4000{number:011d}"
    return next(f"{digits}{last}" for last in range(10) if KINDS["card"][1]((), f"{digits}{last}"))


_VALUES: dict[str, Callable[[int], str]] = {
    "email": "planted{}@example.com".format,
    "card": _card,
    "token": "planted{:04d}0f1e2d3c4b5a6978".format,
}


def _text(new: Callable[[str], str]) -> str:
    return f"mail {new('email')} card {new('card')} Authorization: Bearer {new('token')}"


def _record(signal: str, name: str, new: Callable[[str], str]) -> Record:
    attributes = {
        "user.email": new("email"),
        "payment.card.number": new("card"),
        "http.request.header.authorization": f"Bearer {new('token')}",
    }
    shared = {"attributes": attributes, "resource": {"service.name": "planted", "process.command_line": _text(new)}}
    more: dict[str, Callable[[], Record]] = {
        "spans": lambda: {
            "name": name,
            "kind": "server",
            "events": [{"name": "e", "attributes": {"text": _text(new)}}],
        },
        "metrics": lambda: {"name": name, "value": 1},
        "logs": lambda: {"body": f"{name}: {_text(new)}", "severity": "info"},
    }
    return {**more[signal](), **shared}


def line(settings: Mapping[str, Any], text: str) -> dict[str, str]:
    """Return a file that file_log reads: the first of its patterns, with words for its signs."""
    patterns = settings.get("include")
    pattern = str(patterns[0]) if isinstance(patterns, list) and patterns else "/planted.log"
    above, pods, parts = pattern.partition("/pods/")
    first, slash, rest = parts.partition("/")
    if fnmatchcase(_POD, first):
        pattern = f"{above}{pods}{_POD}{slash}{rest}"
    path = re.sub(r"\*+|\?|\[[^][]*\]", "0", pattern)
    operators = settings.get("operators") or ()
    contained = any(isinstance(one, Mapping) and one.get("type") == "container" for one in operators)
    return {path: f"{_LINE if contained else ''}{text}"}


class _Observation(NamedTuple):
    """What was seen, in words, and whether it breaks an invariant."""

    breaks: bool
    text: str


def judged(config: Mapping[str, Any], planned: Plan, got: Got, exporters: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what breaks an invariant, and what is named only."""
    seen = [*_flow(config, planned, got, exporters), *_leaks(planned, got, exporters)]
    return [one.text for one in seen if one.breaks], [one.text for one in seen if not one.breaks]


def _flow(config: Mapping[str, Any], planned: Plan, got: Got, exporters: Sequence[str]) -> Iterator[_Observation]:
    """Yield where records are lost or made up."""
    leaving: dict[tuple[str, str], list[int]] = defaultdict(list)
    unseen: set[str] = set()
    for name, pipeline in config["service"]["pipelines"].items():
        signal = OF_PIPELINES.get(str(name).partition("/")[0], "")
        if not signal or gets_a_part(pipeline):
            yield _Observation(False, f"{name}: no record is followed here")
            unseen.update(pipeline.get("exporters") or ())
            continue
        counts = [_count(got, stage(name, step), signal) for step in range(len(pipeline.get("processors") or ()) + 1)]
        yield from _entry(name, pipeline, signal, counts[0], planned)
        yield from _processed(name, pipeline, signal, counts)
        for item in pipeline.get("exporters") or ():
            leaving[item, signal].append(counts[-1])
    for (item, signal), counts in leaving.items():
        if item in exporters and item not in unseen:
            yield from _arrived(item, signal, counts, got)
        if hands_on(item) and not takes_turns(item):
            yield from _passed(item, config, signal, sum(counts), got)


def _arrived(exporter: str, signal: str, counts: Sequence[int], got: Got) -> Iterator[_Observation]:
    """Yield an exporter at which another number arrives than pipelines send; repeated series may count once."""
    arrived, most = _count(got, exporter, signal), sum(counts)
    least = max(counts) if signal == "metrics" else most
    if not least <= arrived <= most:
        yield _Observation(True, f"{exporter}: {arrived} {signal} arrive of {most}")


def _processed(name: str, pipeline: Mapping[str, Any], signal: str, counts: Sequence[int]) -> Iterator[_Observation]:
    """Yield processors that drop or lose records, or make some."""
    for processor, before, after in zip(pipeline.get("processors") or (), counts, counts[1:], strict=False):
        traits = traits_of(PROCESSORS, processor)
        if after < before:
            may_drop = Trait.DROPS in traits
            does = "drops" if may_drop else "loses"
            yield _Observation(not may_drop, f"{name}: {processor} {does} {before - after} of {before} {signal}")
        if after > before and Trait.MAKES not in traits:
            yield _Observation(True, f"{name}: {processor} makes {after} {signal} of {before}")


def _count(got: Got, name: str, signal: str) -> int:
    return len(got.get(name, {}).get(signal, ()))


def _entry(name: str, pipeline: Mapping[str, Any], signal: str, entered: int, planned: Plan) -> Iterator[_Observation]:
    """Yield a pipeline into which another number of records comes than is sent."""
    sources = list(pipeline.get("receivers") or ())
    sent = sum(part.get("to") in sources and signal in part for part in planned.given)
    if any(kind_of(item) == _FILE_LOG for item in sources):
        if entered == sent:
            why = "the planted line of file_log is not read; write a test with `files`"
            yield _Observation(False, f"{name}: {why}")
    elif entered < sent or (entered > sent and len(sources) == sent):
        yield _Observation(True, f"{name}: {sent} {signal} are sent, and {entered} come in")


def _passed(connector: str, config: Mapping[str, Any], signal: str, before: int, got: Got) -> Iterator[_Observation]:
    """Yield a connector behind which nothing arrives."""
    graph = PipelineGraph.of(config)
    behind = [name for name in graph.pipelines if connector in graph.listed(name, "receivers")]
    after = [_count(got, stage(name, 0), signal) for name in behind if OF_PIPELINES.get(signal_of(name)) == signal]
    if before and after and not any(after):
        yield _Observation(False, f"{connector} passes none of {before} {signal} on")


@dataclass
class _Sightings:
    """Where planted secrets were seen, and which exporters got their records, with the secret or without it."""

    places: dict[tuple[str, str], set[Secret]] = field(default_factory=lambda: defaultdict(set))
    reached: dict[Secret, set[str]] = field(default_factory=lambda: defaultdict(set))
    leaking: dict[Secret, set[str]] = field(default_factory=lambda: defaultdict(set))

    def look_at(self, record: Record, exporter: str, signal: str, secrets: Sequence[Secret]) -> None:
        """Note the secrets of a record that arrived, and the secrets whose record it is."""
        texts = {dotted((signal, *path)): f"{path} {value}".casefold() for path, value in leaves(record)}
        for secret in secrets:
            if f"-{signal}-" in secret.record and any(secret.record in text for text in texts.values()):
                self.reached[secret].add(exporter)
            for place, text in texts.items():
                if secret.value in text:
                    self.places[exporter, place].add(secret)
                    self.leaking[secret].add(exporter)

    def stopping(self, secrets: Iterable[Secret]) -> set[str]:
        """Return the exporters that get the records of secrets without these."""
        return {exporter for secret in secrets for exporter in self.reached[secret] - self.leaking[secret]}


def _leaks(planned: Plan, got: Got, exporters: Sequence[str]) -> Iterator[_Observation]:
    """Yield where planted secrets leave; one that another exporter does not get breaks an invariant."""
    sightings = _Sightings()
    for exporter in exporters:
        for signal, records in got.get(exporter, {}).items():
            for record in records:
                sightings.look_at(record, exporter, signal, planned.secrets)
    for (exporter, place), secrets in sightings.places.items():
        kinds = {secret.kind for secret in secrets}
        what = ", ".join(KINDS[kind][0] for kind in KINDS if kind in kinds)
        stopping = sorted(sightings.stopping(secrets))
        told = f", which the config stops on its way to {', '.join(stopping)}" if stopping else ""
        yield _Observation(bool(stopping), f"{exporter}: {place} leaves with {what}{told}")
