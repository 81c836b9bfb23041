# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A golden file: everything that an exporter gets, in the short form, without ids and what is empty. Private.

records.py describes the short form. golden_files.py in plugin_utils reads and writes the files. Unasked names are those
of metrics that a scrape adds by itself, such as `up`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import Problem, suggest_word
from .records import FIELDS_BY_RECORD_KIND, RECORD_KINDS, Record, sort_keys

_ID_FIELDS = ("trace", "id", "parent")
# What a field is that a golden file leaves out.
_EMPTY_VALUES: dict[str, Any] = {
    **{field: {} for field in ("attributes", "resource", "scope")},
    **dict.fromkeys(("message", "unit", "description", "severity_text", "event_name"), ""),
    "events": [],
}


def build_golden_content(
    arrived_by_kind: Mapping[str, Sequence[Record]], ignored_names: Collection[str] = ()
) -> dict[str, list[Record]]:
    """Return what reached an exporter as its golden file has it, in an order that is always the same."""
    golden_records: dict[str, list[Record]] = {}
    for record_kind in RECORD_KINDS:
        records = [
            _shorten_record(record)
            for record in arrived_by_kind.get(record_kind, ())
            if record.get("name") not in ignored_names
        ]
        if records:
            golden_records[record_kind] = sorted(records, key=repr)
    return golden_records


def read_golden_expectation(content: Any, where: str) -> dict[str, Any]:
    """Return what a test expects of an exporter with this golden file. Raises Problem if it is none."""
    fix = f"Write lists of records under: {', '.join(RECORD_KINDS)}."
    if not isinstance(content, Mapping):
        raise Problem("the golden file is not a mapping", where=where, fix=fix)
    for record_kind, records in content.items():
        if record_kind not in RECORD_KINDS:
            raise Problem(
                f"there is no key '{record_kind}'{suggest_word(str(record_kind), RECORD_KINDS)}", where=where, fix=fix
            )
        if not isinstance(records, list) or not all(isinstance(record, Mapping) for record in records):
            raise Problem(f"'{record_kind}' is not a list of records", where=where, fix=fix)
    expectation: dict[str, Any] = {"exact": True}
    for record_kind in RECORD_KINDS:
        expectation[record_kind] = [
            {**_build_empty_fields(record_kind), **record} for record in content.get(record_kind, ())
        ]
    return expectation


def _shorten_record(record: Record) -> Record:
    """Return a record without its ids and what is empty."""
    short_record = {}
    for field, value in record.items():
        if field not in _ID_FIELDS and value != _EMPTY_VALUES.get(field):
            short_record[field] = sort_keys(value)
    if "duration" in short_record:
        short_record["duration"] = f"{short_record['duration']}ns"
    return short_record


def _build_empty_fields(record_kind: str) -> Record:
    """Return the fields that a golden file leaves out of a record."""
    return {field: _EMPTY_VALUES[field] for field in FIELDS_BY_RECORD_KIND[record_kind] if field in _EMPTY_VALUES}
