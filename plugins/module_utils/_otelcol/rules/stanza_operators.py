# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of log operators, by key of a row of constraints.json.

Source: pkg/stanza of opentelemetry-collector-contrib. Private.
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
    CONFLICT,
    EXPANSION_START,
    MISSING,
    RANGE,
    REGEX,
    WORD,
    Check,
    RuleFaults,
    find_texts,
    find_values,
)
from .subject import Fault

_QUOTED_KEY = r"\[(?:\"[^\"]*\"|'[^']*')\]"
# A name, or a name in brackets and quotes, then names behind dots and keys in brackets and quotes.
_FIELD_PATTERN = re.compile(rf"(?:([^\[][^.\[]*)|\[[\"']([^\"']*)[\"']\])(?:\.[^.\[]*|{_QUOTED_KEY})*\Z")
_PARTS_OF_ENTRY = ("attributes", "body", "resource")
_DIRECTIVE = re.compile(r"%(.)")
# Source: internal/coreinternal/timeutils/internal/ctimefmt of opentelemetry-collector-contrib.
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
_LAYOUT_TYPES = ("strptime", "gotime", "epoch", "native")
_EPOCH_LAYOUTS = ("s", "ms", "us", "ns", "s.ms", "s.us", "s.ns")
# How a layout of each type writes the abbreviation of a time zone.
_ABBREVIATIONS = {"strptime": "%Z", "gotime": "MST"}
# What a range of severities costs was measured: 100 MB at a million numbers, so that a billion fits into no pod.
_WIDE_RANGE, _ENDLESS_RANGE = 1_000_000, 1_000_000_000
_INTEGERS = range(-(2**63), 2**63)  # the whole numbers with room in 64 bits
# Texts and numbers that no reader of YAML takes for an integer; others may be one, or are expanded to one.
_NEVER_INTEGER = re.compile(r"(?:[-+]?[1-9][0-9]*|[A-Za-z]+|-?[0-9]+\.[0-9]*[1-9])?\Z")
# From `EXPR(` to the last `)` before the next one.
_EMBEDDED_EXPRESSION = re.compile(r"EXPR\(((?:(?!EXPR\().)*)\)", re.DOTALL)


def _make_field_check(may_be_root: bool) -> Check:
    """Return a check of texts that name a part of an entry."""

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
        for place, text in find_texts(keys, settings, path):
            yield from _find_wrong_field(place, text, rootable=may_be_root)

    return check


def _find_wrong_field(place: Path, text: str, *, rootable: bool) -> RuleFaults:
    """Yield why a text names no part of an entry; with `rootable`, all attributes are one too."""
    match = _FIELD_PATTERN.match(text)
    entry_part = (match[1] or match[2]) if match else ""
    if not text:
        yield WORD, Fault(place, "this is empty", "Write `attributes.NAME` or `body.NAME`, or remove the key.")
    elif match is None:
        fix = "Write `attributes.NAME`, or `attributes['NAME']` if the name has dots."
        yield WORD, Fault(place, f"'{text}' is not a field: a bracket or quote is missing or misplaced", fix)
    elif entry_part not in _PARTS_OF_ENTRY:
        message = f"a field starts with attributes, body or resource{suggest_word(entry_part, _PARTS_OF_ENTRY)}"
        yield WORD, Fault(place, message, f"Write `attributes.{text}` or `body.{text}`.")
    elif text in ("attributes", "resource") and not rootable:
        yield WORD, Fault(place, f"a field of the {text} is needed here", f"Write `{text}.NAME`.")


def _check_time_layout(_operand: bool, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield what is wrong in the layout of a time, and that it has no place for the time zones that are listed."""
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
        yield CONFLICT, Fault((*path, "time_zone_locations"), "the layout has no abbreviation of a time zone", fix)


def _is_known_text(value: Any) -> bool:
    """Whether a value is a text without variables."""
    return isinstance(value, str) and EXPANSION_START not in value


def _find_wrong_layout(layout_type: str, layout: str, path: Path) -> RuleFaults:
    """Yield what is wrong in a layout of a type."""
    place = (*path, "layout")
    if layout_type not in _LAYOUT_TYPES:
        message = f"'{layout_type}' is unknown here{suggest_word(layout_type, _LAYOUT_TYPES)}"
        yield WORD, Fault((*path, "layout_type"), message, f"Use one of {', '.join(_LAYOUT_TYPES)}.")
    elif not layout and layout_type != "native":
        yield MISSING, Fault(path, "'layout' is missing", "Add `layout: '%Y-%m-%dT%H:%M:%S'`.")
    elif layout_type == "epoch" and layout not in _EPOCH_LAYOUTS:
        yield WORD, Fault(place, f"'{layout}' is unknown here", f"Use one of {', '.join(_EPOCH_LAYOUTS)}.")
    elif layout_type == "strptime":
        yield from _find_wrong_strptime(place, layout)


def _find_wrong_strptime(place: Path, layout: str) -> RuleFaults:
    """Yield the first unknown directive of a layout, or else its first digit."""
    fix = "Write directives such as `%Y-%m-%d %H:%M:%S`, or set `layout_type: gotime`."
    for directive in _DIRECTIVE.finditer(layout):
        if directive[1] not in _DIRECTIVES:
            message = f"`{directive[0]}` is no directive of a time"
            yield WORD, Fault(place, message, fix, offset=directive.start())
            return
    digit = re.search(r"\d", layout)
    if digit:
        yield WORD, Fault(place, "a layout of strptime has no digits", fix, offset=digit.start())


def _check_strptime_layouts(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield what is wrong in texts that are a layout of strptime."""
    for place, text in find_texts(keys, settings, path):
        yield from _find_wrong_strptime(place, text)


def _check_header_columns(key: str, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield a header without the delimiter of its columns, which is by default the one of the lines."""
    if not isinstance(settings, dict):
        return
    header = settings.get(key)
    delimiter = settings.get("header_delimiter") or settings.get("delimiter") or ","
    if not isinstance(header, str) or not isinstance(delimiter, str):
        return
    has_variable = "$" in header + delimiter
    if has_variable or not header or len(delimiter) != 1:
        return
    if delimiter not in header:
        fix = f"Write several names with `{delimiter}` between them, or set `header_delimiter`."
        yield CONFLICT, Fault((*path, key), f"the header has no delimiter `{delimiter}`", fix)


def _check_severities(_operand: bool, settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield what the Collector does not take for a severity, and ranges that fill the memory."""
    for place, value in _list_severity_values(settings, path):
        if isinstance(value, dict):
            yield from _find_wrong_range(place, value.get("min"), value.get("max"))
        elif value is None or _is_too_large(value):
            yield WORD, Fault(place, "this is no value of a severity", "Write text, a number or a range.")


def _is_too_large(value: Any) -> bool:
    """Whether a value is a whole number without room in 64 bits."""
    return isinstance(value, int) and value not in _INTEGERS


def _list_severity_values(settings: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of each value of a severity: one may have a list of them."""
    for place, severity_value in find_values(settings, "mapping.*", path):
        if not isinstance(severity_value, list) or not severity_value:
            yield place, severity_value
            continue
        for index, listed_value in enumerate(severity_value):
            yield (*place, index), listed_value


def _find_wrong_range(place: Path, lowest: Any, highest: Any) -> RuleFaults:
    """Yield a range of severities without whole numbers, or one with so many that they fill the memory."""
    range_ends = (lowest, highest)
    if any(_may_become_integer(range_end) for range_end in range_ends):
        return
    if not all(_is_integer(range_end) for range_end in range_ends):
        yield WORD, Fault(place, "a range has whole numbers for `min` and `max`", "Write `{min: 400, max: 499}`.")
        return
    count = abs(highest - lowest) + 1
    if count >= _WIDE_RANGE:
        message = f"the Collector keeps all {count:,} numbers of this range in memory, with some 100 bytes each"
        severity = "" if count >= _ENDLESS_RANGE else "warning"
        yield RANGE, Fault(place, message, "Write the range of numbers that records have.", severity=severity)


def _may_become_integer(value: Any) -> bool:
    """Whether a text or a decimal number may be an integer for the Collector, which reads and expands it anew."""
    return isinstance(value, (str, float)) and not _NEVER_INTEGER.match(str(value))


def _is_integer(value: Any) -> bool:
    """Whether a value is a whole number with room in 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and value in _INTEGERS


def _check_expressions(keys: list[str], settings: Any, path: Path, _row: Row) -> RuleFaults:
    """Yield expressions that are not compiled."""
    for place, text in find_texts(keys, settings, path):
        expression = text.replace("$$", "$")
        syntax_error = find_expression_fault(expression, must_be_truth_value=True)
        if syntax_error:
            offset = syntax_error.start if expression == text else 0
            yield _report_broken_expression(syntax_error, place, offset)


def _report_broken_expression(syntax_error: ExpressionFault, place: Path, offset: int) -> tuple[str, Fault]:
    """Return the rule and the fault of an expression that is not compiled."""
    rule = REGEX if syntax_error.is_regex_fault else WORD
    return rule, Fault(place, syntax_error.reason, "Write an expression such as `body matches '^{'`.", offset=offset)


def _check_embedded_expressions(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield expressions between `EXPR(` and `)` inside of texts that are not compiled."""
    for place, text in find_texts(keys, settings, path):
        is_other_text = "whole" in row and not text.startswith("EXPR(")
        if "$" in text or is_other_text:
            continue
        for expression in _EMBEDDED_EXPRESSION.finditer(text):
            syntax_error = find_expression_fault(expression[1])
            if syntax_error:
                yield _report_broken_expression(syntax_error, place, expression.start(1) + syntax_error.start)


CHECKS: dict[str, Check] = {
    "columns": _check_header_columns,
    "strptime": _check_strptime_layouts,
    "embedded": _check_embedded_expressions,
    "expressions": _check_expressions,
    "field": _make_field_check(False),
    "severities": _check_severities,
    "rootable": _make_field_check(True),
    "time": _check_time_layout,
}
