# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of who sends to whom in a cluster: collectors, their target allocators, and the backends at the end.

The address of an exporter leads to the collector with that Service, that host name or that port of the node. It may be
in this cluster or in another one of the fleet. Every other address is a backend. Only the host and the port of an
address are kept, since a path or a user in it may be secret. `topology.py` draws the graph.

Example: exporter `otlp/gateway` of `obs/agent` sends to `gateway.obs:4317`. Then there is an edge from node `obs/agent`
to node `obs/gateway` with the description `traces, logs by otlp/gateway`. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import PIPELINE_SIGNALS, mapping_at
from .._otelcol.config.pipelines import PipelineGraph
from .._otelcol.kube.operator_names import target_allocator_name
from .._otelcol.needs.peers import Peer, find_peers
from .._otelcol.traits import EXPORTERS, Trait, traits_of
from .fleet_collector import NODE_ADDRESS, FleetCollector

# The kind of the node of a collector, by its mode.
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
# Settings of exporters without an address that say where data goes.
_DESTINATION_KEYS = ("region", "index", "path", "log_group_name")
# What becomes of the data of an exporter that sends to no address.
_FATES_BY_TRAIT = {
    Trait.PRINTS: "its own log",
    Trait.DISCARDS: "nowhere",
    Trait.IS_SCRAPED: "waits to be scraped",
    Trait.WRITES_FILES: "a file",
}
# The kinds of nodes from which nothing is followed further.
_LAST_KINDS = ("backend", "elsewhere")
_SERVICE_MODE = "service"


class TopologyNode(NamedTuple):
    """A collector, a target allocator or a backend."""

    id: str
    kind: str
    """One of KIND_TITLES."""
    title: str
    subtitle: str
    stands_for: tuple[str, ...] = ()
    """If several nodes were folded into one, the titles of all of them."""

    @property
    def is_last(self) -> bool:
        """Whether it is at the end: a backend, or a collector of another cluster."""
        return self.kind in _LAST_KINDS


class TelemetryEdge(NamedTuple):
    """A connection by which one node sends telemetry to another. Both are named by their ids."""

    source: str
    target: str
    description: str
    """What is sent, such as `traces, logs by otlp/gateway`."""


class Graph(NamedTuple):
    """All nodes, in the order in which the page lists them, and the edges between them."""

    nodes: tuple[TopologyNode, ...]
    edges: tuple[TelemetryEdge, ...]


class KnownAddresses(NamedTuple):
    """The addresses that lead to a collector: of this cluster its id, of another cluster its title."""

    id_by_service: Mapping[str, str]
    """By the Service as NAMESPACE/NAME."""
    id_by_host: Mapping[str, str]
    id_by_node_port: Mapping[int, str]
    title_by_other_host: Mapping[str, str]


def map_known_addresses(collectors: Sequence[FleetCollector], titles_elsewhere: Mapping[str, str]) -> KnownAddresses:
    """Return the addresses of these collectors, and of those of other clusters, whose titles come by their host."""
    id_by_service: dict[str, str] = {}
    id_by_host: dict[str, str] = {}
    id_by_node_port: dict[int, str] = {}
    for collector in collectors:
        id_by_service.update(dict.fromkeys(collector.service_names, collector.id))
        id_by_host.update(dict.fromkeys(collector.exposed_hosts, collector.id))
        id_by_node_port.update(dict.fromkeys(sorted(collector.node_ports), collector.id))
    return KnownAddresses(id_by_service, id_by_host, id_by_node_port, titles_elsewhere)


def build_cluster_graph(collectors: Sequence[FleetCollector], addresses: KnownAddresses) -> Graph:
    """Return the nodes and edges of a cluster. Two exporters of a collector to the same node are one edge."""
    has_several_namespaces = len({collector.namespace for collector in collectors}) > 1
    nodes: dict[str, TopologyNode] = {}
    for collector in collectors:
        for node in _list_own_nodes(collector, has_several_namespaces):
            nodes[node.id] = node
    # By the ids of the two nodes of an edge.
    texts_by_ends: dict[tuple[str, str], list[str]] = {}
    for collector in collectors:
        if collector.is_allocated:
            texts_by_ends[_make_allocator_id(collector), collector.id] = ["targets"]
        for target in _list_targets(collector, addresses):
            destination = target.destination
            if destination.new_node:
                nodes.setdefault(destination.id, destination.new_node)
            texts_by_ends.setdefault((collector.id, destination.id), []).append(target.description)
    edges = []
    for (source_id, target_id), texts in sorted(texts_by_ends.items()):
        edges.append(TelemetryEdge(source_id, target_id, "; ".join(dict.fromkeys(texts))))
    kinds = list(KIND_TITLES)
    ordered_nodes = sorted(nodes.values(), key=lambda node: (kinds.index(node.kind), node.id))
    return Graph(tuple(ordered_nodes), tuple(edges))


def _make_allocator_id(collector: FleetCollector) -> str:
    return f"{collector.id} allocator"


def _list_own_nodes(collector: FleetCollector, has_several_namespaces: bool) -> Iterator[TopologyNode]:
    """Yield the node of a collector, and that of its target allocator.

    If the picture `has_several_namespaces`, the subtitle names that of the collector.
    """
    receivers = ", ".join(collector.receivers) or "no receivers"
    subtitle = f"{collector.namespace}: {receivers}" if has_several_namespaces else receivers
    yield TopologyNode(collector.id, KINDS_BY_MODE[collector.mode], collector.name, subtitle)
    if collector.is_allocated:
        yield TopologyNode(
            _make_allocator_id(collector),
            "allocator",
            target_allocator_name(collector.name),
            "shares targets out",
        )


class _Destination(NamedTuple):
    """Where an exporter sends to: the id of a node, and the node itself if it is no collector of this cluster."""

    id: str
    new_node: TopologyNode | None
    """None for a collector of this cluster, whose node the graph has already."""


class _Target(NamedTuple):
    """A destination of an exporter, and what the exporter sends there, in words."""

    destination: _Destination
    description: str


def _list_targets(collector: FleetCollector, addresses: KnownAddresses) -> Iterator[_Target]:
    """Yield each node that an exporter of a collector leads to."""
    peers_by_exporter: dict[str, list[Peer]] = {}
    for peer in find_peers(collector.config, collector.namespace):
        peers_by_exporter.setdefault(peer.exporter, []).append(peer)
    for exporter, signals in _map_signals_by_exporter(collector).items():
        description = f"{', '.join(signals)} by {exporter}"
        for destination in _list_destinations(collector, exporter, peers_by_exporter.get(exporter, []), addresses):
            yield _Target(destination, description)


def _list_destinations(
    collector: FleetCollector, exporter: str, peers: Sequence[Peer], addresses: KnownAddresses
) -> list[_Destination]:
    """Return where an exporter sends to.

    The inventory may say which collectors of other clusters and hosts these are. Otherwise the addresses of the
    exporter say it (`peers`), and an exporter without an address leads to a backend that its type names.
    """
    rows_elsewhere = [row for row in collector.sends_to if row["exporter"] == exporter]
    if rows_elsewhere:
        return [_make_destination(_build_node_elsewhere(row)) for row in rows_elsewhere]
    if peers:
        return [_find_destination_at(peer, collector, addresses) for peer in peers]
    return [
        _make_destination(_build_node_without_address(exporter, mapping_at(collector.config, "exporters", exporter)))
    ]


def _make_destination(new_node: TopologyNode) -> _Destination:
    """Return the destination that is a node outside of this cluster's collectors."""
    return _Destination(new_node.id, new_node)


def _build_node_elsewhere(destination: Mapping[str, Any]) -> TopologyNode:
    """Return the node of a collector of another cluster or host. In a cluster, its name is NAMESPACE/NAME."""
    cluster_or_host, collector = str(destination["place"]), str(destination["collector"])
    if "/" in collector:
        return TopologyNode(f"{cluster_or_host}/{collector}", "elsewhere", collector, f"in {cluster_or_host}")
    return TopologyNode(f"{cluster_or_host}/{collector}", "host", collector, f"on {cluster_or_host}")


def _map_signals_by_exporter(collector: FleetCollector) -> dict[str, list[str]]:
    """Return the signals of each exporter that pipelines use, in the usual order."""
    configured_exporters = mapping_at(collector.config, "exporters")
    signals_by_exporter = PipelineGraph.of(collector.config).find_signals_by_id("exporters")
    sorted_signals = {}
    for exporter_id in sorted(signals_by_exporter):
        if exporter_id in configured_exporters:
            sorted_signals[exporter_id] = sorted(signals_by_exporter[exporter_id], key=_rank_signal)
    return sorted_signals


def _rank_signal(signal: str) -> tuple[int, str]:
    """Return the key by which signals are sorted: in the usual order, and other signals after them by name."""
    is_usual = signal in PIPELINE_SIGNALS
    return PIPELINE_SIGNALS.index(signal) if is_usual else len(PIPELINE_SIGNALS), signal


def _find_destination_at(peer: Peer, collector: FleetCollector, addresses: KnownAddresses) -> _Destination:
    """Return where an address of an exporter leads to: a collector of this cluster or another, or a backend."""
    own_id = _find_collector_at(peer, addresses)
    if own_id:
        return _Destination(own_id, new_node=None)
    other_title = addresses.title_by_other_host.get(peer.host)
    if other_title is not None:
        return _make_destination(TopologyNode(f"elsewhere {peer.host}", "elsewhere", other_title, peer.host))
    return _make_destination(_build_backend(peer, collector))


def _build_backend(peer: Peer, collector: FleetCollector) -> TopologyNode:
    """Return the node of the backend at an address. A loopback address is another backend for each collector."""
    exporter_type = peer.exporter.split("/", 1)[0]
    is_on_host = collector.mode == _SERVICE_MODE
    host = peer.host
    if host == NODE_ADDRESS:
        host = "the node"
    elif peer.service and not is_on_host and not is_loopback(host):
        host = f"{peer.service}.{peer.namespace}"
    address = f"{host}:{peer.port}" if peer.port else host
    if is_loopback(peer.host):
        location = "on the same host" if is_on_host else "in the same pod"
        return TopologyNode(f"backend {collector.id} {address}", "backend", address, f"{exporter_type}, {location}")
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
    destination = _find_named_place(settings)
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


def _find_named_place(settings: Mapping[str, object]) -> str:
    """Return the first setting that says where data goes, such as a region; empty without any.

    A setting with a variable, such as `${env:REGION}`, does not count.
    """
    for key in _DESTINATION_KEYS:
        value = str(settings.get(key) or "")
        if value and "$" not in value:
            return value
    return ""
