# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of mappings in YAML: what a key is as data, and what a merge key `<<` brings. Private."""

from __future__ import annotations

from typing import Any

from ..config.source_nodes import SCALAR, SEQUENCE, Node, resolve_alias
from .go_scalars import read_scalar

_MERGE_KEY = "<<"


def read_key(node: Node) -> Any:
    """Return the data of a key; a key that is not a scalar becomes text."""
    resolved_node = resolve_alias(node)
    return (
        read_scalar(resolved_node)
        if resolved_node.kind == SCALAR
        else f"{resolved_node.kind} at {resolved_node.start[0] + 1}:{resolved_node.start[1] + 1}"
    )


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
