# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths with wildcards that users write in rules of their own: `exporters.*.tls.insecure`, `processors[0]`. Private.

A key stands between dots, in quotes if it has dots or brackets. In a key, `*` matches any text and `?` any character;
`*` alone also matches any index. `[0]` is an item of a list, `[-1]` the last one. `[*]` is the same as `*` alone, so
that a rule also sees a mapping that stands in place of a list. A step is one key or index of such a path; a place is a
path in a config with the value there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from ..config.paths import Path
from ..errors import Problem

# The path of a value itself, in `where` and `require`.
SAME_PLACE = "."
ANY_TEXT = "*"
# The characters and the steps of a path at most.
_LONGEST_PATH = 300
_MOST_STEPS = 20
# One step of a path: `exporters` or `.tls`, `."a.b"` in quotes, `[0]`, `[-1]` or `[*]`.
_STEP_PATTERN = re.compile(r'(?P<dot>\.|\A)(?:"(?P<quoted>[^"]+)"|(?P<key>[^."\[\]]+))|\[(?P<index>\*|-?\d{1,6})\]')
_PATH_FIX = (
    'Write keys with dots between them, such as `exporters.*.tls.insecure`, `processors[0]` or `attributes."a.b"`.'
)


class Missing:
    """What stands at a path that leads nowhere; null is a value."""


MISSING = Missing()


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

    def find_targets(self, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
        """Yield path and value of everything that the step leads to."""
        if isinstance(value, dict):
            yield from self._find_in_mapping(path, value)
        elif isinstance(value, list):
            yield from self._find_in_list(path, value)

    def _find_in_mapping(self, path: Path, value: dict[Any, Any]) -> Iterator[tuple[Path, Any]]:
        if self.pattern is not None:
            for key, child in value.items():
                if self.pattern.match(str(key)):
                    yield (*path, key), child
        elif self.is_key and self.key in value:
            yield (*path, self.key), value[self.key]

    def _find_in_list(self, path: Path, value: list[Any]) -> Iterator[tuple[Path, Any]]:
        if self.is_any:
            for item_index, child in enumerate(value):
                yield (*path, item_index), child
        elif self.index is not None and -len(value) <= self.index < len(value):
            item_index = self.index % len(value)
            yield (*path, item_index), value[item_index]


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


def find_path_matches(value: Any, steps: PathSteps, base_path: Path = ()) -> list[tuple[Path, Any]]:
    """Return path and value of everything in a value that the steps lead to.

    `base_path` is the path of the value, with which the paths begin. The value `{a: {b: 1}, c: {b: 2}}` has two matches
    of `*.b`: `a.b` and `c.b`.
    """
    places = [(base_path, value)]
    for step in steps:
        if step.is_key:  # as most steps are
            key = step.key
            places = [
                ((*path, key), nested_value[key])
                for path, nested_value in places
                if isinstance(nested_value, dict) and key in nested_value
            ]
        else:
            places = [
                nested_place for path, nested_value in places for nested_place in step.find_targets(path, nested_value)
            ]
        if not places:
            break
    return places


def find_last_existing_path(value: Any, steps: PathSteps, base_path: Path) -> Path:
    """Return how far a path exists whose steps lead nowhere: `a` of `{a: {}}` for `a.b.c`.

    Of what a wildcard matches, only the first is followed.
    """
    path = base_path
    for step in steps:
        next_place = next(step.find_targets(path, value), None)
        if next_place is None:
            return path
        path, value = next_place
    return path
