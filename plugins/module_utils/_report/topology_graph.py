# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends to whom in a cluster: collectors, their target allocators, and the backends at the end. Private.

An exporter's address leads to the collector that has a Service, a route or a port of the node of that name, here or in
another cluster of the fleet; every other address is a backend. Of an address no more than host and port is kept: a
path or a user in it may be secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import section
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube import names
from .._otelcol.needs.peers import Peer, peers
from .._otelcol.traits import EXPORTERS, Trait, traits_of
from .fleet_cluster import NODE, FleetMember

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
_FATES = {
    Trait.PRINTS: "its own log",
    Trait.DISCARDS: "nowhere",
    Trait.IS_SCRAPED: "waits to be scraped",
    Trait.WRITES_FILES: "a file",
}
_LAST_KINDS = ("backend", "elsewhere")
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
        return self.kind in _LAST_KINDS


class Way(NamedTuple):
    """What goes from one node to another, by their ids; `says` has it in words."""

    source: str
    target: str
    says: str


class Graph(NamedTuple):
    """All nodes, in the order in which the page lists them, and all edges between them."""

    nodes: tuple[TopologyNode, ...]
    ways: tuple[Way, ...]


class KnownAddresses(NamedTuple):
    """The collectors of a cluster by all that leads to one, and those of other clusters by their hosts."""

    services: Mapping[str, str]
    hosts: Mapping[str, str]
    node_ports: Mapping[int, str]
    elsewhere: Mapping[str, str]


def known_addresses(members: Sequence[FleetMember], elsewhere: Mapping[str, str]) -> KnownAddresses:
    """Return what leads to these collectors."""
    services: dict[str, str] = {}
    hosts: dict[str, str] = {}
    node_ports: dict[int, str] = {}
    for member in members:
        services.update(dict.fromkeys(member.services, member.id))
        hosts.update(dict.fromkeys(member.hosts, member.id))
        node_ports.update(dict.fromkeys(sorted(member.node_ports), member.id))
    return KnownAddresses(services, hosts, node_ports, elsewhere)


def cluster_graph(members: Sequence[FleetMember], known: KnownAddresses) -> Graph:
    """Return the nodes and ways of a cluster."""
    has_several_namespaces = len({member.namespace for member in members}) > 1
    nodes: dict[str, TopologyNode] = {}
    for member in members:
        for node in _own_nodes(member, has_several_namespaces):
            nodes[node.id] = node
    texts_by_ends: dict[tuple[str, str], list[str]] = {}
    for member in members:
        if member.is_allocated:
            texts_by_ends[_allocator_id(member), member.id] = ["targets"]
        for target, text in _targets(member, known):
            nodes.setdefault(target.id, target)
            texts_by_ends.setdefault((member.id, target.id), []).append(text)
    ways = []
    for (source, target_id), texts in sorted(texts_by_ends.items()):
        ways.append(Way(source, target_id, "; ".join(dict.fromkeys(texts))))
    kinds = list(KINDS)
    in_order = sorted(nodes.values(), key=lambda node: (kinds.index(node.kind), node.id))
    return Graph(tuple(in_order), tuple(ways))


def _allocator_id(member: FleetMember) -> str:
    return f"{member.id} allocator"


def _own_nodes(member: FleetMember, has_several_namespaces: bool) -> Iterator[TopologyNode]:
    """Yield a collector and its target allocator; among several namespaces it has its own with it."""
    receivers = ", ".join(member.receivers) or "no receivers"
    subtitle = f"{member.namespace}: {receivers}" if has_several_namespaces else receivers
    yield TopologyNode(member.id, MODES[member.mode], member.name, subtitle)
    if member.is_allocated:
        yield TopologyNode(_allocator_id(member), "allocator", names.allocator(member.name), "shares targets out")


def _targets(member: FleetMember, known: KnownAddresses) -> Iterator[tuple[TopologyNode, str]]:
    """Yield where each exporter of a collector leads, and what goes there."""
    peers_by_exporter: dict[str, list[Peer]] = {}
    for peer in peers(member.config, member.namespace):
        peers_by_exporter.setdefault(peer.exporter, []).append(peer)
    for exporter, signals in _exporters(member).items():
        nodes = [_node_elsewhere(way) for way in member.sends_to if way["exporter"] == exporter]
        if not nodes:
            nodes = [_node_at(peer, member, known) for peer in peers_by_exporter.get(exporter, [])]
        if not nodes:
            nodes = [_node_without_address(exporter, section(member.config, "exporters", exporter))]
        text = f"{', '.join(signals)} by {exporter}"
        for node in nodes:
            yield node, text


def _node_elsewhere(way: Mapping[str, Any]) -> TopologyNode:
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


def _node_at(peer: Peer, member: FleetMember, known: KnownAddresses) -> TopologyNode:
    """Return what an address of an exporter leads to: a collector of this cluster or another, or a backend."""
    own_id = _collector_at(peer, known)
    if own_id:
        return TopologyNode(own_id, "", "", "")  # its own node is there already
    if peer.host in known.elsewhere:
        return TopologyNode(f"elsewhere {peer.host}", "elsewhere", known.elsewhere[peer.host], peer.host)
    return _backend_at(peer, member)


def _backend_at(peer: Peer, member: FleetMember) -> TopologyNode:
    """Return the backend at an address. One on the loopback is another one for each collector."""
    kind = peer.exporter.split("/", 1)[0]
    is_on_host = member.mode == _SERVICE
    host = peer.host
    if host == NODE:
        host = "the node"
    elif peer.service and not is_on_host and not is_loopback(host):
        host = f"{peer.service}.{peer.namespace}"
    title = f"{host}:{peer.port}" if peer.port else host
    if is_loopback(peer.host):
        where = "on the same host" if is_on_host else "in the same pod"
        return TopologyNode(f"backend {member.id} {title}", "backend", title, f"{kind}, {where}")
    return TopologyNode(f"backend {title}", "backend", title, kind)


def _collector_at(peer: Peer, known: KnownAddresses) -> str:
    """Return the id of the collector that an address leads to, by its Service, node port or host; empty for none."""
    if peer.host == NODE:
        by_place = known.node_ports.get(peer.port)
    else:
        by_place = known.services.get(f"{peer.namespace}/{peer.service}")
    return by_place or known.hosts.get(peer.host) or ""


def _node_without_address(exporter: str, settings: Mapping[str, object]) -> TopologyNode:
    """Return the node of an exporter that names no address: a service of a cloud, a file, its own log."""
    kind = exporter.split("/", 1)[0]
    place = _place_of(settings)
    return TopologyNode(f"backend {kind} {place}".strip(), "backend", kind, place or _fate_of(exporter))


def _fate_of(exporter: str) -> str:
    """Return what becomes of the data of an exporter that names no place."""
    traits = traits_of(EXPORTERS, exporter)
    for trait, text in _FATES.items():
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
