# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each processor of a traced test made of the records. Private.

A traced test has a sink behind each processor, see pipeline_stages.py. If the processor filter of the pipeline `traces`
gets two spans and hands on one, the lines are

    traces: 2 spans come in
    traces: filter: - {name: probe, kind: internal, attributes: {'url.path': '/health'}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .pipeline_stages import name_stage
from .record_lines import describe_changes, format_record
from .records import RECORD_KINDS_BY_SIGNAL, Record, RecordsByName
from .unmatched_records import drop_common_records


def trace_steps(config: Mapping[str, Any], records_by_stage: RecordsByName) -> Iterator[str]:
    """Yield what each processor took away (-), added (+) or changed (~), for every pipeline that got something.

    `records_by_stage` has the records under the names that `pipeline_stages.name_stage` gives.
    """
    for name, pipeline in config["service"]["pipelines"].items():
        record_kind = RECORD_KINDS_BY_SIGNAL.get(str(name).partition("/")[0], "")
        processors = pipeline.get("processors") or ()
        stages: list[Sequence[Record]] = []
        for processor_count in range(len(processors) + 1):
            stage_records = records_by_stage.get(name_stage(name, processor_count), {})
            stages.append(stage_records.get(record_kind, ()))
        if not stages[0]:
            continue
        yield f"{name}: {len(stages[0])} {record_kind} come in"
        for processor, records_before, records_after in zip(processors, stages, stages[1:], strict=False):
            for line in _describe_step(record_kind, records_before, records_after):
                yield f"{name}: {processor}: {line}"


def _describe_step(
    record_kind: str, records_before: Sequence[Record], records_after: Sequence[Record]
) -> Iterator[str]:
    """Yield what one processor did. As many new records as are gone are the old ones, changed."""
    lost_records, gained_records = drop_common_records(records_before, records_after)
    if len(lost_records) == len(gained_records):
        for old_record, new_record in zip(lost_records, gained_records, strict=True):
            yield f"~ {'; '.join(describe_changes(old_record, new_record))}"
        return
    for record in lost_records:
        yield f"- {format_record(record_kind, record)}"
    for record in gained_records:
        yield f"+ {format_record(record_kind, record)}"
