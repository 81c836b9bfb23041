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
from typing import Any, NamedTuple

from ..catalogue.field_grammar import (
    ANY_KEY,
    LETTER_OF_TYPE,
    MAPPING,
    UNIQUE_PAIRS,
    Leaf,
    fits_certainly,
    form_for,
    leaf_of,
    resolved,
)
from ..catalogue.rows import IGNORED, OPEN, Row
from ..config.config_secrets import is_secret
from ..config.paths import Path, at
from ..errors import near, nearest
from .build_facts import Build
from .configured_components import TELEMETRY, used_components
from .constraints import EXPANDED, is_expanded
from .deprecated_settings import movable_settings
from .remembered_settings import remembered_by_settings
from .row_certainty import doubt_about, hedged_fault
from .row_conditions import Condition, conditions_hold, conditions_of
from .setting_values import setting_faults as constraints_of
from .subject import Fault, Subject, once, shared_rules
from .text_checks import repeated_names

UNKNOWN, MISSING = "unknown-field", "missing-field"
WRONG_TYPE, INVALID_DURATION, UNKNOWN_VALUE = "wrong-type", "invalid-duration", "unknown-value"
# A key with a slip is an error where the release before or after has the key that is meant.
SLIP, _MISSPELT = "error", 0.8

# The operator writes its settings where a target allocator finds the targets.
ALLOCATED = ("receivers", "prometheus")
LIMITER = ("processors", "memory_limiter")

# Go's time.ParseDuration.
_DURATION = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)\Z")
_MILLISECOND = 1_000_000  # in nanoseconds: who means less writes a unit
# Shapes as people call them, where one is asked for and where one is given.
_SHAPES = {"s": "text", "i": "a number", "b": "true or false", "l": "a list", "m": "a mapping"}
_SHAPE_OF_VALUE = {**_SHAPES, "f": "a number"}


class RuleFault(NamedTuple):
    """A fault with the id of the rule that it is of."""

    rule: str
    fault: Fault


class _Unread(NamedTuple):
    """A value that nobody has looked at, its path, and the node of the catalogue that says what the setting takes."""

    path: Path
    node: Any
    value: Any


def _faults_of(subject: Subject, rule_id: str) -> list[Fault]:
    """Return the faults of one of these rules; all of them are found in one walk."""
    return [found.fault for found in _all_faults(subject) if found.rule == rule_id]


@once
def _all_faults(subject: Subject) -> Iterator[RuleFault]:
    """Yield once each what decoders refuse, then what the table of constraints has for the same rules."""
    yield from dict.fromkeys(_spelled_faults(subject))


def _spelled_faults(subject: Subject) -> Iterator[RuleFault]:
    """Yield all faults, with values as their file spells them."""
    for rule, fault in _refused_by_decoders(subject):
        yield RuleFault(rule, _as_spelled(fault, subject))
    for rule in _REASONS:
        for fault in constraints_of(subject, rule):
            yield RuleFault(rule, fault)


def _as_spelled(fault: Fault, subject: Subject) -> Fault:
    """Return a fault whose fix quotes a value as its file has it: `0123` is 83 for YAML, and another tenant's id."""
    if not fault.quotes_value:
        return fault
    spelled = subject.locate(fault.path).spelled()
    if not spelled or is_secret(fault.path, spelled):
        return fault
    return replace(fault, fix=_fix_with_quotes(spelled))


def _fix_with_quotes(value: Any) -> str:
    return f"Write `'{value}'`."


class _Refusal(NamedTuple):
    """What a decoder refuses, the rule that says so, and whether it does only where a pipeline uses the component."""

    rule: str
    fault: Fault
    needs_use: bool = False


def _refused_by_decoders(subject: Subject) -> Iterator[RuleFault]:
    """Yield what decoders refuse in the settings of this config, by rule."""
    is_allocated = bool(subject.deployment and subject.deployment.target_allocator)
    # The rules removed-setting and moved-setting know the versions of these.
    moved_paths = {path for path, _move in movable_settings(subject)}
    in_use = {(role, component_id) for _path, _signal, role, component_id in used_components(subject)}
    for component, refusal in _refusals(subject):
        # A target allocator adds what is missing, but only to the receiver with exactly this name.
        is_added = is_allocated and component == ALLOCATED and refusal.rule == MISSING
        is_moved = refusal.rule == UNKNOWN and refusal.fault.path in moved_paths
        if is_added or is_moved:
            continue
        is_idle = refusal.needs_use and component not in in_use
        yield RuleFault(refusal.rule, hedged_fault(refusal.fault, "no pipeline uses it yet" if is_idle else ""))


@remembered_by_settings
def _refusals(build: Build, section: str, component_id: str, kind: str, settings: Any) -> Iterator[_Refusal]:
    """Yield what the decoder refuses. The table of constraints adds settings of Prometheus."""
    row, component, path = build.fields(section, kind), build.find(section, kind), (section, component_id)
    if row and (component or path == TELEMETRY):
        yield from _refused_in_component(build, row, settings, path)
    if component is None:
        return
    rows = build.constraints(section, component.type, _with_fields)
    for (fields_row, when), place, value in rows.find(settings, path):
        if conditions_hold(when, value):
            doubt = doubt_about(fields_row, build, section, component_id)
            for rule, fault in walk_fields(build.catalogue.shared_fields, fields_row["fields"], value, place):
                yield _Refusal(rule, hedged_fault(fault, doubt))


def _refused_in_component(build: Build, row: Row, settings: Any, path: Path) -> Iterator[_Refusal]:
    """Yield what does not fit the fields of a component."""
    doubt = row.get("doubt", "")
    for rule, fault in _unfit_settings(build, row, settings, path):
        needs_use = not doubt and rule.replace("-", "_") in row.get("when_used", ())
        placed = _with_place(fault, row, path) if rule == UNKNOWN else fault
        is_certain = fault.severity == SLIP and build.is_near(row)
        yield _Refusal(rule, placed if is_certain else hedged_fault(placed, doubt), needs_use)


def _unfit_settings(build: Build, row: Row, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield what does not fit, then what is missing: of memory_limiter, a rule of its own says that."""
    yield from walk_fields(build.catalogue.shared_fields, row["fields"], settings, path)
    if (path[0], row["type"]) != LIMITER:
        yield from _missing_settings(row, settings, path)


def _with_place(fault: Fault, row: Row, path: Path) -> Fault:
    """Return a fault of an unknown key that names its place, if the component needs a key of this name elsewhere."""
    if fault.path[:-1] != path:
        return fault
    key = fault.path[-1]
    for alternatives in row.get("needs", ()):
        for text in alternatives:
            place = text.rstrip("?")
            if place.endswith(f".{key}"):
                why = f"'{key}' is not a setting here, but below '{place.rpartition('.')[0]}'"
                return replace(fault, message=why, fix=f"Write `{place}`.")
    return fault


def _with_fields(row: Row) -> tuple[tuple[Row, tuple[Condition, ...]], str] | None:
    """Return a row of constraints that has fields, with its conditions; no key must be given for it to hold."""
    return ((row, conditions_of(row)), "") if "fields" in row else None


def walk_fields(shared: Mapping[str, Any], fields: Any, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield the faults of what settings do not take; `shared` has the fields behind `#label`."""
    stack = [_Unread(path, fields, settings)]
    while stack:
        here, node, value = stack.pop()
        node = resolved(node, shared)
        if fits_certainly(node, value) or (isinstance(value, str) and is_expanded(value)):
            continue
        if node == UNIQUE_PAIRS:
            for rule, fault in repeated_names(value, here):
                yield RuleFault(rule, fault)
        form = form_for(node, value)
        yield from _faults_of_value(form, value, here)
        stack.extend(_values_below(form, value, here))


def _faults_of_value(form: Any, value: Any, here: Path) -> Iterator[RuleFault]:
    """Yield the faults of a value itself, without those of what is below it."""
    if isinstance(form, dict):
        yield from _mapping_faults(form, value, here)
    elif isinstance(form, list):
        if not isinstance(value, list):
            yield from _shape_faults(form[0], value, here)
    else:
        yield from _leaf_faults(form, value, here)


def _values_below(form: Any, value: Any, here: Path) -> Iterator[_Unread]:
    """Yield what is to be looked at below a value: the settings of a mapping that are known, or the items of a list."""
    if isinstance(form, dict) and isinstance(value, dict):
        for key, child in value.items():
            node = _node_of_key(form, key) if _is_setting(key) else None
            if node is not None and not fits_certainly(node, child):
                yield _Unread((*here, key), node, child)
    elif isinstance(form, list) and isinstance(value, list):
        for index, item in enumerate(value):
            yield _Unread((*here, index), form[1], item)


def _is_setting(key: Any) -> bool:
    """Whether a key of a config is one setting; `::` in a key stands for several, below each other."""
    return isinstance(key, str) and "::" not in key


def _node_of_key(form: dict[str, Any], key: str) -> Any:
    """Return what a setting of a mapping takes; None for one that the mapping does not have."""
    return form.get(key, form.get(ANY_KEY))


def _mapping_faults(form: dict[str, Any], value: Any, here: Path) -> Iterator[RuleFault]:
    """Yield that a value is no mapping, or its unknown keys."""
    if not isinstance(value, dict):
        yield from _shape_faults(MAPPING, value, here)
        return
    takes_unknown_keys = form.get(OPEN, IGNORED) != IGNORED
    if takes_unknown_keys:
        return
    for key in value:
        if _is_setting(key) and _node_of_key(form, key) is None:
            yield RuleFault(UNKNOWN, _unknown_key(key, form, here))


def _unknown_key(key: str, form: dict[str, Any], here: Path) -> Fault:
    """Return the fault of a key that a mapping does not have; one that is nearly a known key is a slip."""
    known = [name for name in form if name != OPEN]
    listed = f"Known here: {', '.join(known)}." if known else "It has no settings."
    why = f"'{key}' is not a setting here{near(key, known)}"
    if OPEN in form:
        return Fault((*here, key), f"{why} (this version ignores it)", listed, severity="warning")
    is_slip = bool(nearest(key, known, _MISSPELT))
    return Fault((*here, key), why, listed, severity=SLIP if is_slip else "")


def _leaf_faults(node: str, value: Any, here: Path) -> Iterator[RuleFault]:
    """Yield why a value does not fit a node of letters, such as `dsif` or `s=a|b`."""
    leaf = leaf_of(node)
    wrong_shape = list(_shape_faults(leaf.shapes, value, here))
    if wrong_shape:
        yield from wrong_shape
    elif isinstance(value, str):
        yield from _text_faults(leaf, value, here)
    elif leaf.is_duration:
        yield from _unit_faults(value, here)


def _text_faults(leaf: Leaf, text: str, here: Path) -> Iterator[RuleFault]:
    """Yield that a text is no duration, or none of the words of a setting."""
    if leaf.is_duration and not _DURATION.match(text):
        fix = "Write a number with a unit, such as `10s` or `500ms`."
        yield RuleFault(INVALID_DURATION, Fault(here, f"'{text}' is not a duration", fix))
    elif leaf.words and not leaf.has_word(text):
        fix = f"Use one of {', '.join(filter(None, leaf.words))}."
        yield RuleFault(UNKNOWN_VALUE, Fault(here, f"'{text}' is unknown here{near(text, leaf.words)}", fix))


def _unit_faults(value: Any, here: Path) -> Iterator[RuleFault]:
    """Yield that a number is a duration of less than a millisecond: who means seconds forgot the unit."""
    if isinstance(value, (int, float)) and 0 < value < _MILLISECOND:
        message = f"{value} without a unit is {value} nanoseconds"
        yield RuleFault(INVALID_DURATION, Fault(here, message, f"Write `{value}s`.", severity="warning"))


def _shape_faults(shapes: str, value: Any, here: Path) -> Iterator[RuleFault]:
    """Yield that a value is of another shape than the letters say."""
    letter = LETTER_OF_TYPE.get(type(value))
    if letter is None or letter in shapes:
        return
    expected = [name for known_letter, name in _SHAPES.items() if known_letter in shapes]
    if letter == "f" and "i" in shapes:
        whole = " or ".join(expected).replace(_SHAPES["i"], "a whole number")
        message = f"this must be {whole}, not a decimal number"
        yield RuleFault(WRONG_TYPE, Fault(here, message, "Write a whole number."))
        return
    message = f"this must be {' or '.join(expected) or 'nothing'}, not {_SHAPE_OF_VALUE[letter]}"
    needs_quotes = shapes == "s" and letter in "ibf"
    text = str(value).lower() if letter == "b" else value
    fix = _fix_with_quotes(text) if needs_quotes else ""
    yield RuleFault(WRONG_TYPE, Fault(here, message, fix, quotes_value=needs_quotes))


def _missing_settings(row: Row, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield the settings that a component needs and does not have; `::` in a key may bring any of them."""
    if not isinstance(settings, dict) and settings is not None:
        return
    if any(isinstance(key, str) and "::" in key for key in settings or ()):
        return
    for alternatives in row.get("needs", ()):
        if not any(_is_given(settings, text) for text in alternatives):
            names = [text.rstrip("?") for text in alternatives]
            what = f"'{names[0]}'" if len(names) == 1 else f"one of {', '.join(names)}"
            yield RuleFault(MISSING, Fault(path, f"{what} is missing", f"Add `{names[0]}`."))


def _is_given(settings: Any, text: str) -> bool:
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
RULES = shared_rules(_faults_of, _REASONS)
