# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record in one line, and how a record became another one, for the lines of a test. Private.

Records are in the short form, see records.py. Differences, traces and comparisons show them so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .expected_records import ABSENT, MAPPING_FIELDS, show_value
from .records import FIELDS_BY_RECORD_KIND, Record, sort_keys

# Fields that a line with a record leaves out.
_FIELDS_NOT_SHOWN = ("trace", "id", "parent", "scope", "duration")


def format_record(record_kind: str, record: Record) -> str:
    """Return a record in one line, without what is empty."""
    field_texts = []
    for field in FIELDS_BY_RECORD_KIND[record_kind]:
        value = record.get(field)
        if field not in _FIELDS_NOT_SHOWN and value not in (None, "", {}, []):
            field_texts.append(f"{field}: {sort_keys(value)}")
    return f"{{{', '.join(field_texts)}}}"


def describe_changes(old_record: Record, new_record: Record) -> Iterator[str]:
    """Yield how a record became another one, which may have other fields: a gauge that became a sum has more."""
    for field in {**new_record, **old_record}:
        if field in MAPPING_FIELDS:
            yield from _describe_changes_of_mapping(field, old_record.get(field) or {}, new_record.get(field) or {})
            continue
        old_value, new_value = old_record.get(field, ABSENT), new_record.get(field, ABSENT)
        if old_value != new_value:
            yield f"{field}: {show_value(old_value)} → {show_value(new_value)}"


def _describe_changes_of_mapping(
    field: str, old_mapping: Mapping[str, Any], new_mapping: Mapping[str, Any]
) -> Iterator[str]:
    """Yield how each value of a mapping changed."""
    for key in sorted({*old_mapping, *new_mapping}):
        old_value, new_value = old_mapping.get(key, ABSENT), new_mapping.get(key, ABSENT)
        if old_value != new_value:
            yield f"{field}.{key}: {show_value(old_value)} → {show_value(new_value)}"
