# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what components check of their own settings, with the operators of file_log among them.

Sources: Validate of each component, and pkg/stanza of opentelemetry-collector-contrib for operators. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..config.catalogue import Row, walk
from ..config.paths import Path, at, section
from ..errors import near
from .components import configured, listed
from .constraints import (
    CHECKS,
    CONFLICT,
    DURATION,
    EXPANDED,
    MISSING,
    RANGE,
    REFERENCE,
    REGEX,
    WORD,
    Check,
    Found,
    exact,
    values_of,
)
from .subject import Fault, Subject, rules, shared_rules
from .view import build_of

_KEPT = "_constraints"
_POLICY = "sampling-policy"
_FIELD = re.compile(r"(attributes|resource|body)((\.[^.\[\]]+)|\[\"[^\"]*\"\]|\['[^']*'\])*\Z")
# The longest duration of Prometheus that is read.
_LONGEST = 40
_SPAN = re.compile(r"(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)\Z")
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES = frozenset("abcdefghijklmnopqrstwxyzABDFHILMPRSTXYZ%")
_EPOCHS = ("s", "ms", "us", "ns", "s.ms", "s.us", "s.ns")


def found(subject: Subject, rule_id: str) -> Iterator[Fault]:
    """Yield the faults of a rule."""
    kept: dict[str, list[Fault]] | None = subject.__dict__.get(_KEPT)
    if kept is None:
        kept = subject.__dict__[_KEPT] = {}
        for rule, fault in _judge(subject):
            kept.setdefault(rule, []).append(fault)
    yield from kept.get(rule_id, ())


def sampling_policy(subject: Subject) -> Iterator[Fault]:
    """Yield policies of tail_sampling with which the Collector does not start; `otelcol validate` accepts them."""
    yield from found(subject, _POLICY)


def _judge(subject: Subject) -> Found:
    if subject.target is None:
        return
    build = build_of(subject.target)
    started: set[str] | None = None
    for name, component_id, kind, settings in configured(subject.config):
        component = build.find(name, kind)
        for row in build.constraints(name, component.type) if component else ():
            if started is None:
                started = {item for _path, _signal, _role, item in listed(subject.config)}
            doubt = build.doubt or ("" if exact(row, build.version) else "another version may differ")
            doubt = doubt or ("no pipeline uses it yet" if row.get("built") and component_id not in started else "")
            for rule, fault in _violations(row, settings, (name, component_id)):
                if not (
                    row.get("extensible") and at(subject.config, fault.path) in section(subject.config, "extensions")
                ):
                    yield row.get("rule", rule), _hedged(fault, doubt)


def _hedged(fault: Fault, doubt: str) -> Fault:
    if not doubt:
        return fault
    return Fault(fault.path, f"{fault.message} ({doubt})", fault.fix, severity="warning", offset=fault.offset)


def _violations(row: Row, settings: Any, component: Path) -> Found:
    for path, value in places(row, settings, component):
        if applies(row.get("when", {}), value):
            for key, check in _ALL.items():
                if key in row:
                    yield from check(row[key], value, path, row)


def places(row: Row, settings: Any, component: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of every place of a row; `a|b` in a pattern are alternatives, text with `${` is none."""
    found: list[tuple[Path, Any]] = [(component, settings)]
    for step in row["at"].split(".")[2:]:
        found = [
            place
            for path, value in found
            for part in (step.split("|") if isinstance(value, dict) else (step,))
            for place in walk(value, (part,), path)
        ]
    yield from ((path, value) for path, value in found if not isinstance(value, str))


def applies(when: dict[str, str], settings: Any) -> bool:
    """Whether settings have the values that a row is about; `*` is any, `!a` any but a."""
    for key, wanted in when.items():
        value = at(settings, tuple(key.split(".")), "")
        text = str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")
        if EXPANDED in text or (wanted == "*" and not text):
            return False
        if wanted.startswith("!"):
            if text == wanted[1:]:
                return False
        elif wanted != "*" and text not in wanted.split("|"):
            return False
    return True


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
    prefix = re.split(r"[.\[]", value, maxsplit=1)[0]
    if prefix not in _PREFIXES:
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
        wrong = next((one for one in _DIRECTIVE.finditer(layout) if one[1] not in _DIRECTIVES), None)
        if wrong:
            fix = "Write directives such as `%Y-%m-%d %H:%M:%S`, or set `layout_type: gotime`."
            yield WORD, Fault((*path, "layout"), f"`{wrong[0]}` is no directive of a time", fix, offset=wrong.start())


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
                yield from ((place, text) for text in texts if isinstance(text, str) and EXPANDED not in text)


_ALL: dict[str, Check] = {
    **CHECKS,
    "field": _fields,
    "rootable": _rootable,
    "time": _time,
    "graph": _graph,
    "port": _port,
    "span": _span,
    "targets": _targets,
}
_REASONS = {
    RANGE: "Yield numbers and durations that a component does not accept, and limits that contradict each other.",
    CONFLICT: "Yield settings that exclude each other, or that are given twice or only in part.",
    REGEX: "Yield regular expressions that Go does not accept, or that lack the named groups that they need.",
    REFERENCE: "Yield outputs of log operators that are the id of no operator.",
}
RULES = (
    *shared_rules(found, _REASONS),
    *rules("error", sampling_policy),
)
