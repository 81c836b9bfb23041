# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as it is written: every key and value with the place where it begins and ends. Private."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .paths import Path

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
