# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the exporters send to, and what the cluster has there. Private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._collector.options import Collector
from .._config.paths import dotted, is_loopback, items, leaves, section
from .._kube import names
from .._kube.policies import Object, Policies, Sender
from .._validate.loops import printing
from .._validate.subject import Printer
from .._validate.view import View, kind_of
from .reach import endpoints

# The settings of exporters that are addresses, whatever the exporter. Source: their READMEs.
_ADDRESSES = re.compile(
    r"(?:.+_)?endpoints?\Z|(?:.+_)?urls?\Z|brokers\Z|hostname\Z|service\Z|nodes\Z|server\Z|address\Z"
)
_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*):///?)?(?:[^/@\s]*@)?(?P<host>[A-Za-z0-9_.-]+)(?::(?P<port>\d{1,5}))?(?:/.*)?\Z"
)
_USUAL_PORTS = {"http": 80, "https": 443}
_TYPE_PORTS = {"otlp": 4317, "otlp_grpc": 4317, "otlphttp": 4318, "otlp_http": 4318}
# Exporters whose addresses are URLs. Without http:// or https:// they start, and every request fails.
_BY_URL = ("otlphttp", "otlp_http", "prometheusremotewrite", "zipkin")
_OTLP = ("loadbalancing", "otlp", "otlpgrpc", "otlphttp")
_USUAL_KEY = "traceID"
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
# Receivers that applications send to; the connection is the application's.
_OF_APPLICATIONS = ("jaeger", "opencensus", "otlp", "skywalking", "zipkin")
# `NAME.NAMESPACE.svc…` has so many parts at least; with two it may be a domain of the internet.
_UNCLEAR = 2


class Peer(NamedTuple):
    """An address that an exporter sends to; namespace and service are empty for what is outside of the cluster."""

    exporter: str
    path: str
    endpoint: str
    host: str
    port: int
    namespace: str
    service: str
    certain: bool
    scheme: str = ""

    @property
    def schemeless(self) -> bool:
        """Whether the address lacks the scheme that its exporter needs."""
        return self.exporter.split("/", 1)[0] in _BY_URL and not self.scheme

    @property
    def about(self) -> str:
        return f"exporters/{self.exporter}"


def peers(config: Any, namespace: str) -> list[Peer]:
    """Return the addresses of all exporters that a pipeline uses."""
    used = {
        one
        for pipeline in section(config, "service", "pipelines").values()
        for one in items(pipeline, "exporters")
        if isinstance(one, str) and one in section(config, "exporters")
    }
    found = [peer for name in sorted(used) for peer in _peers(name, section(config, "exporters", name), namespace)]
    return list({(peer.exporter, peer.host, peer.port): peer for peer in reversed(found)}.values())[::-1]


def _peers(exporter: str, settings: Mapping[str, Any], namespace: str) -> Iterator[Peer]:
    listens = exporter.split("/", 1)[0] == "prometheus"
    for path, value in () if listens else leaves(settings):
        word = next((part for part in reversed(path) if isinstance(part, str)), "")
        match = _ADDRESS.match(value) if isinstance(value, str) and _ADDRESSES.match(word) else None
        if match:
            usual = _TYPE_PORTS.get(exporter.split("/", 1)[0], 0)
            port = int(match["port"] or _USUAL_PORTS.get(match["scheme"] or "", usual))
            place, service, certain = in_cluster(match["host"], namespace)
            where = dotted(("exporters", exporter, *path))
            scheme = match["scheme"] or ""
            yield Peer(exporter, where, value, match["host"], port, place, service, certain, scheme)


class Station(NamedTuple):
    """A collector of one run: what leads to it, and what it prints."""

    collector: Collector
    config: Any

    @property
    def services(self) -> set[tuple[str, str]]:
        """Namespace and name of each Service of it; the operator may make one of its own."""
        name, made = self.collector.name, self.collector.backend == "operator"
        children = names.of_operator(name) if made else ()
        return {(self.collector.namespace, one) for one in (name, names.headless(name), *children)}

    @property
    def printers(self) -> tuple[Printer, ...]:
        """What prints records to its log."""
        found = printing(View(self.config, {}, False)).items()
        return tuple(Printer(self.collector.name, self.collector.logs, name, how) for name, how in found)

    @property
    def passed_on(self) -> set[str]:
        """The exporters that get data of applications without their pods."""
        return {
            name
            for pipeline in View(self.config, {}, False).pipelines
            if any(kind_of(one) in _OF_APPLICATIONS for one in pipeline.receivers)
            and not any(kind_of(one) == "k8sattributes" for one in pipeline.processors)
            for name in pipeline.exporters
        }

    @property
    def sent(self) -> Iterator[tuple[str, str]]:
        """Each exporter with a signal that it sends."""
        for pipeline in View(self.config, {}, False).pipelines:
            yield from ((exporter, kind_of(pipeline.key)) for exporter in pipeline.exporters)

    @property
    def received(self) -> set[str]:
        """The signals that receivers of OTLP take; empty if there is none of them."""
        pipelines = View(self.config, {}, False).pipelines
        return {kind_of(one.key) for one in pipelines if any(kind_of(name) == "otlp" for name in one.receivers)}


Ways = Sequence[Mapping[str, set[int]]]


def ways_between(stations: Sequence[Station]) -> Ways:
    """Return for each collector the others that each of its exporters sends to."""
    at_service = {service: index for index, one in enumerate(stations) for service in one.services}
    ways: list[dict[str, set[int]]] = [{} for _station in stations]
    for way, one in zip(ways, stations, strict=True):
        for peer in peers(one.config, one.collector.namespace):
            if (peer.namespace, peer.service) in at_service:
                way.setdefault(peer.exporter, set()).add(at_service[peer.namespace, peer.service])
    return ways


def senders_to(stations: Sequence[Station], ways: Ways) -> list[tuple[str, ...]]:
    """Return for each collector those that send it data of applications, without the applications' pods."""
    found: list[tuple[str, ...]] = [() for _station in stations]
    for one, way in zip(stations, ways, strict=True):
        for target in sorted(set().union(*(way.get(name, ()) for name in one.passed_on))):
            found[target] += (one.collector.name,)
    return found


def routing_to(stations: Sequence[Station], ways: Ways) -> list[dict[str, set[str]]]:
    """Return for each collector by which keys others divide each signal among its replicas; no text: by connection."""
    found: list[dict[str, set[str]]] = [{} for _station in stations]
    for one, way in zip(stations, ways, strict=True):
        for exporter, signal in one.sent:
            settings = section(one.config, "exporters", exporter)
            key = str(settings.get("routing_key") or _USUAL_KEY) if kind_of(exporter) == "loadbalancing" else ""
            for target in way.get(exporter, ()):
                found[target].setdefault(signal, set()).add(key)
    return found


def unreceived(stations: Sequence[Station], ways: Ways) -> list[dict[str, tuple[tuple[str, str], ...]]]:
    """Return for each collector and exporter the signals that it sends in OTLP to others that do not take them."""
    found: list[dict[str, tuple[tuple[str, str], ...]]] = [{} for _station in stations]
    for lost, one, way in zip(found, stations, ways, strict=True):
        for exporter, signal in dict.fromkeys(one.sent):
            for target in sorted(way.get(exporter, ())) if kind_of(exporter) in _OTLP else ():
                other = stations[target]
                if other.received and signal not in other.received:
                    lost[exporter] = (*lost.get(exporter, ()), (other.collector.name, signal))
    return found


def printers_behind(stations: Sequence[Station], ways: Ways) -> list[dict[str, tuple[Printer, ...]]]:
    """Return for each collector what prints the data that each of its exporters sends on to others, however far."""
    return [
        {exporter: _printers(stations, ways, index, targets) for exporter, targets in way.items()}
        for index, way in enumerate(ways)
    ]


def _printers(stations: Sequence[Station], ways: Ways, start: int, targets: set[int]) -> tuple[Printer, ...]:
    seen, todo = {start}, sorted(targets - {start})
    while todo:
        here = todo.pop()
        seen.add(here)
        todo += sorted(set().union(*ways[here].values()) - seen)
    return tuple(printer for index in sorted(seen - {start}) for printer in stations[index].printers)


def in_cluster(host: str, namespace: str) -> tuple[str, str, bool]:
    """Return namespace and name of the Service that a host names, and whether it can be nothing else."""
    parts = host.rstrip(".").split(".")
    if is_loopback(host) or not all(_LABEL.match(part) for part in parts):
        return "", "", True
    if len(parts) == 1:
        return namespace, parts[0], True
    if len(parts) == _UNCLEAR:
        return parts[1], parts[0], False
    at_svc = parts.index("svc") if "svc" in parts else 0
    # A pod of a headless Service has its own name before.
    return (parts[at_svc - 1], parts[at_svc - 2], True) if at_svc >= _UNCLEAR else ("", "", True)


def peer_row(peer: Peer, found: Mapping[str, Any], egress: Policies, sender: Sender | None = None) -> dict[str, Any]:
    """Return what the cluster has at an address.

    `found` has service, slices, whether the namespace is there, and the policies and port names of the pods behind.
    """
    row = {
        "exporter": peer.exporter,
        "endpoint": peer.endpoint,
        "host": peer.host,
        "port": peer.port,
        "path": peer.path,
        "service": f"{peer.namespace}/{peer.service}" if peer.service else "",
        "policies": "",
        "has": "",
        "about": peer.about,
    }
    service, slices = found.get("service"), found.get("slices") or []
    ports = items(service, "spec", "ports")
    row["has"] = ", ".join(str(port.get("port")) for port in ports)
    targets = {port.get("port") for item in slices for port in items(item, "ports")}
    admitted = egress.admits([peer.port, *(one for one in targets if isinstance(one, int))], "TCP")
    state = _state(peer, found, ports, slices)
    if admitted == "none" and state in ("ok", "outside"):
        return row | {"state": "blocked", "policies": egress.names}
    ingress, numbers = found.get("ingress"), [one for one in targets if isinstance(one, int)]
    if state == "ok" and sender and ingress and ingress.keeps_out(sender, numbers, found.get("names") or ()):
        return row | {"state": "kept_out", "policies": ingress.names}
    return row | {"state": state}


def _state(peer: Peer, found: Mapping[str, Any], ports: Sequence[Object], slices: Sequence[Object]) -> str:
    """Return the first state that applies."""
    service = found.get("service")
    spec = section(service, "spec")
    headless = spec.get("clusterIP") == "None"  # then the ports of the pods count, not the Service's
    rows = (
        ("no_scheme", peer.schemeless),
        ("loopback", is_loopback(peer.host)),
        ("outside", not peer.service),
        ("unseen", bool(found.get("denied"))),
        ("outside", service is None and not (peer.certain or found.get("namespace"))),
        ("no_service", service is None),
        ("outside", spec.get("type") == "ExternalName"),
        ("no_port", bool(peer.port) and not headless and peer.port not in [port.get("port") for port in ports]),
        ("ok", bool(endpoints(slices, True))),
        ("not_ready", bool(endpoints(slices, False))),
    )
    return next((state for state, holds in rows if holds), "no_endpoints")
