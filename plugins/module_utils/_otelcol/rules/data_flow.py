# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How data flows between the collectors of one run, of files or of a cluster. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.paths import at, section
from ..kube import names
from ..needs.peers import peers
from ..needs.pod_logs import PodLogs
from ..traits import EXPORTERS, RECEIVERS, Trait, kind_of, otlp_protocol, speaks_otlp, traits_of
from .annotated_scrapes import AnnotatedScrape, annotated_scrapes
from .client_metadata import asked_headers
from .loops import printing_exporters
from .subject import Printer, Receiving
from .view import View

_USUAL_KEY = "traceID"
_AGE = ("protocols", "grpc", "keepalive", "server_parameters", "max_connection_age")


class Hop(NamedTuple):
    """A collector on the route of the data: the names of its Services, and what it prints to which log.

    `nodes` says on which nodes it runs; empty for all.
    """

    name: str
    namespace: str
    services: Iterable[str]
    config: Any
    logs: PodLogs | None = None
    nodes: str = ""

    @property
    def view(self) -> View:
        """The config taken apart, without what its ports are."""
        return View(self.config, {}, by_operator=False)

    @property
    def scrapes(self) -> tuple[AnnotatedScrape, ...]:
        """The jobs that scrape annotated pods and Services."""
        scrapes: list[AnnotatedScrape] = []
        for part in self.view.of("receivers", "prometheus"):
            scrapes += annotated_scrapes(part, self.name, self.nodes)
        return tuple(scrapes)

    @property
    def printers(self) -> tuple[Printer, ...]:
        """What prints records to its log."""
        if not self.logs:
            return ()
        verbosities = printing_exporters(self.view)
        return tuple(Printer(self.name, self.logs, exporter, how) for exporter, how in verbosities.items())

    @property
    def exporters_without_pods(self) -> set[str]:
        """The exporters that get data of applications without their pods."""
        exporters: set[str] = set()
        for pipeline in self.view.pipelines:
            serves = any(Trait.SERVES_APPLICATIONS in traits_of(RECEIVERS, name) for name in pipeline.receivers)
            adds_pods = any(kind_of(name) == "k8sattributes" for name in pipeline.processors)
            if serves and not adds_pods:
                exporters.update(pipeline.exporters)
        return exporters

    @property
    def sent(self) -> Iterator[tuple[str, str]]:
        """Each exporter with a signal that it sends."""
        for pipeline in self.view.pipelines:
            for exporter in pipeline.exporters:
                yield exporter, kind_of(pipeline.key)

    @property
    def renews_connections(self) -> bool:
        """Whether receivers of OTLP end connections after a time, so that gRPC clients ask again who is there."""
        return any(at(settings, _AGE) for settings in self.otlp_receivers)

    @property
    def balancing_exporters(self) -> Iterator[str]:
        """Each exporter that asks DNS for all pods behind a name, and sends to them in turn."""
        for name, settings in section(self.config, "exporters").items():
            asks_dns = str(at(settings, ("endpoint",))).startswith("dns:///")
            if asks_dns and isinstance(name, str) and otlp_protocol(name) == "grpc":
                yield name

    @property
    def known_as(self) -> str:
        """The name, or that of a Service: collectors of files have no other."""
        return self.name or min(self.services, default="")

    @property
    def otlp_receivers(self) -> list[Any]:
        """The settings of the receivers of OTLP that pipelines use."""
        return [part.settings for part in self.view.of("receivers", "otlp")]

    @property
    def receiving(self) -> Receiving:
        """What the rules know of a collector that gets requests."""
        return Receiving(self.known_as, tuple(self.otlp_receivers), tuple(asked_headers(self.config)))

    @property
    def received_signals(self) -> set[str]:
        """The signals that receivers of OTLP take; empty if there is none of them."""
        signals: set[str] = set()
        for pipeline in self.view.pipelines:
            if any(kind_of(name) == "otlp" for name in pipeline.receivers):
                signals.add(kind_of(pipeline.key))
        return signals


# The others that a collector sends to, as their places among all collectors, by exporter.
Route = Mapping[str, set[int]]


Routes = Sequence[Route]


def asked_for_pods(hops: Sequence[Hop]) -> list[bool]:
    """Return for each collector whether another one sends to all its pods by the name of its headless Service."""
    asked_services: set[tuple[str, str]] = set()
    for hop in hops:
        asked_services.update((peer.namespace, peer.service) for peer in peers(hop.config, hop.namespace))
    return [(hop.namespace, names.headless(hop.name)) in asked_services for hop in hops]


def routes_between(hops: Sequence[Hop]) -> Routes:
    """Return for each collector the others that each of its exporters sends to."""
    hop_at: dict[tuple[str, str], int] = {}
    for index, hop in enumerate(hops):
        for service in hop.services:
            hop_at.setdefault((hop.namespace, service), index)
    routes: list[dict[str, set[int]]] = []
    for hop in hops:
        route: dict[str, set[int]] = {}
        for peer in peers(hop.config, hop.namespace):
            receiver = hop_at.get((peer.namespace, peer.service))
            if receiver is not None:
                route.setdefault(peer.exporter, set()).add(receiver)
        routes.append(route)
    return routes


def _behind_exporters(route: Route, exporters: Iterable[str]) -> set[int]:
    """Return the collectors that some exporters of a route send to."""
    receivers: set[int] = set()
    for exporter in exporters:
        receivers |= route.get(exporter, set())
    return receivers


def senders_to(hops: Sequence[Hop], routes: Routes) -> list[tuple[str, ...]]:
    """Return for each collector those that send it data of applications, without the applications' pods."""
    senders: list[tuple[str, ...]] = [() for _hop in hops]
    for hop, route in zip(hops, routes, strict=True):
        for receiver in _behind_exporters(route, hop.exporters_without_pods):
            senders[receiver] += (hop.name,)
    return senders


def routing_to(hops: Sequence[Hop], routes: Routes) -> list[dict[str, set[str]]]:
    """Return for each collector by which keys others divide each signal among its replicas; no text: by connection."""
    keys_of: list[dict[str, set[str]]] = [{} for _hop in hops]
    for hop, route in zip(hops, routes, strict=True):
        for exporter, signal in hop.sent:
            key = _routing_key(hop, exporter)
            for receiver in route.get(exporter, ()):
                keys_of[receiver].setdefault(signal, set()).add(key)
    return keys_of


def _routing_key(hop: Hop, exporter: str) -> str:
    """Return the key by which an exporter divides data among replicas; no text if it divides by connection."""
    if kind_of(exporter) != "loadbalancing":
        return ""
    return str(section(hop.config, "exporters", exporter).get("routing_key") or _USUAL_KEY)


def dividing_keys(hops: Sequence[Hop]) -> list[dict[str, set[str]]]:
    """Return for each collector the keys of `routing_to`, only for signals that all known senders divide by a key.

    Files and clusters have senders that are not known, so other signals say nothing.
    """
    dividing: list[dict[str, set[str]]] = []
    for keys_by_signal in routing_to(hops, routes_between(hops)):
        dividing.append({signal: keys for signal, keys in keys_by_signal.items() if "" not in keys})
    return dividing


def _sends_otlp(exporter: str) -> bool:
    """Whether an exporter speaks OTLP, by itself or by the exporters among which it divides data."""
    return speaks_otlp(exporter) or Trait.DIVIDES in traits_of(EXPORTERS, exporter)


def unreceived_signals(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[tuple[str, str], ...]]]:
    """Return for each collector and exporter the signals that it sends in OTLP to others that do not take them."""
    unreceived: list[dict[str, tuple[tuple[str, str], ...]]] = []
    for hop, route in zip(hops, routes, strict=True):
        by_exporter: dict[str, tuple[tuple[str, str], ...]] = {}
        for exporter, signal in dict.fromkeys(hop.sent):
            if not _sends_otlp(exporter):
                continue
            for receiver in sorted(route.get(exporter, ())):
                other = hops[receiver]
                if other.received_signals and signal not in other.received_signals:
                    by_exporter[exporter] = (*by_exporter.get(exporter, ()), (other.name, signal))
        unreceived.append(by_exporter)
    return unreceived


def unseen_collectors(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[str, ...]]]:
    """Return for each collector and exporter that balances the collectors whose new replicas it never learns of."""
    keeping_hops = {index for index, hop in enumerate(hops) if not hop.renews_connections}
    unseen: list[dict[str, tuple[str, ...]]] = []
    for hop, route in zip(hops, routes, strict=True):
        by_exporter: dict[str, tuple[str, ...]] = {}
        for exporter in hop.balancing_exporters:
            receivers = sorted(keeping_hops & route.get(exporter, set()))
            if receivers:
                by_exporter[exporter] = tuple(hops[receiver].name for receiver in receivers)
        unseen.append(by_exporter)
    return unseen


def receiving_collectors(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[Receiving, ...]]]:
    """Return for each collector and exporter the collectors that get its requests."""
    receiving: list[dict[str, tuple[Receiving, ...]]] = []
    for route in routes:
        by_exporter: dict[str, tuple[Receiving, ...]] = {}
        for exporter, receivers in route.items():
            by_exporter[exporter] = tuple(hops[receiver].receiving for receiver in sorted(receivers))
        receiving.append(by_exporter)
    return receiving


def scrapes_beside(hops: Sequence[Hop]) -> list[tuple[AnnotatedScrape, ...]]:
    """Return for each collector the jobs by which all others scrape annotated pods and Services."""
    scrapes_of = [hop.scrapes for hop in hops]
    beside: list[tuple[AnnotatedScrape, ...]] = []
    for own in range(len(hops)):
        scrapes_of_others = scrapes_of[:own] + scrapes_of[own + 1 :]
        beside.append(tuple(scrape for scrapes in scrapes_of_others for scrape in scrapes))
    return beside


def downstream_printers(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[Printer, ...]]]:
    """Return for each collector what prints the data that each of its exporters sends on to others, however far."""
    downstream: list[dict[str, tuple[Printer, ...]]] = []
    for index, route in enumerate(routes):
        by_exporter: dict[str, tuple[Printer, ...]] = {}
        for exporter, receivers in route.items():
            by_exporter[exporter] = _printers_behind(hops, routes, index, receivers)
        downstream.append(by_exporter)
    return downstream


def _printers_behind(hops: Sequence[Hop], routes: Routes, start: int, receivers: set[int]) -> tuple[Printer, ...]:
    """Return what prints in the collectors that data reaches by some receivers, but for the one where it starts."""
    seen, waiting = {start}, receivers - {start}
    while waiting:
        here = waiting.pop()
        seen.add(here)
        waiting |= _behind_exporters(routes[here], routes[here]) - seen
    printers: list[Printer] = []
    for index in sorted(seen - {start}):
        printers += hops[index].printers
    return tuple(printers)
