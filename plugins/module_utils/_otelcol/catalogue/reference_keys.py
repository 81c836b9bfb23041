# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of settings that name an extension or a pipeline, as the table `references` has them. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..config.paths import Path
from .rows import ANY_DEPTH, ANY_KEY


@dataclass(frozen=True)
class Reference:
    """A key that names something else: `*` is any key or index, a leading `**` any depth;

    `takes_built_in_names`: or a built-in name.
    """

    path: Path
    target_kind: str
    takes_built_in_names: bool

    def find_ids(self, settings: Any) -> Iterator[tuple[Path, str]]:
        """Yield every id that the settings of a component name here, with its path."""
        yield from (
            (path, value) for path, value in walk_pattern(settings, self.path, ()) if isinstance(value, str) and value
        )


def parse_path(key: str) -> Path:
    """Return the path that a row writes with dots."""
    return tuple(key.split(".")) if key else ()


def walk_pattern(value: Any, pattern: Path, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield path and value of everything that a pattern leads to: `*` is any key or index, a leading `**` any depth."""
    if not pattern:
        yield path, value
    elif pattern[0] not in (ANY_KEY, ANY_DEPTH):
        if isinstance(value, (dict, Mapping)) and pattern[0] in value:
            yield from walk_pattern(value[pattern[0]], pattern[1:], (*path, pattern[0]))
    else:
        any_depth = pattern[0] == ANY_DEPTH
        if any_depth:
            yield from walk_pattern(value, pattern[1:], path)
        children = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, Mapping) else ()
        for key, child in children:
            yield from walk_pattern(child, pattern if any_depth else pattern[1:], (*path, key))
