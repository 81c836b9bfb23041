# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology: collectors, their target allocators, and the backends at the end. Private.

An exporter's address leads to the collector that has a Service, a route or a port of the node of that name, here or in
another cluster of the fleet; every other address is a backend. Of an address no more than host and port is kept: a
path or a user in it may be secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.paths import is_loopback, section
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube import names
from .._otelcol.needs.peers import Peer, peers
from .._otelcol.traits import EXPORTERS, Trait, traits_of
from .fleet_cluster import NODE, FleetCluster, FleetMember
from .topology_layout import HEIGHT, WIDTH, Box, Line, curve_path, lay_out

SIGNALS = ("traces", "metrics", "logs", "profiles")
MODES = {
    "daemonset": "agent",
    "deployment": "gateway",
    "statefulset": "gateway",
    "sidecar": "sidecar",
    "service": "host",
}
# The title of each kind, in the picture and in its text.
KINDS = {
    "agent": "on every node",
    "gateway": "collector",
    "host": "on a Linux host",
    "sidecar": "in the pods of applications",
    "allocator": "target allocator",
    "backend": "backend",
    "elsewhere": "in another cluster",
}
_PLACES = ("region", "index", "path", "log_group_name")
# What becomes of data whose exporter goes nowhere else.
_HERE = {
    Trait.PRINTS: "its own log",
    Trait.DISCARDS: "nowhere",
    Trait.IS_SCRAPED: "waits to be scraped",
    Trait.WRITES_FILES: "a file",
}
_AT_END = ("backend", "elsewhere")
_SERVICE = "service"


class TopologyNode(NamedTuple):
    """A place that telemetry comes from or goes to. `stands_for` has what it was folded of."""

    id: str
    kind: str
    title: str
    subtitle: str
    stands_for: tuple[str, ...] = ()

    @property
    def is_last(self) -> bool:
        """Return whether it is a backend."""
        return self.kind in _AT_END


class Way(NamedTuple):
    """What goes from one node to another."""

    source: str
    target: str
    says: str


class Graph(NamedTuple):
    """All nodes, in the order in which the page lists them, and all edges between them."""

    nodes: tuple[TopologyNode, ...]
    ways: tuple[Way, ...]


class Names(NamedTuple):
    """The collectors of a cluster by all that leads to one, and those of other clusters by their hosts."""

    services: Mapping[str, str]
    hosts: Mapping[str, str]
    node_ports: Mapping[int, str]
    elsewhere: Mapping[str, str]


def names_of(members: Sequence[FleetMember], elsewhere: Mapping[str, str]) -> Names:
    """Return what leads to these collectors."""
    services = {service: member.id for member in members for service in member.services}
    node_ports = {port: member.id for member in members for port in sorted(member.node_ports)}
    return Names(services, {host: member.id for member in members for host in member.hosts}, node_ports, elsewhere)


def graph(members: Sequence[FleetMember], known: Names) -> Graph:
    """Return the nodes and ways of a cluster."""
    has_several_namespaces = len({member.namespace for member in members}) > 1
    nodes: dict[str, TopologyNode] = {}
    for member in members:
        for node in _own_nodes(member, has_several_namespaces):
            nodes[node.id] = node
    texts: dict[tuple[str, str], list[str]] = {}
    for member in members:
        if member.is_allocated:
            texts[f"{member.id} allocator", member.id] = ["targets"]
        for node, text in _targets(member, known):
            target = nodes.setdefault(node.id, node)
            texts.setdefault((member.id, target.id), []).append(text)
    ways = []
    for (source, target_id), way_texts in sorted(texts.items()):
        ways.append(Way(source, target_id, "; ".join(dict.fromkeys(way_texts))))
    order = list(KINDS)
    in_order = sorted(nodes.values(), key=lambda node: (order.index(node.kind), node.id))
    return Graph(tuple(in_order), tuple(ways))


def _own_nodes(member: FleetMember, has_several_namespaces: bool) -> Iterator[TopologyNode]:
    """Yield a collector and its target allocator; among several namespaces it has its own with it."""
    receivers = ", ".join(member.receivers) or "no receivers"
    subtitle = f"{member.namespace}: {receivers}" if has_several_namespaces else receivers
    yield TopologyNode(member.id, MODES[member.mode], member.name, subtitle)
    if member.is_allocated:
        yield TopologyNode(f"{member.id} allocator", "allocator", names.allocator(member.name), "shares targets out")


def _targets(member: FleetMember, known: Names) -> Iterator[tuple[TopologyNode, str]]:
    """Yield where each exporter of a collector leads, and what goes there."""
    peers_by_exporter: dict[str, list[Peer]] = {}
    for peer in peers(member.config, member.namespace):
        peers_by_exporter.setdefault(peer.exporter, []).append(peer)
    for exporter, signals in _exporters(member).items():
        nodes = [_other(way) for way in member.sends_to if way["exporter"] == exporter]
        if not nodes:
            nodes = [_at(peer, member, known) for peer in peers_by_exporter.get(exporter, [])]
        if not nodes:
            nodes = [_without_address(exporter, section(member.config, "exporters", exporter))]
        text = f"{', '.join(signals)} by {exporter}"
        for node in nodes:
            yield node, text


def _other(way: Mapping[str, Any]) -> TopologyNode:
    """Return the collector of another place: one of a cluster has its namespace in its name."""
    place, collector = str(way["place"]), str(way["collector"])
    if "/" in collector:
        return TopologyNode(f"{place}/{collector}", "elsewhere", collector, f"in {place}")
    return TopologyNode(f"{place}/{collector}", "host", collector, f"on {place}")


def _exporters(member: FleetMember) -> dict[str, list[str]]:
    """Return the exporters that pipelines use, each with its signals."""
    configured = section(member.config, "exporters")
    signals_by_exporter = PipelineGraph.of(member.config).signals_by_id("exporters")
    order = {signal: index for index, signal in enumerate(SIGNALS)}
    exporters = {}
    for name in sorted(signals_by_exporter):
        if name in configured:
            signals = signals_by_exporter[name]
            exporters[name] = sorted(signals, key=lambda signal: (order.get(signal, len(order)), signal))
    return exporters


def _at(peer: Peer, member: FleetMember, known: Names) -> TopologyNode:
    """Return what an address of an exporter leads to: a collector of this cluster or another, or a backend."""
    own_id = _collector_at(peer, known)
    if own_id:
        return TopologyNode(own_id, "", "", "")
    if peer.host in known.elsewhere:
        return TopologyNode(f"elsewhere {peer.host}", "elsewhere", known.elsewhere[peer.host], peer.host)
    port = f":{peer.port}" if peer.port else ""
    kind = peer.exporter.split("/", 1)[0]
    if is_loopback(peer.host):
        where = "on the same host" if member.mode == _SERVICE else "in the same pod"
        address = f"{peer.host}{port}"
        return TopologyNode(f"backend {member.id} {address}", "backend", address, f"{kind}, {where}")
    title = peer.host
    if peer.host == NODE:
        title = "the node"
    elif peer.service and member.mode != _SERVICE:
        title = f"{peer.service}.{peer.namespace}"
    return TopologyNode(f"backend {title}{port}", "backend", f"{title}{port}", kind)


def _collector_at(peer: Peer, known: Names) -> str:
    """Return the id of the collector that an address leads to, by its Service, node port or host; empty for none."""
    if peer.host == NODE:
        by_place = known.node_ports.get(peer.port)
    else:
        by_place = known.services.get(f"{peer.namespace}/{peer.service}")
    return by_place or known.hosts.get(peer.host) or ""


def _without_address(exporter: str, settings: Mapping[str, object]) -> TopologyNode:
    """Return the node of an exporter that names no address: a service of a cloud, a file, its own log."""
    kind = exporter.split("/", 1)[0]
    place = _place_of(settings)
    return TopologyNode(f"backend {kind} {place}".strip(), "backend", kind, place or _fate_of(exporter))


def _fate_of(exporter: str) -> str:
    """Return what becomes of the data of an exporter that names no place."""
    traits = traits_of(EXPORTERS, exporter)
    for trait, text in _HERE.items():
        if trait in traits:
            return text
    return "without an address"


def _place_of(settings: Mapping[str, object]) -> str:
    """Return the first setting that says where data goes; one with a variable says nothing."""
    for key in _PLACES:
        value = str(settings.get(key) or "")
        if value and "$" not in value:
            return value
    return ""


def fold(whole: Graph, most: int) -> Graph:
    """Return the graph with what has the same ways as one node, when it has more nodes than anyone looks at."""
    if len(whole.nodes) <= most:
        return whole
    ends: dict[str, set[tuple[str, str, str]]] = {node.id: set() for node in whole.nodes}
    for way in whole.ways:
        ends[way.source].add(("to", way.target, way.says))
        ends[way.target].add(("from", way.source, way.says))
    groups: dict[tuple[str, str, tuple[tuple[str, str, str], ...]], list[TopologyNode]] = {}
    for node in whole.nodes:
        groups.setdefault((node.kind, node.subtitle, tuple(sorted(ends[node.id]))), []).append(node)
    first_id = {}
    for group in groups.values():
        for node in group:
            first_id[node.id] = group[0].id
    ways = {way._replace(source=first_id[way.source], target=first_id[way.target]) for way in whole.ways}
    return Graph(tuple(_folded(group) for group in groups.values()), tuple(sorted(ways)))


def _folded(group: Sequence[TopologyNode]) -> TopologyNode:
    """Return one node for all of a group."""
    if len(group) == 1:
        return group[0]
    titles = tuple(node.title for node in group)
    return group[0]._replace(title=f"{titles[0]} and {len(group) - 1} more", stands_for=titles)


# A picture with more boxes is no help; what has the same ways is drawn as one then.
MOST_NODES = 30
# How much of a text has room in a box.
_LONGEST_TITLE, _LONGEST_SUBTITLE = 26, 34


def picture(
    cluster: FleetCluster,
    clusters: Sequence[FleetCluster],
    anchors: Mapping[str, str],
    hosts: Iterable[FleetMember] = (),
) -> dict[str, Any]:
    """Return the topology of a cluster, laid out. Of the collectors of Linux `hosts`, some may send to it."""
    whole = graph(cluster.members, names_of(cluster.members, _hosts_elsewhere(cluster, clusters)))
    whole = _with_senders(whole, cluster, hosts)
    return _drawn(whole, cluster.diagnosed, anchors)


def picture_of_hosts(
    members: Sequence[FleetMember], diagnosed: Mapping[str, Mapping[str, Any]], anchors: Mapping[str, str]
) -> dict[str, Any]:
    """Return the topology of the collectors of Linux hosts, laid out; `diagnosed` and `anchors` are by their ids."""
    return _drawn(graph(members, names_of((), {})), diagnosed, anchors)


def _with_senders(whole: Graph, cluster: FleetCluster, hosts: Iterable[FleetMember]) -> Graph:
    """Return a graph with the collectors of hosts that send to the cluster, which stand before what they send to."""
    own_ids = {member.id for member in cluster.members}
    nodes = {node.id: node for node in whole.nodes}
    ways = list(whole.ways)
    for member in hosts:
        called_ids = {str(way["collector"]) for way in member.sends_to if way["place"] == cluster.name}
        for target in sorted(called_ids & own_ids):
            nodes.setdefault(member.id, TopologyNode(member.id, "host", member.name, f"on {member.namespace}"))
            exporters = {str(way["exporter"]) for way in member.sends_to if way["collector"] == target}
            ways.append(Way(member.id, target, f"by {', '.join(sorted(exporters))}"))
    return Graph(tuple(nodes.values()), tuple(ways))


def _drawn(whole: Graph, diagnosed: Mapping[str, Mapping[str, Any]], anchors: Mapping[str, str]) -> dict[str, Any]:
    """Return what a graph looks like."""
    shown = fold(whole, MOST_NODES)
    boxes = [Box(node.id, node.is_last) for node in shown.nodes]
    drawing = lay_out(boxes, [Line(way.source, way.target) for way in shown.ways])
    drawn_kinds = {node.kind for node in shown.nodes}
    says = {Line(way.source, way.target): way.says for way in whole.ways}
    titles = {node.id: node.title for node in whole.nodes}
    lines = []
    for line, points in drawing.lines.items():
        title = f"{titles[line.source]} → {titles[line.target]}: {says[line]}"
        lines.append({"path": curve_path(points), "title": title})
    return {
        "width": drawing.width,
        "height": drawing.height,
        "box": {"width": WIDTH, "height": HEIGHT},
        "nodes": [_node(node, drawing.boxes[node.id], diagnosed, anchors) for node in shown.nodes],
        "lines": lines,
        "ways": [{"source": titles[way.source], "target": titles[way.target], "says": way.says} for way in whole.ways],
        "kinds": [{"kind": kind, "says": text} for kind, text in KINDS.items() if kind in drawn_kinds],
        "loops": [titles[way.source] for way in whole.ways if way.source == way.target],
    }


def _hosts_elsewhere(cluster: FleetCluster, clusters: Sequence[FleetCluster]) -> dict[str, str]:
    """Return the collectors of other clusters by the hosts that lead to them."""
    collectors = {}
    for other in clusters:
        if other is not cluster:
            for member in other.members:
                collectors.update(dict.fromkeys(member.hosts, f"{member.id} in {other.name}"))
    return collectors


def _node(
    node: TopologyNode,
    corner: tuple[int, int],
    diagnosed: Mapping[str, Mapping[str, Any]],
    anchors: Mapping[str, str],
) -> dict[str, Any]:
    found = diagnosed.get(node.id, {})
    return {
        "x": corner[0],
        "y": corner[1],
        "kind": node.kind,
        "title": _cut(node.title, _LONGEST_TITLE),
        "subtitle": _cut(node.subtitle, _LONGEST_SUBTITLE),
        "told": f"{', '.join(node.stands_for) or node.title} ({KINDS[node.kind]}): {node.subtitle}",
        "status": str(found.get("status") or ""),
        "many": bool(node.stands_for),
        "anchor": anchors.get(node.id, ""),
    }


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
