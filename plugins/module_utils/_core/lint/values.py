# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what components check of their own settings, beyond keys and types.

Source: Validate of each component, in _data/catalogue/constraints.json. Outside the versions of a row, a violation is a
warning. Private.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from ..config.catalogue import Row
from ..config.layers import parse_version
from ..config.paths import Path, at, section
from . import constraints, operators
from .components import configured, listed
from .constraints import CONFLICT, EXPANDED, RANGE, REFERENCE, REGEX, Found
from .subject import Fault, Subject, rules, shared_rules
from .view import Build, build_of

EXACT = "0.155.0..0.160.0"
_KEPT = "_constraints"
_POLICY = "sampling-policy"
_CHECKS = {**constraints.CHECKS, **operators.CHECKS}


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
    started = {item for _path, _signal, _role, item in listed(subject.config)}
    completed = bool(subject.deployment and subject.deployment.target_allocator)
    for name, component_id, kind, settings in configured(subject):
        component = build.find(name, kind)
        seen: dict[str, list[tuple[Path, Any]]] = {}  # many rows are about the same places
        for row in build.constraints(name, component.type) if component else ():
            if completed and "allocated" in row:
                continue
            if row["at"] not in seen:
                seen[row["at"]] = places(row, settings, (name, component_id))
            for rule, fault in _violations(row, seen[row["at"]]) if seen[row["at"]] else ():
                if not (
                    row.get("extensible") and at(subject.config, fault.path) in section(subject.config, "extensions")
                ):
                    yield row.get("rule", rule), _hedged(fault, _doubt(row, build, component_id in started))


def _doubt(row: Row, build: Build, is_started: bool) -> str:
    differs = "" if exact(row, build.version) else "another version may differ"
    return build.doubt or differs or ("no pipeline uses it yet" if row.get("built") and not is_started else "")


def _hedged(fault: Fault, doubt: str) -> Fault:
    if not doubt:
        return fault
    return Fault(fault.path, f"{fault.message} ({doubt})", fault.fix, severity="warning", offset=fault.offset)


def _violations(row: Row, found: list[tuple[Path, Any]]) -> Found:
    for path, value in found:
        if applies(row.get("when", {}), value):
            for key in row:
                if key in _CHECKS:
                    yield from _CHECKS[key](row[key], value, path, row)


def places(row: Row, settings: Any, component: Path) -> list[tuple[Path, Any]]:
    """Return path and value of every place of a row; `a|b` in a pattern are alternatives, text with `${` is none."""
    steps = _steps(row["at"])
    if steps and not (steps[0] == ("*",) or (isinstance(settings, dict) and any(key in settings for key in steps[0]))):
        return []  # most rows are about settings that a config does not have
    found: list[tuple[Path, Any]] = [(component, settings)]
    for step in steps:
        found = [below for place in found for below in _below(*place, step)]
        if not found:
            break
    return [(path, value) for path, value in found if not isinstance(value, str)]


@cache
def _steps(pattern: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(step.split("|")) for step in pattern.split(".")[2:])


def _below(path: Path, value: Any, step: tuple[str, ...]) -> list[tuple[Path, Any]]:
    if isinstance(value, dict):
        keys = value if step == ("*",) else [key for key in step if key in value]
        return [((*path, key), value[key]) for key in keys]
    if isinstance(value, list) and step == ("*",):
        return [((*path, index), item) for index, item in enumerate(value)]
    return []


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


def exact(row: Row, version: str) -> bool:
    """Whether a row holds for a version."""
    return _within(str(row.get("exact", EXACT)), version)


@cache
def _within(span: str, version: str) -> bool:
    since, _dots, until = span.partition("..")
    return parse_version(since) <= parse_version(version) < parse_version(until)


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
