# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find a circle in a directed graph. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

Node = TypeVar("Node")


def find_circle(successors: Mapping[Node, Collection[Node]]) -> list[tuple[Node, Node]]:
    """Return the edges of one circle in their order; none if no node leads back to itself.

    `successors` has what each node leads to; a node that it does not name leads nowhere. Each edge is followed once.
    Example: `{"a": ["b"], "b": ["c"], "c": ["b"]}` has the circle `[("b", "c"), ("c", "b")]`.
    """
    finished: set[Node] = set()
    for start in successors:
        circle = _find_circle_from(start, successors, finished)
        if circle:
            return list(zip(circle, [*circle[1:], circle[0]], strict=True))
    return []


def _find_circle_from(start: Node, successors: Mapping[Node, Collection[Node]], finished: set[Node]) -> list[Node]:
    """Return the nodes of a circle that can be reached from a node, in their order; none if there is no circle.

    Each node whose successors have all been followed is added to `finished`, and is not entered again. The walk goes
    into depth first; it is a loop, so that a deep graph cannot exhaust the stack.
    """
    if start in finished:
        return []
    path = [start]
    unfollowed = {start: iter(successors.get(start, ()))}  # of each node of the path
    while path:
        node = path[-1]
        successor = _take_unfinished(unfollowed[node], finished)
        if successor is None:
            finished.add(node)
            del unfollowed[path.pop()]
        elif successor in unfollowed:
            return path[path.index(successor) :]
        else:
            path.append(successor)
            unfollowed[successor] = iter(successors.get(successor, ()))
    return []


def _take_unfinished(nodes: Iterator[Node], finished: set[Node]) -> Node | None:
    """Return the next of some nodes that is not finished; None after the last."""
    for node in nodes:
        if node not in finished:
            return node
    return None
