# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateways of an inventory group, as a collector of another host reaches them.

The gRPC client of the Collector balances over the addresses of one name, and takes no list of addresses. So several
gateways have one name, which the sender's unit resolves. Measured with 0.158.0, two gateways, one killed for 10 s
(3,000 records): `round_robin` over such a name halves the requests, and loses, doubles and delays nothing; exporter
`load_balancing` with a static list keeps half of the records back until the gateway is there again.
Source: gRPC, doc/naming.md: Go has no resolver for lists. Private.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.addresses import ANY, is_loopback
from .._otelcol.errors import Problem, at_most, near
from .._otelcol.needs.listeners import Listener

GRPC, HTTP = "grpc", "http"
SENDERS, KEYS = "senders", "keys"
_OTLP = "otlp"
_SHOWN = 5
_NO_LABEL = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True)
class Ingest:
    """A port on which a collector receives OTLP. `address` is where it listens, `given` the user's own address."""

    collector: str
    protocol: str
    address: str
    port: int
    given: str = ""


@dataclass(frozen=True)
class Member:
    """A host of a group. `address` is how Ansible reaches it."""

    host: str
    address: str
    ingests: tuple[Ingest, ...]


@dataclass(frozen=True)
class Wanted:
    """What a sender asks of a group: the protocol, the collector if it names one, and how data is spread.

    `spread` is `senders` if each sender keeps to one gateway, and `keys` if the exporter itself divides data by keys.
    """

    group: str
    protocol: str = GRPC
    collector: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Gateway:
    """A collector of a host that receives OTLP, with the address by which others reach it."""

    host: str
    collector: str
    address: str
    port: int

    @property
    def endpoint(self) -> str:
        """HOST:PORT, as exporters write it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Route:
    """How a sender reaches the gateways of a group. `alias` is the one name of all; without it, `endpoint` is one's."""

    gateways: tuple[Gateway, ...]
    endpoint: str
    alias: str = ""

    def named_by(self, addresses: Container[str]) -> tuple[Gateway, ...]:
        """Return the gateways that get the data of an exporter with these addresses: HOST:PORT, without a scheme.

        The one name of all stands for each. An exporter that divides data itself has an address of each gateway.
        """
        if self.alias:
            return self.gateways if self.endpoint in addresses else ()
        return tuple(gateway for gateway in self.gateways if gateway.endpoint in addresses)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the file of hosts that give all gateways the one name."""
        return tuple(f"{one.address} {self.alias}" for one in self.gateways) if self.alias else ()


def ingests(collector: str, given: str, opened: Iterable[Listener]) -> Iterator[Ingest]:
    """Yield the ports of a collector that receive OTLP."""
    for one in opened:
        if one.part is not None and (one.part.section, one.part.kind) == ("receivers", _OTLP):
            yield Ingest(collector, HTTP if one.name.endswith(HTTP) else GRPC, one.host, one.port, given)


def gateways_of(wanted: Wanted, members: Iterable[Member]) -> tuple[Gateway, ...]:
    """Return the collectors of a group that take the data. Raises Problem for members without such a collector."""
    return tuple(_gateway(wanted, member) for member in members)


def route(wanted: Wanted, gateways: tuple[Gateway, ...], sender: str) -> Route:
    """Return how a sender reaches the gateways of a group. Raises Problem if no name can stand for all of them."""
    if len(gateways) == 1 or wanted.spread == KEYS:
        return Route(gateways, gateways[0].endpoint)
    if wanted.spread == SENDERS:
        return Route(gateways, _own_gateway(gateways, sender).endpoint)
    _check_one_name(wanted, gateways)
    alias = alias_of(wanted.group)
    return Route(gateways, f"{alias}:{gateways[0].port}", alias)


def alias_of(group: str) -> str:
    """Return the name of all gateways of a group, of a domain that is reserved for private networks."""
    return f"{_NO_LABEL.sub('-', group.lower()).strip('-') or 'gateways'}.internal"


def _own_gateway(gateways: Iterable[Gateway], sender: str) -> Gateway:
    """Return the gateway of one sender. If the group changes, only senders of a gateway that goes get another one."""
    return max(gateways, key=lambda one: hashlib.sha256(f"{sender} {one.endpoint}".encode()).hexdigest())


def _gateway(wanted: Wanted, member: Member) -> Gateway:
    """Return the collector of a member that takes the data."""
    found = _collectors(wanted, member)
    reachable = [one for one in found if not is_loopback(one.address)]
    where = f"host '{member.host}' of group '{wanted.group}'"
    if not reachable:
        wrong = f"collector '{found[0].collector}' on {where} receives OTLP on {found[0].address} only"
        raise Problem(wrong, fix="Set its `listen_address` to an address of the host.")
    names = sorted({one.collector for one in reachable})
    if len(names) > 1:
        wrong = f"{where} has several collectors that receive OTLP: {at_most(_SHOWN, names)}"
        raise Problem(wrong, fix=f"Set `collector: {names[0]}`.")
    of_protocol = [one for one in reachable if one.protocol == wanted.protocol]
    if not of_protocol:
        wrong = f"collector '{names[0]}' on {where} does not receive OTLP over {wanted.protocol}"
        raise Problem(wrong, fix=f"Set `protocol: {reachable[0].protocol}`, or add {wanted.protocol} there.")
    one = of_protocol[0]
    return Gateway(member.host, one.collector, _address(one, member), one.port)


def _collectors(wanted: Wanted, member: Member) -> Sequence[Ingest]:
    """Return what receives OTLP on a member, of the collector that the sender names, if it names one."""
    where = f"host '{member.host}' of group '{wanted.group}'"
    names = sorted({one.collector for one in member.ingests})
    if not names:
        wrong = f"{where} has no collector that receives OTLP"
        raise Problem(wrong, fix="Give it one with recipe `otlp_ingest`, or take it out of the group.")
    if wanted.collector and wanted.collector not in names:
        wrong = f"{where} has no collector '{wanted.collector}' that receives OTLP{near(wanted.collector, names)}"
        raise Problem(wrong, fix=f"Collectors: {at_most(_SHOWN, names)}.")
    return [one for one in member.ingests if wanted.collector in ("", one.collector)]


def _address(one: Ingest, member: Member) -> str:
    """Return how others reach an ingest: as the user says, else where it listens, else as Ansible reaches the host."""
    listens = "" if one.address in ANY or "$" in one.address else one.address
    return (one.given or listens or member.address).strip("[]")


def _check_one_name(wanted: Wanted, gateways: Sequence[Gateway]) -> None:
    """Raise Problem for gateways that no single name can stand for."""
    fix = f"`spread: {SENDERS}` lets each sender keep to one gateway."
    if wanted.protocol != GRPC:
        wrong = f"group '{wanted.group}' has {len(gateways)} gateways, and only gRPC sends requests to all in turn"
        raise Problem(wrong, fix=f"Set `protocol: {GRPC}`. {fix}")
    names = [one for one in gateways if not _is_ip(one.address)]
    if names:
        wrong = f"host '{names[0].host}' of group '{wanted.group}' is reached by a name, '{names[0].address}'"
        raise Problem(wrong, fix=f"Set `otel_host_address` there to its IP address. {fix}")
    ports = sorted({one.port for one in gateways})
    if len(ports) > 1:
        wrong = f"the gateways of group '{wanted.group}' listen on several ports: {at_most(_SHOWN, ports)}"
        raise Problem(wrong, fix=f"Give them one port. {fix}")


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def facts(found: Route) -> dict[str, Any]:
    """Return a route as recipes read it."""
    return {
        "endpoint": found.endpoint,
        "endpoints": [one.endpoint for one in found.gateways],
        "is_balanced": bool(found.alias),
    }
