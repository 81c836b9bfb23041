# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateways of an inventory group, and the address by which a collector of another host reaches them. Private.

A member is a host of the group. A gateway is the collector of a member that gets the data, over one of its ports for
OTLP. `_host_groups.py` of plugin_utils calls this file for a recipe with the option `to: GROUP`. For example, for two
gateways in group `gateways`, `choose_group_address` returns

    GroupAddress(gateways=(…), endpoint="gateways.internal:4317", alias="gateways.internal")

The gRPC client of the Collector balances over the addresses of one name, and takes no list of addresses. So several
gateways have one name, the alias, which the sender's unit resolves. Measured with 0.158.0, two gateways, one killed for
10 s (3,000 records): `round_robin` over such a name halves the requests, and loses, doubles and delays nothing;
exporter `load_balancing` with a static list keeps half of the records back until the gateway is there again. Source:
gRPC, doc/naming.md: Go has no resolver for lists.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.addresses import ANY_HOSTS, is_loopback
from .._otelcol.errors import Problem, join_at_most, strip_credentials, suggest_word
from .._otelcol.kube.names import LONGEST_LABEL
from .._otelcol.needs.listeners import Listener

# The protocols of OTLP.
GRPC = "grpc"
HTTP = "http"
# How data is spread over gateways, see GroupRequest.
SENDERS = "senders"
KEYS = "keys"
_OTLP = "otlp"
# How many names a message shows.
_SHOWN = 5
# The characters that a label of a name in DNS may not have.
_NOT_IN_LABEL = re.compile(r"[^a-z0-9-]+")
# A name of a host, or one with a variable of the sender in it. Inventories have names with underscores.
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+\Z|\S*\$\S*\Z")
# How many hexadecimal digits tell the cut names of two groups apart.
_DIGEST_LENGTH = 10


@dataclass(frozen=True)
class OtlpPort:
    """A port on which a collector receives OTLP."""

    collector: str
    protocol: str
    """GRPC or HTTP."""
    listen_address: str
    """Where it listens; it may be an address for all, or have a variable."""
    port: int
    given_address: str = ""
    """The option `address` of the collector; empty if the user does not set it."""


@dataclass(frozen=True)
class GroupMember:
    """A host of a group. `address` is how Ansible reaches it."""

    host: str
    address: str
    otlp_ports: tuple[OtlpPort, ...]


@dataclass(frozen=True)
class GroupRequest:
    """What a sender asks of a group: the protocol, the collector if it names one, and how data is spread."""

    group: str
    protocol: str = GRPC
    collector: str = ""
    """Empty for the only collector of each host that receives OTLP."""
    balancing: str = ""
    """SENDERS if each sender keeps to one gateway, KEYS if the exporter itself divides data by keys; empty if gRPC
    sends requests to all gateways in turn."""


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
class GroupAddress:
    """The address by which one sender reaches the gateways of a group.

    It is the alias of all of them, or that of the sender's own gateway, or one for each if the exporter divides the
    data itself.
    """

    gateways: tuple[Gateway, ...]
    endpoint: str
    """HOST:PORT: of the alias if there is one, else of one gateway."""
    alias: str = ""
    """The one name of all gateways, such as `gateways.internal`; empty if each is reached by its own address."""

    def gateways_at(self, addresses: Container[str]) -> tuple[Gateway, ...]:
        """Return the gateways that get the data of an exporter with these addresses: HOST:PORT, without a scheme.

        The alias leads to all gateways. An exporter that divides data itself has an address of each gateway.
        """
        if self.alias:
            return self.gateways if self.endpoint in addresses else ()
        return tuple(gateway for gateway in self.gateways if gateway.endpoint in addresses)

    @property
    def hosts_file_lines(self) -> tuple[str, ...]:
        """The lines of the file of hosts by which the alias leads to all gateways: `192.0.2.1 gateways.internal`."""
        return tuple(f"{gateway.address} {self.alias}" for gateway in self.gateways) if self.alias else ()


def list_otlp_ports(collector: str, configured_address: str, listeners: Iterable[Listener]) -> Iterator[OtlpPort]:
    """Yield the ports of a collector that receive OTLP."""
    for listener in listeners:
        if listener.part is not None and (listener.part.section, listener.part.kind) == ("receivers", _OTLP):
            yield OtlpPort(
                collector=collector,
                protocol=HTTP if listener.name.endswith(HTTP) else GRPC,
                listen_address=listener.host,
                port=listener.port,
                given_address=configured_address,
            )


def find_gateways(request: GroupRequest, members: Iterable[GroupMember]) -> tuple[Gateway, ...]:
    """Return the collectors of a group that take the data. Raises Problem for members without such a collector."""
    return tuple(_find_gateway(request, member) for member in members)


def check_reached_from(sender_host: str, request: GroupRequest, gateways: Iterable[Gateway]) -> None:
    """Raise Problem for a gateway on another host whose address leads each sender to the sender itself."""
    for gateway in gateways:
        if gateway.host != sender_host and is_loopback(gateway.address):
            wrong = (
                f"host '{gateway.host}' of group '{request.group}' is reached at {gateway.address}, which is every host"
                " itself"
            )
            raise Problem(wrong, fix="Set `otel_host_address` there to the address by which other hosts reach it.")


def choose_group_address(request: GroupRequest, gateways: tuple[Gateway, ...], sender: str) -> GroupAddress:
    """Return how a sender reaches the gateways of a group. Raises Problem if no name can stand for all of them."""
    # An exporter that divides data by keys lists the gateways itself: `endpoint` is only the first of them.
    if len(gateways) == 1 or request.balancing == KEYS:
        return GroupAddress(gateways, gateways[0].endpoint)
    if request.balancing == SENDERS:
        return GroupAddress(gateways, _choose_own_gateway(gateways, sender).endpoint)
    _check_alias_possible(request, gateways)
    alias = group_alias(request.group)
    return GroupAddress(gateways, f"{alias}:{gateways[0].port}", alias)


def group_alias(group: str) -> str:
    """Return the one name of all gateways of a group: `eu-gateways.internal` for group `eu_gateways`.

    The domain `internal` is reserved for private networks. A client of DNS looks up no label of more than 63
    characters, so a longer one is cut, and ends with a hash of the whole.
    """
    label = _NOT_IN_LABEL.sub("-", group.lower()).strip("-") or "gateways"
    if len(label) > LONGEST_LABEL:
        digest = hashlib.sha256(label.encode()).hexdigest()[:_DIGEST_LENGTH]
        label = f"{label[: LONGEST_LABEL - len(digest) - 1]}-{digest}"
    return f"{label}.internal"


def _choose_own_gateway(gateways: Iterable[Gateway], sender: str) -> Gateway:
    """Return the gateway of one sender: of all gateways, the one with the highest hash (rendezvous hashing).

    If a gateway goes, only its senders get another one. If one comes, only the senders that it gets change.
    """
    return max(gateways, key=lambda gateway: hashlib.sha256(f"{sender} {gateway.endpoint}".encode()).hexdigest())


def _describe_member(request: GroupRequest, member: GroupMember) -> str:
    """Return a member for messages, such as `host 'web1' of group 'gateways'`."""
    return f"host '{member.host}' of group '{request.group}'"


def _find_gateway(request: GroupRequest, member: GroupMember) -> Gateway:
    """Return the collector of a member that takes the data, with its address. Raises Problem for a wrong address."""
    otlp_port = _find_port(request, member)
    address = _reachable_address(otlp_port, member)
    if not _is_ip_address(address) and not _HOST_NAME.match(address):
        wrong = (
            f"{_describe_member(request, member)} is reached at '{strip_credentials(address)}', which is no IP address"
            " and no name of a host"
        )
        raise Problem(wrong, fix="Set `otel_host_address` there to one of both, without a scheme and a port.")
    return Gateway(member.host, otlp_port.collector, address, otlp_port.port)


def _find_port(request: GroupRequest, member: GroupMember) -> OtlpPort:
    """Return the port of a member that takes the data.

    Raises Problem unless one collector, and no more, receives OTLP from other hosts over the protocol of the request.
    """
    candidates = _find_candidates(request, member)
    reachable_ports = [otlp_port for otlp_port in candidates if not is_loopback(otlp_port.listen_address)]
    member_text = _describe_member(request, member)
    if not reachable_ports:
        wrong = (
            f"collector '{candidates[0].collector}' on {member_text} receives OTLP on {candidates[0].listen_address}"
            " only"
        )
        raise Problem(wrong, fix="Set its `listen_address` to an address of the host.")
    collector_names = sorted({otlp_port.collector for otlp_port in reachable_ports})
    if len(collector_names) > 1:
        wrong = f"{member_text} has several collectors that receive OTLP: {join_at_most(_SHOWN, collector_names)}"
        raise Problem(wrong, fix=f"Set `collector: {collector_names[0]}`.")
    matching_ports = [otlp_port for otlp_port in reachable_ports if otlp_port.protocol == request.protocol]
    if not matching_ports:
        wrong = f"collector '{collector_names[0]}' on {member_text} does not receive OTLP over {request.protocol}"
        raise Problem(wrong, fix=f"Set `protocol: {reachable_ports[0].protocol}`, or add {request.protocol} there.")
    return matching_ports[0]


def _find_candidates(request: GroupRequest, member: GroupMember) -> Sequence[OtlpPort]:
    """Return what receives OTLP on a member, of the collector that the sender names, if it names one."""
    member_text = _describe_member(request, member)
    collector_names = sorted({otlp_port.collector for otlp_port in member.otlp_ports})
    if not collector_names:
        wrong = f"{member_text} has no collector that receives OTLP"
        raise Problem(wrong, fix="Give it one with recipe `otlp_ingest`, or take it out of the group.")
    if request.collector and request.collector not in collector_names:
        wrong = (
            f"{member_text} has no collector '{request.collector}' that receives"
            f" OTLP{suggest_word(request.collector, collector_names)}"
        )
        raise Problem(wrong, fix=f"Collectors: {join_at_most(_SHOWN, collector_names)}.")
    return [otlp_port for otlp_port in member.otlp_ports if request.collector in ("", otlp_port.collector)]


def _reachable_address(otlp_port: OtlpPort, member: GroupMember) -> str:
    """Return the address by which others reach a port: the user's, else where it listens, else that of the host."""
    # The controller does not know the value that a variable (`${env:HOST_IP}`) has on the host.
    is_known_address = otlp_port.listen_address not in ANY_HOSTS and "$" not in otlp_port.listen_address
    listen_address = otlp_port.listen_address if is_known_address else ""
    return (otlp_port.given_address or listen_address or member.address).strip("[]")


def _check_alias_possible(request: GroupRequest, gateways: Sequence[Gateway]) -> None:
    """Raise Problem for gateways that no alias can stand for."""
    fix = f"`spread: {SENDERS}` lets each sender keep to one gateway."
    if request.protocol != GRPC:
        wrong = f"group '{request.group}' has {len(gateways)} gateways, and only gRPC sends requests to all in turn"
        raise Problem(wrong, fix=f"Set `protocol: {GRPC}`. {fix}")
    named_gateways = [gateway for gateway in gateways if not _is_ip_address(gateway.address)]
    if named_gateways:
        wrong = (
            f"host '{named_gateways[0].host}' of group '{request.group}' is reached by a name,"
            f" '{named_gateways[0].address}'"
        )
        raise Problem(wrong, fix=f"Set `otel_host_address` there to its IP address. {fix}")
    port_numbers = sorted({gateway.port for gateway in gateways})
    if len(port_numbers) > 1:
        wrong = f"the gateways of group '{request.group}' listen on several ports: {join_at_most(_SHOWN, port_numbers)}"
        raise Problem(wrong, fix=f"Give them one port. {fix}")


def _is_ip_address(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def build_address_facts(address: GroupAddress) -> dict[str, Any]:
    """Return an address as recipes read it: `endpoint`, `endpoints` of all gateways, and `is_balanced` by the alias."""
    return {
        "endpoint": address.endpoint,
        "endpoints": [gateway.endpoint for gateway in address.gateways],
        "is_balanced": bool(address.alias),
    }
