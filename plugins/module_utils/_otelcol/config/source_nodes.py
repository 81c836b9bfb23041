# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a YAML text, each with the line and column of its start and end. Private.

Data that is loaded from YAML no longer says where it stood. yaml_nodes.py makes nodes, which do. document_positions.py
tells from them where a finding stands, and the edits of a migration (text_edits.py) which characters to replace. The
text `a: [1, *b]` has these nodes:

    Node(MAPPING)               starts at (0, 0), with one pair of nodes:
        Node(SCALAR, "a")       starts at (0, 0)
        Node(SEQUENCE)          starts at (0, 3), with two items:
            Node(SCALAR, "1")   starts at (0, 4)
            Node(ALIAS)         starts at (0, 7), and stands for the node with the anchor `&b`

`NodeFinder` finds the nodes at a path: at `("a", 0)` is the scalar `1`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

Mark = tuple[int, int]
"""A line and a column, both from 0."""

# Kinds of nodes.
SCALAR = "scalar"
MAPPING = "mapping"
SEQUENCE = "sequence"
ALIAS = "alias"
# Styles of scalars that are blocks of lines.
LITERAL = "|"
FOLDED = ">"
# The style of mappings and lists in braces and brackets, as in JSON.
FLOW = "flow"
# What ends a line for a YAML parser.
LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# The characters of these ends that a plain `\n` does not have.
_RARE_ENDS = "\r\x85\u2028\u2029"


@dataclass(slots=True)
class Node:
    """A scalar, mapping or sequence; an alias is a node of its own, whose value is the node that it stands for."""

    kind: str
    value: Any
    """By `kind`: the text of a scalar, the `pairs` of a mapping, the `items` of a sequence, or the node that an alias
    stands for."""
    start_mark: Any
    """The parser's mark of the start, with `line` and `column`. `start` converts it on demand: few nodes need it."""
    end_mark: Any
    """The parser's mark of the end."""
    style: str = ""
    """The quote or block sign of a scalar, such as `"` or `|`, or `FLOW`; empty for a scalar without quotes, and for a
    mapping or list in lines."""
    tag: str = ""
    """Such as `tag:yaml.org,2002:int`; empty without one."""

    @property
    def pairs(self) -> list[tuple[Node, Node]]:
        """Return the key node and value node of each entry. Only a mapping has them."""
        pairs: list[tuple[Node, Node]] = self.value
        return pairs

    @property
    def items(self) -> list[Node]:
        """Return the nodes of the items. Only a sequence has them."""
        items: list[Node] = self.value
        return items

    @property
    def start(self) -> Mark:
        """Return where this node starts."""
        return self.start_mark.line, self.start_mark.column

    @property
    def end(self) -> Mark:
        """Return where this node ends."""
        return self.end_mark.line, self.end_mark.column

    def read_plain_text(self) -> str:
        """Return a scalar without quotes as it is spelled; an empty text for one in quotes or a block."""
        return "" if self.style else str(self.value)

    def find_last_end(self) -> Mark:
        """Return where the last thing in this node ends.

        A mapping or list in lines has no end sign, so its own `end` is where the next thing starts. For example, of `a`
        in these lines the value has its `end` at `c`, line 2, and its last end behind `1`, line 1:

            a:
              b: 1
            c: 2
        """
        last_node = self
        while (child := last_node._find_last_child()) is not None:
            last_node = child
        return last_node.end

    def _find_last_child(self) -> Node | None:
        """Return the last node in a mapping or list in lines; None for all others, and for an empty one."""
        if not self.value or self.style == FLOW:
            return None
        if self.kind == MAPPING:
            _key_node, value_node = self.pairs[-1]
            return value_node
        return self.items[-1] if self.kind == SEQUENCE else None


def resolve_alias(node: Node) -> Node:
    """Return what an alias stands for, or the node itself."""
    return node.value if node.kind == ALIAS else node


class FoundNode(NamedTuple):
    """What is at a path: the node of its key and that of its value."""

    key_node: Node | None
    """None for an item of a list, and for the whole document."""
    value_node: Node


class NodeFinder:
    """Finds the nodes at paths in one document. `read_key` returns the data of a key node.

    It keeps the keys of each mapping that it passes, so that many searches in one document are fast.
    """

    def __init__(self, root: Node, read_key: Callable[[Node], Any]) -> None:
        self._root = root
        self._read_key = read_key
        # The entries of the mappings that were passed, by the `id()` of the node of the mapping.
        self._entries_by_mapping: dict[int, dict[Any, FoundNode]] = {}

    def find_node(self, path: tuple[str | int, ...]) -> FoundNode | None:
        """Return the nodes at a path; None if the path leads nowhere, as through an alias.

        In `a: [1, *b]`, path `("a",)` has the key node `a` and the value node `[1, *b]`; path `("a", 1, "c")` has none.
        """
        found = FoundNode(None, self._root)
        for part in path:
            container = found.value_node
            if container.kind == SEQUENCE and isinstance(part, int):
                if part >= len(container.items):
                    return None
                found = FoundNode(None, container.items[part])
                continue
            entry = self._map_entries(container).get(part)
            if entry is None:
                return None
            found = entry
        return found

    def _map_entries(self, node: Node) -> dict[Any, FoundNode]:
        """Return the entries of a mapping by the data of their keys; nothing for another node."""
        if id(node) not in self._entries_by_mapping:
            pairs = node.pairs if node.kind == MAPPING else []
            entries = {self._read_key(key_node): FoundNode(key_node, value_node) for key_node, value_node in pairs}
            self._entries_by_mapping[id(node)] = entries
        return self._entries_by_mapping[id(node)]


def split_yaml_lines(text: str) -> list[str]:
    """Return the lines of a text as a YAML parser counts them, without their ends."""
    return LINE_END.split(text) if any(line_end in text for line_end in _RARE_ENDS) else text.split("\n")
