# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of log operators, by key of a row of constraints.json.

Source: pkg/stanza of opentelemetry-collector-contrib. Private.
"""

from __future__ import annotations

import re
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, section
from ..errors import near
from ..languages.expr import broken_expression
from .constraints import CONFLICT, EXPANDED, MISSING, RANGE, REGEX, WORD, Check, Found, values_of
from .subject import Fault

_QUOTED = r"\[(?:\"[^\"]*\"|'[^']*')\]"
_FIELD = re.compile(rf"(?:([^\[][^.\[]*)|\[[\"']([^\"']*)[\"']\])(?:\.[^.\[]*|{_QUOTED})*\Z")
_DIRECTIVE = re.compile(r"%(.)")
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
_EPOCHS = ("s", "ms", "us", "ns", "s.ms", "s.us", "s.ns")


def _field_check(rootable: bool) -> Check:
    """Return a check of texts that name a part of an entry."""

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
        for key in keys:
            for place, value in values_of(settings, key, path):
                if isinstance(value, str):
                    yield from _field(place, value, rootable=rootable)

    return check


def _field(place: Path, value: str, *, rootable: bool) -> Found:
    found = _FIELD.match(value)
    prefix = (found[1] or found[2]) if found else ""
    if not value:
        yield WORD, Fault(place, "this is empty", "Write `attributes.NAME` or `body.NAME`, or remove the key.")
    elif found is None:
        fix = "Write `attributes.NAME`, or `attributes['NAME']` if the name has dots."
        yield WORD, Fault(place, f"'{value}' is not a field: a bracket or quote is missing or misplaced", fix)
    elif prefix not in _PREFIXES:
        fix = f"Write `attributes.{value}` or `body.{value}`."
        yield WORD, Fault(place, f"a field starts with attributes, body or resource{near(prefix, _PREFIXES)}", fix)
    elif value in ("attributes", "resource") and not rootable:
        yield WORD, Fault(place, f"a field of the {value} is needed here", f"Write `{value}.NAME`.")


_PREFIXES = ("attributes", "body", "resource")


def _time(_wanted: bool, settings: Any, path: Path, _row: Row) -> Found:
    """Yield what is wrong in the layout of a time."""
    if not isinstance(settings, dict):
        return
    kind, layout = settings.get("layout_type") or "strptime", settings.get("layout") or ""
    if any(not isinstance(text, str) or EXPANDED in text for text in (kind, layout)):
        return
    yield from _layout(kind, layout, path)
    if layout and section(settings, "time_zone_locations") and _ABBREVIATIONS.get(kind, "") not in layout:
        fix = f"Add `{_ABBREVIATIONS[kind]}` to `layout`, or remove `time_zone_locations`."
        yield CONFLICT, Fault((*path, "time_zone_locations"), "the layout has no abbreviation of a time zone", fix)


def _layout(kind: str, layout: str, path: Path) -> Found:
    """Yield what is wrong in a layout of a kind."""
    if kind not in _KINDS:
        known = f"Use one of {', '.join(_KINDS)}."
        yield WORD, Fault((*path, "layout_type"), f"'{kind}' is unknown here{near(kind, _KINDS)}", known)
    elif not layout and kind != "native":
        yield MISSING, Fault(path, "'layout' is missing", "Add `layout: '%Y-%m-%dT%H:%M:%S'`.")
    elif kind == "epoch" and layout not in _EPOCHS:
        yield WORD, Fault((*path, "layout"), f"'{layout}' is unknown here", f"Use one of {', '.join(_EPOCHS)}.")
    elif kind == "strptime":
        yield from _strptime((*path, "layout"), layout)


def _strptime(place: Path, layout: str) -> Found:
    wrong = next((one for one in _DIRECTIVE.finditer(layout) if one[1] not in _DIRECTIVES), None)
    digit = re.search(r"\d", layout)
    fix = "Write directives such as `%Y-%m-%d %H:%M:%S`, or set `layout_type: gotime`."
    if wrong:
        yield WORD, Fault(place, f"`{wrong[0]}` is no directive of a time", fix, offset=wrong.start())
    elif digit:
        yield WORD, Fault(place, "a layout of strptime has no digits", fix, offset=digit.start())


def _layouts(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            yield from _strptime(place, value) if isinstance(value, str) else ()


def _columns(key: str, settings: Any, path: Path, _row: Row) -> Found:
    """Yield a header without the delimiter of its columns, which is by default the one of the lines."""
    given = settings if isinstance(settings, dict) else {}
    delimiter = given.get("header_delimiter") or given.get("delimiter") or ","
    header = given.get(key)
    texts = isinstance(header, str) and isinstance(delimiter, str) and "$" not in header + delimiter
    if texts and header and len(delimiter) == 1 and delimiter not in header:
        fix = f"Write several names with `{delimiter}` between them, or set `header_delimiter`."
        yield CONFLICT, Fault((*path, key), f"the header has no delimiter `{delimiter}`", fix)


_KINDS = ("strptime", "gotime", "epoch", "native")
_ABBREVIATIONS = {"strptime": "%Z", "gotime": "MST"}


def _severities(_wanted: bool, settings: Any, path: Path, _row: Row) -> Found:
    """Yield what the Collector does not take for a severity, and ranges that fill the memory."""
    for place, value in values_of(settings, "mapping.*", path):
        items = [((*place, index), item) for index, item in enumerate(value)] if isinstance(value, list) else []
        for where, item in items or [(place, value)]:
            if isinstance(item, dict):
                yield from _range_of_severities(where, item.get("min"), item.get("max"))
            elif item is None or (isinstance(item, int) and item not in _INTEGERS):
                yield WORD, Fault(where, "this is no value of a severity", "Write text, a number or a range.")


def _range_of_severities(place: Path, least: Any, most: Any) -> Found:
    if any(isinstance(end, (str, float)) and not _NO_INTEGER.match(str(end)) for end in (least, most)):
        return
    if any(not isinstance(end, int) or isinstance(end, bool) or end not in _INTEGERS for end in (least, most)):
        yield WORD, Fault(place, "a range has whole numbers for `min` and `max`", "Write `{min: 400, max: 499}`.")
        return
    count = abs(most - least) + 1
    if count >= _WIDE:
        why = f"the Collector keeps all {count:,} numbers of this range in memory, with some 100 bytes each"
        severity = "warning" if count < _ENDLESS else ""
        yield RANGE, Fault(place, why, "Write the range of numbers that records have.", severity=severity)


# What a range costs was measured: 100 MB at a million, so that a billion fits into no pod.
_WIDE, _ENDLESS = 1_000_000, 1_000_000_000
_INTEGERS = range(-(2**63), 2**63)
# Texts and numbers that no reader of YAML takes for an integer; others may be one, or are expanded to one.
_NO_INTEGER = re.compile(r"(?:[-+]?[1-9][0-9]*|[A-Za-z]+|-?[0-9]+\.[0-9]*[1-9])?\Z")


def _expressions(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield expressions that are not compiled."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            wrong = broken_expression(value.replace("$$", "$"), truth=True) if isinstance(value, str) else None
            if wrong:
                offset = 0 if "$$" in value else wrong.start
                yield REGEX if wrong.regex else WORD, Fault(place, wrong.why, _EXPRESSION, offset=offset)


_EXPRESSION = "Write an expression such as `body matches '^{'`."


def _embedded(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield expressions between `EXPR(` and the last `)` before the next one that are not compiled."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            judged = isinstance(value, str) and "$" not in value and ("whole" not in row or value.startswith("EXPR("))
            for found in _EMBEDDED.finditer(value) if judged else ():
                wrong = broken_expression(found[1])
                if wrong:
                    offset = found.start(1) + wrong.start
                    yield REGEX if wrong.regex else WORD, Fault(place, wrong.why, _EXPRESSION, offset=offset)


_EMBEDDED = re.compile(r"EXPR\(((?:(?!EXPR\().)*)\)", re.DOTALL)


CHECKS: dict[str, Check] = {
    "columns": _columns,
    "strptime": _layouts,
    "embedded": _embedded,
    "expressions": _expressions,
    "field": _field_check(False),
    "severities": _severities,
    "rootable": _field_check(True),
    "time": _time,
}
