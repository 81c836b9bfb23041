# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of who sends to whom on the page: of a cluster, or of all Linux hosts.

`topology_graph.py` finds nodes and ways, `topology_folds.py` makes a large graph smaller, and `topology_layout.py`
gives each box and line its place. This file puts them together as the data of an SVG, with the same in words. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .fleet_cluster import FleetCluster, FleetMember
from .page_rows import Topology
from .topology_folds import fold_graph
from .topology_graph import KIND_TITLES, Graph, TelemetryEdge, TopologyNode, build_cluster_graph, map_known_addresses
from .topology_layout import BOX_HEIGHT, BOX_WIDTH, LayoutBox, LayoutLine, LayoutPoint, format_curve_path, lay_out

Diagnoses = Mapping[str, Mapping[str, Any]]
"""The diagnosis of each collector by its id. The box of a collector shows its status."""
# If a picture had more boxes, nodes with the same ways are drawn as one.
MOST_NODES = 30
# Characters that have room in a box.
_LONGEST_TITLE, _LONGEST_SUBTITLE = 26, 34


def draw_cluster(
    cluster: FleetCluster,
    clusters: Sequence[FleetCluster],
    anchors: Mapping[str, str],
    host_members: Iterable[FleetMember] = (),
) -> Topology:
    """Return the picture of a cluster, with the collectors of Linux hosts (`host_members`) that send to it.

    `anchors` has the id of the row of each collector on the page, to which its box leads.
    """
    addresses = map_known_addresses(cluster.members, _map_hosts_elsewhere(cluster, clusters))
    graph = _add_senders(build_cluster_graph(cluster.members, addresses), cluster, host_members)
    return _draw_graph(graph, cluster.diagnosis_by_collector, anchors)


def draw_hosts(members: Sequence[FleetMember], diagnosed: Diagnoses, anchors: Mapping[str, str]) -> Topology:
    """Return the picture of the collectors of Linux hosts, as `draw_cluster` does."""
    no_addresses = map_known_addresses((), {})
    return _draw_graph(build_cluster_graph(members, no_addresses), diagnosed, anchors)


def _add_senders(graph: Graph, cluster: FleetCluster, host_members: Iterable[FleetMember]) -> Graph:
    """Return a graph with the collectors of hosts that send to collectors of the cluster."""
    own_ids = {member.id for member in cluster.members}
    nodes = {node.id: node for node in graph.nodes}
    ways = list(graph.ways)
    for member in host_members:
        receiver_ids = {str(way["collector"]) for way in member.sends_to if way["place"] == cluster.name}
        for target in sorted(receiver_ids & own_ids):
            nodes.setdefault(member.id, TopologyNode(member.id, "host", member.name, f"on {member.namespace}"))
            exporters = {str(way["exporter"]) for way in member.sends_to if way["collector"] == target}
            ways.append(TelemetryEdge(member.id, target, f"by {', '.join(sorted(exporters))}"))
    return Graph(tuple(nodes.values()), tuple(ways))


def _draw_graph(graph: Graph, diagnosed: Diagnoses, anchors: Mapping[str, str]) -> Topology:
    """Return the picture of a graph. Folded nodes are one box of it; its words name all ways."""
    shown_graph = fold_graph(graph, MOST_NODES)
    boxes = [LayoutBox(node.id, node.is_last) for node in shown_graph.nodes]
    drawing = lay_out(boxes, [LayoutLine(way.source, way.target) for way in shown_graph.ways])
    drawn_kinds = {node.kind for node in shown_graph.nodes}
    words_by_line = {LayoutLine(way.source, way.target): way.description for way in graph.ways}
    titles = {node.id: node.title for node in graph.nodes}
    lines = []
    for line, points in drawing.points_by_line.items():
        title = f"{titles[line.source]} → {titles[line.target]}: {words_by_line[line]}"
        lines.append({"path": format_curve_path(points), "title": title})
    return {
        "width": drawing.width,
        "height": drawing.height,
        "box": {"width": BOX_WIDTH, "height": BOX_HEIGHT},
        "nodes": [
            _build_box_row(node, drawing.corner_by_box[node.id], diagnosed, anchors) for node in shown_graph.nodes
        ],
        "lines": lines,
        "ways": [
            {"source": titles[way.source], "target": titles[way.target], "says": way.description} for way in graph.ways
        ],
        "kinds": [{"kind": kind, "says": text} for kind, text in KIND_TITLES.items() if kind in drawn_kinds],
        "loops": [titles[way.source] for way in graph.ways if way.source == way.target],
    }


def _map_hosts_elsewhere(cluster: FleetCluster, clusters: Sequence[FleetCluster]) -> dict[str, str]:
    """Return the collectors of other clusters, such as `obs/gateway in eu-west`, by their host names."""
    title_by_host: dict[str, str] = {}
    for other_cluster in clusters:
        if other_cluster is cluster:
            continue
        for member in other_cluster.members:
            title_by_host.update(dict.fromkeys(member.exposed_hosts, f"{member.id} in {other_cluster.name}"))
    return title_by_host


def _build_box_row(
    node: TopologyNode,
    corner: LayoutPoint,
    diagnosed: Diagnoses,
    anchors: Mapping[str, str],
) -> dict[str, Any]:
    """Return what the page shows of a node: its place, its texts, and the status of its collector."""
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
