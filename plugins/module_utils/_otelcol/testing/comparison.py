# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what exporters get from the same telemetry in two configs, or in two Collectors.

A user who changes a config, or a version of the Collector, wants to see what changes for the backends. `comparing.py`
in plugin_utils runs the Collector with both configs, and calls `list_exporter_differences` with what arrived. `old` and
`new` are what is before and after the change. Each difference is a line. For example, if the new config deletes
attribute `a` of a span:

    otlp_grpc: spans: ~ {name: GET /, attributes: {'a': 1}}: attributes.a: 1 → nothing

`map_new_ids` finds components that have another name in the new config, and `readdress_case` changes a test for them.
Records are in the short form of records.py; their kinds are `spans`, `metrics` and `logs`. A case is one test, see
case.py. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .case import ConfigCase
from .checked_pipelines import map_signals_of_receivers
from .record_lines import describe_changes, format_record
from .records import RECORD_KINDS, RecordsByName
from .unmatched_records import UnmatchedRecords, drop_common_records


def list_exporter_differences(
    old_records: RecordsByName, new_records: RecordsByName, new_exporter_ids: Mapping[str, str]
) -> Iterator[str]:
    """Yield a line for each record that an exporter loses (-), gets in addition (+), or gets with other fields (~).

    `new_exporter_ids` has the new id of each exporter of the old config.
    """
    for exporter, new_exporter in new_exporter_ids.items():
        for record_kind in RECORD_KINDS:
            unmatched = drop_common_records(
                old_records.get(exporter, {}).get(record_kind, ()),
                new_records.get(new_exporter, {}).get(record_kind, ()),
            )
            for change in _pair_and_describe(record_kind, unmatched):
                yield f"{new_exporter}: {record_kind}: {change}"


def _pair_and_describe(record_kind: str, unmatched: UnmatchedRecords) -> Iterator[str]:
    """Yield a line for each record that changed or is gone, then one for each that is new.

    Each old record is paired with the new record that it differs least from, among those with the same fields.
    """
    unpaired_records = list(unmatched.new)
    for old_record in unmatched.old:
        similar_records = [record for record in unpaired_records if set(record) == set(old_record)]
        if not similar_records:
            yield f"- {format_record(record_kind, old_record)}"
            continue
        changes_by_number = [list(describe_changes(old_record, record)) for record in similar_records]
        nearest_number = min(range(len(similar_records)), key=lambda number: len(changes_by_number[number]))
        unpaired_records.remove(similar_records[nearest_number])
        yield f"~ {format_record(record_kind, old_record)}: {'; '.join(changes_by_number[nearest_number])}"
    for new_record in unpaired_records:
        yield f"+ {format_record(record_kind, new_record)}"


def map_new_ids(old_ids: Sequence[str], current_ids: Sequence[str]) -> dict[str, str]:
    """Return the new id of each component.

    If as many ids are gone as were added, they are taken as renamed, in their order. Otherwise each id stays itself:

        ["logging", "otlp"], ["otlp", "debug"] → {"otlp": "otlp", "logging": "debug"}
        ["otlp"], ["debug", "file"]            → {"otlp": "otlp", "debug": "debug", "file": "file"}
    """
    gone_ids = [component_id for component_id in old_ids if component_id not in current_ids]
    added_ids = [component_id for component_id in current_ids if component_id not in old_ids]
    if len(gone_ids) != len(added_ids):
        return {component_id: component_id for component_id in (*old_ids, *current_ids)}
    kept_ids = {component_id: component_id for component_id in old_ids if component_id in current_ids}
    return {**kept_ids, **dict(zip(gone_ids, added_ids, strict=True))}


def readdress_case(case: ConfigCase, old_config: Mapping[str, Any], new_config: Mapping[str, Any]) -> ConfigCase:
    """Return a case for the old config as one for the new config, in which receivers may have other names.

    If `hostmetrics` became `host_metrics`, telemetry that is given `to: hostmetrics` goes `to: host_metrics`.
    """
    new_receiver_ids = map_new_ids(
        list(map_signals_of_receivers(old_config)), list(map_signals_of_receivers(new_config))
    )
    readdressed_parts: list[Mapping[str, Any]] = []
    for given_part in case.given:
        if "to" in given_part:
            receiver = str(given_part["to"])
            readdressed_parts.append({**given_part, "to": new_receiver_ids.get(receiver, given_part["to"])})
        else:
            readdressed_parts.append(given_part)
    return replace(case, given=tuple(readdressed_parts))
