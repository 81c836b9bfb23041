# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of mappings in YAML: what a key is as data, and what a merge key `<<` brings. Private.

In the text `{<<: *defaults, 1: a}`, the key `1` is the number 1, and `<<` brings the keys of the mapping with anchor
`&defaults`. The data of a document (yaml_documents.py) and its positions (document_positions.py) read keys here.
"""

from __future__ import annotations

from typing import Any

from ..config.source_nodes import SCALAR, SEQUENCE, Node, resolve_alias
from .go_scalars import read_scalar

_MERGE_KEY = "<<"


def read_key(node: Node) -> Any:
    """Return the data of a key. One that is not a scalar, such as `[a, b]`, becomes a text with its place."""
    resolved_node = resolve_alias(node)
    if resolved_node.kind == SCALAR:
        return read_scalar(resolved_node)
    line, column = resolved_node.start
    return f"{resolved_node.kind} at {line + 1}:{column + 1}"


def is_merge_key(key: Node) -> bool:
    """Whether a key is that of mappings to merge: `<<` without quotes."""
    return key.kind == SCALAR and key.value == _MERGE_KEY and not key.style


def list_merged_nodes(value: Node) -> list[Node]:
    """Return the nodes that the value of a merge key brings, each of which hides those before it.

    It is one mapping, or a list of mappings. Of a list, the first one counts most.
    Source: https://yaml.org/type/merge.html
    """
    resolved_node = resolve_alias(value)
    merged_nodes: list[Node] = resolved_node.value if resolved_node.kind == SEQUENCE else [resolved_node]
    return merged_nodes[::-1]
