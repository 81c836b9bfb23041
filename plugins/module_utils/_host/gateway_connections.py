# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connections of a collector to gateways: which exporter sends to which collector of the inventory. Private.

A gateway is a collector that gets data from others (host_groups.py). A `GatewayConnection` is one exporter with one
gateway, so an exporter with three gateways has three connections. `_host_groups.py` of plugin_utils finds the
connections to groups of hosts, and `_inventory_addresses.py` those by address. `_linked_collectors.py` checks them
(connection_checks.py), and hands them to the rules.

For example, exporter `otlp/gateway` of collector `agent` that sends to collector `gateway` on gw1 is

    GatewayConnection("otlp/gateway", {"endpoint": "192.0.2.1:4317"}, Gateway("gw1", "gateway", "192.0.2.1", 4317), {…})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.config.paths import iter_leaves, mapping_at, value_at
from .._otelcol.needs.started_components import list_started_components
from .._otelcol.rules.client_metadata import find_asked_headers
from .._otelcol.rules.data_flow import ByExporter, find_unreceived_signals
from .._otelcol.rules.flow_collectors import FlowCollector
from .._otelcol.rules.sent_headers import DIVIDED_CLIENT
from .._otelcol.rules.subject import Receiving, Unreceived
from .._otelcol.traits import EXPORTERS, Trait, find_otlp_protocol, traits_of
from .host_groups import GRPC, HTTP, Gateway, GroupAddress

# The endpoints of a receiver that sets none. Source: receiver/otlpreceiver/factory.go of the Collector.
_DEFAULT_ENDPOINTS = {GRPC: ":4317", HTTP: ":4318"}


@dataclass(frozen=True)
class GatewayConnection:
    """An exporter of one collector, and one gateway that gets its data."""

    exporter: str
    """As the config names it, such as `otlp/gateway`."""
    exporter_settings: Mapping[str, Any]
    gateway: Gateway
    gateway_config: Mapping[str, Any]
    """The config of the gateway's collector."""
    endpoint_scheme: str = ""
    """The scheme of the exporter's address, such as `https`; empty without one."""
    is_direct: bool = True
    """Whether nothing, such as an Ingress, is between both, so that their protocols and TLS must agree."""
    is_otlp: bool = True
    """Whether the gateway receives OTLP at this address."""

    @property
    def protocol(self) -> str:
        """The protocol of OTLP that the exporter speaks."""
        return sent_protocol(self.exporter)

    @property
    def client_settings(self) -> dict[str, Any]:
        """The settings of the exporter's client."""
        if _divides_data(self.exporter):
            return mapping_at(self.exporter_settings, *DIVIDED_CLIENT)
        return dict(self.exporter_settings)

    @property
    def receiver_description(self) -> str:
        """The gateway's collector and its host, for people."""
        return f"{self.gateway.collector} on {self.gateway.host}"

    @property
    def receiver_settings(self) -> list[dict[str, Any]]:
        """The settings of the gateway's receivers of OTLP."""
        parts = list_started_components(self.gateway_config)
        return [part.settings for part in parts if (part.section, part.kind) == ("receivers", "otlp")]

    @property
    def server_settings(self) -> dict[str, Any]:
        """The settings of the gateway's servers at the port of the exporter, by the protocol of OTLP."""
        servers: dict[str, Any] = {}
        for receiver_settings in self.receiver_settings:
            servers |= _find_servers_at(self.gateway.port, receiver_settings)
        return servers


def sent_protocol(exporter: str) -> str:
    """Return the protocol over which an exporter sends OTLP, `grpc` or `http`; empty if it does not send OTLP."""
    return GRPC if _divides_data(exporter) else find_otlp_protocol(exporter)


def _divides_data(exporter: str) -> bool:
    """Return whether an exporter divides its data among gateways itself, as load_balancing does."""
    return Trait.DIVIDES in traits_of(EXPORTERS, exporter)


class SendingExporter(NamedTuple):
    """An exporter that sends to a gateway."""

    name: str
    settings: dict[str, Any]
    gateway: Gateway


def find_sending_exporters(config: Mapping[str, Any], address: GroupAddress) -> Iterator[SendingExporter]:
    """Yield the exporters of OTLP that send to the address of a group, once for each gateway that gets their data."""
    for name, settings in mapping_at(config, "exporters").items():
        if isinstance(name, str) and sent_protocol(name):
            for gateway in address.gateways_at(_list_addresses(settings)):
                yield SendingExporter(name, settings, gateway)


def _list_addresses(settings: Any) -> set[str]:
    """Return all texts of some settings, cut at slashes: the addresses without scheme and path are among them.

    Of `https://gw1:4318/v1/traces`, one part is `gw1:4318`. All texts are taken, because each exporter has its
    addresses in other settings.
    """
    parts: set[str] = set()
    for _path, value in iter_leaves(settings):
        if isinstance(value, str):
            parts.update(value.split("/"))
    return parts


def find_unreceived_by_gateways(
    config: Mapping[str, Any], connections: Sequence[GatewayConnection]
) -> ByExporter[Unreceived]:
    """Return the signals that exporters send and a gateway does not receive, by exporter.

    `config` is that of the sender. If its exporter otlp sends traces and logs, and the gateway receives traces alone,
    the result is `{"otlp": (Unreceived("gateway on gw1", "logs"),)}`.
    """
    # `find_unreceived_signals` takes a list of collectors and, for each, the indexes of those that its exporters send
    # to. Here the sender has index 0, the gateways have 1, 2 and so on, and gateways send to nobody.
    sender = FlowCollector("", "", (), config)
    gateways = [
        FlowCollector(connection.receiver_description, "", (), connection.gateway_config) for connection in connections
    ]
    gateway_indexes_by_exporter: dict[str, set[int]] = {}
    for index, connection in enumerate(connections, 1):
        if connection.is_otlp:
            gateway_indexes_by_exporter.setdefault(connection.exporter, set()).add(index)
    sent_to_of_gateways: list[dict[str, set[int]]] = [{} for _gateway in gateways]
    lost_signals = find_unreceived_signals([sender, *gateways], [gateway_indexes_by_exporter, *sent_to_of_gateways])[0]
    for connection in connections:
        # A gateway that receives no OTLP at this address loses all signals, whatever else it receives elsewhere.
        if not connection.is_otlp:
            sent_signals = [signal for exporter, signal in sender.sent if exporter == connection.exporter]
            lost_here = [Unreceived(connection.receiver_description, signal) for signal in dict.fromkeys(sent_signals)]
            lost_signals[connection.exporter] = (*lost_signals.get(connection.exporter, ()), *lost_here)
    return lost_signals


def has_otlp_port(receiver: str, settings: Mapping[str, Any], port: int) -> bool:
    """Whether a receiver of a config receives OTLP at a port; `settings` are those of the receiver."""
    return receiver.partition("/")[0] == "otlp" and bool(_find_servers_at(port, settings))


def _find_servers_at(port: int, receiver_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the servers of a receiver of OTLP at a port, by the protocol."""
    servers = mapping_at(receiver_settings, "protocols")
    return {protocol: server for protocol, server in servers.items() if _read_port(protocol, server) == str(port)}


def _read_port(protocol: str, server: Any) -> str:
    """Return the port of a server of a receiver of OTLP, as digits; `server` has the settings of the protocol."""
    endpoint = value_at(server, ("endpoint",)) or _DEFAULT_ENDPOINTS.get(protocol, "")
    return str(endpoint).rpartition(":")[2]


def describe_connections(connections: Iterable[GatewayConnection]) -> list[dict[str, str]]:
    """Return a row for each connection: `{"exporter": "otlp", "place": "gw1", "collector": "gateway"}`.

    `place` is the host or cluster of the collector that gets the data.
    """
    return [
        {"exporter": connection.exporter, "place": connection.gateway.host, "collector": connection.gateway.collector}
        for connection in connections
    ]


def map_receiving_gateways(connections: Iterable[GatewayConnection]) -> dict[str, tuple[Receiving, ...]]:
    """Return the gateways that get the requests of each exporter, in the form that the rules read."""
    gateways_by_exporter: dict[str, tuple[Receiving, ...]] = {}
    for connection in connections:
        receiving = Receiving(
            connection.receiver_description,
            tuple(connection.receiver_settings),
            tuple(find_asked_headers(connection.gateway_config)),
        )
        gateways_by_exporter[connection.exporter] = (*gateways_by_exporter.get(connection.exporter, ()), receiving)
    return gateways_by_exporter
