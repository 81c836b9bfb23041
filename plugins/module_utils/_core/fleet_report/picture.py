# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology of a cluster as boxes and lines with their texts. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import topology
from .cluster import FleetCluster
from .layout import HEIGHT, WIDTH, Box, Line, curve, draw

# A picture with more boxes is no help; what has the same ways is drawn as one then.
MOST_NODES = 30
# How much of a text has room in a box.
_LONGEST_TITLE, _LONGEST_SUBTITLE = 26, 34


def picture(cluster: FleetCluster, clusters: Sequence[FleetCluster], anchors: Mapping[str, str]) -> dict[str, Any]:
    """Return the topology of a cluster, laid out."""
    others = [other for other in clusters if other is not cluster]
    elsewhere = {host: f"{one.id} in {other.name}" for other in others for one in other.members for host in one.hosts}
    whole = topology.graph(cluster.members, topology.names_of(cluster.members, elsewhere))
    shown = topology.fold(whole, MOST_NODES)
    drawing = draw(
        [Box(node.id, node.is_last) for node in shown.nodes], [Line(way.source, way.target) for way in shown.ways]
    )
    drawn = {node.kind for node in shown.nodes}
    says = {Line(way.source, way.target): way.says for way in whole.ways}
    titles = {node.id: node.title for node in whole.nodes}
    return {
        "width": drawing.width,
        "height": drawing.height,
        "box": {"width": WIDTH, "height": HEIGHT},
        "nodes": [_node(node, drawing.boxes[node.id], cluster, anchors) for node in shown.nodes],
        "lines": [
            {"path": curve(points), "title": f"{titles[line.source]} → {titles[line.target]}: {says[line]}"}
            for line, points in drawing.lines.items()
        ],
        "ways": [{"source": titles[way.source], "target": titles[way.target], "says": way.says} for way in whole.ways],
        "kinds": [{"kind": kind, "says": topology.KINDS[kind]} for kind in topology.KINDS if kind in drawn],
        "loops": [titles[way.source] for way in whole.ways if way.source == way.target],
    }


def _node(
    node: topology.TopologyNode, corner: tuple[int, int], cluster: FleetCluster, anchors: Mapping[str, str]
) -> dict[str, Any]:
    found = cluster.diagnosed.get(node.id, {})
    return {
        "x": corner[0],
        "y": corner[1],
        "kind": node.kind,
        "title": _cut(node.title, _LONGEST_TITLE),
        "subtitle": _cut(node.subtitle, _LONGEST_SUBTITLE),
        "told": f"{', '.join(node.stands_for) or node.title} ({topology.KINDS[node.kind]}): {node.subtitle}",
        "status": str(found.get("status") or ""),
        "many": bool(node.stands_for),
        "anchor": anchors.get(node.id, ""),
    }


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
