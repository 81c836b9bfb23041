# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of a row of constraints.json: the values of settings for which it holds. Private."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..catalogue.rows import ANY, Row
from ..config.paths import Path, at
from .constraints import EXPANDED, key_steps

_SHAPES = {dict: "{}", type(None): "null"}
_ZEROS = frozenset({"false", "0"})  # what null is for the decoder


class Condition(NamedTuple):
    """A setting, and the words that it has to be one of; None is any text. `refused` turns both into the opposite.

    A list fits if one of its items does.
    """

    path: Path
    any_case: bool
    refused: bool
    words: list[str] | None


def conditions_of(row: Row, key: str = "when") -> tuple[Condition, ...]:
    """Return the values of settings that a row is about.

    `*` is any, `!*` that there is none, `!a` any but a, `~a` is a in any case, `{}` is a mapping, which may be empty,
    and `null` is a key without a value.
    """
    conditions = []
    for setting, text in row.get(key, {}).items():
        words = text.removeprefix("~")
        any_case = words != text
        refused = words.startswith("!")
        conditions.append(Condition(key_steps(setting), any_case, refused, _words_of(words)))
    return tuple(conditions)


def _words_of(text: str) -> list[str] | None:
    """Return the words of a condition: the one after `!`, or all that `|` separates; None for any text."""
    if text.removeprefix("!") == ANY:
        return None
    return [text[1:]] if text.startswith("!") else text.split("|")


def conditions_hold(when: Iterable[Condition], settings: Any) -> bool:
    """Whether settings have the values that a row is about."""
    return all(_fits(condition, settings) for condition in when)


def _fits(condition: Condition, settings: Any) -> bool:
    """Whether a setting has the value of a condition; with `refused`, whether it has another one."""
    path, any_case, refused, words = condition
    value = at(settings, path, "")
    if words is not None and isinstance(value, list) and value:
        return any(item in words for item in value) is not refused
    text = _as_text(value, any_case)
    if EXPANDED in text:
        return False
    if words is None:
        return value == "" if refused else bool(text)
    if refused and value is None and not _ZEROS.isdisjoint(words):
        return False
    is_one = text in words or _SHAPES.get(type(value)) in words
    return is_one is not refused


def _as_text(value: Any, any_case: bool) -> str:
    """Return a value as a row of the table spells it; nothing, `[]` and `{}` are empty."""
    if isinstance(value, str):
        return value.lower() if any_case else value
    if value in (None, [], {}):
        return ""
    is_lower = any_case or isinstance(value, bool)
    return str(value).lower() if is_lower else str(value)
