# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths with wildcards that users write in rules of their own: `exporters.*.tls.insecure`, `processors[0]`. Private.

A key stands between dots, in quotes if it has dots or brackets. In a key, `*` matches any text and `?` any character;
`*` alone also matches any index. `[0]` is an item of a list, `[-1]` the last one. `[*]` is the same as `*` alone, so
that a rule also sees a mapping that stands in place of a list. A step is one key or index of such a path. The places
of a path are what it leads to: in `{exporters: {a: {url: x}, b: {url: y}}}`, `exporters.*.url` has the two places
`exporters.a.url` with `x` and `exporters.b.url` with `y`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, NamedTuple

from ..config.paths import Path
from ..errors import Problem

# The path of a value itself, in `where` and `require`.
SAME_PLACE = "."
ANY_TEXT = "*"
# The characters and the steps of a path at most.
_LONGEST_PATH = 300
_MOST_STEPS = 20
# One step of a path. A key follows a dot, or begins the path.
_STEP_PATTERN = re.compile(
    r"""
    (?:\.|\A) "(?P<quoted>[^"]+)"             # ."a.b"
    | (?:\.|\A) (?P<key>[^."\[\]]+)           # exporters, .tls, .otlp*
    | \[ (?P<index>\*|-?\d{1,6}) \]           # [0], [-1], [*]
    """,
    re.VERBOSE,
)
_PATH_FIX = (
    'Write keys with dots between them, such as `exporters.*.tls.insecure`, `processors[0]` or `attributes."a.b"`.'
)


class Missing:
    """What stands at a path that leads nowhere; null is a value."""


MISSING = Missing()


class Place(NamedTuple):
    """A path in a config, and the value there."""

    path: Path
    value: Any


@dataclass(frozen=True)
class Wildcard:
    """A pattern in which `*` is any text and `?` any character, in the syntax of fnmatch."""

    pattern: str

    def match(self, text: str) -> bool:
        """Whether the whole text fits. Takes linear time."""
        return fnmatchcase(text, self.pattern)


def read_wildcard(text: str) -> Wildcard:
    """Return the pattern that a user wrote; brackets stand for themselves."""
    return Wildcard(text.replace("[", "[[]"))


@dataclass(frozen=True)
class UserPathStep:
    """One step of a path: a key, a pattern of keys, or an index."""

    key: str = ""
    """The key, or the text of the pattern; empty for an index such as `[0]`."""
    pattern: Wildcard | None = None
    """None without a wildcard."""
    index: int | None = None
    """The index of an item, from the end if negative; None for a key."""

    def __str__(self) -> str:
        """Return the step for messages: a key without quotes, the text of a pattern, or an index such as `[0]`."""
        return self.key if self.index is None else f"[{self.index}]"

    @cached_property
    def is_key(self) -> bool:
        """Whether the step leads to one key."""
        return self.pattern is None and self.index is None

    @cached_property
    def is_any(self) -> bool:
        """Whether the step leads to every key and index."""
        return self.key == ANY_TEXT and self.pattern is not None

    def select_keys(self, keys: Iterable[str]) -> list[str]:
        """Return those of some keys to which the step leads: of `otlp_*`, `otlp_grpc` and `otlp_http`."""
        if self.pattern is not None:
            return [key for key in keys if self.pattern.match(key)]
        return [key for key in keys if key == self.key]

    def find_targets(self, place: Place) -> list[Place]:
        """Return the places right below another one to which the step leads."""
        path, value = place
        if isinstance(value, dict):
            keys = self._find_keys(value)
        elif isinstance(value, list):
            keys = self._find_indexes(value)
        else:
            return []
        return [Place((*path, key), value[key]) for key in keys]

    def _find_keys(self, mapping: dict[Any, Any]) -> Sequence[Any]:
        """Return the keys of a mapping to which the step leads; none for an index."""
        if self.is_key:
            return (self.key,) if self.key in mapping else ()
        if self.pattern is not None:
            return [key for key in mapping if self.pattern.match(str(key))]
        return ()

    def _find_indexes(self, items: list[Any]) -> Sequence[int]:
        """Return the indexes of a list to which the step leads; none for a key."""
        if self.is_any:
            return range(len(items))
        if self.index is not None and -len(items) <= self.index < len(items):
            return (self.index % len(items),)
        return ()


PathSteps = tuple[UserPathStep, ...]


def parse_path_steps(text: str) -> PathSteps:
    """Return the steps of a path: three for `exporters.*.tls`, none for `.`. Raises Problem if the text is no path."""
    if text == SAME_PLACE:
        return ()
    if len(text) > _LONGEST_PATH:
        raise Problem(f"the path has more than {_LONGEST_PATH} characters", fix="Write a shorter path.")
    steps: list[UserPathStep] = []
    offset = 0
    while offset < len(text):
        step_match = _STEP_PATTERN.match(text, offset)
        if step_match is None:
            raise Problem(f"'{text}' is not a path: character {offset + 1} fits no key", fix=_PATH_FIX)
        steps.append(_parse_step(step_match))
        offset = step_match.end()
    if not 0 < len(steps) <= _MOST_STEPS:
        raise Problem(f"'{text}' is not a path of 1 to {_MOST_STEPS} keys", fix=_PATH_FIX)
    return tuple(steps)


def _parse_step(step_match: re.Match[str]) -> UserPathStep:
    """Return the step that a part of a path stands for: an index, a key in quotes, a key or a pattern of keys."""
    index, quoted, key = step_match["index"], step_match["quoted"], step_match["key"]
    if index == ANY_TEXT:
        return UserPathStep(ANY_TEXT, read_wildcard(ANY_TEXT))
    if index:
        return UserPathStep(index=int(index))
    if quoted:
        return UserPathStep(quoted)
    has_wildcard = ANY_TEXT in key or "?" in key
    return UserPathStep(key, read_wildcard(key) if has_wildcard else None)


def find_path_matches(value: Any, steps: PathSteps, base_path: Path = ()) -> list[Place]:
    """Return every place in a value to which the steps lead.

    `base_path` is the path of the value, with which the paths begin. The value `{a: {b: 1}, c: {b: 2}}` has two matches
    of `*.b`: `a.b` and `c.b`.
    """
    places = [Place(base_path, value)]
    for step in steps:
        next_places: list[Place] = []
        for place in places:
            next_places.extend(step.find_targets(place))
        places = next_places
    return places


def find_last_existing_path(value: Any, steps: PathSteps, base_path: Path) -> Path:
    """Return how far a path exists whose steps lead nowhere: `a` of `{a: {}}` for `a.b.c`.

    Of what a wildcard matches, only the first is followed.
    """
    place = Place(base_path, value)
    for step in steps:
        targets = step.find_targets(place)
        if not targets:
            break
        place = targets[0]
    return place.path
