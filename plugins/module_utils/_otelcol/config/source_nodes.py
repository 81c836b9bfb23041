# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of a YAML source with their places, as a parser gives them, and the lines of a source. Private."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Mark = tuple[int, int]  # line and column, both from 0

SCALAR, MAPPING, SEQUENCE, ALIAS = "scalar", "mapping", "sequence", "alias"
LITERAL, FOLDED = "|", ">"
# What ends a line for a YAML parser, and all of it but what ends most lines.
LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_RARE_ENDS = "\r\x85\u2028\u2029"


@dataclass(slots=True)
class Node:
    """A scalar, mapping or sequence; an alias is a node of its own, whose value is what it stands for.

    `value` is text, a list of pairs, a list of nodes or a node. `style` is a scalar's quote or block sign, or `flow`.
    `first` and `final` are the parser's marks: where a node starts and ends is asked of few nodes.
    """

    kind: str
    value: Any
    first: Any
    final: Any
    style: str = ""
    tag: str = ""

    @property
    def start(self) -> Mark:
        """Return where this node starts."""
        return self.first.line, self.first.column

    @property
    def end(self) -> Mark:
        """Return where this node ends."""
        return self.final.line, self.final.column

    def read_plain_text(self) -> str:
        """Return a scalar without quotes as it is spelled."""
        return "" if self.style else str(self.value)

    def find_last_end(self) -> Mark:
        """Return where the last thing in this node ends; a block has no end sign of its own."""
        node = self
        while node.value and node.style != "flow":
            if node.kind == MAPPING:
                _key, node = node.value[-1]
            elif node.kind == SEQUENCE:
                node = node.value[-1]
            else:
                break
        return node.end


def resolve_alias(node: Node) -> Node:
    """Return what an alias stands for, or the node itself."""
    return node.value if node.kind == ALIAS else node


def find_node(
    node: Node,
    path: tuple[str | int, ...],
    read_key: Callable[[Node], Any],
    known_pairs: dict[int, dict[Any, tuple[Node, Node]]] | None = None,
) -> tuple[Node | None, Node] | None:
    """Return the key node (None in a list) and the value node at a path; aliases and merged keys lead nowhere.

    `read_key` gives the data of a key, `known_pairs` keeps the keys of each mapping for the next search in the same
    tree.
    """
    pairs_by_mapping = {} if known_pairs is None else known_pairs
    key_node, current_node = None, node
    for part in path:
        if current_node.kind == SEQUENCE and isinstance(part, int):
            if part >= len(current_node.value):
                return None
            key_node, current_node = None, current_node.value[part]
            continue
        if id(current_node) not in pairs_by_mapping:
            pairs = current_node.value if current_node.kind == MAPPING else []
            pairs_by_mapping[id(current_node)] = {read_key(key): (key, value) for key, value in pairs}
        pair = pairs_by_mapping[id(current_node)].get(part)
        if pair is None:
            return None
        key_node, current_node = pair
    return key_node, current_node


def split_yaml_lines(text: str) -> list[str]:
    """Return the lines of a text as a YAML parser counts them, without their ends."""
    return LINE_END.split(text) if any(line_end in text for line_end in _RARE_ENDS) else text.split("\n")
