# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the conditions of a row of constraints.json, and says whether settings meet them. Private.

The conditions of a row are the keys `when` and `around`, which constraint_rows.py and setting_fields.py read. A
condition is a setting and a text. For example, settings meet `{"tls.mode": "~a|b"}` if `tls: {mode: B}` is in them. The
text means:

| text | the setting has to be |
|---|---|
| `a|b` | a or b |
| `a|` | a, or not given; null, `[]`, `{}` and an empty text count as not given here |
| `!a` | anything but a |
| `~a` | a in any case |
| `*` | given, with any value but null, `[]`, `{}` and an empty text |
| `!*` | not given, or an empty text |
| `{}` | a mapping, which may be empty |
| `null` | a key without a value |

A list meets a condition on words if one of its items does: `["a", "b"]` meets `a`, and not `!a`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..catalogue.rows import ANY_KEY, Row
from ..config.paths import Path, value_at
from .given_values import EXPANSION_START, split_key

# What a setting is if it is not given. Conditions do not tell it from an empty text.
_NOT_GIVEN = ""
# Values that are no text, and that are spelled as an empty one.
_EMPTY_VALUES: tuple[Any, ...] = (None, [], {})
_MAPPING_WORD = "{}"
_NULL_WORD = "null"
# The zeros of settings that are true or false, and of numbers. The decoder reads null as such a zero.
_ZEROS = ("false", "0")


class RowCondition(NamedTuple):
    """What a setting has to be."""

    path: Path
    """Leads to the setting: `("tls", "mode")`."""
    ignores_case: bool
    is_negated: bool
    """Whether the setting has to be none of the words, or has to be absent if `words` is None."""
    words: list[str] | None
    """The values that are meant; None means any value."""


def read_conditions(row: Row, key: str = "when") -> tuple[RowCondition, ...]:
    """Return the conditions at a key of a row, `when` or `around`; none if the row lacks the key."""
    return tuple(_parse_condition(setting, text) for setting, text in row.get(key, {}).items())


def _parse_condition(setting: str, condition_text: str) -> RowCondition:
    """Return the condition of a setting such as `tls.mode`, given its text as the table above has it."""
    ignores_case = condition_text.startswith("~")
    marked_words = condition_text.removeprefix("~")
    is_negated = marked_words.startswith("!")
    words = marked_words.removeprefix("!")
    if words == ANY_KEY:
        meant_words = None
    elif is_negated:
        meant_words = [words]
    else:
        meant_words = words.split("|")
    return RowCondition(split_key(setting), ignores_case, is_negated, meant_words)


def has_required_values(conditions: Iterable[RowCondition], settings: Any) -> bool:
    """Whether settings meet all conditions."""
    return all(_is_met(condition, settings) for condition in conditions)


def _is_met(condition: RowCondition, settings: Any) -> bool:
    """Whether settings meet a condition."""
    value = value_at(settings, condition.path, _NOT_GIVEN)
    if condition.words is None:
        return _has_required_presence(value, condition.is_negated)
    if isinstance(value, list) and value:
        # Items are compared as they stand: `~` is for settings with one word.
        has_word = any(list_item in condition.words for list_item in value)
        return has_word is not condition.is_negated
    return _has_required_word(value, condition, condition.words)


def _has_required_presence(value: Any, is_negated: bool) -> bool:
    """Whether a value meets `*`, or `!*` if this is negated. Nobody knows whether a variable has a value."""
    if EXPANSION_START in str(value):
        return False
    if is_negated:
        return bool(value == _NOT_GIVEN)
    return value != _NOT_GIVEN and value not in _EMPTY_VALUES


def _has_required_word(value: Any, condition: RowCondition, words: Iterable[str]) -> bool:
    """Whether a value that is no list is among the words of a condition, or is not if the condition is negated.

    Nobody knows the value of a variable, so it meets neither.
    """
    text = _spell_value(value, condition.ignores_case)
    if EXPANSION_START in text:
        return False
    spellings = {text}
    if isinstance(value, dict):
        spellings.add(_MAPPING_WORD)
    if value is None:
        spellings.add(_NULL_WORD)
        if condition.is_negated:
            # Null is as good as a zero, so it does not meet `!false`. For `false`, the word itself has to be there.
            spellings.update(_ZEROS)
    has_word = not spellings.isdisjoint(words)
    return has_word is not condition.is_negated


def _spell_value(value: Any, ignores_case: bool) -> str:
    """Return a value as a condition spells it: `true` for true, and an empty text for null, `[]` and `{}`."""
    if isinstance(value, str):
        return value.lower() if ignores_case else value
    if value in _EMPTY_VALUES:
        return ""
    is_lower = ignores_case or isinstance(value, bool)
    return str(value).lower() if is_lower else str(value)
