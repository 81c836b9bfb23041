# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on batches: where they are made, by a processor or by exporters, and until when the processor exists.

Source: ANNOUNCED below; exporter/exporterhelper/internal/queuebatch/config.go; the READMEs of the processors. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..catalogue.catalogue import Catalogue
from ..config.layers import parse_version
from ..config.paths import at, section
from ..config.pipelines import PipelineGraph
from ..traits import EXPORTERS, Trait, sends_nothing, types_that
from .components import configured_components
from .subject import Fault, Subject, rules
from .view import Target, kind_of

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
WARNED, BY_DEFAULT, GONE = (one.version for one in ANNOUNCED)
_FADES = {one.version: one.severity for one in reversed(ANNOUNCED)}

_SENDING = types_that(EXPORTERS, Trait.SENDS_AS_GIVEN)
# Processors that split or rebuild batches: batching before them is wasted.
_BEFORE_BATCH = {
    "tailsampling": "it splits batches to assemble whole traces",
    "groupbytrace": "it splits batches to assemble whole traces",
    "probabilisticsampler": "it drops data from full batches, so that they leave it partly empty",
    "filter": "it drops data from full batches, so that they leave it partly empty",
}
_DOCUMENTATION = _RFC


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
    return BATCH in section(catalogue.shared_fields, queue) if isinstance(queue, str) else BATCH in (queue or {})


def has_processor(config: Any, _catalogue: Catalogue) -> bool:
    """Whether a config has the processor, by which versions from 0.177.0 on do not start."""
    return any(_is_batch(name) for name in section(config, "processors"))


def _is_batch(name: Any) -> bool:
    return isinstance(name, str) and kind_of(name) == BATCH


def doubles(config: Any, catalogue: Catalogue) -> bool:
    """Whether a pipeline has the processor, and an exporter that makes batches by default from 0.171.0 on."""
    target = Target(catalogue, "contrib", BY_DEFAULT)

    def makes(name: str) -> bool:
        queue = at(config, ("exporters", name, QUEUE))
        off = at(queue, ("enabled",)) is False or at(queue, (BATCH, "enabled")) is False
        return not sends_nothing(name) and not off and can_batch(target, name)

    return any(
        any(map(_is_batch, ends["processors"])) and any(map(makes, ends["exporters"]))
        for ends in PipelineGraph.of(config).pipelines.values()
    )


# What planned versions of the Collector break: the version, what happens, and in which configs.
PLANNED: tuple[tuple[str, str, Callable[[Any, Catalogue], bool]], ...] = (
    (BY_DEFAULT, "makes batches twice, by processor batch and by exporters", doubles),
    (GONE, "does not start, without processor batch", has_processor),
)


def makes_batches(settings: Any) -> bool:
    """Whether the settings of an exporter say that it makes batches; a variable may."""
    queue = at(settings, (QUEUE,))
    own = isinstance(settings, Mapping) and "batcher" in settings
    return own or isinstance(queue, str) or at(queue, (BATCH,)) is not None


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
        if any(kind_of(name) in (BATCH, "queuebatch") for name in pipeline.processors):
            continue
        for name in pipeline.exporters:
            if name in senders and not makes_batches(senders[name].settings):
                fix = f"Add `{QUEUE}: {{batch: {{}}}}` to exporter '{name}'."
                if not can_batch(subject.target, name):
                    fix = "Add `batch` as the last processor."
                yield Fault(pipeline.path, f"pipeline '{pipeline.key}' sends to '{name}' without batches", fix)
                break


def batch_early(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors before a processor that drops data or splits batches."""
    for pipeline in subject.view.pipelines:
        kinds = [kind_of(name) for name in pipeline.processors]
        if BATCH not in kinds:
            continue
        last = len(kinds) - 1 - kinds[::-1].index(BATCH)
        for name, kind in zip(pipeline.processors[last:], kinds[last:], strict=True):
            if kind in _BEFORE_BATCH:
                message = f"'{pipeline.processors[last]}' comes before '{name}': {_BEFORE_BATCH[kind]}"
                fix = f"Move '{pipeline.processors[last]}' to the end of the processors."
                yield Fault((*pipeline.path, "processors", last), message, fix)
                break


def batch_twice(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors in front of an exporter that makes batches again, which costs memory and time."""
    again = {part.id for part in subject.view.of(EXPORTERS, *_SENDING) if collects_requests(part.settings)}
    for pipeline in subject.view.pipelines:
        index = next((index for index, name in enumerate(pipeline.processors) if kind_of(name) == BATCH), None)
        exporter = next((name for name in pipeline.exporters if name in again), None)
        if index is not None and exporter is not None:
            message = f"'{pipeline.processors[index]}' makes batches, and so does exporter '{exporter}'"
            fix = f"Remove '{pipeline.processors[index]}' if all exporters of the pipeline make batches."
            yield Fault((*pipeline.path, "processors", index), message, fix)


def batch_deprecated(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors, which give way to batches in exporters; upstream plans to remove them in 0.177.0."""
    severity = next((word for version, word in _FADES.items() if from_version(subject.target, version)), "")
    for name, component_id, kind, _settings in configured_components(subject) if severity else ():
        if (name, kind) == ("processors", BATCH):
            message = (
                f"upstream plans batches in exporters by default from {BY_DEFAULT} on, and to remove '{component_id}' "
                f"in {GONE} (announced, read on {ANNOUNCED[-1].day})"
            )
            fix = "Write its batches into the exporters, as o11y.opentelemetry.pipeline_migrate does."
            yield Fault((name, component_id), message, fix, severity=severity)


RULES = (
    *rules("info", batch_missing, documentation=_DOCUMENTATION),
    *rules("warning", batch_early, documentation=_DOCUMENTATION),
    *rules("info", batch_twice, batch_deprecated, documentation=_DOCUMENTATION),
)
