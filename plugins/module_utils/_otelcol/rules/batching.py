# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on batches: where they are made, by a processor or by exporters, and until when the processor exists.

Source: ANNOUNCED below; exporter/exporterhelper/internal/queuebatch/config.go; the READMEs of the processors. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..catalogue.catalogue import Catalogue
from ..config.layers import parse_version
from ..config.paths import at, section
from ..config.pipelines import PipelineGraph
from ..traits import EXPORTERS, Trait, kind_of, sends_nothing, types_that
from .build_facts import Target
from .configured_components import configured_components
from .subject import Fault, Subject, rules
from .view import Pipeline

BATCH = "batch"
QUEUE = "sending_queue"
# From which version on a queue makes batches of items; older ones have `batcher`, or nothing.
EXPORTERS_BATCH = "0.130.0"
_RFC = "https://github.com/open-telemetry/opentelemetry-collector/blob/v0.165.0/docs/rfcs/batching-migration.md"
_CHANGES = "https://github.com/open-telemetry/opentelemetry-collector/blob/v0.165.0/CHANGELOG.md"
_BLOG = (
    "the announcement 'Deprecating the Collector Batch Processor' (collector-batching-migration) of opentelemetry.io"
)


@dataclass(frozen=True)
class Announcement:
    """What upstream does to the processor in a version, or plans to: the severity of a finding, where and when read."""

    version: str
    what: str
    severity: str
    planned: bool
    source: str
    day: str


# Upstream has announced the end of the processor, and deprecated it in no release so far: its README says beta. The RFC
# named 0.160, 0.166 and 0.172; the later announcement named the versions here.
ANNOUNCED = (
    Announcement(
        "0.165.0",
        "warns at its start of the processor beside exporters that make batches",
        "info",
        False,
        _CHANGES,
        "2026-11-25",
    ),
    Announcement("0.171.0", "makes batches in exporters by default", "warning", True, _BLOG, "2026-11-25"),
    Announcement("0.177.0", "has no processor batch", "error", True, _BLOG, "2026-11-25"),
)
# From which version on the Collector warns, exporters make batches by default, and the processor is gone.
WARNED, BY_DEFAULT, GONE = (announcement.version for announcement in ANNOUNCED)

_SENDING = types_that(EXPORTERS, Trait.SENDS_AS_GIVEN)
# Processors that split or rebuild batches: batching before them is wasted.
_BEFORE_BATCH = {
    "tailsampling": "it splits batches to assemble whole traces",
    "groupbytrace": "it splits batches to assemble whole traces",
    "probabilisticsampler": "it drops data from full batches, so that they leave it partly empty",
    "filter": "it drops data from full batches, so that they leave it partly empty",
}
# Processors that make batches.
_MAKE_BATCHES = (BATCH, "queuebatch")


def from_version(target: Target | None, version: str) -> bool:
    """Whether the build is known, and is of this version of the Collector or a later one."""
    return target is not None and parse_version(target.version) >= parse_version(version)


def can_batch(target: Target | None, exporter: str) -> bool:
    """Whether the queue of an exporter makes batches in this build, by the settings in the catalogue."""
    if target is None or not from_version(target, EXPORTERS_BATCH):
        return False
    kind, catalogue = exporter.partition("/")[0], target.catalogue
    row = catalogue.described("exporters", kind, target.distribution) or catalogue.fields("exporters", kind)
    queue = at(row, ("fields", QUEUE))
    if isinstance(queue, str):  # the name of fields that exporters share
        queue = section(catalogue.shared_fields, queue)
    return BATCH in (queue or {})


def has_processor(config: Any, _catalogue: Catalogue) -> bool:
    """Whether a config has the processor, by which versions from 0.177.0 on do not start."""
    return any(_is_batch(name) for name in section(config, "processors"))


def _is_batch(name: Any) -> bool:
    return isinstance(name, str) and kind_of(name) == BATCH


def doubles(config: Any, catalogue: Catalogue) -> bool:
    """Whether a pipeline has the processor, and an exporter that makes batches by default from 0.171.0 on."""
    target = Target(catalogue, "contrib", BY_DEFAULT)
    for ends in PipelineGraph.of(config).pipelines.values():
        has_batch = any(_is_batch(name) for name in ends["processors"])
        if has_batch and any(_batches_by_default(config, name, target) for name in ends["exporters"]):
            return True
    return False


def _batches_by_default(config: Any, exporter: str, target: Target) -> bool:
    """Whether an exporter makes batches in a version in which they are the default."""
    queue = at(config, ("exporters", exporter, QUEUE))
    is_off = at(queue, ("enabled",)) is False or at(queue, (BATCH, "enabled")) is False
    if is_off or sends_nothing(exporter):
        return False
    return can_batch(target, exporter)


class PlannedBreak(NamedTuple):
    """What a planned version of the Collector breaks: the version, what happens, and whether a config is affected."""

    version: str
    what: str
    breaks: Callable[[Any, Catalogue], bool]


PLANNED = (
    PlannedBreak(BY_DEFAULT, "makes batches twice, by processor batch and by exporters", doubles),
    PlannedBreak(GONE, "does not start, without processor batch", has_processor),
)


def makes_batches(settings: Any) -> bool:
    """Whether the settings of an exporter say that it makes batches; a variable may."""
    queue = at(settings, (QUEUE,))
    if isinstance(queue, str):
        return True
    has_batcher = isinstance(settings, Mapping) and "batcher" in settings
    return has_batcher or at(queue, (BATCH,)) is not None


def collects_requests(settings: Any) -> bool:
    """Whether an exporter waits for more data. One without a smallest size only splits what is too large."""
    batch = at(settings, (QUEUE, BATCH))
    return isinstance(batch, Mapping) and batch.get("min_size") != 0 and batch.get("enabled") is not False


def batch_missing(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines without batching, which send one request for each incoming request."""
    if from_version(subject.target, BY_DEFAULT):
        return
    senders = {part.id: part for part in subject.view.of(EXPORTERS, *_SENDING)}
    for pipeline in subject.view.pipelines:
        if any(kind_of(name) in _MAKE_BATCHES for name in pipeline.processors):
            continue
        for name in pipeline.exporters:
            if name in senders and not makes_batches(senders[name].settings):
                message = f"pipeline '{pipeline.key}' sends to '{name}' without batches"
                yield Fault(pipeline.path, message, _way_to_batches(subject.target, name))
                break


def _way_to_batches(target: Target | None, exporter: str) -> str:
    """Return what to write so that what an exporter sends is in batches."""
    if can_batch(target, exporter):
        return f"Add `{QUEUE}: {{batch: {{}}}}` to exporter '{exporter}'."
    return "Add `batch` as the last processor."


def batch_early(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors before a processor that drops data or splits batches."""
    for pipeline in subject.view.pipelines:
        batches = _places_of_batch(pipeline)
        if not batches:
            continue
        last = batches[-1]
        batch = pipeline.processors[last]
        for name in pipeline.processors[last + 1 :]:
            reason = _BEFORE_BATCH.get(kind_of(name))
            if reason:
                fix = f"Move '{batch}' to the end of the processors."
                yield Fault((*pipeline.path, "processors", last), f"'{batch}' comes before '{name}': {reason}", fix)
                break


def batch_twice(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors in front of an exporter that makes batches again, which costs memory and time."""
    collecting = {part.id for part in subject.view.of(EXPORTERS, *_SENDING) if collects_requests(part.settings)}
    for pipeline in subject.view.pipelines:
        batches = _places_of_batch(pipeline)
        exporters = [name for name in pipeline.exporters if name in collecting]
        if batches and exporters:
            first = batches[0]
            batch = pipeline.processors[first]
            message = f"'{batch}' makes batches, and so does exporter '{exporters[0]}'"
            fix = f"Remove '{batch}' if all exporters of the pipeline make batches."
            yield Fault((*pipeline.path, "processors", first), message, fix)


def _places_of_batch(pipeline: Pipeline) -> list[int]:
    """Return at which places among the processors of a pipeline the processor stands."""
    return [index for index, name in enumerate(pipeline.processors) if kind_of(name) == BATCH]


def batch_deprecated(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors, which give way to batches in exporters; upstream plans to remove them in 0.177.0."""
    severity = _fading_severity(subject.target)
    if not severity:
        return
    for component in configured_components(subject):
        if component.section == "processors" and component.kind == BATCH:
            message = (
                f"upstream plans batches in exporters by default from {BY_DEFAULT} on, and to remove '{component.id}' "
                f"in {GONE} (announced, read on {ANNOUNCED[-1].day})"
            )
            fix = "Write its batches into the exporters, as o11y.opentelemetry.pipeline_migrate does."
            yield Fault(component.path, message, fix, severity=severity)


def _fading_severity(target: Target | None) -> str:
    """Return how severe it is to use the processor in a build; empty before all announced versions."""
    severity = ""
    for announcement in ANNOUNCED:
        if from_version(target, announcement.version):
            severity = announcement.severity
    return severity


RULES = (
    *rules("info", batch_missing, documentation=_RFC),
    *rules("warning", batch_early, documentation=_RFC),
    *rules("info", batch_twice, batch_deprecated, documentation=_RFC),
)
