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
from .checked_pipelines import fed_receivers
from .pipeline_stages import gets_a_part, stage_name
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
    for receiver, signals in fed_receivers(config).items():
        for signal in signals:
            if signal not in OF_PIPELINES:
                continue
            records = OF_PIPELINES[signal]
            planter = _Planter(f"planted-{records}-{len(given)}-record", secrets)
            if kind_of(receiver) == _FILE_LOG:
                settings = (config.get("receivers") or {}).get(receiver) or {}
                given.append({"files": planted_file(settings, planter.line())})
            else:
                given.append({"to": receiver, records: [planter.record(records)]})
    return Plan(tuple(given), tuple(secrets))


def _card(number: int) -> str:
    """Return the number of a card that no other record has, with its check digit."""
    digits = f"4000{number:011d}"
    is_card = KINDS["card"].recognizes
    candidates = [f"{digits}{last}" for last in range(10)]
    return next(card for card in candidates if is_card((), card))


_VALUES: dict[str, Callable[[int], str]] = {
    "email": "planted{}@example.com".format,
    "card": _card,
    "token": "planted{:04d}0f1e2d3c4b5a6978".format,
}


@dataclass(frozen=True)
class _Planter:
    """Makes the record of a name, and adds each secret in it to those of all records."""

    name: str
    secrets: list[Secret]

    def secret(self, kind: str) -> str:
        """Return a value that no other record has."""
        value = _VALUES[kind](len(self.secrets))
        self.secrets.append(Secret(value, kind, self.name))
        return value

    def text(self) -> str:
        """Return a text with a secret of each kind."""
        email, card, token = (self.secret(kind) for kind in ("email", "card", "token"))
        return f"mail {email} card {card} Authorization: Bearer {token}"

    def line(self) -> str:
        """Return the line of a log, by which the record is known again."""
        return f"{self.name}: {self.text()}"

    def record(self, signal: str) -> Record:
        """Return a record of spans, metrics or logs, with secrets in every place where applications write some."""
        attributes = {
            "user.email": self.secret("email"),
            "payment.card.number": self.secret("card"),
            "http.request.header.authorization": f"Bearer {self.secret('token')}",
        }
        resource = {"service.name": "planted", "process.command_line": self.text()}
        return {**self._own_fields(signal), "attributes": attributes, "resource": resource}

    def _own_fields(self, signal: str) -> Record:
        """Return what only records of this signal have."""
        if signal == "spans":
            event = {"name": "e", "attributes": {"text": self.text()}}
            return {"name": self.name, "kind": "server", "events": [event]}
        if signal == "metrics":
            return {"name": self.name, "value": 1}
        return {"body": self.line(), "severity": "info"}


def planted_file(settings: Mapping[str, Any], text: str) -> dict[str, str]:
    """Return a file that file_log reads: the first of its patterns, with words for its signs."""
    patterns = settings.get("include")
    pattern = str(patterns[0]) if isinstance(patterns, list) and patterns else "/planted.log"
    path = re.sub(r"\*+|\?|\[[^][]*\]", "0", _with_pod(pattern))
    if _reads_containers(settings):
        return {path: f"{_LINE}{text}"}
    return {path: text}


def _reads_containers(settings: Mapping[str, Any]) -> bool:
    """Whether file_log takes each line for one that a container runtime wrote."""
    for operator in settings.get("operators") or ():
        if isinstance(operator, Mapping) and operator.get("type") == "container":
            return True
    return False


def _with_pod(pattern: str) -> str:
    """Return a pattern of logs of pods with the folder of the planted pod, if the pattern matches it."""
    above, pods, below = pattern.partition("/pods/")
    folder, slash, rest = below.partition("/")
    return f"{above}{pods}{_POD}{slash}{rest}" if fnmatchcase(_POD, folder) else pattern


class _Observation(NamedTuple):
    """What was seen, in words, and whether it breaks an invariant."""

    breaks: bool
    text: str


def judged_invariants(
    config: Mapping[str, Any], planned: Plan, got: Got, exporters: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return what breaks an invariant, and what is named only."""
    breaches: list[str] = []
    remarks: list[str] = []
    for observation in (*_flow(config, planned, got, exporters), *_leaks(planned, got, exporters)):
        (breaches if observation.breaks else remarks).append(observation.text)
    return breaches, remarks


def _flow(config: Mapping[str, Any], planned: Plan, got: Got, exporters: Sequence[str]) -> Iterator[_Observation]:
    """Yield where records are lost or made up."""
    leaving: dict[tuple[str, str], list[int]] = defaultdict(list)
    unseen: set[str] = set()
    for name, pipeline in config["service"]["pipelines"].items():
        targets = pipeline.get("exporters") or ()
        signal = OF_PIPELINES.get(signal_of(str(name)), "")
        if not signal or gets_a_part(pipeline):
            yield _Observation(False, f"{name}: no record is followed here")
            unseen.update(targets)
            continue
        counts = _stage_counts(name, pipeline, signal, got)
        yield from _entry(name, pipeline, signal, counts[0], planned)
        yield from _processed(name, pipeline, signal, counts)
        for target in targets:
            leaving[target, signal].append(counts[-1])
    for (target, signal), counts in leaving.items():
        if target in exporters and target not in unseen:
            yield from _arrived(target, signal, counts, got)
        if hands_on(target) and not takes_turns(target):
            yield from _passed(target, config, signal, sum(counts), got)


def _stage_counts(name: str, pipeline: Mapping[str, Any], signal: str, got: Got) -> list[int]:
    """Return how many records come into a pipeline, and how many leave each of its processors."""
    stages = range(len(pipeline.get("processors") or ()) + 1)
    return [_count(got, stage_name(name, stage), signal) for stage in stages]


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
    """Return how many records of a signal the test got under a name."""
    return len(got.get(name, {}).get(signal, ()))


def _entry(name: str, pipeline: Mapping[str, Any], signal: str, entered: int, planned: Plan) -> Iterator[_Observation]:
    """Yield a pipeline into which another number of records comes than is sent."""
    sources = list(pipeline.get("receivers") or ())
    sent = sum(part.get("to") in sources and signal in part for part in planned.given)
    reads_files = any(kind_of(source) == _FILE_LOG for source in sources)
    if reads_files:
        if entered == sent:
            why = "the planted line of file_log is not read; write a test with `files`"
            yield _Observation(False, f"{name}: {why}")
        return
    is_lost = entered < sent
    is_made_up = entered > sent and len(sources) == sent
    if is_lost or is_made_up:
        yield _Observation(True, f"{name}: {sent} {signal} are sent, and {entered} come in")


def _passed(connector: str, config: Mapping[str, Any], signal: str, before: int, got: Got) -> Iterator[_Observation]:
    """Yield a connector behind which nothing arrives."""
    graph = PipelineGraph.of(config)
    after = []
    for pipeline in graph.pipelines:
        is_behind = connector in graph.listed(pipeline, "receivers")
        if is_behind and OF_PIPELINES.get(signal_of(pipeline)) == signal:
            after.append(_count(got, stage_name(pipeline, 0), signal))
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
            is_of_signal = f"-{signal}-" in secret.record
            if is_of_signal and any(secret.record in text for text in texts.values()):
                self.reached[secret].add(exporter)
            for place, text in texts.items():
                if secret.value in text:
                    self.places[exporter, place].add(secret)
                    self.leaking[secret].add(exporter)

    def stopping(self, secrets: Iterable[Secret]) -> set[str]:
        """Return the exporters that get the records of secrets without these."""
        exporters: set[str] = set()
        for secret in secrets:
            exporters |= self.reached[secret] - self.leaking[secret]
        return exporters


def _leaks(planned: Plan, got: Got, exporters: Sequence[str]) -> Iterator[_Observation]:
    """Yield where planted secrets leave; one that another exporter does not get breaks an invariant."""
    sightings = _Sightings()
    for exporter in exporters:
        for signal, records in got.get(exporter, {}).items():
            for record in records:
                sightings.look_at(record, exporter, signal, planned.secrets)
    for (exporter, place), secrets in sightings.places.items():
        leaking_kinds = {secret.kind for secret in secrets}
        looks = ", ".join(known.looks for kind, known in KINDS.items() if kind in leaking_kinds)
        leak = f"{exporter}: {place} leaves with {looks}"
        stopping = sorted(sightings.stopping(secrets))
        if stopping:
            yield _Observation(True, f"{leak}, which the config stops on its way to {', '.join(stopping)}")
        else:
            yield _Observation(False, leak)
