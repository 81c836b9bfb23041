# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of settings that name an extension or a pipeline, from the table `references` of the catalogue.

`**.auth.authenticator` is such a key: it names an extension. This file also walks the patterns of all tables. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path
from .rows import ANY_DEPTH, ANY_KEY


@dataclass(frozen=True)
class ReferenceKey:
    """A key that names an extension or a pipeline.

    In `path`, `*` is any key or index, and a leading `**` any depth. `target_kind` is what the key names, such as
    `extensions`. With `takes_built_in_names`, it may also have a name that the component itself knows.
    """

    path: Path
    target_kind: str
    takes_built_in_names: bool

    def find_ids(self, settings: Any) -> Iterator[tuple[Path, str]]:
        """Yield the path and value of this key, wherever the settings of a component have it."""
        for path, value in walk_pattern(settings, self.path, ()):
            if isinstance(value, str) and value:
                yield path, value


def parse_path(key: str) -> Path:
    """Return the path that a row writes with dots, such as `tls.ca_file`; the empty path for an empty text."""
    return tuple(key.split(".")) if key else ()


def walk_pattern(value: Any, pattern: Path, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of everything that a pattern leads to: `*` is any key or index, a leading `**` any depth.

    `path` is the path of `value`; the yielded paths begin with it. In `{a: {auth: x}, b: [{auth: y}]}`:

    | pattern | leads to |
    |---|---|
    | `a.auth` | `x` |
    | `*.auth` | `x` |
    | `b.*.auth` | `y` |
    | `**.auth` | `x` and `y` |
    """
    if not pattern:
        yield path, value
        return
    step, *other_steps = pattern
    rest = tuple(other_steps)
    if step == ANY_DEPTH:  # the rest of the pattern may begin here, or at any depth below
        yield from walk_pattern(value, rest, path)
        for key, child in _iter_children(value):
            yield from walk_pattern(child, pattern, (*path, key))
    elif step == ANY_KEY:
        for key, child in _iter_children(value):
            yield from walk_pattern(child, rest, (*path, key))
    elif isinstance(value, (dict, Mapping)) and step in value:  # dict, since a check for a class alone is fast
        yield from walk_pattern(value[step], rest, (*path, step))


def _iter_children(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return key or index and value of all that a mapping or list has."""
    if isinstance(value, list):
        return enumerate(value)
    return value.items() if isinstance(value, Mapping) else ()
