# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A golden file: everything that an exporter gets, in the short form, without ids and what is empty. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import Problem, near
from .records import FIELDS, SIGNALS, Record

_IDS = ("trace", "id", "parent")
# What a field is that a golden file leaves out.
_EMPTY: dict[str, Any] = {
    **{field: {} for field in ("attributes", "resource", "scope")},
    **dict.fromkeys(("message", "unit", "description", "severity_text", "event_name"), ""),
    "events": [],
}


def golden_text(got: Mapping[str, Sequence[Record]], unasked: Collection[str] = ()) -> dict[str, list[Record]]:
    """Return what reached an exporter as its golden file has it, in an order that is always the same."""
    found = {
        signal: [_short(record) for record in got.get(signal, ()) if record.get("name") not in unasked]
        for signal in SIGNALS
    }
    return {signal: sorted(records, key=repr) for signal, records in found.items() if records}


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
    filled = {signal: [{**_blank(signal), **record} for record in content.get(signal, ())] for signal in SIGNALS}
    return {**filled, "exact": True}


def _short(record: Record) -> Record:
    kept = {key: _ordered(value) for key, value in record.items() if key not in _IDS and value != _EMPTY.get(key)}
    return kept | ({"duration": f"{kept['duration']}ns"} if "duration" in kept else {})


def _ordered(value: Any) -> Any:
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value


def _blank(signal: str) -> Record:
    return {field: _EMPTY[field] for field in FIELDS[signal] if field in _EMPTY}
