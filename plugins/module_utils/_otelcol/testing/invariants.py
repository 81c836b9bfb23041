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

from ..config.paths import format_path, iter_leaves
from ..config.pipelines import PipelineGraph, signal_of
from ..traits import PROCESSORS, Trait, hands_on_records, kind_of, takes_turns, traits_of
from .checked_pipelines import map_signals_of_receivers
from .pipeline_stages import may_get_only_a_part, name_stage
from .policies import SECRET_KINDS
from .records import RECORD_KINDS_BY_SIGNAL, Record

RecordsByName = Mapping[str, Mapping[str, Sequence[Record]]]
_FILE_LOG = "filelog"
# The folder of a pod's logs, as a kubelet names it.
_PLANTED_POD = "planted_planted-0_0f0f0f0f-0000-4000-8000-000000000000"
_LINE_PREFIX = "2026-01-01T00:00:00.000000000Z stdout F "


@dataclass(frozen=True)
class PlantedSecret:
    """A planted value, of which kind it is, and the record that has it."""

    value: str
    kind: str
    record: str


@dataclass(frozen=True)
class PlantingPlan:
    """What is sent, and the secrets in it."""

    given: tuple[dict[str, Any], ...]
    secrets: tuple[PlantedSecret, ...]


def plant_records(config: Mapping[str, Any]) -> PlantingPlan:
    """Return one record for each receiver and each signal that it feeds; for file_log, a line of a file."""
    secrets: list[PlantedSecret] = []
    given_parts: list[dict[str, Any]] = []
    for receiver, signals in map_signals_of_receivers(config).items():
        for signal in signals:
            if signal not in RECORD_KINDS_BY_SIGNAL:
                continue
            record_kind = RECORD_KINDS_BY_SIGNAL[signal]
            planter = _Planter(f"planted-{record_kind}-{len(given_parts)}-record", secrets)
            if kind_of(receiver) == _FILE_LOG:
                settings = (config.get("receivers") or {}).get(receiver) or {}
                given_parts.append({"files": plant_file(settings, planter.line())})
            else:
                given_parts.append({"to": receiver, record_kind: [planter.record(record_kind)]})
    return PlantingPlan(tuple(given_parts), tuple(secrets))


def _make_card_number(card_index: int) -> str:
    """Return the number of a card that no other record has, with its check digit."""
    digits = f"4000{card_index:011d}"
    is_card = SECRET_KINDS["card"].recognizes
    candidates = [f"{digits}{check_digit}" for check_digit in range(10)]
    return next(card for card in candidates if is_card((), card))


_SECRET_MAKERS: dict[str, Callable[[int], str]] = {
    "email": "planted{}@example.com".format,
    "card": _make_card_number,
    "token": "planted{:04d}0f1e2d3c4b5a6978".format,
}


@dataclass(frozen=True)
class _Planter:
    """Makes the record of a name, and adds each secret in it to those of all records."""

    name: str
    secrets: list[PlantedSecret]

    def secret(self, kind: str) -> str:
        """Return a value that no other record has."""
        value = _SECRET_MAKERS[kind](len(self.secrets))
        self.secrets.append(PlantedSecret(value, kind, self.name))
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
        return {**self._make_own_fields(signal), "attributes": attributes, "resource": resource}

    def _make_own_fields(self, signal: str) -> Record:
        """Return what only records of this signal have."""
        if signal == "spans":
            span_event = {"name": "e", "attributes": {"text": self.text()}}
            return {"name": self.name, "kind": "server", "events": [span_event]}
        if signal == "metrics":
            return {"name": self.name, "value": 1}
        return {"body": self.line(), "severity": "info"}


def plant_file(settings: Mapping[str, Any], text: str) -> dict[str, str]:
    """Return a file that file_log reads: the first of its patterns, with words for its signs."""
    patterns = settings.get("include")
    pattern = str(patterns[0]) if isinstance(patterns, list) and patterns else "/planted.log"
    path = re.sub(r"\*+|\?|\[[^][]*\]", "0", _insert_planted_pod(pattern))
    if _has_container_operator(settings):
        return {path: f"{_LINE_PREFIX}{text}"}
    return {path: text}


def _has_container_operator(settings: Mapping[str, Any]) -> bool:
    """Whether file_log takes each line for one that a container runtime wrote."""
    for operator in settings.get("operators") or ():
        if isinstance(operator, Mapping) and operator.get("type") == "container":
            return True
    return False


def _insert_planted_pod(pattern: str) -> str:
    """Return a pattern of logs of pods with the folder of the planted pod, if the pattern matches it."""
    path_above, pods_folder, path_below = pattern.partition("/pods/")
    folder, separator, path_rest = path_below.partition("/")
    return (
        f"{path_above}{pods_folder}{_PLANTED_POD}{separator}{path_rest}"
        if fnmatchcase(_PLANTED_POD, folder)
        else pattern
    )


class _Observation(NamedTuple):
    """What was seen, in words, and whether it breaks an invariant."""

    breaks: bool
    text: str


def judge_invariants(
    config: Mapping[str, Any], plan: PlantingPlan, records_by_name: RecordsByName, exporters: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return what breaks an invariant, and what is named only."""
    breaches: list[str] = []
    remarks: list[str] = []
    for observation in (
        *_observe_flow(config, plan, records_by_name, exporters),
        *_observe_leaks(plan, records_by_name, exporters),
    ):
        (breaches if observation.breaks else remarks).append(observation.text)
    return breaches, remarks


def _observe_flow(
    config: Mapping[str, Any], plan: PlantingPlan, records_by_name: RecordsByName, exporters: Sequence[str]
) -> Iterator[_Observation]:
    """Yield where records are lost or made up."""
    leaving_counts: dict[tuple[str, str], list[int]] = defaultdict(list)
    unfollowed_exporters: set[str] = set()
    for pipeline_name, pipeline in config["service"]["pipelines"].items():
        pipeline_exporters = pipeline.get("exporters") or ()
        signal = RECORD_KINDS_BY_SIGNAL.get(signal_of(str(pipeline_name)), "")
        if not signal or may_get_only_a_part(pipeline):
            yield _Observation(False, f"{pipeline_name}: no record is followed here")
            unfollowed_exporters.update(pipeline_exporters)
            continue
        stage_counts = _count_records_by_stage(pipeline_name, pipeline, signal, records_by_name)
        yield from _observe_entry(pipeline_name, pipeline, signal, stage_counts[0], plan)
        yield from _observe_processors(pipeline_name, pipeline, signal, stage_counts)
        for exporter in pipeline_exporters:
            leaving_counts[exporter, signal].append(stage_counts[-1])
    for (exporter, signal), stage_counts in leaving_counts.items():
        if exporter in exporters and exporter not in unfollowed_exporters:
            yield from _observe_arrival(exporter, signal, stage_counts, records_by_name)
        if hands_on_records(exporter) and not takes_turns(exporter):
            yield from _observe_connector(exporter, config, signal, sum(stage_counts), records_by_name)


def _count_records_by_stage(
    pipeline_name: str, pipeline: Mapping[str, Any], signal: str, records_by_name: RecordsByName
) -> list[int]:
    """Return how many records come into a pipeline, and how many leave each of its processors."""
    stages = range(len(pipeline.get("processors") or ()) + 1)
    return [_count_records(records_by_name, name_stage(pipeline_name, stage), signal) for stage in stages]


def _observe_arrival(
    exporter: str, signal: str, counts: Sequence[int], records_by_name: RecordsByName
) -> Iterator[_Observation]:
    """Yield an exporter at which another number arrives than pipelines send; repeated series may count once."""
    arrived_count, sent_count = _count_records(records_by_name, exporter, signal), sum(counts)
    smallest_count = max(counts) if signal == "metrics" else sent_count
    if not smallest_count <= arrived_count <= sent_count:
        yield _Observation(True, f"{exporter}: {arrived_count} {signal} arrive of {sent_count}")


def _observe_processors(
    pipeline_name: str, pipeline: Mapping[str, Any], signal: str, counts: Sequence[int]
) -> Iterator[_Observation]:
    """Yield processors that drop or lose records, or make some."""
    for processor, count_before, count_after in zip(pipeline.get("processors") or (), counts, counts[1:], strict=False):
        traits = traits_of(PROCESSORS, processor)
        if count_after < count_before:
            may_drop = Trait.DROPS in traits
            loss_verb = "drops" if may_drop else "loses"
            yield _Observation(
                not may_drop,
                f"{pipeline_name}: {processor} {loss_verb} {count_before - count_after} of {count_before} {signal}",
            )
        if count_after > count_before and Trait.MAKES not in traits:
            yield _Observation(True, f"{pipeline_name}: {processor} makes {count_after} {signal} of {count_before}")


def _count_records(records_by_name: RecordsByName, name: str, signal: str) -> int:
    """Return how many records of a signal the test got under a name."""
    return len(records_by_name.get(name, {}).get(signal, ()))


def _observe_entry(
    pipeline_name: str, pipeline: Mapping[str, Any], signal: str, entered_count: int, plan: PlantingPlan
) -> Iterator[_Observation]:
    """Yield a pipeline into which another number of records comes than is sent."""
    sources = list(pipeline.get("receivers") or ())
    sent_count = sum(given_part.get("to") in sources and signal in given_part for given_part in plan.given)
    reads_files = any(kind_of(source) == _FILE_LOG for source in sources)
    if reads_files:
        if entered_count == sent_count:
            remark = "the planted line of file_log is not read; write a test with `files`"
            yield _Observation(False, f"{pipeline_name}: {remark}")
        return
    is_lost = entered_count < sent_count
    is_made_up = entered_count > sent_count and len(sources) == sent_count
    if is_lost or is_made_up:
        yield _Observation(True, f"{pipeline_name}: {sent_count} {signal} are sent, and {entered_count} come in")


def _observe_connector(
    connector: str, config: Mapping[str, Any], signal: str, sent_count: int, records_by_name: RecordsByName
) -> Iterator[_Observation]:
    """Yield a connector behind which nothing arrives."""
    graph = PipelineGraph.of(config)
    counts_behind = []
    for pipeline in graph.pipelines:
        is_behind = connector in graph.listed(pipeline, "receivers")
        if is_behind and RECORD_KINDS_BY_SIGNAL.get(signal_of(pipeline)) == signal:
            counts_behind.append(_count_records(records_by_name, name_stage(pipeline, 0), signal))
    if sent_count and counts_behind and not any(counts_behind):
        yield _Observation(False, f"{connector} passes none of {sent_count} {signal} on")


@dataclass
class _Sightings:
    """Where planted secrets were seen, and which exporters got their records, with the secret or without it."""

    places: dict[tuple[str, str], set[PlantedSecret]] = field(default_factory=lambda: defaultdict(set))
    reached: dict[PlantedSecret, set[str]] = field(default_factory=lambda: defaultdict(set))
    leaking: dict[PlantedSecret, set[str]] = field(default_factory=lambda: defaultdict(set))

    def look_at(self, record: Record, exporter: str, signal: str, secrets: Sequence[PlantedSecret]) -> None:
        """Note the secrets of a record that arrived, and the secrets whose record it is."""
        texts = {format_path((signal, *path)): f"{path} {value}".casefold() for path, value in iter_leaves(record)}
        for secret in secrets:
            is_of_signal = f"-{signal}-" in secret.record
            if is_of_signal and any(secret.record in text for text in texts.values()):
                self.reached[secret].add(exporter)
            for place, text in texts.items():
                if secret.value in text:
                    self.places[exporter, place].add(secret)
                    self.leaking[secret].add(exporter)

    def list_stopping_exporters(self, secrets: Iterable[PlantedSecret]) -> set[str]:
        """Return the exporters that get the records of secrets without these."""
        exporters: set[str] = set()
        for secret in secrets:
            exporters |= self.reached[secret] - self.leaking[secret]
        return exporters


def _observe_leaks(
    plan: PlantingPlan, records_by_name: RecordsByName, exporters: Sequence[str]
) -> Iterator[_Observation]:
    """Yield where planted secrets leave; one that another exporter does not get breaks an invariant."""
    sightings = _Sightings()
    for exporter in exporters:
        for signal, records in records_by_name.get(exporter, {}).items():
            for record in records:
                sightings.look_at(record, exporter, signal, plan.secrets)
    for (exporter, place), secrets in sightings.places.items():
        leaking_kinds = {secret.kind for secret in secrets}
        secret_looks = ", ".join(
            secret_kind.looks for kind, secret_kind in SECRET_KINDS.items() if kind in leaking_kinds
        )
        leak = f"{exporter}: {place} leaves with {secret_looks}"
        stopping_exporters = sorted(sightings.list_stopping_exporters(secrets))
        if stopping_exporters:
            yield _Observation(True, f"{leak}, which the config stops on its way to {', '.join(stopping_exporters)}")
        else:
            yield _Observation(False, leak)
