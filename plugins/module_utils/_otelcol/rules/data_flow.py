# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How data flows between the collectors of one run, of files or of a cluster. Private.

Callers give all collectors as a list of hops. A hop is a collector as part of the way of the data; its index in the
list identifies it. The routes say for each hop which others its exporters send to. All `find_…` functions return a list
with an answer for each hop, in the order of the hops, for the fields of `Subject` under "What other collectors do". A
peer is an address that an exporter sends to, see needs/peers.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.paths import mapping_at, value_at
from ..kube import names
from ..needs.peers import find_peers
from ..needs.pod_logs import PodLogs
from ..traits import EXPORTERS, RECEIVERS, Trait, find_otlp_protocol, kind_of, speaks_otlp, traits_of
from .annotated_scrapes import AnnotatedScrape, find_annotated_scrapes
from .client_metadata import find_asked_headers
from .printing_exporters import find_printing_exporters
from .subject import Printer, Receiving
from .view import View

_USUAL_ROUTING_KEY = "traceID"
_CONNECTION_AGE_PATH = ("protocols", "grpc", "keepalive", "server_parameters", "max_connection_age")


class CollectorHop(NamedTuple):
    """A collector on the way of the data: the names of its Services, and where its own log is.

    `name` is empty for a collector of files, which has none. `pod_logs` is None if the files with its log are not
    known. `nodes` says on which nodes it runs; empty for all.
    """

    name: str
    namespace: str
    services: Iterable[str]
    config: Any
    pod_logs: PodLogs | None = None
    nodes: str = ""

    @property
    def config_view(self) -> View:
        """The config taken apart; its ports are not needed here, so the table of ports is left out."""
        return View(self.config, {}, is_by_operator=False)

    @property
    def annotated_scrapes(self) -> tuple[AnnotatedScrape, ...]:
        """The jobs that scrape annotated pods and Services."""
        scrapes: list[AnnotatedScrape] = []
        for part in self.config_view.find_parts("receivers", "prometheus"):
            scrapes += find_annotated_scrapes(part, self.name, self.nodes)
        return tuple(scrapes)

    @property
    def printers(self) -> tuple[Printer, ...]:
        """What prints records to its log."""
        if not self.pod_logs:
            return ()
        verbosities = find_printing_exporters(self.config_view)
        return tuple(
            Printer(self.name, self.pod_logs, exporter, verbosity) for exporter, verbosity in verbosities.items()
        )

    @property
    def exporters_without_pods(self) -> set[str]:
        """The exporters that get data of applications without their pods."""
        exporters: set[str] = set()
        for pipeline in self.config_view.pipelines:
            serves_applications = any(
                Trait.SERVES_APPLICATIONS in traits_of(RECEIVERS, name) for name in pipeline.receivers
            )
            adds_pods = any(kind_of(name) == "k8sattributes" for name in pipeline.processors)
            if serves_applications and not adds_pods:
                exporters.update(pipeline.exporters)
        return exporters

    @property
    def sent(self) -> Iterator[tuple[str, str]]:
        """Each exporter with a signal that it sends."""
        for pipeline in self.config_view.pipelines:
            for exporter in pipeline.exporters:
                yield exporter, kind_of(pipeline.key)

    @property
    def renews_connections(self) -> bool:
        """Whether receivers of OTLP end connections after a time, so that gRPC clients ask again who is there."""
        return any(value_at(settings, _CONNECTION_AGE_PATH) for settings in self.otlp_receiver_settings)

    @property
    def balancing_exporters(self) -> Iterator[str]:
        """Each exporter that asks DNS for all pods behind a name, and sends to them in turn."""
        for name, settings in mapping_at(self.config, "exporters").items():
            asks_dns = str(value_at(settings, ("endpoint",))).startswith("dns:///")
            if asks_dns and isinstance(name, str) and find_otlp_protocol(name) == "grpc":
                yield name

    @property
    def known_name(self) -> str:
        """The name, or else that of a Service; empty without both."""
        return self.name or min(self.services, default="")

    @property
    def otlp_receiver_settings(self) -> list[Any]:
        """The settings of the receivers of OTLP that pipelines use."""
        return [part.settings for part in self.config_view.find_parts("receivers", "otlp")]

    @property
    def receiving_facts(self) -> Receiving:
        """What the rules know of a collector that gets requests."""
        return Receiving(self.known_name, tuple(self.otlp_receiver_settings), tuple(find_asked_headers(self.config)))

    @property
    def received_signals(self) -> set[str]:
        """The signals that receivers of OTLP take; empty if there is none of them."""
        signals: set[str] = set()
        for pipeline in self.config_view.pipelines:
            if any(kind_of(name) == "otlp" for name in pipeline.receivers):
                signals.add(kind_of(pipeline.key))
        return signals


# The others that a collector sends to: their indexes in the list of hops, by exporter.
Route = Mapping[str, set[int]]


Routes = Sequence[Route]


def find_asked_for_pods(hops: Sequence[CollectorHop]) -> list[bool]:
    """Return for each collector whether another one sends to all its pods by the name of its headless Service."""
    asked_services: set[tuple[str, str]] = set()
    for hop in hops:
        asked_services.update((peer.namespace, peer.service) for peer in find_peers(hop.config, hop.namespace))
    return [(hop.namespace, names.headless_service_name(hop.name)) in asked_services for hop in hops]


def find_routes(hops: Sequence[CollectorHop]) -> Routes:
    """Return for each collector the others that each of its exporters sends to."""
    index_by_service: dict[tuple[str, str], int] = {}
    for index, hop in enumerate(hops):
        for service in hop.services:
            index_by_service.setdefault((hop.namespace, service), index)
    routes: list[dict[str, set[int]]] = []
    for hop in hops:
        route: dict[str, set[int]] = {}
        for peer in find_peers(hop.config, hop.namespace):
            receiver_index = index_by_service.get((peer.namespace, peer.service))
            if receiver_index is not None:
                route.setdefault(peer.exporter, set()).add(receiver_index)
        routes.append(route)
    return routes


def _find_receivers(route: Route, exporters: Iterable[str]) -> set[int]:
    """Return the collectors that some exporters of a route send to."""
    receiver_indexes: set[int] = set()
    for exporter in exporters:
        receiver_indexes |= route.get(exporter, set())
    return receiver_indexes


def find_senders(hops: Sequence[CollectorHop], routes: Routes) -> list[tuple[str, ...]]:
    """Return for each collector those that send it data of applications, without the applications' pods."""
    senders: list[tuple[str, ...]] = [() for _hop in hops]
    for hop, route in zip(hops, routes, strict=True):
        for receiver_index in _find_receivers(route, hop.exporters_without_pods):
            senders[receiver_index] += (hop.name,)
    return senders


def find_routing_keys(hops: Sequence[CollectorHop], routes: Routes) -> list[dict[str, set[str]]]:
    """Return for each collector the keys by which others divide each signal among its replicas.

    Such a key is `traceID`, from the exporter loadbalancing. The empty text stands for an exporter that divides by
    connection: then data of one trace may reach several replicas.
    """
    keys_by_hop: list[dict[str, set[str]]] = [{} for _hop in hops]
    for hop, route in zip(hops, routes, strict=True):
        for exporter, signal in hop.sent:
            key = _routing_key(hop, exporter)
            for receiver_index in route.get(exporter, ()):
                keys_by_hop[receiver_index].setdefault(signal, set()).add(key)
    return keys_by_hop


def _routing_key(hop: CollectorHop, exporter: str) -> str:
    """Return the key by which an exporter divides data among replicas; empty if it divides by connection."""
    if kind_of(exporter) != "loadbalancing":
        return ""
    return str(mapping_at(hop.config, "exporters", exporter).get("routing_key") or _USUAL_ROUTING_KEY)


def find_dividing_keys(hops: Sequence[CollectorHop]) -> list[dict[str, set[str]]]:
    """Return for each collector the keys of `find_routing_keys`, for signals that all known senders divide by a key.

    Files and clusters have senders that are not known, so other signals say nothing.
    """
    dividing: list[dict[str, set[str]]] = []
    for keys_by_signal in find_routing_keys(hops, find_routes(hops)):
        dividing.append({signal: keys for signal, keys in keys_by_signal.items() if "" not in keys})
    return dividing


def _sends_otlp(exporter: str) -> bool:
    """Whether an exporter speaks OTLP, by itself or by the exporters among which it divides data."""
    return speaks_otlp(exporter) or Trait.DIVIDES in traits_of(EXPORTERS, exporter)


def find_unreceived_signals(
    hops: Sequence[CollectorHop], routes: Routes
) -> list[dict[str, tuple[tuple[str, str], ...]]]:
    """Return for each collector and exporter the signals that it sends in OTLP to others that do not take them."""
    unreceived: list[dict[str, tuple[tuple[str, str], ...]]] = []
    for hop, route in zip(hops, routes, strict=True):
        by_exporter: dict[str, tuple[tuple[str, str], ...]] = {}
        for exporter, signal in dict.fromkeys(hop.sent):
            if not _sends_otlp(exporter):
                continue
            for receiver_index in sorted(route.get(exporter, ())):
                receiving_hop = hops[receiver_index]
                if receiving_hop.received_signals and signal not in receiving_hop.received_signals:
                    by_exporter[exporter] = (*by_exporter.get(exporter, ()), (receiving_hop.name, signal))
        unreceived.append(by_exporter)
    return unreceived


def find_unseen_collectors(hops: Sequence[CollectorHop], routes: Routes) -> list[dict[str, tuple[str, ...]]]:
    """Return for each collector and exporter that balances the collectors whose new replicas it never learns of."""
    keeping_hops = {index for index, hop in enumerate(hops) if not hop.renews_connections}
    unseen: list[dict[str, tuple[str, ...]]] = []
    for hop, route in zip(hops, routes, strict=True):
        by_exporter: dict[str, tuple[str, ...]] = {}
        for exporter in hop.balancing_exporters:
            receiver_indexes = sorted(keeping_hops & route.get(exporter, set()))
            if receiver_indexes:
                by_exporter[exporter] = tuple(hops[receiver_index].name for receiver_index in receiver_indexes)
        unseen.append(by_exporter)
    return unseen


def find_receiving_collectors(hops: Sequence[CollectorHop], routes: Routes) -> list[dict[str, tuple[Receiving, ...]]]:
    """Return for each collector and exporter the collectors that get its requests."""
    receiving: list[dict[str, tuple[Receiving, ...]]] = []
    for route in routes:
        by_exporter: dict[str, tuple[Receiving, ...]] = {}
        for exporter, receiver_indexes in route.items():
            by_exporter[exporter] = tuple(
                hops[receiver_index].receiving_facts for receiver_index in sorted(receiver_indexes)
            )
        receiving.append(by_exporter)
    return receiving


def find_other_scrapes(hops: Sequence[CollectorHop]) -> list[tuple[AnnotatedScrape, ...]]:
    """Return for each collector the jobs by which all others scrape annotated pods and Services."""
    scrapes_by_hop = [hop.annotated_scrapes for hop in hops]
    other_scrapes: list[tuple[AnnotatedScrape, ...]] = []
    for own_index in range(len(hops)):
        scrapes_of_others = scrapes_by_hop[:own_index] + scrapes_by_hop[own_index + 1 :]
        other_scrapes.append(tuple(scrape for scrapes in scrapes_of_others for scrape in scrapes))
    return other_scrapes


def find_downstream_printers(hops: Sequence[CollectorHop], routes: Routes) -> list[dict[str, tuple[Printer, ...]]]:
    """Return for each collector what prints the data that each of its exporters sends on to others, however far."""
    downstream: list[dict[str, tuple[Printer, ...]]] = []
    for index, route in enumerate(routes):
        by_exporter: dict[str, tuple[Printer, ...]] = {}
        for exporter, receiver_indexes in route.items():
            by_exporter[exporter] = _find_printers_behind(hops, routes, index, receiver_indexes)
        downstream.append(by_exporter)
    return downstream


def _find_printers_behind(
    hops: Sequence[CollectorHop], routes: Routes, start: int, receiver_indexes: set[int]
) -> tuple[Printer, ...]:
    """Return what prints in all collectors that data reaches from some receivers on, without the one it starts from."""
    visited, unvisited = {start}, receiver_indexes - {start}
    while unvisited:
        current_index = unvisited.pop()
        visited.add(current_index)
        unvisited |= _find_receivers(routes[current_index], routes[current_index]) - visited
    printers: list[Printer] = []
    for index in sorted(visited - {start}):
        printers += hops[index].printers
    return tuple(printers)
