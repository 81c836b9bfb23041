# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths with wildcards that users write in rules of their own: `exporters.*.tls.insecure`, `processors[0]`. Private.

A key stands between dots, in quotes if it has dots or brackets. `*` in a key matches any text, alone also any index.
`[0]` is an item of a list, `[-1]` the last one, `[*]` each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from ..config.paths import Path
from ..errors import Problem

HERE = "."
ANY = "*"
_LONGEST, _MOST_STEPS = 300, 20
_STEP = re.compile(r'(?P<dot>\.|\A)(?:"(?P<quoted>[^"]+)"|(?P<key>[^."\[\]]+))|\[(?P<index>\*|-?\d{1,6})\]')
_FIX = 'Write keys with dots between them, such as `exporters.*.tls.insecure`, `processors[0]` or `attributes."a.b"`.'


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


def wildcard_of(text: str) -> Wildcard:
    """Return the pattern that a user wrote; brackets stand for themselves."""
    return Wildcard(text.replace("[", "[[]"))


@dataclass(frozen=True)
class Step:
    """One step of a path: a key, a pattern of keys, or an index."""

    key: str = ""
    pattern: Wildcard | None = None
    index: int | None = None

    @cached_property
    def is_key(self) -> bool:
        """Whether the step leads to one key."""
        return self.pattern is None and self.index is None

    @cached_property
    def is_any(self) -> bool:
        """Whether the step leads to every key and index."""
        return self.key == ANY and self.pattern is not None

    def into(self, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
        """Yield path and value of everything that the step leads to."""
        if isinstance(value, dict):
            yield from self._into_mapping(path, value)
        elif isinstance(value, list):
            yield from self._into_list(path, value)

    def _into_mapping(self, path: Path, value: dict[Any, Any]) -> Iterator[tuple[Path, Any]]:
        if self.pattern is not None:
            for key, child in value.items():
                if self.pattern.match(str(key)):
                    yield (*path, key), child
        elif self.is_key and self.key in value:
            yield (*path, self.key), value[self.key]

    def _into_list(self, path: Path, value: list[Any]) -> Iterator[tuple[Path, Any]]:
        if self.is_any:
            for number, child in enumerate(value):
                yield (*path, number), child
        elif self.index is not None and -len(value) <= self.index < len(value):
            number = self.index % len(value)
            yield (*path, number), value[number]


Steps = tuple[Step, ...]


def steps_of(text: str) -> Steps:
    """Return the steps of a path; `.` has none. Raises Problem for text that is no path."""
    if text == HERE:
        return ()
    if len(text) > _LONGEST:
        raise Problem(f"the path has more than {_LONGEST} characters", fix="Write a shorter path.")
    steps: list[Step] = []
    end = 0
    while end < len(text):
        match = _STEP.match(text, end)
        if match is None:
            raise Problem(f"'{text}' is not a path: character {end + 1} fits no key", fix=_FIX)
        steps.append(_step_of(match))
        end = match.end()
    if not 0 < len(steps) <= _MOST_STEPS:
        raise Problem(f"'{text}' is not a path of 1 to {_MOST_STEPS} keys", fix=_FIX)
    return tuple(steps)


def _step_of(match: re.Match[str]) -> Step:
    """Return the step that a part of a path stands for: an index, a key in quotes, a key or a pattern of keys."""
    index, quoted, key = match["index"], match["quoted"], match["key"]
    if index == ANY:
        return Step(ANY, wildcard_of(ANY))
    if index:
        return Step(index=int(index))
    if quoted:
        return Step(quoted)
    has_wildcard = ANY in key or "?" in key
    return Step(key, wildcard_of(key) if has_wildcard else None)


def path_matches(value: Any, steps: Steps, around: Path = ()) -> list[tuple[Path, Any]]:
    """Return path and value of everything in a value that the steps lead to; `around` is the path of the value."""
    places = [(around, value)]
    for step in steps:
        if step.is_key:  # as most steps are
            key = step.key
            places = [((*path, key), inner[key]) for path, inner in places if isinstance(inner, dict) and key in inner]
        else:
            places = [place for path, inner in places for place in step.into(path, inner)]
        if not places:
            break
    return places


def nearest_place(value: Any, steps: Steps, around: Path) -> Path:
    """Return the path of the last thing on the way that exists, where the steps lead nowhere."""
    path = around
    for step in steps:
        inner = next(step.into(path, value), None)
        if inner is None:
            return path
        path, value = inner
    return path
