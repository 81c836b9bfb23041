# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks of directed graphs. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

Node = TypeVar("Node")


def circle(after: Mapping[Node, Collection[Node]]) -> list[tuple[Node, Node]]:
    """Return the edges of one circle; none if no node leads back to itself. Each edge is followed once."""
    ended: set[Node] = set()
    for start in after:
        way: dict[Node, Iterator[Node]] = {} if start in ended else {start: iter(after[start])}
        while way:
            node, left = next(reversed(way.items()))
            then = next((one for one in left if one not in ended), None)
            if then is None:
                ended.add(node)
                del way[node]
            elif then in way:
                nodes = [*way][[*way].index(then) :]
                return [*zip(nodes, [*nodes[1:], then], strict=True)]
            else:
                way[then] = iter(after[then])
    return []
