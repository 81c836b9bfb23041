# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection of a collector to a gateway: an exporter, and one collector of the inventory that gets its data.

For example, exporter `otlp/gateway` of collector `agent` that sends to collector `gateway` on gw1 is

    GatewayConnection("otlp/gateway", {"endpoint": "192.0.2.1:4317"}, Gateway("gw1", "gateway", "192.0.2.1", 4317), {…})

An exporter with three gateways has three connections. `_host_groups.py` of plugin_utils finds the connections to groups
of hosts, and `_inventory_addresses.py` those by address. connection_checks.py checks them, and gateway_facts.py tells
the rules of them. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.paths import mapping_at
from .._otelcol.needs.started_components import list_started_components
from .._otelcol.rules.sent_headers import DIVIDED_CLIENT
from .._otelcol.traits import divides_data
from .host_groups import Gateway
from .otlp_servers import find_servers_at
from .sending_exporters import sent_protocol


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
        if divides_data(self.exporter):
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
            servers |= find_servers_at(self.gateway.port, receiver_settings)
        return servers


def describe_connections(connections: Iterable[GatewayConnection]) -> list[dict[str, str]]:
    """Return a row for each connection: `{"exporter": "otlp", "place": "gw1", "collector": "gateway"}`.

    `place` is the host or cluster of the collector that gets the data.
    """
    return [
        {"exporter": connection.exporter, "place": connection.gateway.host, "collector": connection.gateway.collector}
        for connection in connections
    ]
