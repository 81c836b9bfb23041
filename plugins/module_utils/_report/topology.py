# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a topology, laid out, with its text. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .fleet_cluster import FleetCluster, FleetMember
from .topology_folds import fold_graph
from .topology_graph import KIND_TITLES, Graph, TopologyNode, Way, build_cluster_graph, map_known_addresses
from .topology_layout import BOX_HEIGHT, BOX_WIDTH, Box, Line, format_curve_path, lay_out

# A picture with more boxes is no help; what has the same ways is drawn as one then.
MOST_NODES = 30
# How much of a text has room in a box.
_LONGEST_TITLE, _LONGEST_SUBTITLE = 26, 34


def draw_cluster(
    cluster: FleetCluster,
    clusters: Sequence[FleetCluster],
    anchors: Mapping[str, str],
    host_members: Iterable[FleetMember] = (),
) -> dict[str, Any]:
    """Return the topology of a cluster, laid out. Of the collectors of Linux `host_members`, some may send to it."""
    graph = build_cluster_graph(
        cluster.members, map_known_addresses(cluster.members, _map_hosts_elsewhere(cluster, clusters))
    )
    graph = _add_senders(graph, cluster, host_members)
    return _draw_graph(graph, cluster.diagnosis_by_collector, anchors)


def draw_hosts(
    members: Sequence[FleetMember], diagnosed: Mapping[str, Mapping[str, Any]], anchors: Mapping[str, str]
) -> dict[str, Any]:
    """Return the topology of the collectors of Linux hosts, laid out; `diagnosed` and `anchors` are by their ids."""
    return _draw_graph(build_cluster_graph(members, map_known_addresses((), {})), diagnosed, anchors)


def _add_senders(graph: Graph, cluster: FleetCluster, host_members: Iterable[FleetMember]) -> Graph:
    """Return a graph with the collectors of hosts that send to the cluster, which stand before what they send to."""
    own_ids = {member.id for member in cluster.members}
    nodes = {node.id: node for node in graph.nodes}
    ways = list(graph.ways)
    for member in host_members:
        receiver_ids = {str(way["collector"]) for way in member.sends_to if way["place"] == cluster.name}
        for target in sorted(receiver_ids & own_ids):
            nodes.setdefault(member.id, TopologyNode(member.id, "host", member.name, f"on {member.namespace}"))
            exporters = {str(way["exporter"]) for way in member.sends_to if way["collector"] == target}
            ways.append(Way(member.id, target, f"by {', '.join(sorted(exporters))}"))
    return Graph(tuple(nodes.values()), tuple(ways))


def _draw_graph(graph: Graph, diagnosed: Mapping[str, Mapping[str, Any]], anchors: Mapping[str, str]) -> dict[str, Any]:
    """Return what a graph looks like."""
    shown_graph = fold_graph(graph, MOST_NODES)
    boxes = [Box(node.id, node.is_last) for node in shown_graph.nodes]
    drawing = lay_out(boxes, [Line(way.source, way.target) for way in shown_graph.ways])
    drawn_kinds = {node.kind for node in shown_graph.nodes}
    words_by_line = {Line(way.source, way.target): way.description for way in graph.ways}
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
    """Return the collectors of other clusters by the hosts that lead to them."""
    collectors_by_host = {}
    for other_cluster in clusters:
        if other_cluster is not cluster:
            for member in other_cluster.members:
                collectors_by_host.update(dict.fromkeys(member.exposed_hosts, f"{member.id} in {other_cluster.name}"))
    return collectors_by_host


def _build_box_row(
    node: TopologyNode,
    corner: tuple[int, int],
    diagnosed: Mapping[str, Mapping[str, Any]],
    anchors: Mapping[str, str],
) -> dict[str, Any]:
    """Return what the page shows of a node: its place, its texts, and how its collector is."""
    diagnosis = diagnosed.get(node.id, {})
    return {
        "x": corner[0],
        "y": corner[1],
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
