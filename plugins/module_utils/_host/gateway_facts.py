# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules know of the gateways that a collector sends to: what these receive, and what is lost there. Private.

For example, exporter `otlp` sends traces and logs, and collector `gateway` on gw1 receives traces alone. Then
`find_unreceived_by_gateways` returns `{"otlp": (Unreceived("gateway on gw1", "logs"),)}`. `_linked_collectors.py` of
plugin_utils asks for these facts, beside those about collectors of the same run (rules/data_flow.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._otelcol.rules.client_metadata import find_asked_headers
from .._otelcol.rules.data_flow import ByExporter, FlowNode, find_unreceived_signals
from .._otelcol.rules.flow_collectors import FlowCollector
from .._otelcol.rules.subject import Receiving, Unreceived
from .gateway_connections import GatewayConnection


def map_receiving_gateways(connections: Iterable[GatewayConnection]) -> ByExporter[Receiving]:
    """Return the gateways that get the requests of each exporter."""
    gateways_by_exporter: ByExporter[Receiving] = {}
    for connection in connections:
        receiving = Receiving(
            connection.receiver_description,
            tuple(connection.receiver_settings),
            tuple(find_asked_headers(connection.gateway_config)),
        )
        gateways_by_exporter[connection.exporter] = (*gateways_by_exporter.get(connection.exporter, ()), receiving)
    return gateways_by_exporter


def find_unreceived_by_gateways(
    config: Mapping[str, Any], connections: Sequence[GatewayConnection]
) -> ByExporter[Unreceived]:
    """Return for each exporter the signals that it sends to gateways that do not receive them.

    `config` is that of the sender.
    """
    sender = FlowCollector(name="", namespace="", services=(), config=config)
    otlp_connections = [connection for connection in connections if connection.is_otlp]
    other_connections = [connection for connection in connections if not connection.is_otlp]
    lost_signals = _find_lost_by_pipelines(sender, otlp_connections)
    for exporter, lost_by_protocol in _find_lost_by_protocol(sender, other_connections).items():
        lost_signals[exporter] = (*lost_signals.get(exporter, ()), *lost_by_protocol)
    return lost_signals


def _find_lost_by_pipelines(
    sender: FlowCollector, otlp_connections: Iterable[GatewayConnection]
) -> ByExporter[Unreceived]:
    """Return the signals that gateways do not receive because they have no pipeline for them."""
    sender_node = FlowNode(sender)
    for position, connection in enumerate(otlp_connections):
        gateway = FlowCollector(
            name=connection.receiver_description, namespace="", services=(), config=connection.gateway_config
        )
        sender_node.add_receiver(connection.exporter, FlowNode(gateway, position))
    return find_unreceived_signals(sender_node)


def _find_lost_by_protocol(
    sender: FlowCollector, other_connections: Iterable[GatewayConnection]
) -> ByExporter[Unreceived]:
    """Return the signals that gateways do not receive because they receive no OTLP at the address of the exporter.

    Such a gateway loses all signals of the exporter, whatever else it receives elsewhere.
    """
    lost_signals: ByExporter[Unreceived] = {}
    for connection in other_connections:
        sent_signals = [signal for exporter, signal in sender.sent if exporter == connection.exporter]
        lost_here = [Unreceived(connection.receiver_description, signal) for signal in dict.fromkeys(sent_signals)]
        lost_signals[connection.exporter] = (*lost_signals.get(connection.exporter, ()), *lost_here)
    return lost_signals
