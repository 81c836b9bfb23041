# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds keys, types and values in the settings of a component that its decoder does not take. Private.

Each row of table `fields` (_data/catalogue/fields.json) has a node for the settings of a type. A node says what a
setting takes. catalogue/field_grammar.py has the whole grammar; most nodes are letters:

- `s` is a text, `i` a whole number, `f` any number, `b` true or false, `l` a list, `m` a mapping.
- Several letters mean that each of these fits. After `d`, a text has to be a duration.
- `s=a|b` is one of two words.

A mapping of settings is a mapping of nodes, and a list is a pair of its letters and the node of its items. For example,
the node `{"endpoint": "s", "timeout": "dsif"}` says that there are two settings, a text and a duration. In
the settings `{endpoint: 4317, timeout: 10, tls: {}}` the walk finds:

| at | rule | fault |
|---|---|---|
| `tls` | unknown-field | 'tls' is not a setting here |
| `timeout` | invalid-duration | 10 without a unit is 10 nanoseconds |
| `endpoint` | wrong-type | this must be text, not a number |

setting_fields.py makes rules of it, and custom_resource_rules.py walks through custom resources. A form is the part of
a node that is for a value, as a setting may take a text or a mapping.
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
    choose_form,
    is_certain_fit,
    parse_leaf,
    resolve_label,
)
from ..catalogue.rows import IGNORED_VERSION, OPEN_MAPPING
from ..config.paths import Path
from ..errors import find_nearest, suggest_word
from ..needs.quantities import UNITS_OF_GO
from .amounts import duration_in_seconds
from .constraints import INVALID_DURATION, UNKNOWN_FIELD, UNKNOWN_VALUE, RuleFault
from .given_values import is_expanded
from .rule_definitions import SEVERITY_OF_RULE, Fault
from .text_checks import find_repeated_names

WRONG_TYPE = "wrong-type"  # the id of the rule
# The severity of a misspelt key, which is nearly a known one, even if only the release before or after is known.
SLIP_SEVERITY = "error"
# What a message says of an unknown key; a suggestion follows, such as `; did you mean 'logs'?`.
NOT_A_SETTING = "is not a setting here"
# How alike a misspelt key and the known one are at least, between 0 and 1.
_LEAST_SIMILARITY = 0.8
# A duration such as `-1h30m`, `.5s` or `0`. Source: time.ParseDuration of Go.
_DURATION = re.compile(rf"[+-]?(0|((\d+(\.\d*)?|\.\d+)({UNITS_OF_GO}))+)\Z")
# Go counts a duration in nanoseconds, in 64 bits. The longest one in whole hours.
_LONGEST_SECONDS = (2**63 - 1) / 1_000_000_000
_MOST_HOURS = "2562047h"
# In nanoseconds. Whoever writes a smaller number without a unit means seconds.
_MILLISECOND = 1_000_000
# The shapes of values by their letters, as messages name them: what is asked for, and what is given.
_SHAPES_IN_WORDS = {"s": "text", "i": "a number", "b": "true or false", "l": "a list", "m": "a mapping"}
_SHAPE_OF_VALUE = {**_SHAPES_IN_WORDS, "f": "a number"}


class _UnreadValue(NamedTuple):
    """A value that is still to be checked, its path, and the node that says what the setting takes."""

    path: Path
    catalogue_node: Any
    value: Any


def walk_fields(shared: Mapping[str, Any], fields: Any, settings: Any, path: Path) -> Iterator[RuleFault]:
    """Yield a fault for each key, type and value that settings do not take.

    `fields` is the node of the settings, and `shared` has the node of each `#label`. The walk is a loop, so that deep
    settings cannot exhaust the stack.
    """
    stack = [_UnreadValue(path, fields, settings)]
    while stack:
        value_path, node, value = stack.pop()
        node = resolve_label(node, shared)
        if is_certain_fit(node, value) or (isinstance(value, str) and is_expanded(value)):
            continue
        if node == UNIQUE_PAIRS:
            yield from find_repeated_names(value, value_path)
        form = choose_form(node, value)
        yield from _find_value_faults(form, value, value_path)
        stack.extend(_list_values_below(form, value, value_path))


def _find_value_faults(form: Any, value: Any, value_path: Path) -> Iterator[RuleFault]:
    """Yield the faults of a value itself, without those of what is below it."""
    if isinstance(form, dict):
        yield from _find_mapping_faults(form, value, value_path)
    elif isinstance(form, list):
        if not isinstance(value, list):
            list_letters, _item_node = form
            yield from _find_shape_faults(list_letters, value, value_path)
    else:
        yield from _find_leaf_faults(form, value, value_path)


def _list_values_below(form: Any, value: Any, value_path: Path) -> Iterator[_UnreadValue]:
    """Yield what the walk has to check below a value: the known settings of a mapping, or the items of a list."""
    if isinstance(form, dict) and isinstance(value, dict):
        for key, child in value.items():
            node = _find_key_node(form, key) if _is_setting(key) else None
            if node is not None and not is_certain_fit(node, child):
                yield _UnreadValue((*value_path, key), node, child)
    elif isinstance(form, list) and isinstance(value, list):
        _list_letters, item_node = form
        for index, element in enumerate(value):
            yield _UnreadValue((*value_path, index), item_node, element)


def _is_setting(key: Any) -> bool:
    """Whether a key of a config is one setting; `tls::ca_file` stands for two, one below the other."""
    return isinstance(key, str) and "::" not in key


def _find_key_node(form: dict[str, Any], key: str) -> Any:
    """Return the node of a setting in a mapping; None if the mapping does not have the setting."""
    return form.get(key, form.get(ANY_KEY))


def _find_mapping_faults(form: dict[str, Any], value: Any, value_path: Path) -> Iterator[RuleFault]:
    """Yield that a value is no mapping, or its unknown keys."""
    if not isinstance(value, dict):
        yield from _find_shape_faults(MAPPING, value, value_path)
        return
    takes_unknown_keys = form.get(OPEN_MAPPING, IGNORED_VERSION) != IGNORED_VERSION
    if takes_unknown_keys:
        return
    for key in value:
        if _is_setting(key) and _find_key_node(form, key) is None:
            yield RuleFault(UNKNOWN_FIELD, _describe_unknown_key(key, form, value_path))


def _describe_unknown_key(key: str, form: dict[str, Any], value_path: Path) -> Fault:
    """Return the fault of a key that a mapping does not have: a warning if the Collector ignores unknown keys there."""
    known_keys = [name for name in form if name != OPEN_MAPPING]
    hint = f"Known here: {', '.join(known_keys)}." if known_keys else "It has no settings."
    why = f"'{key}' {NOT_A_SETTING}{suggest_word(key, known_keys)}"
    if OPEN_MAPPING in form:
        return Fault((*value_path, key), f"{why} (this version ignores it)", hint, severity="warning")
    is_slip = bool(find_nearest(key, known_keys, _LEAST_SIMILARITY))
    return Fault((*value_path, key), why, hint, severity=SLIP_SEVERITY if is_slip else SEVERITY_OF_RULE)


def _find_leaf_faults(node: str, value: Any, value_path: Path) -> Iterator[RuleFault]:
    """Yield why a value does not fit a node of letters, such as `dsif` (a duration) or `s=a|b` (one of two words)."""
    leaf = parse_leaf(node)
    shape_faults = list(_find_shape_faults(leaf.shape_letters, value, value_path))
    if shape_faults:
        yield from shape_faults
    elif isinstance(value, str):
        yield from _find_text_faults(leaf, value, value_path)
    elif leaf.is_duration:
        yield from _find_unit_faults(value, value_path)


def _find_text_faults(leaf: Leaf, text: str, value_path: Path) -> Iterator[RuleFault]:
    """Yield that a text is no duration, or none of the words of a setting."""
    if leaf.is_duration and not _DURATION.match(text):
        fix = "Write a number with a unit, such as `10s` or `500ms`."
        yield RuleFault(INVALID_DURATION, Fault(value_path, f"'{text}' is not a duration", fix))
    elif leaf.is_duration and duration_in_seconds(text) > _LONGEST_SECONDS:
        message = f"'{text}' is longer than the Collector counts"
        yield RuleFault(INVALID_DURATION, Fault(value_path, message, f"Write at most {_MOST_HOURS}."))
    elif leaf.allowed_words and not leaf.has_word(text):
        fix = f"Use one of {', '.join(filter(None, leaf.allowed_words))}."
        yield RuleFault(
            UNKNOWN_VALUE, Fault(value_path, f"'{text}' is unknown here{suggest_word(text, leaf.allowed_words)}", fix)
        )


def _find_unit_faults(value: Any, value_path: Path) -> Iterator[RuleFault]:
    """Yield that a number is a duration of less than a millisecond: somebody forgot the unit."""
    if isinstance(value, (int, float)) and 0 < value < _MILLISECOND:
        message = f"{value} without a unit is {value} nanoseconds"
        yield RuleFault(INVALID_DURATION, Fault(value_path, message, f"Write `{value}s`.", severity="warning"))


def _find_shape_faults(shape_letters: str, value: Any, value_path: Path) -> Iterator[RuleFault]:
    """Yield that a value has another shape than the letters allow, such as a number for `s`, which takes text."""
    letter = LETTER_OF_TYPE.get(type(value))
    if letter is None or letter in shape_letters:
        return
    expected_shapes = _describe_shapes(shape_letters)
    if letter == "f" and "i" in shape_letters:
        expected_shapes = expected_shapes.replace(_SHAPES_IN_WORDS["i"], "a whole number")
        message = f"this must be {expected_shapes}, not a decimal number"
        yield RuleFault(WRONG_TYPE, Fault(value_path, message, "Write a whole number."))
        return
    message = f"this must be {expected_shapes}, not {_SHAPE_OF_VALUE[letter]}"
    needs_quotes = shape_letters == "s" and letter in "ibf"
    fix = describe_quoting_fix(value) if needs_quotes else ""
    yield RuleFault(WRONG_TYPE, Fault(value_path, message, fix, quotes_value=needs_quotes))


def _describe_shapes(shape_letters: str) -> str:
    """Return the shapes of values that letters stand for: `text or a number` for `si`."""
    shapes = [shape for letter, shape in _SHAPES_IN_WORDS.items() if letter in shape_letters]
    return " or ".join(shapes) or "nothing"


def describe_quoting_fix(value: Any) -> str:
    """Return the fix for a value that has to be a text: ``Write `'8080'`.`` for 8080."""
    text = str(value).lower() if isinstance(value, bool) else value
    return f"Write `'{text}'`."
