# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one record is as a test expects it: field by field, with patterns, and keys that must be absent. Private.

| expected | arrived | as expected |
|---|---|---|
| `name: GET /` | `GET /` | yes |
| `name: {like: "GET *"}` | `GET /health` | yes |
| `attributes: {a: 1}` | `{a: 1, b: 2}` | yes, but not if the test is exact |
| `attributes: {a: null}` | `{a: 1}` | no: `a` must be absent |
| `duration: 10ms` | `10000000`, in nanoseconds | yes |

Fields of `MAPPING_FIELDS` are compared key by key. Records are in the short form, see records.py; expectations.py
compares lists of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .records import SPAN_DIGITS, TRACE_DIGITS, Record, make_identifier, parse_nanoseconds

MAPPING_FIELDS = ("attributes", "resource", "scope")
ABSENT = object()
"""Stands for the value of a field or key that a record does not have; null is a value."""
_DIGITS_OF_IDS = {"trace": TRACE_DIGITS, "id": SPAN_DIGITS, "parent": SPAN_DIGITS}


class _PatternKind(NamedTuple):
    """A kind of patterns."""

    shown_word: str
    """How a line calls it."""
    matches: Callable[[str, str], bool]
    """Returns whether a text, which is the first argument, matches a pattern."""


class _Pattern(NamedTuple):
    """What an expected value can be instead of a value: a pattern as in a shell."""

    kind: _PatternKind
    text: str


_PATTERN_KINDS = {
    "like": _PatternKind("like", fnmatchcase),
    "unlike": _PatternKind("not like", lambda text, pattern: not fnmatchcase(text, pattern)),
}


def list_differing_fields(expected_record: Record, arrived_record: Record, is_exact: bool = False) -> Iterator[str]:
    """Yield what differs between an expected record and one that arrived."""
    for field, expected_value in expected_record.items():
        if field in MAPPING_FIELDS and isinstance(expected_value, Mapping):
            yield from _compare_mappings(field, expected_value, arrived_record.get(field) or {}, is_exact)
            continue
        arrived_value = arrived_record.get(field, ABSENT)
        if not _is_as_expected(_convert_to_recorded(field, expected_value), arrived_value):
            yield f"{field}: expected {show_value(expected_value)}, got {show_value(arrived_value)}"


def _compare_mappings(
    field: str, expected_mapping: Mapping[str, Any], arrived_mapping: Mapping[str, Any], is_exact: bool
) -> Iterator[str]:
    """Yield what differs between an expected mapping and one that arrived; a key with `null` must not be there."""
    for key, expected_value in expected_mapping.items():
        arrived_value = arrived_mapping.get(key, ABSENT)
        if expected_value is None:
            if arrived_value is not ABSENT:
                yield f"{field}.{key}: expected to be absent, got {show_value(arrived_value)}"
        elif not _is_as_expected(expected_value, arrived_value):
            yield f"{field}.{key}: expected {show_value(expected_value)}, got {show_value(arrived_value)}"
    if is_exact:
        for key in arrived_mapping:
            if key not in expected_mapping:
                yield f"{field}.{key}: not expected, got {show_value(arrived_mapping[key])}"


def _is_as_expected(expected_value: Any, arrived_value: Any) -> bool:
    """Whether a value is the expected one, or matches its pattern."""
    pattern = _read_pattern(expected_value)
    if pattern:
        return arrived_value is not ABSENT and pattern.kind.matches(str(arrived_value), pattern.text)
    if isinstance(expected_value, bool) or isinstance(arrived_value, bool):
        return expected_value is arrived_value
    return bool(expected_value == arrived_value)


def _read_pattern(expected_value: Any) -> _Pattern | None:
    """Return the pattern of an expectation such as `{like: "a*"}`; None for a plain value."""
    if not isinstance(expected_value, Mapping) or len(expected_value) != 1:
        return None
    ((word, text),) = expected_value.items()
    return _Pattern(_PATTERN_KINDS[word], str(text)) if word in _PATTERN_KINDS else None


def _convert_to_recorded(field: str, value: Any) -> Any:
    """Return an expected value as records have it: an id in digits, a duration in nanoseconds."""
    if isinstance(value, Mapping):
        return value
    if field in _DIGITS_OF_IDS and value:
        return make_identifier(value, _DIGITS_OF_IDS[field])
    return parse_nanoseconds(value, field) if field == "duration" else value


def show_value(value: Any) -> str:
    """Return a value as a line shows it: a pattern with its word, and `nothing` for none."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, Mapping) and len(value) == 1:
        ((word, text),) = value.items()
        if word in _PATTERN_KINDS:
            return f"{_PATTERN_KINDS[word].shown_word} {text!r}"
    return repr(value)
