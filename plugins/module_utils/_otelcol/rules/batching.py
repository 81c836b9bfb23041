# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on batches: where they are made, by a processor or by exporters, and until when the processor exists.

Source: ANNOUNCED below; exporter/exporterhelper/internal/queuebatch/config.go; the READMEs of the processors. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    service.pipelines.traces: info [batch-missing] pipeline 'traces' sends to 'otlp' without batches. Add `batch` as
    the last processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..catalogue.catalogue import Catalogue
from ..config.collector_versions import parse_version
from ..config.paths import mapping_at, value_at
from ..config.pipelines import PipelineGraph
from ..traits import EXPORTERS, Trait, kind_of, sends_nothing, types_with_traits
from .build_facts import TargetBuild
from .configured_components import configured_components
from .rule_definitions import Fault, define_rules
from .subject import Subject
from .view import Pipeline

# The kind of the processor, which is also the key of batches in the queue of an exporter; and the key of the queue.
BATCH = "batch"
QUEUE = "sending_queue"
# From which version on a queue makes batches of items; older ones have `batcher`, or nothing.
EXPORTERS_BATCH_SINCE = "0.130.0"
_RFC = "https://github.com/open-telemetry/opentelemetry-collector/blob/v0.165.0/docs/rfcs/batching-migration.md"
_CHANGES = "https://github.com/open-telemetry/opentelemetry-collector/blob/v0.165.0/CHANGELOG.md"
_BLOG = (
    "the announcement 'Deprecating the Collector Batch Processor' (collector-batching-migration) of opentelemetry.io"
)


@dataclass(frozen=True)
class Announcement:
    """What upstream does to the processor in a version, or plans to do."""

    version: str
    announced_change: str
    """What the Collector does from this version on, as the end of a sentence."""
    severity: str
    """That of a finding about the processor from this version on."""
    is_planned: bool
    """Whether no release does it yet."""
    source_url: str
    read_date: str
    """When somebody read the source, such as `2026-11-25`."""


# Upstream has announced the end of the processor, and deprecated it in no release so far: its README says beta. The RFC
# named 0.160, 0.166 and 0.172; the later announcement named the versions here. The oldest version comes first.
ANNOUNCED = (
    Announcement(
        version="0.165.0",
        announced_change="warns at its start of the processor beside exporters that make batches",
        severity="info",
        is_planned=False,
        source_url=_CHANGES,
        read_date="2026-11-25",
    ),
    Announcement(
        version="0.171.0",
        announced_change="makes batches in exporters by default",
        severity="warning",
        is_planned=True,
        source_url=_BLOG,
        read_date="2026-11-25",
    ),
    Announcement(
        version="0.177.0",
        announced_change="has no processor batch",
        severity="error",
        is_planned=True,
        source_url=_BLOG,
        read_date="2026-11-25",
    ),
)
# From which version on the Collector warns, from which exporters make batches by default, and from which the processor
# is gone.
WARNED_SINCE, DEFAULT_SINCE, GONE_SINCE = (announcement.version for announcement in ANNOUNCED)

_SENDING_EXPORTERS = types_with_traits(EXPORTERS, Trait.SENDS_AS_GIVEN)
# Why a batch processor is wasted before processors of some kinds.
_WHY_NOT_AFTER_BATCH = {
    "tailsampling": "it splits batches to assemble whole traces",
    "groupbytrace": "it splits batches to assemble whole traces",
    "probabilisticsampler": "it drops data from full batches, so that they leave it partly empty",
    "filter": "it drops data from full batches, so that they leave it partly empty",
}
# Processors that make batches.
_BATCHING_PROCESSORS = (BATCH, "queuebatch")


def is_from_version(target: TargetBuild | None, version: str) -> bool:
    """Whether the build is known, and is of this version of the Collector or a later one."""
    return target is not None and parse_version(target.version) >= parse_version(version)


def can_batch(target: TargetBuild | None, exporter: str) -> bool:
    """Whether the queue of an exporter makes batches in this build, by the settings in the catalogue."""
    if target is None or not is_from_version(target, EXPORTERS_BATCH_SINCE):
        return False
    exporter_type, catalogue = exporter.partition("/")[0], target.catalogue
    row = catalogue.find_described_settings("exporters", exporter_type, target.distribution) or catalogue.find_fields(
        "exporters", exporter_type
    )
    queue = value_at(row, ("fields", QUEUE))
    if isinstance(queue, str):  # the name of fields that exporters share
        queue = mapping_at(catalogue.shared_fields, queue)
    return BATCH in (queue or {})


def has_batch_processor(config: Any, _catalogue: Catalogue) -> bool:
    """Whether a config has the processor, by which versions from 0.177.0 on do not start."""
    return any(_is_batch_processor(processor_id) for processor_id in mapping_at(config, "processors"))


def _is_batch_processor(component_id: Any) -> bool:
    return isinstance(component_id, str) and kind_of(component_id) == BATCH


def makes_batches_twice(config: Any, catalogue: Catalogue) -> bool:
    """Whether a pipeline has the processor, and an exporter that makes batches by default from 0.171.0 on."""
    target = TargetBuild(catalogue, "contrib", DEFAULT_SINCE)
    for ids_by_role in PipelineGraph.of(config).pipelines.values():
        has_batch = any(_is_batch_processor(component_id) for component_id in ids_by_role["processors"])
        if has_batch and any(
            _batches_by_default(config, component_id, target) for component_id in ids_by_role["exporters"]
        ):
            return True
    return False


def _batches_by_default(config: Any, exporter: str, target: TargetBuild) -> bool:
    """Whether an exporter makes batches in a version in which they are the default."""
    queue = value_at(config, ("exporters", exporter, QUEUE))
    is_off = value_at(queue, ("enabled",)) is False or value_at(queue, (BATCH, "enabled")) is False
    if is_off or sends_nothing(exporter):
        return False
    return can_batch(target, exporter)


class PlannedBreak(NamedTuple):
    """What a planned version of the Collector breaks: the version, what happens, and whether a config is affected."""

    version: str
    consequence: str
    is_config_affected: Callable[[Any, Catalogue], bool]


PLANNED = (
    PlannedBreak(DEFAULT_SINCE, "makes batches twice, by processor batch and by exporters", makes_batches_twice),
    PlannedBreak(GONE_SINCE, "does not start, without processor batch", has_batch_processor),
)


def makes_batches(settings: Any) -> bool:
    """Whether the settings of an exporter say that it makes batches; a variable may."""
    queue = value_at(settings, (QUEUE,))
    if isinstance(queue, str):
        return True
    has_batcher = isinstance(settings, Mapping) and "batcher" in settings
    return has_batcher or value_at(queue, (BATCH,)) is not None


def collects_requests(settings: Any) -> bool:
    """Whether an exporter waits for more data before it sends.

    An exporter with batches of no smallest size only splits requests that are too large.
    """
    batch = value_at(settings, (QUEUE, BATCH))
    return isinstance(batch, Mapping) and batch.get("min_size") != 0 and batch.get("enabled") is not False


def batch_missing(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines without batching, which send one request for each incoming request."""
    if is_from_version(subject.target, DEFAULT_SINCE):  # then exporters make batches by themselves
        return
    senders = {part.id: part for part in subject.view.find_parts(EXPORTERS, *_SENDING_EXPORTERS)}
    for pipeline in subject.view.pipelines:
        if any(kind_of(exporter_id) in _BATCHING_PROCESSORS for exporter_id in pipeline.processors):
            continue
        for exporter_id in pipeline.exporters:
            if exporter_id in senders and not makes_batches(senders[exporter_id].settings):
                message = f"pipeline '{pipeline.key}' sends to '{exporter_id}' without batches"
                yield Fault(pipeline.config_path, message, _suggest_batches(subject.target, exporter_id))
                break  # one processor serves all exporters of the pipeline


def _suggest_batches(target: TargetBuild | None, exporter: str) -> str:
    """Return the fix for an exporter that sends without batches."""
    if can_batch(target, exporter):
        return f"Add `{QUEUE}: {{batch: {{}}}}` to exporter '{exporter}'."
    return "Add `batch` as the last processor."


def batch_early(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors before a processor that drops data or splits batches."""
    for pipeline in subject.view.pipelines:
        batch_indexes = _find_batch_indexes(pipeline)
        if not batch_indexes:
            continue
        last_index = batch_indexes[-1]  # a later batch processor makes up for an earlier one
        batch_id = pipeline.processors[last_index]
        for later_id in pipeline.processors[last_index + 1 :]:
            reason = _WHY_NOT_AFTER_BATCH.get(kind_of(later_id))
            if reason:
                fix = f"Move '{batch_id}' to the end of the processors."
                yield Fault(
                    (*pipeline.config_path, "processors", last_index),
                    f"'{batch_id}' comes before '{later_id}': {reason}",
                    fix,
                )
                break


def batch_twice(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors in front of an exporter that makes batches again, which costs memory and time."""
    collecting_ids = {
        part.id for part in subject.view.find_parts(EXPORTERS, *_SENDING_EXPORTERS) if collects_requests(part.settings)
    }
    for pipeline in subject.view.pipelines:
        batch_indexes = _find_batch_indexes(pipeline)
        collecting_exporters = [exporter_id for exporter_id in pipeline.exporters if exporter_id in collecting_ids]
        if batch_indexes and collecting_exporters:
            first_index = batch_indexes[0]
            batch_id = pipeline.processors[first_index]
            message = f"'{batch_id}' makes batches, and so does exporter '{collecting_exporters[0]}'"
            fix = f"Remove '{batch_id}' if all exporters of the pipeline make batches."
            yield Fault((*pipeline.config_path, "processors", first_index), message, fix)


def _find_batch_indexes(pipeline: Pipeline) -> list[int]:
    """Return the indexes of the batch processors among the processors of a pipeline."""
    return [index for index, processor_id in enumerate(pipeline.processors) if kind_of(processor_id) == BATCH]


def batch_deprecated(subject: Subject) -> Iterator[Fault]:
    """Yield batch processors, which give way to batches in exporters; upstream plans to remove them in 0.177.0."""
    severity = _find_deprecation_severity(subject.target)
    if not severity:
        return
    for component in configured_components(subject):
        if component.section == "processors" and component.type == BATCH:
            message = (
                f"upstream plans batches in exporters by default from {DEFAULT_SINCE} on, and to remove"
                f" '{component.id}' in {GONE_SINCE} (announced, read on {ANNOUNCED[-1].read_date})"
            )
            fix = "Write its batches into the exporters, as o11y.opentelemetry.pipeline_migrate does."
            yield Fault(component.config_path, message, fix, severity=severity)


def _find_deprecation_severity(target: TargetBuild | None) -> str:
    """Return how severe it is to use the processor in a build; empty before all announced versions."""
    severity = ""  # no finding
    for announcement in ANNOUNCED:  # the last one that the build has reached counts
        if is_from_version(target, announcement.version):
            severity = announcement.severity
    return severity


RULES = (
    *define_rules("info", batch_missing, documentation=_RFC),
    *define_rules("warning", batch_early, documentation=_RFC),
    *define_rules("info", batch_twice, batch_deprecated, documentation=_RFC),
)
