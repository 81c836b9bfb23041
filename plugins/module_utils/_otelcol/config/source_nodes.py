# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a YAML text, each with the line and column of its start and end. Private.

yaml_nodes.py makes the nodes. document_positions.py tells from them where a finding stands, and the edits of a
migration (text_edits.py) which characters to replace. The text `a: [1, *b]` is a mapping with one pair: the scalar `a`,
which starts at (0, 0), and a sequence, which starts at (0, 3) and has a scalar and an alias.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Mark = tuple[int, int]  # line and column, both from 0

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
# What ends a line for a YAML parser, and those ends that are not a plain `\n`.
LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_RARE_ENDS = "\r\x85\u2028\u2029"


@dataclass(slots=True)
class Node:
    """A scalar, mapping or sequence; an alias is a node of its own, whose value is the node that it stands for."""

    kind: str
    value: Any
    """By `kind`: the text of a scalar, the pairs of key node and value node of a mapping, the nodes of a sequence, or
    the node of an alias."""
    first: Any
    """The parser's mark of the start; few nodes need it as `start`."""
    final: Any
    """The parser's mark of the end."""
    style: str = ""
    """The quote or block sign of a scalar, such as `"` or `|`, or `FLOW`; empty for a scalar without quotes, and for a
    mapping or list in lines."""
    tag: str = ""
    """Such as `tag:yaml.org,2002:int`; empty without one."""

    @property
    def start(self) -> Mark:
        """Return where this node starts."""
        return self.first.line, self.first.column

    @property
    def end(self) -> Mark:
        """Return where this node ends."""
        return self.final.line, self.final.column

    def read_plain_text(self) -> str:
        """Return a scalar without quotes as it is spelled; an empty text for one in quotes or a block."""
        return "" if self.style else str(self.value)

    def find_last_end(self) -> Mark:
        """Return where the last thing in this node ends; a block has no end sign of its own."""
        node = self
        while node.value and node.style != FLOW:
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
    """Return the key node and the value node at a path; None if the path leads nowhere, as through an alias.

    The key node is None for an item of a list. `read_key` returns the data of a key node. `known_pairs` gets the pairs
    of each mapping that is passed, by the id of its node, for the next search in the same tree.
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
