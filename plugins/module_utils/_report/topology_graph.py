# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of who sends to whom in a cluster: collectors, their target allocators, and the backends at the end.

The address of an exporter leads to the collector with that Service, that host name or that port of the node. It may be
in this cluster or in another one of the fleet. Every other address is a backend. Only the host and the port of an
address are kept, since a path or a user in it may be secret. `topology.py` draws the graph. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import mapping_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube import names
from .._otelcol.needs.peers import Peer, find_peers
from .._otelcol.traits import EXPORTERS, Trait, traits_of
from .fleet_cluster import NODE_ADDRESS, FleetMember

SIGNALS_IN_ORDER = ("traces", "metrics", "logs", "profiles")
KINDS_BY_MODE = {
    "daemonset": "agent",
    "deployment": "gateway",
    "statefulset": "gateway",
    "sidecar": "sidecar",
    "service": "host",
}
# The title of each kind, in the picture and in its text.
KIND_TITLES = {
    "agent": "on every node",
    "gateway": "collector",
    "host": "on a Linux host",
    "sidecar": "in the pods of applications",
    "allocator": "target allocator",
    "backend": "backend",
    "elsewhere": "in another cluster",
}
_DESTINATION_KEYS = ("region", "index", "path", "log_group_name")
# What becomes of the data of an exporter that sends to no address.
_FATES_BY_TRAIT = {
    Trait.PRINTS: "its own log",
    Trait.DISCARDS: "nowhere",
    Trait.IS_SCRAPED: "waits to be scraped",
    Trait.WRITES_FILES: "a file",
}
_LAST_KINDS = ("backend", "elsewhere")
_SERVICE_MODE = "service"


class TopologyNode(NamedTuple):
    """A collector, a target allocator or a backend.

    `kind` is one of KIND_TITLES. If several nodes were folded into one, `stands_for` has the titles of all of them.
    """

    id: str
    kind: str
    title: str
    subtitle: str
    stands_for: tuple[str, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether it is at the end: a backend, or a collector of another cluster."""
        return self.kind in _LAST_KINDS


class TelemetryEdge(NamedTuple):
    """Telemetry goes from one node to another. Both are named by their ids.

    `description` says what goes there, such as `traces, logs by otlp/gateway`.
    """

    source: str
    target: str
    description: str


class Graph(NamedTuple):
    """All nodes, in the order in which the page lists them, and the ways between them."""

    nodes: tuple[TopologyNode, ...]
    ways: tuple[TelemetryEdge, ...]


class KnownAddresses(NamedTuple):
    """The addresses that lead to a collector: of this cluster its id, of another cluster its title."""

    id_by_service: Mapping[str, str]
    """By the Service as NAMESPACE/NAME."""
    id_by_host: Mapping[str, str]
    id_by_node_port: Mapping[int, str]
    title_by_other_host: Mapping[str, str]


def map_known_addresses(members: Sequence[FleetMember], elsewhere: Mapping[str, str]) -> KnownAddresses:
    """Return the addresses of these collectors. `elsewhere` has titles of collectors of other clusters by host."""
    services: dict[str, str] = {}
    hosts: dict[str, str] = {}
    node_ports: dict[int, str] = {}
    for member in members:
        services.update(dict.fromkeys(member.service_names, member.id))
        hosts.update(dict.fromkeys(member.exposed_hosts, member.id))
        node_ports.update(dict.fromkeys(sorted(member.node_ports), member.id))
    return KnownAddresses(services, hosts, node_ports, elsewhere)


def build_cluster_graph(members: Sequence[FleetMember], known_addresses_of_members: KnownAddresses) -> Graph:
    """Return the nodes and ways of a cluster. Two exporters of a collector to the same node are one way."""
    has_several_namespaces = len({member.namespace for member in members}) > 1
    nodes: dict[str, TopologyNode] = {}
    for member in members:
        for node in _list_own_nodes(member, has_several_namespaces):
            nodes[node.id] = node
    texts_by_ends: dict[tuple[str, str], list[str]] = {}
    for member in members:
        if member.is_allocated:
            texts_by_ends[_make_allocator_id(member), member.id] = ["targets"]
        for target, way_text in _list_targets(member, known_addresses_of_members):
            nodes.setdefault(target.id, target)
            texts_by_ends.setdefault((member.id, target.id), []).append(way_text)
    ways = []
    for (source, target_id), way_texts in sorted(texts_by_ends.items()):
        ways.append(TelemetryEdge(source, target_id, "; ".join(dict.fromkeys(way_texts))))
    kinds = list(KIND_TITLES)
    ordered_nodes = sorted(nodes.values(), key=lambda node: (kinds.index(node.kind), node.id))
    return Graph(tuple(ordered_nodes), tuple(ways))


def _make_allocator_id(member: FleetMember) -> str:
    return f"{member.id} allocator"


def _list_own_nodes(member: FleetMember, has_several_namespaces: bool) -> Iterator[TopologyNode]:
    """Yield the node of a collector, and that of its target allocator.

    If the picture `has_several_namespaces`, the subtitle names that of the collector.
    """
    receivers = ", ".join(member.receivers) or "no receivers"
    subtitle = f"{member.namespace}: {receivers}" if has_several_namespaces else receivers
    yield TopologyNode(member.id, KINDS_BY_MODE[member.mode], member.name, subtitle)
    if member.is_allocated:
        yield TopologyNode(
            _make_allocator_id(member), "allocator", names.target_allocator_name(member.name), "shares targets out"
        )


def _list_targets(member: FleetMember, addresses: KnownAddresses) -> Iterator[tuple[TopologyNode, str]]:
    """Yield each node that an exporter of a collector leads to, and in words what goes there."""
    peers_by_exporter: dict[str, list[Peer]] = {}
    for peer in find_peers(member.config, member.namespace):
        peers_by_exporter.setdefault(peer.exporter, []).append(peer)
    for exporter, signals in _map_signals_by_exporter(member).items():
        nodes = [_build_node_elsewhere(way) for way in member.sends_to if way["exporter"] == exporter]
        if not nodes:
            nodes = [_build_node_at(peer, member, addresses) for peer in peers_by_exporter.get(exporter, [])]
        if not nodes:
            nodes = [_build_node_without_address(exporter, mapping_at(member.config, "exporters", exporter))]
        way_text = f"{', '.join(signals)} by {exporter}"
        for node in nodes:
            yield node, way_text


def _build_node_elsewhere(way: Mapping[str, Any]) -> TopologyNode:
    """Return the node of a collector of another place. In a cluster, its name is NAMESPACE/NAME."""
    place, collector = str(way["place"]), str(way["collector"])
    if "/" in collector:
        return TopologyNode(f"{place}/{collector}", "elsewhere", collector, f"in {place}")
    return TopologyNode(f"{place}/{collector}", "host", collector, f"on {place}")


def _map_signals_by_exporter(member: FleetMember) -> dict[str, list[str]]:
    """Return the signals of each exporter that pipelines use, in the usual order."""
    configured_exporters = mapping_at(member.config, "exporters")
    signals_by_exporter = PipelineGraph.of(member.config).find_signals_by_id("exporters")
    sorted_signals = {}
    for exporter_id in sorted(signals_by_exporter):
        if exporter_id in configured_exporters:
            sorted_signals[exporter_id] = sorted(signals_by_exporter[exporter_id], key=_rank_signal)
    return sorted_signals


def _rank_signal(signal: str) -> tuple[int, str]:
    """Return the key by which signals are sorted: in the usual order, others behind them by name."""
    is_usual = signal in SIGNALS_IN_ORDER
    return SIGNALS_IN_ORDER.index(signal) if is_usual else len(SIGNALS_IN_ORDER), signal


def _build_node_at(peer: Peer, member: FleetMember, addresses: KnownAddresses) -> TopologyNode:
    """Return the node that an address of an exporter leads to: a collector of this cluster or another, or a backend."""
    own_id = _find_collector_at(peer, addresses)
    if own_id:
        # The graph has the node of this collector already, so only its id counts.
        return TopologyNode(own_id, kind="", title="", subtitle="")
    other_title = addresses.title_by_other_host.get(peer.host)
    if other_title is not None:
        return TopologyNode(f"elsewhere {peer.host}", "elsewhere", other_title, peer.host)
    return _build_backend(peer, member)


def _build_backend(peer: Peer, member: FleetMember) -> TopologyNode:
    """Return the node of the backend at an address. A loopback address is another backend for each collector."""
    exporter_type = peer.exporter.split("/", 1)[0]
    is_on_host = member.mode == _SERVICE_MODE
    host = peer.host
    if host == NODE_ADDRESS:
        host = "the node"
    elif peer.service and not is_on_host and not is_loopback(host):
        host = f"{peer.service}.{peer.namespace}"
    address = f"{host}:{peer.port}" if peer.port else host
    if is_loopback(peer.host):
        location = "on the same host" if is_on_host else "in the same pod"
        return TopologyNode(f"backend {member.id} {address}", "backend", address, f"{exporter_type}, {location}")
    return TopologyNode(f"backend {address}", "backend", address, exporter_type)


def _find_collector_at(peer: Peer, addresses: KnownAddresses) -> str:
    """Return the id of the collector of this cluster at an address; empty if there is none."""
    if peer.host == NODE_ADDRESS:
        collector_id = addresses.id_by_node_port.get(peer.port)
    else:
        collector_id = addresses.id_by_service.get(f"{peer.namespace}/{peer.service}")
    return collector_id or addresses.id_by_host.get(peer.host) or ""


def _build_node_without_address(exporter: str, settings: Mapping[str, object]) -> TopologyNode:
    """Return the node of an exporter that names no address: a service of a cloud, a file, its own log."""
    exporter_type = exporter.split("/", 1)[0]
    destination = _find_destination(settings)
    return TopologyNode(
        f"backend {exporter_type} {destination}".strip(),
        "backend",
        exporter_type,
        destination or _describe_fate(exporter),
    )


def _describe_fate(exporter: str) -> str:
    """Return where the data of an exporter goes that sends to no address, such as `its own log`."""
    traits = traits_of(EXPORTERS, exporter)
    for trait, fate in _FATES_BY_TRAIT.items():
        if trait in traits:
            return fate
    return "without an address"


def _find_destination(settings: Mapping[str, object]) -> str:
    """Return the first setting that says where data goes, such as a region; empty without any.

    A setting with a variable, such as `${env:REGION}`, does not count.
    """
    for key in _DESTINATION_KEYS:
        value = str(settings.get(key) or "")
        if value and "$" not in value:
            return value
    return ""
