# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths into a config, the values at them, and the positions in a source where a person wrote these. Private.

config = {"exporters": {"otlp": {"endpoint": "gateway:4317"}}}
value_at(config, ("exporters", "otlp", "endpoint"))      "gateway:4317"
mapping_at(config, "exporters", "debug")                 {}
format_path(("service", "extensions", 0))                "service.extensions[0]"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..otlp_requests import OTLP_SIGNALS

Path = tuple["str | int", ...]
"""Keys and indexes that lead to a value, such as `("service", "pipelines", "traces", "exporters", 0)`."""
Config = Mapping[str, Any]
"""A config of the Collector as YAML gives it. Keys are sections, such as `receivers`, and `service`."""
# From this on, a number is no count of anything.
_LARGEST_AMOUNT = 1e18
# Types of values without children, and with children. Most values have none, so their types are looked at first.
_SCALARS = (str, int, float, type(None))
_TREES = (dict, list, tuple, Mapping)


@dataclass(frozen=True, order=True)
class Position:
    """Where something stands in a source: file (or a description of it), line and column, both from 1; 0 where unknown.

    `locate_inside` gets the number of a character of the text at this place, and returns how many lines and columns it
    is away; None as columns means unknown. The function itself is None where no source is known. `read_spelling`
    returns the scalar here as the source spells it, such as `0x1F`; an empty text if it is in quotes or unknown.
    """

    file: str = ""
    line: int = 0
    column: int = 0
    locate_inside: Callable[[int], tuple[int, int | None]] | None = field(default=None, compare=False, repr=False)
    read_spelling: Callable[[], str] = field(default=str, compare=False, repr=False)

    def locate_character(self, offset: int) -> Position:
        """Return the place of a character of the text that stands here; `offset` counts characters from 0."""
        lines, columns = self.locate_inside(offset) if self.locate_inside else (0, 0)
        return Position(self.file, self.line + lines, 0 if columns is None else self.column + columns)

    def __str__(self) -> str:
        """Return `file:line:column`, as far as it is known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


def format_path(path: Path) -> str:
    """Return the path as people write it: `service.pipelines.traces.exporters[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def value_at(config: Any, path: Path, default: Any = None) -> Any:
    """Return the value at a path, or the default where the path leads nowhere."""
    try:
        for part in path:
            if isinstance(config, dict) and part not in config:  # most paths end so, and an exception takes longer
                return default
            config = config[part]
    except (KeyError, IndexError, TypeError):
        return default
    return config


def key_from_end(path: Path, number: int) -> str | int:
    """Return a key of a path, counted from its end: 1 is the last key. A shorter path has an empty text there."""
    return path[-number] if len(path) >= number else ""


def mapping_at(config: Any, *path: str) -> dict[str, Any]:
    """Return the mapping at a path; an empty one where there is none or it is no mapping."""
    for part in path:
        config = config.get(part) if isinstance(config, dict) else value_at(config, (part,))
    return config if isinstance(config, dict) else {}


def list_at(config: Any, *path: str) -> list[Any]:
    """Return the list at a path; an empty one where there is none or it is no list."""
    value = value_at(config, path)
    return value if isinstance(value, list) else []


def mappings_at(config: Any, *path: str) -> list[dict[str, Any]]:
    """Return the items of the list at a path that are mappings; a file may have anything."""
    return [element for element in list_at(config, *path) if isinstance(element, dict)]


def iter_leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar below a value with its path, in order; iterative, so that depth cannot exhaust the stack.

    {"a": [1, {"b": 2}]}    →    (("a", 0), 1), (("a", 1, "b"), 2)
    """
    stack = [(path, _children(value))] if isinstance(value, _TREES) else []
    if not stack:
        yield path, value
    while stack:
        parent_path, children = stack[-1]
        for key, child in children:
            if isinstance(child, _SCALARS) or not isinstance(child, _TREES):
                yield (*parent_path, key), child
            else:
                stack.append(((*parent_path, key), _children(child)))
                break  # the iterator `children` stays on the stack, and goes on behind this child
        else:
            stack.pop()


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return the keys of a mapping, or the indexes of a list, each with its value."""
    if isinstance(value, (list, tuple)):
        return iter(enumerate(value))
    return iter(value.items())


# The sections that define components.
SECTIONS = ("receivers", "processors", "connectors", "exporters", "extensions")
# The signals that the name of a pipeline may begin with, as in `traces/backend`. `profiles` needs a feature gate.
PIPELINE_SIGNALS = (*OTLP_SIGNALS, "profiles")
# The keys of a pipeline, and the sections that define the ids in them. A connector is a receiver of one pipeline and an
# exporter of another.
ROLES = {
    "receivers": ("receivers", "connectors"),
    "processors": ("processors",),
    "exporters": ("exporters", "connectors"),
}


def parse_amount(text: str) -> float:
    """Return the number in a text, such as a sample of a metric; 0 if it is no number or too large for any count."""
    try:
        number = float(text)
    except ValueError:
        return 0
    return number if abs(number) < _LARGEST_AMOUNT else 0
