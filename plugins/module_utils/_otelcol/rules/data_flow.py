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
from ..traits import EXPORTERS, RECEIVERS, Trait, otlp_protocol, speaks_otlp, traits_of
from .annotated_scrapes import AnnotatedScrape, annotated_scrapes
from .client_metadata import asked_headers
from .loops import printing_exporters
from .subject import Printer, Receiving
from .view import View, kind_of

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
    def scrapes(self) -> tuple[AnnotatedScrape, ...]:
        """The jobs that scrape annotated pods and Services."""
        receivers = View(self.config, {}, False).of("receivers", "prometheus")
        return tuple(scrape for part in receivers for scrape in annotated_scrapes(part, self.name, self.nodes))

    @property
    def printers(self) -> tuple[Printer, ...]:
        """What prints records to its log."""
        found = printing_exporters(View(self.config, {}, False)).items() if self.logs else ()
        return tuple(Printer(self.name, self.logs, name, how) for name, how in found if self.logs)

    @property
    def passed_on(self) -> set[str]:
        """The exporters that get data of applications without their pods."""
        return {
            name
            for pipeline in View(self.config, {}, False).pipelines
            if any(Trait.SERVES_APPLICATIONS in traits_of(RECEIVERS, one) for one in pipeline.receivers)
            and not any(kind_of(one) == "k8sattributes" for one in pipeline.processors)
            for name in pipeline.exporters
        }

    @property
    def sent(self) -> Iterator[tuple[str, str]]:
        """Each exporter with a signal that it sends."""
        for pipeline in View(self.config, {}, False).pipelines:
            yield from ((exporter, kind_of(pipeline.key)) for exporter in pipeline.exporters)

    @property
    def renews(self) -> bool:
        """Whether receivers of OTLP end connections after a time, so that gRPC clients ask again who is there."""
        return any(at(part.settings, _AGE) for part in View(self.config, {}, False).of("receivers", "otlp"))

    @property
    def balances(self) -> Iterator[str]:
        """Each exporter that asks DNS for all pods behind a name, and sends to them in turn."""
        for name, settings in section(self.config, "exporters").items():
            asks_dns = str(at(settings, ("endpoint",))).startswith("dns:///")
            if asks_dns and otlp_protocol(name) == "grpc":
                yield name

    @property
    def known_as(self) -> str:
        """The name, or that of a Service: collectors of files have no other."""
        return self.name or next(iter(sorted(self.services)), "")

    @property
    def otlp_receivers(self) -> list[Any]:
        """The settings of the receivers of OTLP that pipelines use."""
        return [part.settings for part in View(self.config, {}, False).of("receivers", "otlp")]

    @property
    def receiving(self) -> Receiving:
        """What the rules know of a collector that gets requests."""
        return Receiving(self.known_as, tuple(self.otlp_receivers), tuple(asked_headers(self.config)))

    @property
    def received(self) -> set[str]:
        """The signals that receivers of OTLP take; empty if there is none of them."""
        pipelines = View(self.config, {}, False).pipelines
        return {kind_of(one.key) for one in pipelines if any(kind_of(name) == "otlp" for name in one.receivers)}


Routes = Sequence[Mapping[str, set[int]]]


def asked_for_pods(hops: Sequence[Hop]) -> list[bool]:
    """Return for each collector whether another one sends to all its pods by the name of its headless Service."""
    found = {(peer.namespace, peer.service) for hop in hops for peer in peers(hop.config, hop.namespace)}
    return [(hop.namespace, names.headless(hop.name)) in found for hop in hops]


def routes_between(hops: Sequence[Hop]) -> Routes:
    """Return for each collector the others that each of its exporters sends to."""
    known = [(hop.namespace, service, index) for index, hop in enumerate(hops) for service in hop.services]
    at_service = {(namespace, service): index for namespace, service, index in reversed(known)}
    routes: list[dict[str, set[int]]] = [{} for _hop in hops]
    for route, one in zip(routes, hops, strict=True):
        for peer in peers(one.config, one.namespace):
            if (peer.namespace, peer.service) in at_service:
                route.setdefault(peer.exporter, set()).add(at_service[peer.namespace, peer.service])
    return routes


def senders_to(hops: Sequence[Hop], routes: Routes) -> list[tuple[str, ...]]:
    """Return for each collector those that send it data of applications, without the applications' pods."""
    found: list[tuple[str, ...]] = [() for _hop in hops]
    for one, route in zip(hops, routes, strict=True):
        for target in sorted(set().union(*(route.get(name, ()) for name in one.passed_on))):
            found[target] += (one.name,)
    return found


def routing_to(hops: Sequence[Hop], routes: Routes) -> list[dict[str, set[str]]]:
    """Return for each collector by which keys others divide each signal among its replicas; no text: by connection."""
    found: list[dict[str, set[str]]] = [{} for _hop in hops]
    for one, route in zip(hops, routes, strict=True):
        for exporter, signal in one.sent:
            settings = section(one.config, "exporters", exporter)
            key = str(settings.get("routing_key") or _USUAL_KEY) if kind_of(exporter) == "loadbalancing" else ""
            for target in route.get(exporter, ()):
                found[target].setdefault(signal, set()).add(key)
    return found


def dividing_keys(hops: Sequence[Hop]) -> list[dict[str, set[str]]]:
    """Return for each collector the keys of `routing_to`, only for signals that all known senders divide by a key.

    Files and clusters have senders that are not known, so other signals say nothing.
    """
    found = routing_to(hops, routes_between(hops))
    return [{signal: keys for signal, keys in one.items() if "" not in keys} for one in found]


def _sends_otlp(exporter: str) -> bool:
    return speaks_otlp(exporter) or Trait.DIVIDES in traits_of(EXPORTERS, exporter)


def unreceived_signals(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[tuple[str, str], ...]]]:
    """Return for each collector and exporter the signals that it sends in OTLP to others that do not take them."""
    found: list[dict[str, tuple[tuple[str, str], ...]]] = [{} for _hop in hops]
    for lost, one, route in zip(found, hops, routes, strict=True):
        for exporter, signal in dict.fromkeys(one.sent):
            for target in sorted(route.get(exporter, ())) if _sends_otlp(exporter) else ():
                other = hops[target]
                if other.received and signal not in other.received:
                    lost[exporter] = (*lost.get(exporter, ()), (other.name, signal))
    return found


def unseen_collectors(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[str, ...]]]:
    """Return for each collector and exporter that balances the collectors whose new replicas it never learns of."""
    kept = {index: hop.name for index, hop in enumerate(hops) if not hop.renews}
    return [
        {
            name: found
            for name in hop.balances
            if (found := tuple(kept[to] for to in sorted(route.get(name, {}) & kept.keys())))
        }
        for hop, route in zip(hops, routes, strict=True)
    ]


def receiving_collectors(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[Receiving, ...]]]:
    """Return for each collector and exporter the collectors that get its requests."""
    return [
        {exporter: tuple(hops[to].receiving for to in sorted(targets)) for exporter, targets in route.items()}
        for route in routes
    ]


def scrapes_beside(hops: Sequence[Hop]) -> list[tuple[AnnotatedScrape, ...]]:
    """Return for each collector the jobs by which all others scrape annotated pods and Services."""
    scrapes = [hop.scrapes for hop in hops]
    found = []
    for own in range(len(hops)):
        beside = [scrape for index, listed in enumerate(scrapes) if index != own for scrape in listed]
        found.append(tuple(beside))
    return found


def downstream_printers(hops: Sequence[Hop], routes: Routes) -> list[dict[str, tuple[Printer, ...]]]:
    """Return for each collector what prints the data that each of its exporters sends on to others, however far."""
    return [
        {exporter: _printers(hops, routes, index, targets) for exporter, targets in route.items()}
        for index, route in enumerate(routes)
    ]


def _printers(hops: Sequence[Hop], routes: Routes, start: int, targets: set[int]) -> tuple[Printer, ...]:
    seen, todo = {start}, sorted(targets - {start})
    while todo:
        here = todo.pop()
        seen.add(here)
        todo += sorted(set().union(*routes[here].values()) - seen)
    return tuple(printer for index in sorted(seen - {start}) for printer in hops[index].printers)
