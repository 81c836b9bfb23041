# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of a row of constraints.json: the values of settings for which it holds. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..catalogue.rows import ANY_KEY, Row
from ..config.paths import Path, value_at
from .constraints import EXPANSION_START, split_key

_SHAPES = {dict: "{}", type(None): "null"}
_ZEROS = frozenset({"false", "0"})  # what null is for the decoder


class Condition(NamedTuple):
    """A setting, and the words that it has to be one of; None is any text. `is_negated` turns both into the opposite.

    A list fits if one of its items does.
    """

    path: Path
    ignores_case: bool
    is_negated: bool
    allowed_words: list[str] | None


def read_conditions(row: Row, key: str = "when") -> tuple[Condition, ...]:
    """Return the values of settings that a row is about.

    `*` is any, `!*` that there is none, `!a` any but a, `~a` is a in any case, `{}` is a mapping, which may be empty,
    and `null` is a key without a value.
    """
    conditions = []
    for setting, condition_text in row.get(key, {}).items():
        condition_words = condition_text.removeprefix("~")
        is_any_case = condition_words != condition_text
        is_refused = condition_words.startswith("!")
        conditions.append(Condition(split_key(setting), is_any_case, is_refused, _split_words(condition_words)))
    return tuple(conditions)


def _split_words(text: str) -> list[str] | None:
    """Return the words of a condition: the one after `!`, or all that `|` separates; None for any text."""
    if text.removeprefix("!") == ANY_KEY:
        return None
    return [text[1:]] if text.startswith("!") else text.split("|")


def has_required_values(conditions: Iterable[Condition], settings: Any) -> bool:
    """Whether settings have the values that a row is about."""
    return all(_is_met(condition, settings) for condition in conditions)


def _is_met(condition: Condition, settings: Any) -> bool:
    """Whether a setting has the value of a condition; with `is_refused`, whether it has another one."""
    path, is_any_case, is_refused, words = condition
    value = value_at(settings, path, "")
    if words is not None and isinstance(value, list) and value:
        return any(list_item in words for list_item in value) is not is_refused
    text = _spell_value(value, is_any_case)
    if EXPANSION_START in text:
        return False
    if words is None:
        return value == "" if is_refused else bool(text)
    if is_refused and value is None and not _ZEROS.isdisjoint(words):
        return False
    is_among_words = text in words or _SHAPES.get(type(value)) in words
    return is_among_words is not is_refused


def _spell_value(value: Any, is_any_case: bool) -> str:
    """Return a value as a row of the table spells it; nothing, `[]` and `{}` are empty."""
    if isinstance(value, str):
        return value.lower() if is_any_case else value
    if value in (None, [], {}):
        return ""
    is_lower = is_any_case or isinstance(value, bool)
    return str(value).lower() if is_lower else str(value)
