# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections of a config and paths into it: how they read, and where they stand in a file. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple["str | int", ...]
Config = Mapping[str, Any]
_SCALARS = (str, int, float, type(None))  # asked first, for they are most


@dataclass(frozen=True, order=True)
class Position:
    """A place in a source: file (or a description of it), line and column, both from 1; 0 where unknown."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return `file:line:column`, as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


def dotted(path: Path) -> str:
    """Return the path as people write it: `service.pipelines.traces.exporters[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def at(config: Any, path: Path, default: Any = None) -> Any:
    """Return the value at a path, or the default where the path leads nowhere."""
    for part in path:
        try:
            config = config[part]
        except (KeyError, IndexError, TypeError):
            return default
    return config


def section(config: Any, *path: str) -> dict[str, Any]:
    """Return the mapping at a path; an empty one where there is none or it is no mapping."""
    value = at(config, path)
    return value if isinstance(value, dict) else {}


def items(config: Any, *path: str) -> list[Any]:
    """Return the list at a path; an empty one where there is none or it is no list."""
    value = at(config, path)
    return value if isinstance(value, list) else []


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar below a value with its path, in order; iterative, so that depth cannot exhaust the stack."""
    stack: list[tuple[Path, Any]] = [(path, value)]
    while stack:
        here, item = stack.pop()
        if isinstance(item, _SCALARS):
            yield here, item
        elif isinstance(item, Mapping):
            stack.extend([((*here, key), item[key]) for key in reversed(list(item))])
        elif isinstance(item, (list, tuple)):
            stack.extend([((*here, index), item[index]) for index in reversed(range(len(item)))])
        else:
            yield here, item


SECTIONS = ("receivers", "processors", "connectors", "exporters", "extensions")

# The parts of a pipeline, and the sections in which their ids are defined: a connector stands where a receiver or an
# exporter may.
ROLES = {
    "receivers": ("receivers", "connectors"),
    "processors": ("processors",),
    "exporters": ("exporters", "connectors"),
}
