# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How data flows between the collectors of one run, of files or of a cluster. Private.

A `FlowNode` is a collector that knows which others get its data, and which send to it. For example, an agent has the
exporter `otlp/gw` with the endpoint `gateway.obs:4317`, and the gateway has the Service `gateway` in namespace `obs`.
Then `connect_collectors` returns two nodes with

    agent.receivers_by_exporter == {"otlp/gw": [gateway]}
    gateway.senders == [agent]

Rules on one collector need to know what others do. Each function `find_…` answers one question about a node, for a
field of `Subject` under "What other collectors do". If the agent sends metrics too, and the gateway takes traces alone,
`find_unreceived_signals(agent)` returns `{"otlp/gw": (Unreceived("gateway", "metrics"),)}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from ..config.paths import mapping_at
from ..kube import names
from ..needs.peers import find_peers
from ..traits import divides_data, speaks_otlp
from .annotated_scrapes import AnnotatedScrape
from .flow_collectors import FlowCollector
from .subject import Printer, Receiving, Unreceived

# The key by which exporter loadbalancing divides data, unless its settings name another one.
_USUAL_ROUTING_KEY = "traceID"

_Answer = TypeVar("_Answer")
ByExporter = dict[str, tuple[_Answer, ...]]
"""What is found for each exporter of one collector. An exporter for which nothing is found may be missing."""


@dataclass(eq=False)  # Two files may have the same config, so a node is equal to itself alone.
class FlowNode:
    """A collector, and the collectors that it sends to or gets data from. A collector may send to itself."""

    collector: FlowCollector
    position: int = 0
    """Its place in the order of all collectors, in which answers list them."""
    receivers_by_exporter: dict[str, list[FlowNode]] = field(default_factory=dict)
    """The collectors that an exporter sends to, in their order. An exporter that sends to none of them is missing."""
    senders: list[FlowNode] = field(default_factory=list)
    """The collectors with an exporter that sends to this one, in their order."""
    needs_headless_service: bool = False
    """Whether a collector sends to all pods of this one, and so names its headless Service: `gateway-headless`."""

    def receivers_of(self, exporter: str) -> Sequence[FlowNode]:
        """Return the collectors that an exporter sends to."""
        return self.receivers_by_exporter.get(exporter, ())

    def add_receiver(self, exporter: str, receiver: FlowNode) -> None:
        """Note that an exporter of this collector sends to another one."""
        receivers = self.receivers_by_exporter.setdefault(exporter, [])
        if receiver not in receivers:
            receivers.append(receiver)
            receivers.sort(key=_position_of)
        if self not in receiver.senders:
            receiver.senders.append(self)
            receiver.senders.sort(key=_position_of)

    @cached_property
    def annotated_scrapes(self) -> tuple[AnnotatedScrape, ...]:
        """The jobs by which the collector scrapes annotated pods and Services; all other collectors ask for them."""
        return self.collector.annotated_scrapes


def _position_of(node: FlowNode) -> int:
    return node.position


def connect_collectors(collectors: Iterable[FlowCollector]) -> list[FlowNode]:
    """Return a node for each collector, in the same order. They find each other by the names of their Services.

    A peer is an address that an exporter sends to, see needs/peers.py.
    """
    nodes = [FlowNode(collector, position) for position, collector in enumerate(collectors)]
    node_by_service: dict[tuple[str, str], FlowNode] = {}
    for node in nodes:
        for service in node.collector.services:
            node_by_service.setdefault((node.collector.namespace, service), node)
    named_services: set[tuple[str, str]] = set()
    for sender in nodes:
        for peer in find_peers(sender.collector.config, sender.collector.namespace):
            named_service = (peer.namespace, peer.service)
            named_services.add(named_service)
            if receiver := node_by_service.get(named_service):
                sender.add_receiver(peer.exporter, receiver)
    for node in nodes:
        headless_service = (node.collector.namespace, names.headless_service_name(node.collector.name))
        node.needs_headless_service = headless_service in named_services
    return nodes


# ── What senders do ──


def find_senders_without_pods(receiver: FlowNode) -> tuple[str, ...]:
    """Return the names of the collectors that send data of applications here without attributes of pods."""
    sender_names: list[str] = []
    for sender in receiver.senders:
        exporters = sender.collector.exporters_without_pods
        if any(receiver in sender.receivers_of(exporter) for exporter in exporters):
            sender_names.append(sender.collector.name)
    return tuple(sender_names)


def find_routing_keys(receiver: FlowNode) -> dict[str, set[str]]:
    """Return for each signal the keys by which senders divide it among the replicas of a collector.

    The result is `{"traces": {"traceID"}}` if one exporter loadbalancing sends traces. The empty text stands for an
    exporter that divides by connection. Then data of one trace may reach several replicas.
    """
    keys_by_signal: dict[str, set[str]] = {}
    for sender in receiver.senders:
        for exporter, signal in sender.collector.sent:
            if receiver in sender.receivers_of(exporter):
                keys_by_signal.setdefault(signal, set()).add(_read_routing_key(sender.collector, exporter))
    return keys_by_signal


def _read_routing_key(sender: FlowCollector, exporter: str) -> str:
    """Return the key by which an exporter divides data among replicas; empty if it divides by connection."""
    if not divides_data(exporter):
        return ""
    return str(mapping_at(sender.config, "exporters", exporter).get("routing_key") or _USUAL_ROUTING_KEY)


def find_dividing_keys(receiver: FlowNode) -> dict[str, set[str]]:
    """Return the keys of `find_routing_keys`, for signals that all known senders divide by a key.

    Files and clusters have senders that are not known, so other signals say nothing.
    """
    return {signal: keys for signal, keys in find_routing_keys(receiver).items() if "" not in keys}


# ── What receivers do ──


def find_unreceived_signals(sender: FlowNode) -> ByExporter[Unreceived]:
    """Return for each exporter the signals that it sends in OTLP to collectors that do not take them.

    A collector without a receiver of OTLP is left out, because it is not known what it takes.
    """
    unreceived: ByExporter[Unreceived] = {}
    for exporter, signal in dict.fromkeys(sender.collector.sent):
        if not speaks_otlp(exporter) and not divides_data(exporter):
            continue
        for receiver in sender.receivers_of(exporter):
            received_signals = receiver.collector.received_signals
            if received_signals and signal not in received_signals:
                lost_signal = Unreceived(receiver.collector.name, signal)
                unreceived[exporter] = (*unreceived.get(exporter, ()), lost_signal)
    return unreceived


def find_unseen_collectors(sender: FlowNode) -> ByExporter[str]:
    """Return for each balancing exporter the names of the receivers whose new replicas it never finds.

    Such an exporter asks DNS for the pods again when a connection ends. These receivers never end a connection.
    """
    unseen: ByExporter[str] = {}
    for exporter in sender.collector.balancing_exporters:
        receivers = [receiver.collector for receiver in sender.receivers_of(exporter)]
        keeping_connections = tuple(receiver.name for receiver in receivers if not receiver.renews_connections)
        if keeping_connections:
            unseen[exporter] = keeping_connections
    return unseen


def find_receiving_collectors(sender: FlowNode) -> ByExporter[Receiving]:
    """Return for each exporter the collectors that get its requests."""
    receiving: ByExporter[Receiving] = {}
    for exporter, receivers in sender.receivers_by_exporter.items():
        receiving[exporter] = tuple(receiver.collector.receiving_facts for receiver in receivers)
    return receiving


def find_downstream_printers(sender: FlowNode) -> ByExporter[Printer]:
    """Return for each exporter what prints its data, at its receivers or behind them, however far."""
    downstream: ByExporter[Printer] = {}
    for exporter, receivers in sender.receivers_by_exporter.items():
        printers: list[Printer] = []
        for node in _list_reached(receivers, sender):
            printers += node.collector.printers
        downstream[exporter] = tuple(printers)
    return downstream


def _list_reached(receivers: Iterable[FlowNode], sender: FlowNode) -> list[FlowNode]:
    """Return some receivers of a sender, and all collectors that get data of theirs, without the sender."""
    visited = {sender}
    unvisited = set(receivers) - visited  # collectors may send in a circle, so each is visited once
    while unvisited:
        current_node = unvisited.pop()
        visited.add(current_node)
        for next_receivers in current_node.receivers_by_exporter.values():
            unvisited.update(next_receivers)
        unvisited -= visited
    return sorted(visited - {sender}, key=_position_of)


# ── What all others do ──


def find_other_scrapes(own_node: FlowNode, all_nodes: Iterable[FlowNode]) -> tuple[AnnotatedScrape, ...]:
    """Return the jobs by which all other collectors scrape annotated pods and Services."""
    scrapes: list[AnnotatedScrape] = []
    for node in all_nodes:
        if node is not own_node:
            scrapes += node.annotated_scrapes
    return tuple(scrapes)
