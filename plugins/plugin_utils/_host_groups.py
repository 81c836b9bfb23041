# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of other hosts of the inventory: their configs as these hosts render them. Controller only.

Everything follows from variables of the inventory, so no host is contacted. Private.

A group is one of the inventory, which a recipe names as the place to send to (`to: GROUP`). A gateway is a collector of
a host of the group that receives OTLP, and a `GroupAddress` says which gateways a sender uses and by which name (both
are in _host/host_groups.py). A hop is an exporter with one gateway that gets its data (`GatewayConnection`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible.errors import AnsibleError

from ..module_utils._collector.options import Collector
from ..module_utils._collector.recipes import read_recipe_uses
from ..module_utils._host.gateway_connections import GatewayConnection, find_sending_exporters
from ..module_utils._host.host_groups import (
    KEYS,
    Gateway,
    GroupAddress,
    GroupMember,
    GroupRequest,
    OtlpPort,
    build_address_facts,
    choose_group_address,
    find_gateways,
    group_alias,
    list_otlp_ports,
)
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_tls import SERVER_NAME
from ..module_utils._otelcol.errors import Problem, join_at_most, suggest_word
from ..module_utils._otelcol.needs.listeners import find_listeners, started_parts
from ._otelcol import _builds

PREFIX, COLLECTORS_VARIABLE = "otel_host_", "otel_host_collectors"
# What makes a host of the inventory a cluster.
_CLUSTER_VARIABLES = (
    "otel_collectors",
    "otel_collector_recipes",
    "otel_collector_config",
    "otel_collector_config_files",
)
_SIDECAR_MODE = "sidecar"
LINUX_GROUP = "otel_linux"
_SHOWN_GROUPS = 5


@dataclass(frozen=True)
class OtherCollector:
    """A collector of a host of the inventory, with its composed config."""

    host: str
    collector: HostCollector
    config: Mapping[str, Any]

    @property
    def otlp_ports(self) -> Iterator[OtlpPort]:
        """The ports on which it receives OTLP."""
        open_listeners = find_listeners(self.config, started_parts(self.config), _builds.load_catalogue().listeners)
        return list_otlp_ports(self.collector.name, self.collector.address, open_listeners)


class _CollectorStop(NamedTuple):
    """A collector that data passes."""

    host: str
    collector: str


class _GatewayWay(NamedTuple):
    """A gateway, and the collectors that data has passed before it."""

    gateway: Gateway
    collectors_before: tuple[_CollectorStop, ...]


Compose = Callable[[Mapping[str, Any]], Sequence[tuple[HostCollector, Mapping[str, Any]]]]
ComposeCluster = Callable[[Mapping[str, Any]], Sequence[tuple[Collector, Mapping[str, Any]]]]


@dataclass
class InventoryGroups:
    """The groups of the inventory, as the collectors of one Linux host or one cluster send to them."""

    host: str
    """The host or cluster of the senders, by its name in the inventory."""
    hosts_by_group: Mapping[str, Sequence[str]]
    variables_by_host: Mapping[str, Mapping[str, Any]]
    compose_collectors: Compose
    """Returns the collectors of a Linux host and their configs, for the variables of this host."""
    compose_cluster: ComposeCluster = lambda _variables: ()
    """The same for a cluster."""
    routes_by_sender: dict[str, list[GroupAddress]] = field(default_factory=dict)
    """What each collector of `host` has asked for, by its name as `_place_name` returns it."""
    addresses_by_host: dict[str, set[str]] = field(default_factory=dict)
    """The addresses of hosts that somebody has asked for so far."""
    _known: dict[str, list[OtherCollector]] = field(default_factory=dict)
    """The collectors of hosts that somebody has asked for so far, by host."""

    def resolve_for_recipe(self, sender: Collector, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return how a collector reaches the group that a recipe names. Raises Problem for a group that cannot be."""
        requested_group, place_name = read_requested_group(options), _place_name(sender)
        group_route = choose_group_address(
            requested_group, self._find_gateways(requested_group), f"{self.host}/{place_name}"
        )
        if group_route.alias and sender.mode == _SIDECAR_MODE:
            gateway_count = len(group_route.gateways)
            wrong = (
                f"group '{requested_group.group}' has {gateway_count} gateways, and a sidecar cannot give them one name"
            )
            raise Problem(wrong, fix="Set `spread: senders`.")
        self._check_loop(place_name, group_route)
        self.routes_by_sender.setdefault(place_name, []).append(group_route)
        return {**build_address_facts(group_route), "server_name": self._find_common_server_name(group_route)}

    def _find_common_server_name(self, group_route: GroupAddress) -> str:
        """Return the one name that certificates of all these gateways have, as their own options say; else empty."""
        receivers = [self._find_gateway_collector(gateway).collector for gateway in group_route.gateways]
        server_names = {str(receiver.tls.get(SERVER_NAME) or "") for receiver in receivers}
        return server_names.pop() if len(server_names) == 1 else ""

    def list_hops(self, collector: Collector, config: Mapping[str, Any]) -> list[GatewayConnection]:
        """Return the exporters of a collector of this host, each with a gateway of a group that gets its data."""
        hops_by_exporter: dict[tuple[str, Gateway], GatewayConnection] = {}
        for group_route in self.routes_by_sender.get(_place_name(collector), ()):
            for exporter, settings, gateway in find_sending_exporters(config, group_route):
                hops_by_exporter[exporter, gateway] = GatewayConnection(
                    exporter, settings, gateway, self._find_gateway_collector(gateway).config
                )
        return list(hops_by_exporter.values())

    def list_cluster_hosts(self) -> list[str]:
        """Return the hosts of the inventory that stand for clusters."""
        linux_hosts = set(self.hosts_by_group.get(LINUX_GROUP) or ())
        return [name for name in self.hosts_by_group.get("all") or () if name not in linux_hosts]

    def _find_gateway_collector(self, gateway: Gateway) -> OtherCollector:
        """Return the collector that is a gateway."""
        collectors_by_name = {
            other_collector.collector.name: other_collector for other_collector in self.list_collectors(gateway.host)
        }
        return collectors_by_name[gateway.collector]

    def _find_gateways(self, requested_group: GroupRequest) -> tuple[Gateway, ...]:
        """Return the gateways of a group. Raises Problem for a group that cannot be."""
        return find_gateways(
            requested_group,
            [self._build_member(requested_group.group, host) for host in self._find_group_hosts(requested_group.group)],
        )

    def list_hosts_file_lines(self, collector: Collector) -> tuple[str, ...]:
        """Return the lines of the file of hosts of a collector of this host, each once."""
        routes = self.routes_by_sender.get(_place_name(collector), ())
        return tuple(dict.fromkeys(line for group_route in routes for line in group_route.hosts_file_lines))

    def _find_group_hosts(self, group: str) -> Sequence[str]:
        """Return the hosts of a group. Raises Problem for a group that the inventory lacks, or without hosts."""
        if group not in self.hosts_by_group:
            known_groups = sorted(set(self.hosts_by_group) - {"all", "ungrouped"})
            wrong = f"the inventory has no group '{group}'{suggest_word(group, known_groups)}"
            raise Problem(wrong, fix=f"Groups: {join_at_most(_SHOWN_GROUPS, known_groups) or 'none'}.")
        if not self.hosts_by_group[group]:
            raise Problem(f"group '{group}' of the inventory has no host", fix="Add the hosts with the gateways.")
        return self.hosts_by_group[group]

    def _build_member(self, group: str, host: str) -> GroupMember:
        """Return a host with the ports on which its collectors receive OTLP. Raises Problem for a cluster."""
        variables = self.variables_by_host[host]
        ports: list[OtlpPort] = []
        for other_collector in self.list_collectors(host):
            ports += other_collector.otlp_ports
        if not ports and any(variables.get(name) for name in _CLUSTER_VARIABLES):
            wrong = f"'{host}' of group '{group}' is a cluster, and `to` names Linux hosts"
            raise Problem(wrong, fix="Set `endpoint` to the address of its gateway.")
        return GroupMember(host, str(variables.get("ansible_host") or host), tuple(ports))

    def list_collectors(self, host: str) -> list[OtherCollector]:
        """Return the collectors of a host with their configs, in which groups are not resolved."""
        if host not in self._known:
            self._known[host] = [
                OtherCollector(host, *collector_and_config) for collector_and_config in self._compose_host(host)
            ]
        return self._known[host]

    def _compose_host(self, host: str) -> Sequence[tuple[HostCollector, Mapping[str, Any]]]:
        """Return the collectors of a host with their configs. Raises Problem that names the host."""
        try:
            return self.compose_collectors(self.variables_by_host[host])
        except Problem as problem:
            action_prefix = f"{problem.asked}: " if problem.asked else ""
            raise Problem(
                f"host '{host}': {action_prefix}{problem.wrong}", where=problem.where, fix=problem.fix
            ) from problem
        except AnsibleError as error:
            wrong = f"host '{host}': its variables cannot be read: {error}"
            raise Problem(wrong, fix="Correct what the message names.") from error

    def _check_loop(self, sender: str, first_route: GroupAddress) -> None:
        """Raise Problem if data of a collector comes back to it by way of groups."""
        start_stop = _CollectorStop(self.host, sender)
        seen_stops: set[_CollectorStop] = set()
        open_ways = [_GatewayWay(gateway, (start_stop,)) for gateway in first_route.gateways]
        while open_ways:
            gateway, stops = open_ways.pop()
            current_stop = _CollectorStop(gateway.host, gateway.collector)
            if current_stop == start_stop:
                loop = " → ".join(f"{stop.collector} on {stop.host}" for stop in (*stops, current_stop))
                raise Problem(f"data would go round in a loop: {loop}", fix="Send to another group.")
            if current_stop not in seen_stops:
                seen_stops.add(current_stop)
                open_ways += [
                    _GatewayWay(next_gateway, (*stops, current_stop))
                    for next_gateway in self.list_receiving_gateways(self._find_gateway_collector(gateway).collector)
                ]

    def list_receiving_gateways(self, sender: Collector) -> Iterator[Gateway]:
        """Yield the gateways of groups that a collector sends to by its recipes. Raises Problem for a bad group."""
        for use in read_recipe_uses(sender.recipes):
            if use.options.get("to"):
                yield from self._find_gateways(read_requested_group(use.options))


def _place_name(collector: Collector) -> str:
    """Return the name of a collector among those of its host, or of its cluster."""
    return collector.name if isinstance(collector, HostCollector) else f"{collector.namespace}/{collector.name}"


def build_unresolved_route(_collector: HostCollector, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for a route in a config of which only the receivers count.

    It has the keys that recipes read: `endpoint`, `endpoints`, `is_balanced` and `server_name`.
    """
    endpoint = f"{group_alias(str(options['to']))}:4317"
    return {"endpoint": endpoint, "endpoints": [endpoint], "is_balanced": False, "server_name": ""}


def read_requested_group(options: Mapping[str, Any]) -> GroupRequest:
    """Return what the options `to`, `protocol`, `collector` and `spread` of a recipe ask of a group."""
    return GroupRequest(
        group=str(options["to"]),
        protocol=str(options.get("protocol") or GroupRequest.protocol),
        collector=str(options.get("collector") or ""),
        balancing=str(options["spread"] or "") if "spread" in options else KEYS,
    )
