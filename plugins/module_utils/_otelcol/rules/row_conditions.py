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
| `a|` | a, or not given; null, `[]` and an empty text count as not given here |
| `!a` | anything but a |
| `~a` | a in any case |
| `*` | given, with any value |
| `!*` | not given |
| `{}` | a mapping, which may be empty |
| `null` | a key without a value |
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..catalogue.rows import ANY_KEY, Row
from ..config.paths import Path, value_at
from .given_values import EXPANSION_START, split_key

# The words of a condition for values that are no scalar.
_WORD_BY_TYPE = {dict: "{}", type(None): "null"}
# The words for which null stands: the decoder reads it as the zero of the setting's type.
_WORDS_OF_NULL = frozenset({"false", "0"})


class RowCondition(NamedTuple):
    """What a setting has to be. A setting that is a list meets it if one of the items does."""

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
    """Whether settings meet a condition; one on a value that has a variable is not met."""
    value = value_at(settings, condition.path, "")
    words = condition.words
    if words is not None and isinstance(value, list) and value:  # an empty list is like an empty text
        has_word = any(list_item in words for list_item in value)
        return has_word is not condition.is_negated
    text = _spell_value(value, condition.ignores_case)
    if EXPANSION_START in text:
        return False
    if words is None:
        # A key with null is there, and has no value, so it meets neither `*` nor `!*`.
        return value == "" if condition.is_negated else bool(text)
    # `!false` and `!0` are not met by null, which the decoder reads as just that.
    if condition.is_negated and value is None and not _WORDS_OF_NULL.isdisjoint(words):
        return False
    is_among_words = text in words or _WORD_BY_TYPE.get(type(value)) in words
    return is_among_words is not condition.is_negated


def _spell_value(value: Any, ignores_case: bool) -> str:
    """Return a value as a row of the table spells it: `true` for true; null, `[]` and `{}` are an empty text."""
    if isinstance(value, str):
        return value.lower() if ignores_case else value
    if value in (None, [], {}):
        return ""
    is_lower = ignores_case or isinstance(value, bool)
    return str(value).lower() if is_lower else str(value)
