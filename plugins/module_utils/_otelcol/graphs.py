# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks of directed graphs. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

Node = TypeVar("Node")


def find_circle(successors: Mapping[Node, Collection[Node]]) -> list[tuple[Node, Node]]:
    """Return the edges of one circle; none if no node leads back to itself. Each edge is followed once."""
    finished: set[Node] = set()
    for start in successors:
        open_path: dict[Node, Iterator[Node]] = {} if start in finished else {start: iter(successors[start])}
        while open_path:
            node, remaining = next(reversed(open_path.items()))
            successor = next((candidate for candidate in remaining if candidate not in finished), None)
            if successor is None:
                finished.add(node)
                del open_path[node]
            elif successor in open_path:
                nodes = [*open_path][[*open_path].index(successor) :]
                return [*zip(nodes, [*nodes[1:], successor], strict=True)]
            else:
                open_path[successor] = iter(successors[successor])
    return []
