# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A topology that is too large to look at: nodes of one kind with the same edges become one node. Private.

A topology is the graph of who sends telemetry to whom (topology_graph.py). `topology.py` folds it before it is drawn.
Example: twenty agents of the same kind that all send traces to `gateway` become the node `agent-a and 19 more` with one
edge to `gateway`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .topology_graph import Graph, TopologyNode


class _EdgeEnd(NamedTuple):
    """An edge, as one of its two nodes sees it."""

    direction: str
    """`to` the other node, or `from` it."""
    other_node: str
    description: str


class _FoldKey(NamedTuple):
    """What nodes have in common that become one."""

    kind: str
    subtitle: str
    edge_ends: tuple[_EdgeEnd, ...]


def fold_graph(graph: Graph, most_nodes: int) -> Graph:
    """Return a graph in which nodes with the same edges are one, if it has more nodes than anyone looks at."""
    if len(graph.nodes) <= most_nodes:
        return graph
    folded_nodes = []
    first_id_by_node: dict[str, str] = {}
    for alike_nodes in _group_alike_nodes(graph):
        folded_nodes.append(_fold_nodes(alike_nodes))
        for node in alike_nodes:
            first_id_by_node[node.id] = alike_nodes[0].id
    # A set, since the equal edges of alike nodes become one.
    folded_edges = set()
    for edge in graph.edges:
        source, target = first_id_by_node[edge.source], first_id_by_node[edge.target]
        folded_edges.add(edge._replace(source=source, target=target))
    return Graph(tuple(folded_nodes), tuple(sorted(folded_edges)))


def _group_alike_nodes(graph: Graph) -> list[list[TopologyNode]]:
    """Return the nodes, those of the same kind, subtitle and edges together."""
    ends_by_node: dict[str, set[_EdgeEnd]] = {node.id: set() for node in graph.nodes}
    for edge in graph.edges:
        ends_by_node[edge.source].add(_EdgeEnd("to", edge.target, edge.description))
        ends_by_node[edge.target].add(_EdgeEnd("from", edge.source, edge.description))
    nodes_by_key: dict[_FoldKey, list[TopologyNode]] = {}
    for node in graph.nodes:
        key = _FoldKey(node.kind, node.subtitle, tuple(sorted(ends_by_node[node.id])))
        nodes_by_key.setdefault(key, []).append(node)
    return list(nodes_by_key.values())


def _fold_nodes(alike_nodes: Sequence[TopologyNode]) -> TopologyNode:
    """Return one node for all of some nodes."""
    first_node = alike_nodes[0]
    if len(alike_nodes) == 1:
        return first_node
    titles = tuple(node.title for node in alike_nodes)
    return first_node._replace(title=f"{titles[0]} and {len(alike_nodes) - 1} more", stands_for=titles)
