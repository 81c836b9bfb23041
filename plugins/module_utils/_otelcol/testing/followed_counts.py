# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where planted records are lost or made up: how many come into pipelines, leave each processor, and arrive. Private.

Planted records are those of planted_records.py. A component may drop records or make new ones if that is its purpose,
as its traits in traits.py say; every other component is expected to hand on what it gets. invariants.py asks for
observations, such as `traces: attributes loses 1 of 2 spans`, which is a breach, and `traces: filter drops 1 of 2
spans`, which is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.pipelines import PipelineGraph, signal_of
from ..traits import PROCESSORS, Trait, hands_on_records, kind_of, takes_turns, traits_of
from .observations import PipelineObservation
from .pipeline_stages import may_get_only_a_part, name_stage
from .planted_records import FILE_LOG_KIND, PlantingPlan
from .records import RECORD_KINDS_BY_SIGNAL, RecordsByName


class _FollowedPipeline(NamedTuple):
    """A pipeline whose records are counted."""

    name: str
    record_kind: str
    """What its records are called: spans, metrics, logs."""
    receivers: Sequence[str]
    processors: Sequence[str]
    exporters: Sequence[str]
    counts: Sequence[int]
    """How many records come in, and then how many leave each of the processors."""


class _PipelineEnd(NamedTuple):
    """An exporter or connector, and the kind of the records that pipelines send to it."""

    exporter: str
    record_kind: str


def observe_counts(
    config: Mapping[str, Any], plan: PlantingPlan, records_by_name: RecordsByName, exporters: Sequence[str]
) -> Iterator[PipelineObservation]:
    """Yield where records are lost or made up."""
    counts_by_end: dict[_PipelineEnd, list[int]] = defaultdict(list)
    unfollowed_exporters: set[str] = set()
    for name, pipeline in config["service"]["pipelines"].items():
        followed = _follow_pipeline(name, pipeline, records_by_name)
        if followed is None:
            yield PipelineObservation(is_breach=False, text=f"{name}: no record is followed here")
            unfollowed_exporters.update(pipeline.get("exporters") or ())
            continue
        yield from _observe_entry(followed, plan)
        yield from _observe_processors(followed)
        for exporter in followed.exporters:
            counts_by_end[_PipelineEnd(exporter, followed.record_kind)].append(followed.counts[-1])
    for end, counts in counts_by_end.items():
        if end.exporter in exporters and end.exporter not in unfollowed_exporters:
            yield from _observe_arrival(end, counts, records_by_name)
        if hands_on_records(end.exporter) and not takes_turns(end.exporter):
            yield from _observe_connector(end, sum(counts), config, records_by_name)


def _follow_pipeline(
    name: str, pipeline: Mapping[str, Any], records_by_name: RecordsByName
) -> _FollowedPipeline | None:
    """Return a pipeline with its counts; None for a signal without records, and if it gets only a part of them."""
    record_kind = RECORD_KINDS_BY_SIGNAL.get(signal_of(str(name)), "")
    if not record_kind or may_get_only_a_part(pipeline):
        return None
    processors = pipeline.get("processors") or ()
    stages = range(len(processors) + 1)
    return _FollowedPipeline(
        name,
        record_kind,
        receivers=list(pipeline.get("receivers") or ()),
        processors=processors,
        exporters=pipeline.get("exporters") or (),
        counts=[_count_records(records_by_name, name_stage(name, stage), record_kind) for stage in stages],
    )


def _count_records(records_by_name: RecordsByName, name: str, record_kind: str) -> int:
    """Return how many records of a kind the test got under a name."""
    return len(records_by_name.get(name, {}).get(record_kind, ()))


def _observe_entry(pipeline: _FollowedPipeline, plan: PlantingPlan) -> Iterator[PipelineObservation]:
    """Yield a pipeline into which another number of records comes than is sent."""
    entered_count, record_kind = pipeline.counts[0], pipeline.record_kind
    sent_count = sum(part.get("to") in pipeline.receivers and record_kind in part for part in plan.given_parts)
    reads_files = any(kind_of(receiver) == FILE_LOG_KIND for receiver in pipeline.receivers)
    if reads_files:
        if entered_count == sent_count:
            remark = "the planted line of file_log is not read; write a test with `files`"
            yield PipelineObservation(is_breach=False, text=f"{pipeline.name}: {remark}")
        return
    is_lost = entered_count < sent_count
    is_made_up = entered_count > sent_count and len(pipeline.receivers) == sent_count
    if is_lost or is_made_up:
        yield PipelineObservation(
            is_breach=True, text=f"{pipeline.name}: {sent_count} {record_kind} are sent, and {entered_count} come in"
        )


def _observe_processors(pipeline: _FollowedPipeline) -> Iterator[PipelineObservation]:
    """Yield processors that drop or lose records, or make some."""
    counts, record_kind = pipeline.counts, pipeline.record_kind
    for processor, count_before, count_after in zip(pipeline.processors, counts, counts[1:], strict=False):
        traits = traits_of(PROCESSORS, processor)
        step = f"{pipeline.name}: {processor}"
        if count_after < count_before:
            may_drop = Trait.DROPS in traits
            loss_verb = "drops" if may_drop else "loses"
            lost_count = count_before - count_after
            yield PipelineObservation(not may_drop, f"{step} {loss_verb} {lost_count} of {count_before} {record_kind}")
        if count_after > count_before and Trait.MAKES not in traits:
            yield PipelineObservation(
                is_breach=True, text=f"{step} makes {count_after} {record_kind} of {count_before}"
            )


def _observe_arrival(
    end: _PipelineEnd, counts: Sequence[int], records_by_name: RecordsByName
) -> Iterator[PipelineObservation]:
    """Yield an exporter at which another number arrives than pipelines send; repeated series may count once."""
    arrived_count = _count_records(records_by_name, end.exporter, end.record_kind)
    sent_count = sum(counts)
    smallest_count = max(counts) if end.record_kind == "metrics" else sent_count
    if not smallest_count <= arrived_count <= sent_count:
        yield PipelineObservation(
            is_breach=True, text=f"{end.exporter}: {arrived_count} {end.record_kind} arrive of {sent_count}"
        )


def _observe_connector(
    end: _PipelineEnd, sent_count: int, config: Mapping[str, Any], records_by_name: RecordsByName
) -> Iterator[PipelineObservation]:
    """Yield a connector behind which nothing arrives."""
    graph = PipelineGraph.of(config)
    counts_behind = []
    for pipeline in graph.pipelines:
        is_behind = end.exporter in graph.list_ids(pipeline, "receivers")
        if is_behind and RECORD_KINDS_BY_SIGNAL.get(signal_of(pipeline)) == end.record_kind:
            counts_behind.append(_count_records(records_by_name, name_stage(pipeline, 0), end.record_kind))
    if sent_count and counts_behind and not any(counts_behind):
        yield PipelineObservation(
            is_breach=False, text=f"{end.exporter} passes none of {sent_count} {end.record_kind} on"
        )
