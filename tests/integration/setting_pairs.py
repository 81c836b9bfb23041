# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two settings of one part of a component at once: each is fine alone, and they may exclude each other.

Only settings that are on or off, one of few words, or an optional part are paired: any other value would be a guess.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

MOST_PAIRS = 12  # of one part of a component
DEEPEST = 3  # parts inside parts
WORDS = ("=", "~")  # before the only valid words of a shape
OTHERS = ("...", "*", "enabled")  # what is no single setting, or turns its part off


class Choice(NamedTuple):
    """A setting at a place in the settings of a component, and a value that it may have."""

    place: tuple[str, ...]
    value: Any


def pairs(settings: Any, fields: Any, shared: Mapping[str, Any]) -> Iterator[tuple[tuple[Choice, Choice], Any]]:
    """Yield two choices of each part, and the settings with both."""
    for part in _parts(fields, shared):
        free = [choice for choice in _choices(part, fields, shared) if not _is_given(settings, choice.place)]
        for two in list(combinations(free, 2))[:MOST_PAIRS]:
            if two[0].place != two[1].place and (both := _with_choices(settings, two)) is not None:
                yield two, both


def alone(settings: Any, choice: Choice) -> Any:
    """Return the settings with one choice."""
    return _with_choices(settings, (choice,))


def _parts(fields: Any, shared: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of each part that has settings of its own."""
    known = _resolved(fields, shared)
    if isinstance(known, dict) and len(place) < DEEPEST:
        yield place
        for key, below in known.items():
            if key not in OTHERS:
                yield from _parts(below, shared, (*place, key))


def _choices(part: tuple[str, ...], fields: Any, shared: Mapping[str, Any]) -> Iterator[Choice]:
    here = _resolved(fields, shared)
    for key in part:
        here = _resolved(here[key], shared)
    for key, shape in here.items():
        if key not in OTHERS:
            yield from (Choice((*part, key), value) for value in _values(_resolved(shape, shared)))


def _values(shape: Any) -> Iterator[Any]:
    """Yield what a setting of this shape may be; nothing for one whose values are not known."""
    if isinstance(shape, dict):
        yield {}
    elif shape == "b":
        yield True
    elif isinstance(shape, str):
        _kinds, _sign, words = next((shape.partition(sign) for sign in WORDS if sign in shape), ("", "", ""))
        yield from [word for word in words.split("|") if word][:2]


def _resolved(shape: Any, shared: Mapping[str, Any]) -> Any:
    return shared.get(shape, shape) if isinstance(shape, str) else shape


def _is_given(settings: Any, place: tuple[str, ...]) -> bool:
    for key in place:
        if not isinstance(settings, dict) or key not in settings:
            return False
        settings = settings[key]
    return True


def _with_choices(settings: Any, choices: tuple[Choice, ...]) -> Any:
    """Return settings with choices; None if a value of another shape is in the way."""
    result = copy.deepcopy(settings) or {}
    for choice in choices:
        inside = result
        *around, last = choice.place
        for key in around:
            inside = inside.setdefault(key, {})
            if not isinstance(inside, dict):
                return None
        inside[last] = copy.deepcopy(choice.value)
    return result
