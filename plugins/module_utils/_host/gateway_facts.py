# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules know of the gateways that a collector sends to: which they are, and what they do not receive. Private.

For example, exporter `otlp` sends traces and logs, and collector `gateway` on gw1 receives traces alone. Then
`find_unreceived_by_gateways` returns `{"otlp": (Unreceived("gateway on gw1", "logs"),)}`. `_linked_collectors.py` of
plugin_utils asks for these facts, beside those about collectors of the same run (rules/data_flow.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from .._otelcol.rules.client_metadata import find_asked_headers
from .._otelcol.rules.data_flow import ByExporter, FlowNode, find_unreceived_signals
from .._otelcol.rules.flow_collectors import FlowCollector
from .._otelcol.rules.subject import Receiving, Unreceived
from .gateway_connections import GatewayConnection

_Answer = TypeVar("_Answer")


def map_receiving_gateways(connections: Iterable[GatewayConnection]) -> ByExporter[Receiving]:
    """Return the gateways that get the requests of each exporter."""
    gateways_by_exporter: dict[str, list[Receiving]] = {}
    for connection in connections:
        receiving = Receiving(
            connection.receiver_description,
            tuple(connection.receiver_settings),
            tuple(find_asked_headers(connection.gateway_config)),
        )
        gateways_by_exporter.setdefault(connection.exporter, []).append(receiving)
    return _make_tuples(gateways_by_exporter)


def find_unreceived_by_gateways(
    config: Mapping[str, Any], connections: Sequence[GatewayConnection]
) -> ByExporter[Unreceived]:
    """Return for each exporter the signals that it sends to gateways that do not receive them.

    `config` is that of the sender.
    """
    sender = _make_flow_collector(config)
    otlp_connections = [connection for connection in connections if connection.is_otlp]
    other_connections = [connection for connection in connections if not connection.is_otlp]
    unreceived_by_exporter: dict[str, list[Unreceived]] = {}
    for exporter, unreceived_signals in _find_unreceived_by_pipelines(sender, otlp_connections).items():
        unreceived_by_exporter[exporter] = list(unreceived_signals)
    for connection in other_connections:
        unreceived_here = _list_unreceived_at_address(sender, connection)
        unreceived_by_exporter.setdefault(connection.exporter, []).extend(unreceived_here)
    return _make_tuples(unreceived_by_exporter)


def _find_unreceived_by_pipelines(
    sender: FlowCollector, otlp_connections: Iterable[GatewayConnection]
) -> ByExporter[Unreceived]:
    """Return the signals that gateways do not receive because they have no pipeline for them."""
    sender_node = FlowNode(sender)
    for connection in otlp_connections:
        gateway = _make_flow_collector(connection.gateway_config, name=connection.receiver_description)
        sender_node.add_receiver(connection.exporter, FlowNode(gateway))
    return find_unreceived_signals(sender_node)


def _list_unreceived_at_address(sender: FlowCollector, connection: GatewayConnection) -> Iterator[Unreceived]:
    """Yield all signals of an exporter whose gateway receives no OTLP at the address of the exporter.

    Such a gateway receives none of them, whatever it receives at other addresses.
    """
    sent_signals = [signal for exporter, signal in sender.sent if exporter == connection.exporter]
    for signal in dict.fromkeys(sent_signals):
        yield Unreceived(connection.receiver_description, signal)


def _make_flow_collector(config: Mapping[str, Any], name: str = "") -> FlowCollector:
    """Return a collector with a config, as the rules compare it with others.

    It has no namespace and no Services: a connection already says which gateway gets the data.
    """
    return FlowCollector(name=name, namespace="", services=(), config=config)


def _make_tuples(lists_by_exporter: Mapping[str, Iterable[_Answer]]) -> ByExporter[_Answer]:
    """Return the answers for each exporter as the rules take them, which change nothing in them."""
    return {exporter: tuple(answers) for exporter, answers in lists_by_exporter.items()}
