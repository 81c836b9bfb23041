# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find which collectors get the data of each other: the third of the stages that `_render.py` draws. Private.

A collector that knows this is linked. There are two kinds of links:

- To collectors of the same run (`link_collectors`), by the names of their Services: exporter `otlp_grpc/gateway` with
  endpoint `gateway.telemetry:4317` sends to collector `gateway` of namespace `telemetry`.
- To collectors of other hosts and clusters of the inventory (`link_to_inventory`), by a group that a recipe names, or
  by an address.

`_render.py` calls both for collectors of a cluster. `_host_render.py` calls the second one alone: collectors of one
Linux host do not send to each other by names of Services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..module_utils._collector.options import Collector
from ..module_utils._host import connection_checks, gateway_facts
from ..module_utils._host.gateway_connections import describe_connections
from ..module_utils._otelcol.config.layers import ComposedConfig
from ..module_utils._otelcol.errors import prefix_problems
from ..module_utils._otelcol.kube import names as kube_names
from ..module_utils._otelcol.kube.operator_names import list_operator_names
from ..module_utils._otelcol.rules.data_flow import FlowNode, connect_collectors
from ..module_utils._otelcol.rules.flow_collectors import FlowCollector
from . import _inventory_addresses
from ._configured_collectors import ConfiguredCollector
from ._host_groups import InventoryGroups
from ._neighbours import NeighbourFacts, describe_neighbours
from ._resolved_collector import ResolvedCollector


@dataclass(frozen=True)
class LinkedCollector:
    """A collector with its config, and with what is known of those that send to it and get its data."""

    resolved: ResolvedCollector
    composed_config: ComposedConfig
    neighbour_facts: NeighbourFacts = field(default_factory=NeighbourFacts)
    receivers_by_exporter: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The collectors of the run that each of its exporters sends to, as NAMESPACE/NAME."""
    hosts_file_lines: Sequence[str] = ()
    """Lines for its file of hosts, such as `10.0.0.7 NAME`, by which it finds all gateways of a group at one name."""
    sends_to: Sequence[Mapping[str, str]] = ()
    """The collectors of other hosts and clusters that get its data, each with the keys `exporter`, `place` and
    `collector`."""

    @property
    def collector(self) -> Collector:
        """The options of the collector."""
        return self.resolved.collector

    @property
    def config(self) -> dict[str, Any]:
        """The config of the collector."""
        return self.composed_config.config


# ── Collectors of the same run ──


def link_collectors(collectors: Sequence[ConfiguredCollector]) -> list[LinkedCollector]:
    """Return the collectors of a run with their links to each other.

    The rules judge the links, and a change follows the flow of data: receivers change before their senders.
    """
    flow_nodes = connect_collectors([_describe_as_flow_collector(configured) for configured in collectors])
    linked_collectors: list[LinkedCollector] = []
    for configured, flow_node in zip(collectors, flow_nodes, strict=True):
        resolved = configured.resolved
        if flow_node.needs_headless_service:
            resolved = _add_headless_service(resolved)
        linked_collectors.append(
            LinkedCollector(
                resolved=resolved,
                composed_config=configured.composed_config,
                neighbour_facts=describe_neighbours(flow_node, flow_nodes),
                receivers_by_exporter=_name_receivers(flow_node),
            )
        )
    return linked_collectors


def leave_unlinked(collectors: Sequence[ConfiguredCollector]) -> list[LinkedCollector]:
    """Return the collectors of a Linux host: they have no links to each other."""
    return [LinkedCollector(configured.resolved, configured.composed_config) for configured in collectors]


def _describe_as_flow_collector(configured: ConfiguredCollector) -> FlowCollector:
    """Return a collector as others reach it; the operator may make Services of its own, with other names."""
    collector = configured.collector
    service_names = {collector.name, kube_names.headless_service_name(collector.name)}
    if collector.backend == "operator":
        service_names.update(list_operator_names(collector.name))
    return FlowCollector(
        name=collector.name,
        namespace=collector.namespace,
        services=service_names,
        config=configured.config,
        pod_logs=collector.logs,
        nodes=collector.nodes,
    )


def _name_receivers(flow_node: FlowNode) -> dict[str, list[str]]:
    """Return the collectors of the run that each exporter of a collector sends to, as NAMESPACE/NAME."""
    names_by_exporter: dict[str, list[str]] = {}
    for exporter, receivers in flow_node.receivers_by_exporter.items():
        receiving_collectors = [receiver.collector for receiver in receivers]
        names_by_exporter[exporter] = [f"{collector.namespace}/{collector.name}" for collector in receiving_collectors]
    return names_by_exporter


def _add_headless_service(resolved: ResolvedCollector) -> ResolvedCollector:
    """Return a collector with option `service.headless`, so that DNS has the address of each pod. A sidecar stays."""
    collector = resolved.collector
    if collector.is_sidecar:
        return resolved
    return replace(resolved, collector=replace(collector, service={**collector.service, "headless": True}))


# ── Collectors of other hosts and clusters ──


def link_to_inventory(
    collectors: Sequence[LinkedCollector], groups: InventoryGroups, fixes: connection_checks.TlsFixes
) -> list[LinkedCollector]:
    """Return collectors with the collectors of other hosts and clusters that get their data.

    Raises Problem for data that would come back to its sender, and if one side of a connection uses TLS and the other
    does not; `fixes` say what to do about TLS.
    """
    linked_collectors: list[LinkedCollector] = []
    for linked in collectors:
        with prefix_problems(f"collector '{linked.collector.name}'"):
            linked_collectors.append(_link_to_inventory(linked, groups, fixes))
    return linked_collectors


def _link_to_inventory(
    linked: LinkedCollector, groups: InventoryGroups, fixes: connection_checks.TlsFixes
) -> LinkedCollector:
    """Return one collector of `link_to_inventory`.

    A `GatewayConnection` (gateway_connections.py) is one of its exporters with one collector of the inventory that gets
    the data.
    """
    connections = _inventory_addresses.list_inventory_connections(groups, linked.collector, linked.config)
    connection_checks.check_no_return(linked.config, connections, groups.host, linked.collector.name)
    connection_checks.check_connections(connections, fixes)
    run_facts = linked.neighbour_facts
    receiving_gateways = gateway_facts.map_receiving_gateways(connections)
    unreceived_by_gateways = gateway_facts.find_unreceived_by_gateways(linked.config, connections)
    all_facts = replace(
        run_facts,
        receiving_collectors={**run_facts.receiving_collectors, **receiving_gateways},
        unreceived_signals={**run_facts.unreceived_signals, **unreceived_by_gateways},
    )
    return replace(
        linked,
        neighbour_facts=all_facts,
        hosts_file_lines=groups.list_hosts_file_lines(linked.collector),
        sends_to=describe_connections(connections),
    )
