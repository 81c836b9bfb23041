# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on component settings: keys, types and values that the component's decoder accepts.

Source of each: _data/catalogue/fields.json, which tools/catalogue/fields.go asked of the Collector's decoder (confmap
with mapstructure). Not checked: keys with `::`, text with `${`, types of unknown settings.
If the catalogue lacks the version of a component, the nearest known one answers, with that doubt. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from ..catalogue.constraint_places import Places
from ..catalogue.rows import IGNORED, OPEN, Row
from ..config.masking import is_secret
from ..config.paths import Path, at
from ..errors import near, nearest
from .components import TELEMETRY, movable_settings, remembered_by_settings, used_components
from .constraints import is_expanded
from .setting_values import Condition, conditions_hold, conditions_of, doubt_about, hedged_fault
from .setting_values import setting_faults as constraints_of
from .subject import Fault, Subject, shared_rules
from .text_checks import repeated_names
from .view import Build

ANY, ENTRY, LABEL = "?", "*", "#"
# What a mapping of text may be, which can also be a list of names with values: headers.
PAIRS: dict[type, Any] = {dict: {ENTRY: "s"}, list: ["l", {"name": "s", "value": "s"}]}
EXPANDED = "${"
_QUOTE = "Write `'"
UNKNOWN, MISSING = "unknown-field", "missing-field"
# A key with a slip is an error where the release before or after has the key that is meant.
SLIP, _MISSPELT = "error", 0.8
_KEPT = "_fields"  # what one walk found, kept with its subject

# The operator writes its settings where a target allocator finds the targets.
ALLOCATED = ("receivers", "prometheus")
LIMITER = ("processors", "memory_limiter")

# Go's time.ParseDuration.
_DURATION = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)\Z")
_MILLISECOND = 1_000_000  # in nanoseconds: who means less writes a unit
_LETTERS = {str: "s", bool: "b", int: "i", float: "f", list: "l", dict: "m"}
_SHAPES = {"s": "text", "i": "a number", "b": "true or false", "l": "a list", "m": "a mapping"}


class Leaf(NamedTuple):
    """What a scalar may be: letters of shapes, whether text is a duration, and the words that text is one of.

    A value of one of the types in `right` needs no further look.
    """

    shapes: str
    duration: bool
    words: tuple[str, ...]
    any_case: bool
    right: frozenset[type]


def _found(subject: Subject, rule_id: str) -> list[Fault]:
    kept: dict[str, dict[Fault, None]] | None = subject.__dict__.get(_KEPT)
    if kept is None:
        kept = {}
        constrained = ((name, fault) for name in _REASONS for fault in constraints_of(subject, name))
        for rule_name, fault in (*_judge(subject), *constrained):
            kept.setdefault(rule_name, {})[_as_spelled(fault, subject)] = None
        subject.__dict__[_KEPT] = kept
    return list(kept.get(rule_id, ()))


def _as_spelled(fault: Fault, subject: Subject) -> Fault:
    """Return a fault whose fix quotes a value as its file has it: `0123` is 83 for YAML, and another tenant's id."""
    spelled = subject.locate(fault.path).spelled() if fault.fix.startswith(_QUOTE) else ""
    hidden = not spelled or is_secret(fault.path, spelled)
    return fault if hidden else replace(fault, fix=f"{_QUOTE}{spelled}'`.")


def _judge(subject: Subject) -> Iterator[tuple[str, Fault]]:
    allocated = bool(subject.deployment and subject.deployment.target_allocator)
    moved = {
        path for path, _move in movable_settings(subject)
    }  # rules removed-setting and moved-setting know their versions
    in_use = {(role, component_id) for _path, _signal, role, component_id in used_components(subject)}
    for path, (name, fault, needs_use) in _of_settings(subject):
        # A target allocator adds what is missing, but only to the receiver with exactly this name.
        added = allocated and path == ALLOCATED and name == MISSING
        if not added and (name != UNKNOWN or fault.path not in moved):
            yield name, hedged_fault(fault, "no pipeline uses it yet" if needs_use and path not in in_use else "")


@remembered_by_settings
def _of_settings(
    build: Build, section: str, component_id: str, kind: str, settings: Any
) -> Iterator[tuple[str, Fault, bool]]:
    """Yield what the decoder refuses, and whether only in a component that a pipeline uses.

    The table of constraints adds settings of Prometheus.
    """
    row, found, path = build.fields(section, kind), build.find(section, kind), (section, component_id)
    if row and (found or path == TELEMETRY):
        yield from _of_row(build, row, settings, path)
    rows = build.constraints(section, found.type, _typed) if found else Places()
    for (typed, when), place, value in rows.find(settings, path):
        if conditions_hold(when, value):
            for name, fault in walk_fields(build.catalogue.shared_fields, typed["fields"], value, place):
                yield name, hedged_fault(fault, doubt_about(typed, build, section, component_id)), False


def _of_row(build: Build, row: Row, settings: Any, path: Path) -> Iterator[tuple[str, Fault, bool]]:
    """Yield what does not fit the fields of a component."""
    has_own_rule = (path[0], row["type"]) == LIMITER
    missing = () if has_own_rule else _missing(row, settings, path)
    for name, fault in (*walk_fields(build.catalogue.shared_fields, row["fields"], settings, path), *missing):
        needs_use = not row.get("doubt") and name.replace("-", "_") in row.get("when_used", ())
        placed = _with_place(fault, row, path) if name == UNKNOWN else fault
        certain = fault.severity == SLIP and build.is_near(row)
        yield name, placed if certain else hedged_fault(placed, row.get("doubt", "")), needs_use


def _with_place(fault: Fault, row: Row, path: Path) -> Fault:
    """Return a fault of an unknown key that names its place, if the component needs a key of this name elsewhere."""
    key = fault.path[-1]
    needed = (text.rstrip("?") for alternatives in row.get("needs", ()) for text in alternatives)
    place = next((text for text in needed if text.endswith(f".{key}")), "") if fault.path[:-1] == path else ""
    why = f"'{key}' is not a setting here, but below '{place.rpartition('.')[0]}'"
    return replace(fault, message=why, fix=f"Write `{place}`.") if place else fault


def _typed(row: Row) -> tuple[tuple[Row, tuple[Condition, ...]], str] | None:
    return ((row, conditions_of(row)), "") if "fields" in row else None


def walk_fields(shared: Mapping[str, Any], fields: Any, settings: Any, path: Path) -> Iterator[tuple[str, Fault]]:
    """Yield the names of rules with what a value does not take; `shared` has the fields behind `#label`."""
    stack: list[tuple[Path, Any, Any]] = [(path, fields, settings)]
    while stack:
        here, node, value = stack.pop()
        node = shared.get(node, ANY) if isinstance(node, str) and node.startswith(LABEL) else node
        if _is_right(node, value) or (isinstance(value, str) and is_expanded(value)):
            continue
        if node == "lm":
            yield from repeated_names(value, here)
        if node in ("lm", "ml"):  # `ml`: a name may be missing or repeated
            node = PAIRS.get(type(value), node)
        if isinstance(node, dict):
            yield from _in_mapping(node, value, here, stack)
        elif isinstance(node, list):
            yield from _in_list(node, value, here, stack)
        else:
            yield from _scalar(node, value, here)


def _is_right(node: Any, value: Any) -> bool:
    """Whether a value is certainly right, as most are."""
    return value is None or (isinstance(node, str) and type(value) in _leaf(node).right)


def _in_mapping(
    node: dict[str, Any], value: Any, here: Path, stack: list[tuple[Path, Any, Any]]
) -> Iterator[tuple[str, Fault]]:
    if not isinstance(value, dict):
        yield from _shape("m", value, here)
        return
    for key, child in value.items():
        if not isinstance(key, str) or "::" in key:
            continue
        below = node.get(key, node.get(ENTRY))
        if below is not None:
            if not _is_right(below, child):
                stack.append(((*here, key), below, child))
        elif node.get(OPEN, IGNORED) == IGNORED:
            yield UNKNOWN, _unknown_key(key, node, here)


def _unknown_key(key: str, node: dict[str, Any], here: Path) -> Fault:
    """Return the fault of a key that a mapping does not have; one that is nearly a known key is a slip."""
    known = [name for name in node if name != OPEN]
    listed = f"Known here: {', '.join(known)}." if known else "It has no settings."
    why = f"'{key}' is not a setting here{near(key, known)}"
    if OPEN in node:
        return Fault((*here, key), f"{why} (this version ignores it)", listed, severity="warning")
    return Fault((*here, key), why, listed, severity=SLIP if nearest(key, known, _MISSPELT) else "")


def _in_list(
    node: list[Any], value: Any, here: Path, stack: list[tuple[Path, Any, Any]]
) -> Iterator[tuple[str, Fault]]:
    if isinstance(value, list):
        stack.extend(((*here, index), node[1], item) for index, item in enumerate(value))
    else:
        yield from _shape(node[0], value, here)


def _scalar(node: str, value: Any, here: Path) -> Iterator[tuple[str, Fault]]:
    leaf = _leaf(node)
    wrong = list(_shape(leaf.shapes, value, here))
    if wrong or not isinstance(value, str):
        yield from wrong
        if leaf.duration and isinstance(value, (int, float)) and 0 < value < _MILLISECOND:
            message = f"{value} without a unit is {value} nanoseconds"
            yield "invalid-duration", Fault(here, message, f"Write `{value}s`.", severity="warning")
    elif leaf.duration and not _DURATION.match(value):
        yield (
            "invalid-duration",
            Fault(here, f"'{value}' is not a duration", "Write a number with a unit, such as `10s` or `500ms`."),
        )
    elif leaf.words and (value.lower() if leaf.any_case else value) not in leaf.words:
        fix = f"Use one of {', '.join(filter(None, leaf.words))}."
        yield "unknown-value", Fault(here, f"'{value}' is unknown here{near(value, leaf.words)}", fix)


def _shape(shapes: str, value: Any, here: Path) -> Iterator[tuple[str, Fault]]:
    letter = _LETTERS.get(type(value))
    if letter and letter not in shapes:
        wanted = " or ".join(name for key, name in _SHAPES.items() if key in shapes) or "nothing"
        what = {"f": "a number"}.get(letter) or _SHAPES[letter]
        text = str(value).lower() if letter == "b" else value
        quote = f"{_QUOTE}{text}'`." if shapes == "s" and letter in "ibf" else ""
        yield "wrong-type", Fault(here, f"this must be {wanted}, not {what}", quote)


@cache
def _leaf(text: str) -> Leaf:
    """Return `dsif`, `s=a|b` or `s~a|b` taken apart; `?` is anything, and a label says nothing yet."""
    shapes, sign, words = text.partition("~") if "~" in text else text.partition("=")
    duration, shapes = shapes.startswith("d"), shapes.lstrip("d")
    checked = "sif" * duration + "s" * bool(words) + "lm"
    right = {kind for kind, letter in _LETTERS.items() if letter in shapes and letter not in checked}
    known = frozenset(_LETTERS if text == ANY else () if text.startswith(LABEL) else right)
    return Leaf(shapes, duration, tuple(words.split("|")) if words else (), sign == "~", known)


def _missing(row: Row, settings: Any, path: Path) -> Iterator[tuple[str, Fault]]:
    if not isinstance(settings, dict) and settings is not None:
        return
    if any(isinstance(key, str) and "::" in key for key in settings or ()):
        return
    for alternatives in row.get("needs", ()):
        if not any(_given(settings, text) for text in alternatives):
            names = [text.rstrip("?") for text in alternatives]
            one = f"'{names[0]}'" if len(names) == 1 else f"one of {', '.join(names)}"
            yield MISSING, Fault(path, f"{one} is missing", f"Add `{names[0]}`.")


def _given(settings: Any, text: str) -> bool:
    """Whether something stands at a path; with `?`, a key without a value will do. Text to expand may be anything."""
    *around, last = text.rstrip("?").split(".")
    for end in range(len(around) + 1):
        value = at(settings, tuple(around[:end]))
        if isinstance(value, str) and EXPANDED in value:
            return True
    outer = at(settings, tuple(around))
    if not isinstance(outer, dict) or last not in outer:
        return False
    return text.endswith("?") or outer[last] not in (None, "", [], {})


_REASONS = {
    "unknown-field": "Yield keys that a component does not have; the Collector stops with `has invalid keys`.",
    "wrong-type": "Yield values of the wrong type; the Collector does not convert values, not even numbers to text.",
    "invalid-duration": "Yield text that is not a duration, such as a number without a unit.",
    "unknown-value": "Yield values that the setting does not allow.",
    "missing-field": "Yield components that lack a required setting.",
}
RULES = shared_rules(_found, _REASONS)
