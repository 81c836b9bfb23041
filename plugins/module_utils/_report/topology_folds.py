# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A topology that is too large to look at, with what has the same ways as one node. Private."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .topology_graph import Graph, TopologyNode


class _End(NamedTuple):
    """An end of a way at a node: where the way goes or comes from."""

    direction: str
    other: str
    says: str


def folded_graph(graph: Graph, most: int) -> Graph:
    """Return a graph in which nodes with the same ways are one, if it has more nodes than anyone looks at."""
    if len(graph.nodes) <= most:
        return graph
    groups = _groups(graph)
    first_id: dict[str, str] = {}
    for group in groups:
        first_id.update(dict.fromkeys((node.id for node in group), group[0].id))
    ways = {way._replace(source=first_id[way.source], target=first_id[way.target]) for way in graph.ways}
    return Graph(tuple(_folded_node(group) for group in groups), tuple(sorted(ways)))


def _groups(graph: Graph) -> list[list[TopologyNode]]:
    """Return the nodes in groups of the same kind, subtitle and ways."""
    ends: dict[str, set[_End]] = {node.id: set() for node in graph.nodes}
    for way in graph.ways:
        ends[way.source].add(_End("to", way.target, way.says))
        ends[way.target].add(_End("from", way.source, way.says))
    groups: dict[tuple[str, str, tuple[_End, ...]], list[TopologyNode]] = {}
    for node in graph.nodes:
        sameness = (node.kind, node.subtitle, tuple(sorted(ends[node.id])))
        groups.setdefault(sameness, []).append(node)
    return list(groups.values())


def _folded_node(group: Sequence[TopologyNode]) -> TopologyNode:
    """Return one node for all of a group."""
    if len(group) == 1:
        return group[0]
    titles = tuple(node.title for node in group)
    return group[0]._replace(title=f"{titles[0]} and {len(group) - 1} more", stands_for=titles)
