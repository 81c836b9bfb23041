# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How data flows between the collectors of one run, of files or of a cluster. Private.

Rules on one collector need to know what others do: `find_…` functions answer that for the fields of `Subject` under
"What other collectors do". Callers give all collectors as a list. Each function returns a list with an answer for each
collector, in the same order; a collector is named by its index in the list.

For example, the list has an agent, whose exporter `otlp/gw` sends to `gateway.obs:4317`, and the gateway with the
Service `gateway` in namespace `obs`. Then `find_routes` returns `[{"otlp/gw": {1}}, {}]`: an exporter of the first
collector sends to the second one. If the agent sends metrics too, and the gateway takes traces alone,
`find_unreceived_signals` returns `[{"otlp/gw": (Unreceived("gateway", "metrics"),)}, {}]`. A peer is an address that an
exporter sends to, see needs/peers.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from ..config.paths import mapping_at
from ..kube import names
from ..needs.peers import find_peers
from ..traits import EXPORTERS, Trait, kind_of, speaks_otlp, traits_of
from .annotated_scrapes import AnnotatedScrape
from .flow_collectors import FlowCollector
from .subject import Printer, Receiving, Unreceived

# The key by which exporter loadbalancing divides data, unless its settings name another one.
_USUAL_ROUTING_KEY = "traceID"

Route = Mapping[str, set[int]]
"""The collectors that each exporter of one collector sends to: their indexes in the list, by exporter."""
Routes = Sequence[Route]
"""The route of each collector of the list."""

_Answer = TypeVar("_Answer")
ByExporter = dict[str, tuple[_Answer, ...]]
"""What is found for each exporter of one collector. An exporter for which nothing is found may be missing."""


def find_headless_needs(collectors: Sequence[FlowCollector]) -> list[bool]:
    """Return for each collector whether it needs a headless Service, since an exporter sends to all its pods.

    Such an exporter names that Service: `gateway-headless` for the collector `gateway`.
    """
    named_services: set[tuple[str, str]] = set()
    for collector in collectors:
        for peer in find_peers(collector.config, collector.namespace):
            named_services.add((peer.namespace, peer.service))
    needs: list[bool] = []
    for collector in collectors:
        headless_service = (collector.namespace, names.headless_service_name(collector.name))
        needs.append(headless_service in named_services)
    return needs


def find_routes(collectors: Sequence[FlowCollector]) -> Routes:
    """Return the route of each collector: the others that each of its exporters sends to, by the names of Services."""
    index_by_service: dict[tuple[str, str], int] = {}
    for index, collector in enumerate(collectors):
        for service in collector.services:
            index_by_service.setdefault((collector.namespace, service), index)
    routes: list[dict[str, set[int]]] = []
    for collector in collectors:
        route: dict[str, set[int]] = {}
        for peer in find_peers(collector.config, collector.namespace):
            receiver_index = index_by_service.get((peer.namespace, peer.service))
            if receiver_index is not None:
                route.setdefault(peer.exporter, set()).add(receiver_index)
        routes.append(route)
    return routes


def find_senders_without_pods(collectors: Sequence[FlowCollector], routes: Routes) -> list[tuple[str, ...]]:
    """Return for each collector the names of those that send it data of applications without attributes of pods."""
    senders: list[tuple[str, ...]] = [() for _collector in collectors]
    for collector, route in zip(collectors, routes, strict=True):
        for receiver_index in _find_receivers(route, collector.exporters_without_pods):
            senders[receiver_index] += (collector.name,)
    return senders


def _find_receivers(route: Route, exporters: Iterable[str]) -> set[int]:
    """Return the collectors that some exporters of a route send to."""
    receiver_indexes: set[int] = set()
    for exporter in exporters:
        receiver_indexes |= route.get(exporter, set())
    return receiver_indexes


def find_routing_keys(collectors: Sequence[FlowCollector], routes: Routes) -> list[dict[str, set[str]]]:
    """Return for each collector the keys by which others divide each signal among its replicas.

    An answer is `{"traces": {"traceID"}}` if one exporter loadbalancing sends traces. The empty text stands for an
    exporter that divides by connection. Then data of one trace may reach several replicas.
    """
    keys_by_collector: list[dict[str, set[str]]] = [{} for _collector in collectors]
    for collector, route in zip(collectors, routes, strict=True):
        for exporter, signal in collector.sent:
            key = _routing_key(collector, exporter)
            for receiver_index in route.get(exporter, ()):
                keys_by_collector[receiver_index].setdefault(signal, set()).add(key)
    return keys_by_collector


def _routing_key(collector: FlowCollector, exporter: str) -> str:
    """Return the key by which an exporter divides data among replicas; empty if it divides by connection."""
    if kind_of(exporter) != "loadbalancing":
        return ""
    return str(mapping_at(collector.config, "exporters", exporter).get("routing_key") or _USUAL_ROUTING_KEY)


def find_dividing_keys(collectors: Sequence[FlowCollector], routes: Routes) -> list[dict[str, set[str]]]:
    """Return for each collector the keys of `find_routing_keys`, for signals that all known senders divide by a key.

    Files and clusters have senders that are not known, so other signals say nothing.
    """
    dividing: list[dict[str, set[str]]] = []
    for keys_by_signal in find_routing_keys(collectors, routes):
        dividing.append({signal: keys for signal, keys in keys_by_signal.items() if "" not in keys})
    return dividing


def find_unreceived_signals(collectors: Sequence[FlowCollector], routes: Routes) -> list[ByExporter[Unreceived]]:
    """Return for each collector and exporter the signals that it sends in OTLP to others that do not take them.

    A collector without a receiver of OTLP is left out, because it is not known what it takes.
    """
    unreceived: list[ByExporter[Unreceived]] = []
    for collector, route in zip(collectors, routes, strict=True):
        by_exporter: ByExporter[Unreceived] = {}
        for exporter, signal in dict.fromkeys(collector.sent):
            if not _sends_otlp(exporter):
                continue
            for receiver_index in sorted(route.get(exporter, ())):
                receiver = collectors[receiver_index]
                if receiver.received_signals and signal not in receiver.received_signals:
                    by_exporter[exporter] = (*by_exporter.get(exporter, ()), Unreceived(receiver.name, signal))
        unreceived.append(by_exporter)
    return unreceived


def _sends_otlp(exporter: str) -> bool:
    """Whether an exporter speaks OTLP, by itself or by the exporters among which it divides data."""
    return speaks_otlp(exporter) or Trait.DIVIDES in traits_of(EXPORTERS, exporter)


def find_unseen_collectors(collectors: Sequence[FlowCollector], routes: Routes) -> list[ByExporter[str]]:
    """Return for each collector and balancing exporter the names of the receivers whose new replicas it never finds.

    Such an exporter asks DNS for the pods again when a connection ends. These receivers never end a connection.
    """
    indexes_keeping_connections = {
        index for index, collector in enumerate(collectors) if not collector.renews_connections
    }
    unseen: list[ByExporter[str]] = []
    for collector, route in zip(collectors, routes, strict=True):
        by_exporter: ByExporter[str] = {}
        for exporter in collector.balancing_exporters:
            receiver_indexes = sorted(indexes_keeping_connections & route.get(exporter, set()))
            if receiver_indexes:
                by_exporter[exporter] = tuple(collectors[receiver_index].name for receiver_index in receiver_indexes)
        unseen.append(by_exporter)
    return unseen


def find_receiving_collectors(collectors: Sequence[FlowCollector], routes: Routes) -> list[ByExporter[Receiving]]:
    """Return for each collector and exporter the collectors that get its requests."""
    receiving: list[ByExporter[Receiving]] = []
    for route in routes:
        by_exporter: ByExporter[Receiving] = {}
        for exporter, receiver_indexes in route.items():
            by_exporter[exporter] = tuple(
                collectors[receiver_index].receiving_facts for receiver_index in sorted(receiver_indexes)
            )
        receiving.append(by_exporter)
    return receiving


def find_other_scrapes(collectors: Sequence[FlowCollector]) -> list[tuple[AnnotatedScrape, ...]]:
    """Return for each collector the jobs by which all others scrape annotated pods and Services."""
    scrapes_by_collector = [collector.annotated_scrapes for collector in collectors]
    other_scrapes: list[tuple[AnnotatedScrape, ...]] = []
    for own_index in range(len(collectors)):
        scrapes_of_others = scrapes_by_collector[:own_index] + scrapes_by_collector[own_index + 1 :]
        other_scrapes.append(tuple(scrape for scrapes in scrapes_of_others for scrape in scrapes))
    return other_scrapes


def find_downstream_printers(collectors: Sequence[FlowCollector], routes: Routes) -> list[ByExporter[Printer]]:
    """Return for each collector and exporter what prints its data, at its receivers or behind them, however far."""
    downstream: list[ByExporter[Printer]] = []
    for index, route in enumerate(routes):
        by_exporter: ByExporter[Printer] = {}
        for exporter, receiver_indexes in route.items():
            by_exporter[exporter] = _find_printers_behind(collectors, routes, index, receiver_indexes)
        downstream.append(by_exporter)
    return downstream


def _find_printers_behind(
    collectors: Sequence[FlowCollector], routes: Routes, start: int, receiver_indexes: set[int]
) -> tuple[Printer, ...]:
    """Return what prints in some receivers, and in all collectors that get their data, except in the one at `start`."""
    visited = {start}
    unvisited = receiver_indexes - {start}  # collectors may send in a circle, so each is visited once
    while unvisited:
        current_index = unvisited.pop()
        visited.add(current_index)
        unvisited |= set().union(*routes[current_index].values()) - visited
    printers: list[Printer] = []
    for index in sorted(visited - {start}):
        printers += collectors[index].printers
    return tuple(printers)
