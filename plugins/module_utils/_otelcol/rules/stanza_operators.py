# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the settings of single log operators: fields, layouts of times, severities and expressions. Private.

Source: pkg/stanza of opentelemetry-collector-contrib.

An operator is a step of a log receiver that changes entries, which are its log records. The checks are keys of rows of
constraints.json, see constraints.py. A row with each key, and what it finds:

| key | example of a row | finding |
|---|---|---|
| `field` | `"field": ["from"]` | a field starts with attributes, body or resource |
| `rootable` | `"rootable": ["parse_to"]` | the same, but `attributes` and `resource` alone are fields too |
| `time` | `"time": true` | `%E` is no directive of a time |
| `strptime` | `"strptime": ["layout"]` | a layout of strptime has no digits |
| `columns` | `"columns": "header"` | the header has no delimiter `;` |
| `severities` | `"severities": true` | a range has whole numbers for `min` and `max` |
| `expressions` | `"expressions": ["expr"]` | nothing follows `+`, for `body +` |
| `embedded` | `"embedded": ["attributes.*"]` | nothing follows `+`, for `a EXPR(body +)` |

Option of a row: with `whole`, `embedded` looks only at texts that begin with `EXPR(`.

The first parameter of each check is the operand of its key: `keys` is a list such as `["from"]`, `key` one text, and
`_operand` is always true, because the check itself knows the keys that it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, mapping_at
from ..errors import suggest_word
from ..languages.expr import ExpressionFault, find_expression_fault
from .constraints import (
    CONFLICTING_SETTINGS,
    INVALID_REGEX,
    MISSING_FIELD,
    OUT_OF_RANGE,
    UNKNOWN_VALUE,
    ConstraintCheck,
    RuleFault,
    RuleFaults,
)
from .given_values import EXPANSION_START, find_texts, find_values
from .rule_definitions import SEVERITY_OF_RULE, Fault

# A key in brackets and quotes: `["a.b"]` or `['a.b']`.
_QUOTED_KEY = r"\[(?:\"[^\"]*\"|'[^']*')\]"
# The name of a field, such as `attributes.a["b.c"].d`: first a part of the entry, which may be in brackets and quotes
# too, then names behind dots and keys in brackets and quotes. Groups: the part of the entry as a name, or in quotes.
_FIELD_PATTERN = re.compile(rf"(?:([^\[][^.\[]*)|\[[\"']([^\"']*)[\"']\])(?:\.[^.\[]*|{_QUOTED_KEY})*\Z")
_PARTS_OF_ENTRY = ("attributes", "body", "resource")
_DIRECTIVE = re.compile(r"%(.)")
# The letters of directives such as `%Y`.
# Source: internal/coreinternal/timeutils/internal/ctimefmt of opentelemetry-collector-contrib.
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
_LAYOUT_TYPES = ("strptime", "gotime", "epoch", "native")
_EPOCH_LAYOUTS = ("s", "ms", "us", "ns", "s.ms", "s.us", "s.ns")
# How a layout of each type writes the abbreviation of a time zone.
_ABBREVIATIONS = {"strptime": "%Z", "gotime": "MST"}
# The numbers in a range of severities from which on it is a warning, and an error. The Collector keeps each number, and
# a million of them take 100 MB as measured, so that a billion fits into no pod.
_WIDE_RANGE = 1_000_000
_ENDLESS_RANGE = 1_000_000_000
# The whole numbers with room in 64 bits.
_INTEGERS = range(-(2**63), 2**63)
# Texts and numbers that no reader of YAML takes for an integer, such as `12`, `abc` or `0.5`. Others, such as `0x1F` or
# `${env:N}`, may be read as an integer or expanded to one.
_NEVER_INTEGER = re.compile(r"(?:[-+]?[1-9][0-9]*|[A-Za-z]+|-?[0-9]+\.[0-9]*[1-9])?\Z")
# An expression inside of a text: `body.a` of `a EXPR(body.a) b`. It ends at the last `)` before the next `EXPR(`.
_EMBEDDED_EXPRESSION = re.compile(r"EXPR\(((?:(?!EXPR\().)*)\)", re.DOTALL)


def _refuse_value(value_path: Path, message: str, fix: str, *, offset: int = 0) -> RuleFault:
    """Return the fault of a value that the Collector does not take; `offset` is that of the wrong character."""
    return RuleFault(UNKNOWN_VALUE, Fault(value_path, message, fix, offset=offset))


def _make_field_check(*, may_be_root: bool) -> ConstraintCheck:
    """Return a check of texts that name a field of an entry; with `may_be_root`, all attributes are a field too."""

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
        for value_path, text in find_texts(keys, settings, path):
            yield from _find_wrong_field(value_path, text, may_be_root=may_be_root)

    return check


def _find_wrong_field(value_path: Path, text: str, *, may_be_root: bool) -> RuleFaults:
    """Yield why a text names no field of an entry."""
    match = _FIELD_PATTERN.match(text)
    entry_part = (match[1] or match[2]) if match else ""
    if not text:
        yield _refuse_value(value_path, "this is empty", "Write `attributes.NAME` or `body.NAME`, or remove the key.")
    elif match is None:
        message = f"'{text}' is not a field: a bracket or quote is missing or misplaced"
        fix = "Write `attributes.NAME`, or `attributes['NAME']` if the name has dots."
        yield _refuse_value(value_path, message, fix)
    elif entry_part not in _PARTS_OF_ENTRY:
        message = f"a field starts with attributes, body or resource{suggest_word(entry_part, _PARTS_OF_ENTRY)}"
        yield _refuse_value(value_path, message, f"Write `attributes.{text}` or `body.{text}`.")
    elif text in ("attributes", "resource") and not may_be_root:
        yield _refuse_value(value_path, f"a field of the {text} is needed here", f"Write `{text}.NAME`.")


def _check_time_layout(_operand: bool, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield what is wrong in the layout of a time, and that it lacks the time zone for which locations are listed."""
    if not isinstance(settings, dict):
        return
    layout_type = settings.get("layout_type") or "strptime"
    layout = settings.get("layout") or ""
    if not _is_known_text(layout_type) or not _is_known_text(layout):
        return
    yield from _find_wrong_layout(layout_type, layout, path)
    abbreviation = _ABBREVIATIONS.get(layout_type, "")
    lists_zones = bool(mapping_at(settings, "time_zone_locations"))
    if layout and lists_zones and abbreviation not in layout:
        fix = f"Add `{abbreviation}` to `layout`, or remove `time_zone_locations`."
        yield RuleFault(
            CONFLICTING_SETTINGS,
            Fault((*path, "time_zone_locations"), "the layout has no abbreviation of a time zone", fix),
        )


def _is_known_text(value: Any) -> bool:
    """Whether a value is a text without variables."""
    return isinstance(value, str) and EXPANSION_START not in value


def _find_wrong_layout(layout_type: str, layout: str, path: Path) -> RuleFaults:
    """Yield what is wrong in a layout, whose type is `strptime`, `gotime`, `epoch` or `native`."""
    layout_path = (*path, "layout")
    if layout_type not in _LAYOUT_TYPES:
        message = f"'{layout_type}' is unknown here{suggest_word(layout_type, _LAYOUT_TYPES)}"
        yield _refuse_value((*path, "layout_type"), message, f"Use one of {', '.join(_LAYOUT_TYPES)}.")
    elif not layout and layout_type != "native":
        yield RuleFault(MISSING_FIELD, Fault(path, "'layout' is missing", "Add `layout: '%Y-%m-%dT%H:%M:%S'`."))
    elif layout_type == "epoch" and layout not in _EPOCH_LAYOUTS:
        fix = f"Use one of {', '.join(_EPOCH_LAYOUTS)}."
        yield _refuse_value(layout_path, f"'{layout}' is unknown here", fix)
    elif layout_type == "strptime":
        yield from _find_wrong_strptime(layout_path, layout)


def _find_wrong_strptime(value_path: Path, layout: str) -> RuleFaults:
    """Yield the first unknown directive of a layout, or else its first digit."""
    fix = "Write directives such as `%Y-%m-%d %H:%M:%S`, or set `layout_type: gotime`."
    for directive in _DIRECTIVE.finditer(layout):
        if directive[1] not in _DIRECTIVES:
            message = f"`{directive[0]}` is no directive of a time"
            yield _refuse_value(value_path, message, fix, offset=directive.start())
            return
    digit = re.search(r"\d", layout)
    if digit:
        yield _refuse_value(value_path, "a layout of strptime has no digits", fix, offset=digit.start())


def _check_strptime_layouts(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield what is wrong in texts that are a layout of strptime."""
    for value_path, text in find_texts(keys, settings, path):
        yield from _find_wrong_strptime(value_path, text)


def _check_header_columns(key: str, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield a header of a CSV parser without the delimiter of its columns, by default that of the lines or a comma."""
    if not isinstance(settings, dict):
        return
    header = settings.get(key)
    delimiter = settings.get("header_delimiter") or settings.get("delimiter") or ","
    if not isinstance(header, str) or not isinstance(delimiter, str):
        return
    has_variable = "$" in header + delimiter
    # `letter` of text_patterns.py reports a longer delimiter.
    if has_variable or not header or len(delimiter) != 1:
        return
    if delimiter not in header:
        fix = f"Write several names with `{delimiter}` between them, or set `header_delimiter`."
        yield RuleFault(CONFLICTING_SETTINGS, Fault((*path, key), f"the header has no delimiter `{delimiter}`", fix))


def _check_severities(_operand: bool, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield what the Collector does not take for a severity, and ranges that fill the memory."""
    for value_path, value in _list_severity_values(settings, path):
        if isinstance(value, dict):
            yield from _find_wrong_range(value_path, value.get("min"), value.get("max"))
        elif value is None or _is_too_large(value):
            yield _refuse_value(value_path, "this is no value of a severity", "Write text, a number or a range.")


def _is_too_large(value: Any) -> bool:
    """Whether a value is a whole number without room in 64 bits."""
    return isinstance(value, int) and value not in _INTEGERS


def _list_severity_values(settings: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of each value of a severity: `error: 500` has one, `error: [500, {min: 1, max: 9}]` two."""
    for value_path, severity_value in find_values(settings, "mapping.*", path):
        if not isinstance(severity_value, list) or not severity_value:
            yield value_path, severity_value
            continue
        for index, listed_value in enumerate(severity_value):
            yield (*value_path, index), listed_value


def _find_wrong_range(value_path: Path, lowest: Any, highest: Any) -> RuleFaults:
    """Yield a range of severities without whole numbers, or one with so many that they fill the memory."""
    range_ends = (lowest, highest)
    if any(_may_become_integer(range_end) for range_end in range_ends):
        return
    if not all(_is_integer(range_end) for range_end in range_ends):
        message = "a range has whole numbers for `min` and `max`"
        yield _refuse_value(value_path, message, "Write `{min: 400, max: 499}`.")
        return
    count = abs(highest - lowest) + 1
    if count >= _WIDE_RANGE:
        message = f"the Collector keeps all {count:,} numbers of this range in memory, with some 100 bytes each"
        severity = SEVERITY_OF_RULE if count >= _ENDLESS_RANGE else "warning"
        yield RuleFault(
            OUT_OF_RANGE, Fault(value_path, message, "Write the range of numbers that records have.", severity=severity)
        )


def _may_become_integer(value: Any) -> bool:
    """Whether a text or a decimal number may be an integer for the Collector, which reads and expands it anew."""
    return isinstance(value, (str, float)) and not _NEVER_INTEGER.match(str(value))


def _is_integer(value: Any) -> bool:
    """Whether a value is a whole number with room in 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and value in _INTEGERS


def _check_expressions(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield expressions that the Collector cannot compile."""
    for value_path, text in find_texts(keys, settings, path):
        expression = text.replace("$$", "$")  # as the Collector does before the receiver reads the text
        syntax_error = find_expression_fault(expression, must_be_truth_value=True)
        if syntax_error:
            offset = syntax_error.start if expression == text else 0  # `$$` moves all that is behind it
            yield _report_broken_expression(syntax_error, value_path, offset)


def _report_broken_expression(syntax_error: ExpressionFault, value_path: Path, offset: int) -> RuleFault:
    """Return the fault of an expression that the Collector cannot compile; `offset` is that of the wrong character."""
    rule = INVALID_REGEX if syntax_error.is_regex_fault else UNKNOWN_VALUE
    fix = "Write an expression such as `body matches '^{'`."
    return RuleFault(rule, Fault(value_path, syntax_error.reason, fix, offset=offset))


def _check_embedded_expressions(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield expressions between `EXPR(` and `)` inside of texts that the Collector cannot compile."""
    for value_path, text in find_texts(keys, settings, path):
        is_other_text = "whole" in row and not text.startswith("EXPR(")
        # The Collector reads another text if this one has `$`: `$$` is one dollar sign there.
        if "$" in text or is_other_text:
            continue
        for expression in _EMBEDDED_EXPRESSION.finditer(text):
            syntax_error = find_expression_fault(expression[1])
            if syntax_error:
                yield _report_broken_expression(syntax_error, value_path, expression.start(1) + syntax_error.start)


CHECKS: dict[str, ConstraintCheck] = {
    "columns": _check_header_columns,
    "strptime": _check_strptime_layouts,
    "embedded": _check_embedded_expressions,
    "expressions": _check_expressions,
    "field": _make_field_check(may_be_root=False),
    "severities": _check_severities,
    "rootable": _make_field_check(may_be_root=True),
    "time": _check_time_layout,
}
