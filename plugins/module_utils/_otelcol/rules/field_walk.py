# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk through the settings of a component: the keys, types and values that its decoder does not take.

Source: _data/catalogue/fields.json, whose grammar catalogue/field_grammar.py reads. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
from ..catalogue.rows import IGNORED, OPEN
from ..config.paths import Path
from ..errors import near, nearest
from .constraints import DURATION, WORD, is_expanded
from .subject import Fault
from .text_checks import repeated_names

UNKNOWN_FIELD, WRONG_TYPE = "unknown-field", "wrong-type"
# A key with a slip is an error where the release before or after has the key that is meant.
SLIP, _MISSPELT = "error", 0.8
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
            yield RuleFault(UNKNOWN_FIELD, _unknown_key(key, form, here))


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
        yield RuleFault(DURATION, Fault(here, f"'{text}' is not a duration", fix))
    elif leaf.words and not leaf.has_word(text):
        fix = f"Use one of {', '.join(filter(None, leaf.words))}."
        yield RuleFault(WORD, Fault(here, f"'{text}' is unknown here{near(text, leaf.words)}", fix))


def _unit_faults(value: Any, here: Path) -> Iterator[RuleFault]:
    """Yield that a number is a duration of less than a millisecond: who means seconds forgot the unit."""
    if isinstance(value, (int, float)) and 0 < value < _MILLISECOND:
        message = f"{value} without a unit is {value} nanoseconds"
        yield RuleFault(DURATION, Fault(here, message, f"Write `{value}s`.", severity="warning"))


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
    fix = fix_with_quotes(text) if needs_quotes else ""
    yield RuleFault(WRONG_TYPE, Fault(here, message, fix, quotes_value=needs_quotes))


def fix_with_quotes(value: Any) -> str:
    """Return the fix for a value that has to be a text."""
    return f"Write `'{value}'`."
