# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections of a config, paths into it, and nodes: keys and values with the place where they stand. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
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


Mark = tuple[int, int]  # line and column, both from 0

SCALAR, MAPPING, SEQUENCE, ALIAS = "scalar", "mapping", "sequence", "alias"
LITERAL = "|"
# What ends a line for a YAML parser.
LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(slots=True)
class Node:
    """A scalar, mapping or sequence; an alias is a node of its own, whose value is what it stands for.

    `value` is text, a list of pairs, a list of nodes or a node. `style` is a scalar's quote or block sign, or `flow`.
    """

    kind: str
    value: Any
    start: Mark
    end: Mark
    style: str = ""
    tag: str = ""

    def last(self) -> Mark:
        """Return where the last thing in this node ends; a block has no end sign of its own."""
        node = self
        while node.kind in (MAPPING, SEQUENCE) and node.style != "flow" and node.value:
            node = node.value[-1][1] if node.kind == MAPPING else node.value[-1]
        return node.end


def resolve(node: Node) -> Node:
    """Return what an alias stands for, or the node itself."""
    return node.value if node.kind == ALIAS else node


def find(
    node: Node, path: Path, read: Callable[[Node], Any], seen: dict[int, dict[Any, tuple[Node, Node]]] | None = None
) -> tuple[Node | None, Node] | None:
    """Return the key node (None in a list) and the value node at a path; aliases and merged keys lead nowhere.

    `read` gives the data of a key, `seen` keeps the keys of each mapping for the next search in the same tree.
    """
    known = {} if seen is None else seen
    found: tuple[Node | None, Node] | None = (None, node)
    for part in path:
        inner = found[1] if found else node
        if inner.kind == SEQUENCE and isinstance(part, int):
            found = (None, inner.value[part]) if part < len(inner.value) else None
        else:
            if id(inner) not in known:
                pairs = inner.value if inner.kind == MAPPING else []
                known[id(inner)] = {read(key): (key, value) for key, value in pairs}
            found = known[id(inner)].get(part)
        if found is None:
            return None
    return found


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as a YAML parser counts them, without their ends."""
    return LINE_END.split(text)
