# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of who sends to whom on the page: of a cluster, or of all Linux hosts.

`topology_graph.py` finds nodes and edges, `topology_folds.py` makes a large graph smaller, and `topology_layout.py`
computes the coordinates of boxes and lines. This file puts them together as the data of an SVG, with the same in words.
`page_model.py` calls `draw_cluster` and `draw_hosts`. Example of an edge in words: `{"source": "agent", "target":
"gateway", "says": "traces by otlp"}`. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .fleet_cluster import FleetCluster
from .fleet_collector import FleetCollector
from .page_rows import BoxRow, EdgeRow, KindRow, LineRow, Topology
from .topology_folds import fold_graph
from .topology_graph import KIND_TITLES, Graph, TelemetryEdge, TopologyNode, build_cluster_graph, map_known_addresses
from .topology_layout import (
    BOX_HEIGHT,
    BOX_WIDTH,
    Drawing,
    LayoutBox,
    LayoutLine,
    LayoutPoint,
    format_curve_path,
    lay_out,
)

Diagnoses = Mapping[str, Mapping[str, Any]]
"""The diagnosis of each collector by its id. The box of a collector shows its status."""
# If a picture had more boxes, nodes with the same edges are drawn as one.
MOST_NODES = 30
# So many characters have room in a box.
_LONGEST_TITLE = 26
_LONGEST_SUBTITLE = 34


def draw_cluster(
    cluster: FleetCluster,
    clusters: Sequence[FleetCluster],
    anchors: Mapping[str, str],
    host_collectors: Iterable[FleetCollector] = (),
) -> Topology:
    """Return the picture of a cluster, with the collectors of Linux hosts (`host_collectors`) that send to it.

    `anchors` has the id of the row of each collector on the page, to which its box leads.
    """
    addresses = map_known_addresses(cluster.collectors, _map_titles_elsewhere(cluster, clusters))
    cluster_graph = build_cluster_graph(cluster.collectors, addresses)
    graph = _add_host_collectors(cluster_graph, cluster, host_collectors)
    return _draw_graph(graph, cluster.diagnosis_by_collector, anchors)


def draw_hosts(collectors: Sequence[FleetCollector], diagnosed: Diagnoses, anchors: Mapping[str, str]) -> Topology:
    """Return the picture of the collectors of Linux hosts, as `draw_cluster` does."""
    no_addresses = map_known_addresses((), {})
    return _draw_graph(build_cluster_graph(collectors, no_addresses), diagnosed, anchors)


def _add_host_collectors(graph: Graph, cluster: FleetCluster, host_collectors: Iterable[FleetCollector]) -> Graph:
    """Return a graph with the collectors of hosts that send to collectors of the cluster.

    Collectors of other clusters that send here are not in it: their own picture shows them.
    """
    own_ids = {collector.id for collector in cluster.collectors}
    nodes = {node.id: node for node in graph.nodes}
    edges = list(graph.edges)
    for host_collector in host_collectors:
        for target_id, exporters in _map_exporters_by_target(host_collector, cluster.name).items():
            if target_id not in own_ids:
                continue
            node = TopologyNode(host_collector.id, "host", host_collector.name, f"on {host_collector.namespace}")
            nodes.setdefault(node.id, node)
            edges.append(TelemetryEdge(node.id, target_id, f"by {', '.join(exporters)}"))
    return Graph(tuple(nodes.values()), tuple(edges))


def _map_exporters_by_target(collector: FleetCollector, cluster_name: str) -> dict[str, list[str]]:
    """Return the exporters by which a collector sends to each collector of a cluster, both in order."""
    exporters_by_target: dict[str, set[str]] = {}
    for row in collector.sends_to:
        if row["place"] == cluster_name:
            exporters_by_target.setdefault(str(row["collector"]), set()).add(str(row["exporter"]))
    return {target: sorted(exporters_by_target[target]) for target in sorted(exporters_by_target)}


def _draw_graph(graph: Graph, diagnosed: Diagnoses, anchors: Mapping[str, str]) -> Topology:
    """Return the picture of a graph. Folded nodes are one box of it; its words name all edges."""
    shown_graph = fold_graph(graph, MOST_NODES)
    boxes = [LayoutBox(node.id, node.is_last) for node in shown_graph.nodes]
    drawing = lay_out(boxes, [LayoutLine(edge.source, edge.target) for edge in shown_graph.edges])
    box_rows = [_build_box_row(node, drawing.corner_by_box[node.id], diagnosed, anchors) for node in shown_graph.nodes]
    return {
        "width": drawing.width,
        "height": drawing.height,
        "box": {"width": BOX_WIDTH, "height": BOX_HEIGHT},
        "nodes": box_rows,
        "lines": _build_line_rows(graph, drawing),
        "ways": _build_edge_rows(graph),
        "kinds": _build_kind_rows(shown_graph),
        "loops": _list_loop_titles(graph),
    }


def _build_edge_rows(graph: Graph) -> list[EdgeRow]:
    """Return the edges in words. `graph` is not folded, so that no connection is missing in them."""
    title_by_node = _map_titles(graph)
    edge_rows: list[EdgeRow] = []
    for edge in graph.edges:
        source, target = title_by_node[edge.source], title_by_node[edge.target]
        edge_rows.append({"source": source, "target": target, "says": edge.description})
    return edge_rows


def _build_kind_rows(shown_graph: Graph) -> list[KindRow]:
    """Return the kinds of the boxes that are drawn, in words."""
    drawn_kinds = {node.kind for node in shown_graph.nodes}
    return [{"kind": kind, "says": text} for kind, text in KIND_TITLES.items() if kind in drawn_kinds]


def _list_loop_titles(graph: Graph) -> list[str]:
    """Return the nodes that send to themselves."""
    title_by_node = _map_titles(graph)
    return [title_by_node[edge.source] for edge in graph.edges if edge.source == edge.target]


def _map_titles(graph: Graph) -> dict[str, str]:
    """Return the titles of nodes by their ids."""
    return {node.id: node.title for node in graph.nodes}


def _build_line_rows(graph: Graph, drawing: Drawing) -> list[LineRow]:
    """Return the path of each line, and its title, such as `agent → gateway: traces by otlp`.

    A folded node has the id of the first of its nodes, so that each line is an edge of the whole graph too.
    """
    description_by_line = {LayoutLine(edge.source, edge.target): edge.description for edge in graph.edges}
    title_by_node = _map_titles(graph)
    line_rows: list[LineRow] = []
    for line, points in drawing.points_by_line.items():
        title = f"{title_by_node[line.source]} → {title_by_node[line.target]}: {description_by_line[line]}"
        line_rows.append({"path": format_curve_path(points), "title": title})
    return line_rows


def _map_titles_elsewhere(cluster: FleetCluster, clusters: Sequence[FleetCluster]) -> dict[str, str]:
    """Return the collectors of other clusters, such as `obs/gateway in eu-west`, by their host names."""
    title_by_host: dict[str, str] = {}
    for other_cluster in clusters:
        if other_cluster is cluster:
            continue
        for collector in other_cluster.collectors:
            title = f"{collector.id} in {other_cluster.name}"
            title_by_host.update(dict.fromkeys(collector.exposed_hosts, title))
    return title_by_host


def _build_box_row(
    node: TopologyNode,
    corner: LayoutPoint,
    diagnosed: Diagnoses,
    anchors: Mapping[str, str],
) -> BoxRow:
    """Return what the page shows of a node: its corner, its texts, and the status of its collector."""
    diagnosis = diagnosed.get(node.id, {})
    return {
        "x": corner.x,
        "y": corner.y,
        "kind": node.kind,
        "title": _shorten(node.title, _LONGEST_TITLE),
        "subtitle": _shorten(node.subtitle, _LONGEST_SUBTITLE),
        "told": f"{', '.join(node.stands_for) or node.title} ({KIND_TITLES[node.kind]}): {node.subtitle}",
        "status": str(diagnosis.get("status") or ""),
        "many": bool(node.stands_for),
        "anchor": anchors.get(node.id, ""),
    }


def _shorten(text: str, longest_length: int) -> str:
    return text if len(text) <= longest_length else f"{text[: longest_length - 1]}…"
