# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A golden file: everything that an exporter gets, in the short form, without ids and what is empty. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import Problem, near
from .records import FIELDS, SIGNALS, Record, in_order

_IDS = ("trace", "id", "parent")
# What a field is that a golden file leaves out.
_EMPTY: dict[str, Any] = {
    **{field: {} for field in ("attributes", "resource", "scope")},
    **dict.fromkeys(("message", "unit", "description", "severity_text", "event_name"), ""),
    "events": [],
}


def golden_text(got: Mapping[str, Sequence[Record]], unasked: Collection[str] = ()) -> dict[str, list[Record]]:
    """Return what reached an exporter as its golden file has it, in an order that is always the same."""
    shown: dict[str, list[Record]] = {}
    for signal in SIGNALS:
        records = [_short(record) for record in got.get(signal, ()) if record.get("name") not in unasked]
        if records:
            shown[signal] = sorted(records, key=repr)
    return shown


def golden_expected(content: Any, where: str) -> dict[str, Any]:
    """Return what a test expects of an exporter with this golden file. Raises Problem if it is none."""
    fix = f"Write lists of records under: {', '.join(SIGNALS)}."
    if not isinstance(content, Mapping):
        raise Problem("the golden file is not a mapping", where=where, fix=fix)
    for signal, records in content.items():
        if signal not in SIGNALS:
            raise Problem(f"there is no key '{signal}'{near(str(signal), SIGNALS)}", where=where, fix=fix)
        if not isinstance(records, list) or not all(isinstance(record, Mapping) for record in records):
            raise Problem(f"'{signal}' is not a list of records", where=where, fix=fix)
    expected: dict[str, Any] = {"exact": True}
    for signal in SIGNALS:
        expected[signal] = [{**_empty_record(signal), **record} for record in content.get(signal, ())]
    return expected


def _short(record: Record) -> Record:
    """Return a record without its ids and what is empty."""
    kept = {}
    for field, value in record.items():
        if field not in _IDS and value != _EMPTY.get(field):
            kept[field] = in_order(value)
    if "duration" in kept:
        kept["duration"] = f"{kept['duration']}ns"
    return kept


def _empty_record(signal: str) -> Record:
    """Return the fields that a golden file leaves out of a record."""
    return {field: _EMPTY[field] for field in FIELDS[signal] if field in _EMPTY}
