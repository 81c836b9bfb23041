# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A topology that is too large to look at: nodes of one kind with the same ways become one node. Private.

A topology is the graph of who sends data to whom, and a way is an edge of it (topology_graph.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .topology_graph import Graph, TopologyNode


class _WayEnd(NamedTuple):
    """An end of a way at a node: where the way goes or comes from."""

    direction: str
    other_node: str
    description: str


def fold_graph(graph: Graph, most_nodes: int) -> Graph:
    """Return a graph in which nodes with the same ways are one, if it has more nodes than anyone looks at."""
    if len(graph.nodes) <= most_nodes:
        return graph
    groups = _group_nodes(graph)
    first_ids: dict[str, str] = {}
    for group in groups:
        first_ids.update(dict.fromkeys((node.id for node in group), group[0].id))
    ways = {way._replace(source=first_ids[way.source], target=first_ids[way.target]) for way in graph.ways}
    return Graph(tuple(_fold_group(group) for group in groups), tuple(sorted(ways)))


def _group_nodes(graph: Graph) -> list[list[TopologyNode]]:
    """Return the nodes in groups of the same kind, subtitle and ways."""
    ends_by_node: dict[str, set[_WayEnd]] = {node.id: set() for node in graph.nodes}
    for way in graph.ways:
        ends_by_node[way.source].add(_WayEnd("to", way.target, way.description))
        ends_by_node[way.target].add(_WayEnd("from", way.source, way.description))
    groups: dict[tuple[str, str, tuple[_WayEnd, ...]], list[TopologyNode]] = {}
    for node in graph.nodes:
        group_key = (node.kind, node.subtitle, tuple(sorted(ends_by_node[node.id])))
        groups.setdefault(group_key, []).append(node)
    return list(groups.values())


def _fold_group(group: Sequence[TopologyNode]) -> TopologyNode:
    """Return one node for all of a group."""
    if len(group) == 1:
        return group[0]
    titles = tuple(node.title for node in group)
    return group[0]._replace(title=f"{titles[0]} and {len(group) - 1} more", stands_for=titles)
