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

from ..catalogue.rows import IGNORED, OPEN, Row
from ..config.config_secrets import is_secret
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
_SHAPE_OF_VALUE = {**_SHAPES, "f": "a number"}
_Unread = tuple[Path, Any, Any]  # the path of a value, what the catalogue has for it, and the value


class Leaf(NamedTuple):
    """What a scalar may be: letters of shapes, whether text is a duration, and the words that text is one of.

    A value of one of the types in `right` needs no further look.
    """

    shapes: str
    duration: bool
    words: tuple[str, ...]
    any_case: bool
    right: frozenset[type]

    def has_word(self, text: str) -> bool:
        """Whether text is one of the words."""
        return (text.lower() if self.any_case else text) in self.words


def _faults_of(subject: Subject, rule_id: str) -> list[Fault]:
    """Return the faults of one of these rules; all of them are found in one walk, which is kept with the subject."""
    kept: dict[str, dict[Fault, None]] | None = subject.__dict__.get(_KEPT)
    if kept is None:
        kept = {}
        for rule_name, fault in _all_faults(subject):
            kept.setdefault(rule_name, {})[_as_spelled(fault, subject)] = None
        subject.__dict__[_KEPT] = kept  # not before: after a mistake in the walk, no rule knows all of its faults
    return list(kept.get(rule_id, ()))


def _all_faults(subject: Subject) -> Iterator[tuple[str, Fault]]:
    """Yield what decoders refuse, then what the table of constraints has for the same rules."""
    yield from _refused_by_decoders(subject)
    for rule_name in _REASONS:
        for fault in constraints_of(subject, rule_name):
            yield rule_name, fault


def _as_spelled(fault: Fault, subject: Subject) -> Fault:
    """Return a fault whose fix quotes a value as its file has it: `0123` is 83 for YAML, and another tenant's id."""
    if not fault.fix.startswith(_QUOTE):
        return fault
    spelled = subject.locate(fault.path).spelled()
    if not spelled or is_secret(fault.path, spelled):
        return fault
    return replace(fault, fix=f"{_QUOTE}{spelled}'`.")


class _Refusal(NamedTuple):
    """What a decoder refuses, the rule that says so, and whether it does only where a pipeline uses the component."""

    rule: str
    fault: Fault
    needs_use: bool = False


def _refused_by_decoders(subject: Subject) -> Iterator[tuple[str, Fault]]:
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
        yield refusal.rule, hedged_fault(refusal.fault, "no pipeline uses it yet" if is_idle else "")


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


def _unfit_settings(build: Build, row: Row, settings: Any, path: Path) -> Iterator[tuple[str, Fault]]:
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


def walk_fields(shared: Mapping[str, Any], fields: Any, settings: Any, path: Path) -> Iterator[tuple[str, Fault]]:
    """Yield the names of rules with what a value does not take; `shared` has the fields behind `#label`."""
    stack: list[_Unread] = [(path, fields, settings)]
    while stack:
        here, node, value = stack.pop()
        if isinstance(node, str) and node.startswith(LABEL):
            node = shared.get(node, ANY)
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
            yield from _wrong_scalar(node, value, here)


def _is_right(node: Any, value: Any) -> bool:
    """Whether a value is certainly right, as most are."""
    if value is None:
        return True
    return isinstance(node, str) and type(value) in _leaf_of(node).right


def _in_mapping(node: dict[str, Any], value: Any, here: Path, stack: list[_Unread]) -> Iterator[tuple[str, Fault]]:
    """Yield the unknown keys of a mapping, and put what stands below the known ones on the stack."""
    if not isinstance(value, dict):
        yield from _wrong_shape("m", value, here)
        return
    takes_any_key = node.get(OPEN, IGNORED) != IGNORED
    for key, child in value.items():
        if not isinstance(key, str) or "::" in key:
            continue
        below = node.get(key, node.get(ENTRY))
        if below is None:
            if not takes_any_key:
                yield UNKNOWN, _unknown_key(key, node, here)
        elif not _is_right(below, child):
            stack.append(((*here, key), below, child))


def _unknown_key(key: str, node: dict[str, Any], here: Path) -> Fault:
    """Return the fault of a key that a mapping does not have; one that is nearly a known key is a slip."""
    known = [name for name in node if name != OPEN]
    listed = f"Known here: {', '.join(known)}." if known else "It has no settings."
    why = f"'{key}' is not a setting here{near(key, known)}"
    if OPEN in node:
        return Fault((*here, key), f"{why} (this version ignores it)", listed, severity="warning")
    is_slip = bool(nearest(key, known, _MISSPELT))
    return Fault((*here, key), why, listed, severity=SLIP if is_slip else "")


def _in_list(node: list[Any], value: Any, here: Path, stack: list[_Unread]) -> Iterator[tuple[str, Fault]]:
    """Put the items of a list on the stack, or yield that a value is no list."""
    if isinstance(value, list):
        stack.extend(((*here, index), node[1], item) for index, item in enumerate(value))
    else:
        yield from _wrong_shape(node[0], value, here)


def _wrong_scalar(node: str, value: Any, here: Path) -> Iterator[tuple[str, Fault]]:
    """Yield why a scalar does not fit what the catalogue has for it in letters, such as `dsif` or `s=a|b`."""
    leaf = _leaf_of(node)
    wrong_shape = list(_wrong_shape(leaf.shapes, value, here))
    if wrong_shape or not isinstance(value, str):
        yield from wrong_shape
        if leaf.duration and not wrong_shape:
            yield from _without_unit(value, here)
    elif leaf.duration and not _DURATION.match(value):
        fix = "Write a number with a unit, such as `10s` or `500ms`."
        yield "invalid-duration", Fault(here, f"'{value}' is not a duration", fix)
    elif leaf.words and not leaf.has_word(value):
        fix = f"Use one of {', '.join(filter(None, leaf.words))}."
        yield "unknown-value", Fault(here, f"'{value}' is unknown here{near(value, leaf.words)}", fix)


def _without_unit(value: Any, here: Path) -> Iterator[tuple[str, Fault]]:
    """Yield that a number is a duration of less than a millisecond: who means seconds forgot the unit."""
    if isinstance(value, (int, float)) and 0 < value < _MILLISECOND:
        message = f"{value} without a unit is {value} nanoseconds"
        yield "invalid-duration", Fault(here, message, f"Write `{value}s`.", severity="warning")


def _wrong_shape(shapes: str, value: Any, here: Path) -> Iterator[tuple[str, Fault]]:
    """Yield that a value is of another shape than the letters say."""
    letter = _LETTERS.get(type(value))
    if letter is None or letter in shapes:
        return
    expected = [name for known_letter, name in _SHAPES.items() if known_letter in shapes]
    if letter == "f" and "i" in shapes:
        whole = " or ".join(expected).replace(_SHAPES["i"], "a whole number")
        yield "wrong-type", Fault(here, f"this must be {whole}, not a decimal number", "Write a whole number.")
        return
    message = f"this must be {' or '.join(expected) or 'nothing'}, not {_SHAPE_OF_VALUE[letter]}"
    needs_quotes = shapes == "s" and letter in "ibf"
    text = str(value).lower() if letter == "b" else value
    yield "wrong-type", Fault(here, message, f"{_QUOTE}{text}'`." if needs_quotes else "")


@cache
def _leaf_of(text: str) -> Leaf:
    """Return `dsif`, `s=a|b` or `s~a|b` taken apart; `?` is anything, and a label says nothing yet."""
    shapes, sign, words = text.partition("~") if "~" in text else text.partition("=")
    is_duration, shapes = shapes.startswith("d"), shapes.lstrip("d")
    return Leaf(
        shapes,
        is_duration,
        tuple(words.split("|")) if words else (),
        any_case=sign == "~",
        right=_types_without_doubt(text, shapes, is_duration, has_words=bool(words)),
    )


def _types_without_doubt(text: str, shapes: str, is_duration: bool, *, has_words: bool) -> frozenset[type]:
    """Return the types whose values fit, whatever they are: not text that has to be a word or a duration."""
    if text == ANY:
        return frozenset(_LETTERS)
    if text.startswith(LABEL):
        return frozenset()
    looked_at = "lm"
    if is_duration:
        looked_at += "sif"
    if has_words:
        looked_at += "s"
    return frozenset(kind for kind, letter in _LETTERS.items() if letter in shapes and letter not in looked_at)


def _missing_settings(row: Row, settings: Any, path: Path) -> Iterator[tuple[str, Fault]]:
    """Yield the settings that a component needs and does not have; `::` in a key may bring any of them."""
    if not isinstance(settings, dict) and settings is not None:
        return
    if any(isinstance(key, str) and "::" in key for key in settings or ()):
        return
    for alternatives in row.get("needs", ()):
        if not any(_is_given(settings, text) for text in alternatives):
            names = [text.rstrip("?") for text in alternatives]
            what = f"'{names[0]}'" if len(names) == 1 else f"one of {', '.join(names)}"
            yield MISSING, Fault(path, f"{what} is missing", f"Add `{names[0]}`.")


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
