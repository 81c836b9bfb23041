# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on batches: where they are made, by a processor or by exporters, and until when the processor exists.

Source: ANNOUNCED of batch_announcements.py; exporter/exporterhelper/internal/queuebatch/config.go; the READMEs of the
processors. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    service.pipelines.traces: info [batch-missing] pipeline 'traces' sends to 'otlp' without batches. Add `batch` as
    the last processor.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..traits import EXPORTERS, Trait, kind_of, types_with_traits
from .batch_announcements import ANNOUNCED, DEFAULT_SINCE, GONE_SINCE
from .build_facts import TargetBuild, is_from_version
from .configured_components import configured_components
from .exporter_batches import BATCH, QUEUE, has_batch_settings, queue_can_batch, waits_for_more_data
from .rule_definitions import Fault, define_rules
from .subject import Subject
from .view import Pipeline

_RFC = "https://github.com/open-telemetry/opentelemetry-collector/blob/v0.165.0/docs/rfcs/batching-migration.md"
# Exporters that send one request for whatever they are given at once, so that batches make a difference.
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


def batch_missing(subject: Subject) -> Iterator[Fault]:
    """Yield pipelines without batching, which send one request for each incoming request."""
    if is_from_version(subject.target, DEFAULT_SINCE):  # then exporters make batches by themselves
        return
    senders = {part.id: part for part in subject.view.find_parts(EXPORTERS, *_SENDING_EXPORTERS)}
    for pipeline in subject.view.pipelines:
        if any(kind_of(processor_id) in _BATCHING_PROCESSORS for processor_id in pipeline.processors):
            continue
        for exporter_id in pipeline.exporters:
            if exporter_id in senders and not has_batch_settings(senders[exporter_id].settings):
                message = f"pipeline '{pipeline.key}' sends to '{exporter_id}' without batches"
                yield Fault(pipeline.config_path, message, _suggest_batches(subject.target, exporter_id))
                break  # one processor serves all exporters of the pipeline


def _suggest_batches(target: TargetBuild | None, exporter: str) -> str:
    """Return the fix for an exporter that sends without batches."""
    if queue_can_batch(target, exporter):
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
        part.id
        for part in subject.view.find_parts(EXPORTERS, *_SENDING_EXPORTERS)
        if waits_for_more_data(part.settings)
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
