# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find how a collector reaches a group of hosts that a recipe names. Controller only. Private.

A recipe may send to a group of the inventory, as `{otlp_forward: {to: gateways}}` does. A gateway is the collector of a
host of that group which receives OTLP. A `GroupAddress` says which gateways one sender uses, and by which name (both
are in module_utils/_host/host_groups.py). For example, group `gateways` has the hosts gw1 (10.0.0.7) and gw2
(10.0.0.8). Then the recipe gets the endpoint `gateways.internal:4317`, and the file of hosts of the collector the lines
`10.0.0.7 gateways.internal` and `10.0.0.8 gateways.internal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..module_utils._collector.options import Collector
from ..module_utils._collector.recipes import read_recipe_uses
from ..module_utils._host.gateway_connections import GatewayConnection
from ..module_utils._host.host_groups import (
    KEYS,
    Gateway,
    GroupAddress,
    GroupMember,
    GroupRequest,
    OtlpPort,
    build_address_facts,
    check_reached_from,
    choose_group_address,
    find_gateways,
    group_alias,
)
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_tls import SERVER_NAME
from ..module_utils._host.removal_stages import InventoryCollector
from ..module_utils._host.sending_exporters import find_sending_exporters
from ..module_utils._otelcol.errors import Problem, join_at_most, suggest_word
from ._inventory_hosts import CollectorOnHost, InventoryHosts

# What makes a host of the inventory a cluster.
_CLUSTER_VARIABLES = (
    "otel_collectors",
    "otel_collector_recipes",
    "otel_collector_config",
    "otel_collector_config_files",
)
_SIDECAR_MODE = "sidecar"
_SHOWN_GROUPS = 5


class _DataPath(NamedTuple):
    """A gateway that data reaches, and the collectors that it has passed before."""

    gateway: Gateway
    passed_collectors: tuple[InventoryCollector, ...]


@dataclass
class InventoryGroups:
    """The groups of the inventory, as the collectors of one Linux host or one cluster send to them.

    While the configs of these collectors are composed, recipes call `resolve_for_recipe`, which notes the route of each
    collector. The other methods about a collector read these notes, so they are for collectors that have a config.
    """

    host: str
    """The host or cluster of the senders, by its name in the inventory."""
    inventory: InventoryHosts
    routes_by_sender: dict[str, list[GroupAddress]] = field(default_factory=dict)
    """The routes of each collector of `host`, by its name as `_sender_name` returns it."""

    def resolve_for_recipe(self, sender: Collector, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return how a collector reaches the group that a recipe names, and note it.

        It is a `GroupResolver` of _recipe_facts.py. Raises Problem for a group that the sender cannot reach.
        """
        request = read_group_request(options)
        sender_name = _sender_name(sender)
        gateways = self._find_gateways(request)
        check_reached_from(self.host, request, gateways)
        route = choose_group_address(request, gateways, f"{self.host}/{sender_name}")
        if route.alias and sender.mode == _SIDECAR_MODE:
            wrong = (
                f"group '{request.group}' has {len(route.gateways)} gateways, and a sidecar cannot give them one name"
            )
            raise Problem(wrong, fix="Set `spread: senders`.")
        self._check_loop(sender_name, route)
        self.routes_by_sender.setdefault(sender_name, []).append(route)
        return {**build_address_facts(route), "server_name": self._find_common_server_name(route)}

    def list_connections(self, collector: Collector, config: Mapping[str, Any]) -> list[GatewayConnection]:
        """Return the exporters of a collector of this host, each with a gateway of a group that gets its data."""
        connections_by_exporter: dict[tuple[str, Gateway], GatewayConnection] = {}
        for route in self.routes_by_sender.get(_sender_name(collector), ()):
            for exporter, settings, gateway in find_sending_exporters(config, route):
                gateway_config = self._find_gateway_collector(gateway).config
                connections_by_exporter[exporter, gateway] = GatewayConnection(
                    exporter, settings, gateway, gateway_config
                )
        return list(connections_by_exporter.values())

    def list_hosts_file_lines(self, collector: Collector) -> tuple[str, ...]:
        """Return the lines of the file of hosts of a collector of this host, each once."""
        lines: list[str] = []
        for route in self.routes_by_sender.get(_sender_name(collector), ()):
            lines += route.hosts_file_lines
        return tuple(dict.fromkeys(lines))

    def list_receiving_gateways(self, sender: Collector) -> Iterator[Gateway]:
        """Yield the gateways of groups that a collector sends to by its recipes. Raises Problem for a bad group.

        The collector may be of any host, and needs no config.
        """
        for use in read_recipe_uses(sender.recipes):
            if use.options.get("to"):
                yield from self._find_gateways(read_group_request(use.options))

    # ── The gateways of a group ──

    def _find_gateways(self, request: GroupRequest) -> tuple[Gateway, ...]:
        """Return the gateways of a group. Raises Problem for a group that has none, or does not take the data."""
        hosts = self._find_group_hosts(request.group)
        return find_gateways(request, [self._build_member(request.group, host) for host in hosts])

    def _find_group_hosts(self, group: str) -> Sequence[str]:
        """Return the hosts of a group. Raises Problem for a group that the inventory lacks, or without hosts."""
        hosts_by_group = self.inventory.hosts_by_group
        if group not in hosts_by_group:
            known_groups = sorted(set(hosts_by_group) - {"all", "ungrouped"})
            wrong = f"the inventory has no group '{group}'{suggest_word(group, known_groups)}"
            raise Problem(wrong, fix=f"Groups: {join_at_most(_SHOWN_GROUPS, known_groups) or 'none'}.")
        if not hosts_by_group[group]:
            raise Problem(f"group '{group}' of the inventory has no host", fix="Add the hosts with the gateways.")
        return hosts_by_group[group]

    def _build_member(self, group: str, host: str) -> GroupMember:
        """Return a host with the ports on which its collectors receive OTLP. Raises Problem for a cluster."""
        variables = self.inventory.variables_by_host[host]
        ports: list[OtlpPort] = []
        for host_collector in self.inventory.list_collectors(host):
            ports += host_collector.otlp_ports
        if not ports and any(variables.get(name) for name in _CLUSTER_VARIABLES):
            wrong = f"'{host}' of group '{group}' is a cluster, and `to` names Linux hosts"
            raise Problem(wrong, fix="Set `endpoint` to the address of its gateway.")
        return GroupMember(host, str(variables.get("ansible_host") or host), tuple(ports))

    def _find_gateway_collector(self, gateway: Gateway) -> CollectorOnHost:
        """Return the collector that is a gateway."""
        host_collectors = self.inventory.list_collectors(gateway.host)
        collectors_by_name = {host_collector.collector.name: host_collector for host_collector in host_collectors}
        return collectors_by_name[gateway.collector]

    def _find_common_server_name(self, route: GroupAddress) -> str:
        """Return the one name that certificates of all these gateways have, as their own options say; else empty."""
        receivers = [self._find_gateway_collector(gateway).collector for gateway in route.gateways]
        server_names = {str(receiver.tls.get(SERVER_NAME) or "") for receiver in receivers}
        return server_names.pop() if len(server_names) == 1 else ""

    # ── Loops ──

    def _check_loop(self, sender_name: str, first_route: GroupAddress) -> None:
        """Raise Problem if data of a collector comes back to it by way of groups.

        For example: `agent on web1 → gateway on gw1 → agent on web1`.
        """
        sender = InventoryCollector(self.host, sender_name)
        seen_collectors: set[InventoryCollector] = set()
        open_paths = [_DataPath(gateway, (sender,)) for gateway in first_route.gateways]
        while open_paths:
            gateway, passed_collectors = open_paths.pop()
            current_collector = InventoryCollector(gateway.host, gateway.collector)
            path_to_here = (*passed_collectors, current_collector)
            if current_collector == sender:
                loop = " → ".join(f"{passed.collector} on {passed.host}" for passed in path_to_here)
                raise Problem(f"data would go round in a loop: {loop}", fix="Send to another group.")
            if current_collector in seen_collectors:
                continue
            seen_collectors.add(current_collector)
            gateway_collector = self._find_gateway_collector(gateway).collector
            for next_gateway in self.list_receiving_gateways(gateway_collector):
                open_paths.append(_DataPath(next_gateway, path_to_here))


def _sender_name(collector: Collector) -> str:
    """Return the name of a collector among those of its host, or NAMESPACE/NAME among those of its cluster."""
    return collector.name if isinstance(collector, HostCollector) else f"{collector.namespace}/{collector.name}"


def stand_in_for_group(_collector: Collector, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stand-in for the gateways of a group, for a config of which only the receivers count.

    It is a `GroupResolver` of _recipe_facts.py. It looks at no other host, so it does not follow the data on and on.
    For example, `{"endpoint": "gateways.internal:4317", …}` for `to: gateways`.
    """
    endpoint = f"{group_alias(str(options['to']))}:4317"
    return {"endpoint": endpoint, "endpoints": [endpoint], "is_balanced": False, "server_name": ""}


def read_group_request(options: Mapping[str, Any]) -> GroupRequest:
    """Return what the options `to`, `protocol`, `collector` and `spread` of a recipe ask of a group."""
    return GroupRequest(
        group=str(options["to"]),
        protocol=str(options.get("protocol") or GroupRequest.protocol),
        collector=str(options.get("collector") or ""),
        balancing=str(options["spread"] or "") if "spread" in options else KEYS,
    )
