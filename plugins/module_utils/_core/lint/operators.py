# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of log operators, scrape configs and endpoints, by key of a row of constraints.json.

Source: pkg/stanza of opentelemetry-collector-contrib, and the configuration of Prometheus. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..config.catalogue import Row
from ..config.paths import Path
from ..errors import near
from ..languages.expr import broken
from ..languages.formats import broken_url
from .constraints import CONFLICT, DURATION, EXPANDED, MISSING, REFERENCE, REGEX, WORD, Check, Found, values_of
from .subject import Fault

_QUOTED = r"\[(?:\"[^\"]*\"|'[^']*')\]"
_FIELD = re.compile(rf"(?:([^\[][^.\[]*)|\[[\"']([^\"']*)[\"']\])(?:\.[^.\[]*|{_QUOTED})*\Z")
# The longest duration of Prometheus that is read.
_LONGEST = 40
_SPAN = re.compile(r"(?=.)(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)\Z")
_DIRECTIVE = re.compile(r"%(.)")
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
_EPOCHS = ("s", "ms", "us", "ns", "s.ms", "s.us", "s.ns")


def _fields(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, str) and value:
                yield from _field(place, value, rootable=False)


def _rootable(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, str) and value:
                yield from _field(place, value, rootable=True)


def _field(place: Path, value: str, *, rootable: bool) -> Found:
    found = _FIELD.match(value)
    prefix = (found[1] or found[2]) if found else ""
    if found is None:
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


_KINDS = ("strptime", "gotime", "epoch", "native")


def _span(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            if isinstance(value, (str, int, float)) and not (len(str(value)) <= _LONGEST and _SPAN.match(str(value))):
                fix = "Write whole numbers with units, the largest first: `1m30s`."
                yield DURATION, Fault(place, f"'{value}' is not a duration of Prometheus", fix)


def _targets(_wanted: bool, settings: Any, path: Path, _row: Row) -> Found:
    for place, value in values_of(settings, "targets.*", path):
        if isinstance(value, str) and "/" in value:
            fix = "Write `HOST:PORT`; `scheme` and `metrics_path` have the rest."
            yield WORD, Fault(place, "a target is a host and a port, without a path", fix)


def _port(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            address = re.sub(r"^[a-z]+:/{2,3}", "", value) if isinstance(value, str) else ""
            if address and not value.startswith(("unix", "passthrough", "vsock", "xds")):
                port = address.rpartition(":")[2] if ":" in address.rpartition("]")[2] else ""
                if not port.isdigit():
                    yield WORD, Fault(place, f"'{value}' has no port", f"Write `{address.split('/')[0]}:4317`.")


def _graph(_wanted: bool, operators: Any, path: Path, _row: Row) -> Found:
    """Yield ids that two operators have, and outputs that no operator has."""
    if not isinstance(operators, list) or not all(isinstance(one, dict) for one in operators):
        return
    named = [
        (index, one.get("id")) for index, one in enumerate(operators) if one.get("id") not in (None, one.get("type"))
    ]
    ids = {str(name) for _index, name in named}
    for number, (index, name) in enumerate(named):
        if name in [other for _index, other in named[:number]]:
            yield CONFLICT, Fault((*path, index, "id"), f"'{name}' is the id of another operator too", "Rename it.")
    unnamed = [str(one.get("type")) for one in operators if one.get("id") in (None, "", one.get("type"))]
    for number, kind in enumerate(unnamed):  # the Collector numbers operators of the same type
        ids |= {kind, f"{kind}{unnamed[:number].count(kind)}"}
    for place, output in _outputs(operators, path) if EXPANDED not in "".join(ids) else ():
        if output not in ids:
            yield REFERENCE, Fault(place, f"no operator has the id '{output}'{near(output, ids)}", _IDS.format(output))


_IDS = "Write `id: {}` in the operator that is meant."


def _outputs(operators: list[Any], path: Path) -> Iterator[tuple[Path, str]]:
    for index, operator in enumerate(operators):
        for key in ("output", "default", "routes.*.output"):
            for place, value in values_of(operator, key, (*path, index)):
                texts = value if isinstance(value, list) else [value]
                yield from ((place, text) for text in texts if isinstance(text, str) and text and EXPANDED not in text)


def _expressions(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
    """Yield expressions that are not compiled."""
    for key in keys:
        for place, value in values_of(settings, key, path):
            wrong = broken(value.replace("$$", "$"), truth=True) if isinstance(value, str) else None
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
                wrong = broken(found[1])
                if wrong:
                    offset = found.start(1) + wrong.start
                    yield REGEX if wrong.regex else WORD, Fault(place, wrong.why, _EXPRESSION, offset=offset)


_EMBEDDED = re.compile(r"EXPR\(((?:(?!EXPR\().)*)\)", re.DOTALL)


def _matching(pattern: str, what: str, fix: str, *, numbers: bool = False) -> Check:
    """Return a check of texts that have to match a pattern as a whole, and of numbers if the component reads texts."""
    compiled = re.compile(rf"(?:{pattern})\Z", re.DOTALL)

    def check(keys: list[str], settings: Any, path: Path, _row: Row) -> Found:
        for key in keys:
            for place, value in values_of(settings, key, path):
                text = str(value) if isinstance(value, str) or (numbers and isinstance(value, (int, float))) else None
                if text is not None and not (len(text) <= _LONGEST_TEXT and compiled.match(text)):
                    yield WORD, Fault(place, f"'{text}' is {what}" if text else "this is empty", fix)

    return check


_LONGEST_TEXT = 4096


def _urls(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    for key in keys:
        for place, value in values_of(settings, key, path):
            why = broken_url(value, "absolute" in row) if isinstance(value, str) else ""
            if why:
                yield WORD, Fault(place, f"this is not a URL: {why}", "Write `http://HOST:PORT`.")


CHECKS: dict[str, Check] = {
    "bytes": _matching(
        r"\d+\.?\d*\s*([kKmMgGtTpP]i?[bB])?", "not a number of bytes", "Write a number with a unit, such as `1MiB`."
    ),
    "units": _matching(
        r"0|((\d+\.?\d*|\.\d+)([KMGTPE]i?)?B)+", "not a size", "Write a size such as `10MB`.", numbers=True
    ),
    "paths": _matching(
        r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)",
        "not a path of target files",
        "Write a path that ends with `.json` or `.yml`; only its last part has `*`.",
        numbers=True,
    ),
    "filled": _matching(".+", "empty", "Write a value, or remove the key."),
    "letter": _matching(".?", "more than one character", "Write one character."),
    "url": _urls,
    "embedded": _embedded,
    "expressions": _expressions,
    "field": _fields,
    "rootable": _rootable,
    "time": _time,
    "graph": _graph,
    "port": _port,
    "span": _span,
    "targets": _targets,
}
