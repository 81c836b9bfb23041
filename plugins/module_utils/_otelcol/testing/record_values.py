# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the fields of a record in the short form, and says which value no record can have.

Users write the records of a test, so a field may have any value of YAML. Each function takes the record, and raises
Problem for a wrong value. `where` is the place of the record in the file of tests. For example,
`read_mapping({"attributes": ["a"]}, "attributes", "gateway_test.yml: tests[0].given.spans[1]")` raises ::

    'attributes' must be a mapping (at gateway_test.yml: tests[0].given.spans[1]). Write `key: value` pairs.

written_records.py calls these functions while it writes a record as OTLP. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Problem
from .records import SEVERITY_NUMBERS


def read_mapping(record: Mapping[str, Any], field: str, where: str) -> Mapping[str, Any]:
    """Return a field such as `attributes`; an empty mapping if the record has none."""
    value = record.get(field) or {}
    if not isinstance(value, Mapping):
        raise Problem(f"'{field}' must be a mapping", where=where, fix="Write `key: value` pairs.")
    return value


def read_events(record: Mapping[str, Any], where: str) -> Sequence[Mapping[str, Any]]:
    """Return the events of a span."""
    events = record.get("events") or []
    if not isinstance(events, list) or not all(isinstance(event, Mapping) for event in events):
        raise Problem("'events' must be a list of mappings", where=where, fix="Write `events: [{name: NAME}]`.")
    return events


def read_word(record: Mapping[str, Any], field: str, words: tuple[str, ...], *, default: str, where: str) -> str:
    """Return the word in a field such as `kind`. It is one of `words`."""
    word = record.get(field, default)
    if word not in words:
        raise Problem(f"'{word}' is not a {field}", where=where, fix=f"One of: {', '.join(words)}.")
    return str(word)


def read_severity(record: Mapping[str, Any], where: str) -> int:
    """Return the number of the severity of a log record: 13 for `warn`, 0 if it has none."""
    severity = record.get("severity", 0)
    if isinstance(severity, str) and severity in SEVERITY_NUMBERS:
        return SEVERITY_NUMBERS[severity]
    if not _is_integer(severity):
        fix = f"A number, or: {', '.join(SEVERITY_NUMBERS)}."
        raise Problem(f"'{severity}' is not a severity", where=where, fix=fix)
    return int(severity)


def read_number(record: Mapping[str, Any], field: str, *, default: int, where: str) -> int | float:
    """Return an integer or a float, such as the value of a data point."""
    number: int | float = record.get(field, default)
    if not _is_number(number):
        raise Problem(f"the {field} '{number}' is not a number", where=where, fix="Write an integer or a float.")
    return number


def read_count(record: Mapping[str, Any], *, default: int, where: str) -> int:
    """Return how many values a data point of a histogram counts."""
    count = record.get("count", default)
    if not _is_count(count):
        fix = "Write 0 or a greater integer."
        raise Problem(f"the count '{count}' is not a whole number", where=where, fix=fix)
    return int(count)


def read_bounds(record: Mapping[str, Any], where: str) -> list[float]:
    """Return the bounds between the buckets of a histogram; an empty list if the record names none."""
    bounds = record.get("bounds") or []
    if not isinstance(bounds, list) or not all(_is_number(bound) for bound in bounds):
        raise Problem("'bounds' must be a list of numbers", where=where, fix="Write it like `bounds: [0.1, 1]`.")
    return bounds


def read_buckets(record: Mapping[str, Any], where: str) -> list[int]:
    """Return how many values each bucket of a histogram has; an empty list if the record does not say it."""
    buckets = record.get("buckets") or []
    if not isinstance(buckets, list) or not all(_is_count(bucket_count) for bucket_count in buckets):
        raise Problem("'buckets' must be a list of counts", where=where, fix="Write it like `buckets: [1, 0, 2]`.")
    return buckets


def _is_integer(value: Any) -> bool:
    """Whether a value is an integer. In Python, a bool is one too; a record has it as a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Whether a value is an integer or a float."""
    return _is_integer(value) or isinstance(value, float)


def _is_count(value: Any) -> bool:
    """Whether a value is 0 or a greater integer."""
    return _is_integer(value) and value >= 0
