# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the collector of the inventory that the endpoint of an exporter leads to. Controller only. Private.

For example, a host has `ansible_host: 10.0.0.7` and a collector `gateway` that receives OTLP on port 4317. Then an
exporter with `endpoint: 10.0.0.7:4317` sends to that collector, and `_linked_collectors.py` checks that both agree on
TLS. The collector may also be one of a cluster, at the name of its Ingress or its load balancer.

Nothing is said of an address that several hosts have, or none, nor of hosts whose variables cannot be read. Everything
follows from variables, so nothing is contacted.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._collector.manifests.network import (
    list_external_dns_names,
    list_outside_hosts,
    may_end_tls_before,
    read_node_ports,
)
from ..module_utils._collector.options import Collector
from ..module_utils._host.gateway_connections import GatewayConnection
from ..module_utils._host.host_groups import Gateway
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.sending_exporters import sent_protocol
from ..module_utils._otelcol.config.addresses import is_loopback
from ..module_utils._otelcol.config.paths import mapping_at
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.service_names import resolve_service
from ..module_utils._otelcol.needs.listeners import Listener, find_listeners
from ..module_utils._otelcol.needs.peers import Peer, find_peers
from ..module_utils._otelcol.needs.started_components import list_started_components
from ._host_groups import InventoryGroups
from ._inventory_hosts import CollectorOnHost, InventoryHosts
from ._otelcol import _builds

_OTLP_RECEIVER = "otlp"
# What the full name of a Service has, such as `gateway.telemetry.svc.cluster.local`.
_SERVICE_DOMAIN = ".svc"
# To read the variables of a host takes milliseconds, and each host of a run does it. With more hosts than this, a host
# is known by its name alone, and a cluster not at all.
_MOST_PLACES = 50
# The variables of a cluster that have names by which others reach its collectors.
_NAMING_VARIABLES = (
    "otel_collectors",
    "otel_collector_name",
    "otel_collector_ingress",
    "otel_collector_openshift_route",
    "otel_collector_routes",
    "otel_collector_service",
)


def list_inventory_connections(
    groups: InventoryGroups, sender: Collector, config: Mapping[str, Any]
) -> list[GatewayConnection]:
    """Return the exporters of a collector of this host or cluster, each with a collector that gets its data.

    An exporter reaches it by a group that a recipe names, or by an address.
    """
    group_connections = groups.list_connections(sender, config)
    known_receivers = {(connection.exporter, connection.gateway.host) for connection in group_connections}
    all_connections = list(group_connections)
    for connection in _list_address_connections(groups, sender, config):
        if (connection.exporter, connection.gateway.host) not in known_receivers:
            all_connections.append(connection)
    return all_connections


def _list_address_connections(
    groups: InventoryGroups, sender: Collector, config: Mapping[str, Any]
) -> Iterator[GatewayConnection]:
    """Yield the exporters of a collector whose endpoint leads to a collector of the inventory, and to no other."""
    for peer in find_peers(config, sender.namespace):
        if not sent_protocol(peer.exporter):
            continue
        receivers = [*_find_on_hosts(groups, sender, peer), *_find_in_clusters(groups.inventory, sender, peer)]
        if len(receivers) == 1:
            (receiver,) = receivers
            yield GatewayConnection(
                exporter=peer.exporter,
                exporter_settings=mapping_at(config, "exporters", peer.exporter),
                gateway=receiver.gateway,
                gateway_config=receiver.config,
                endpoint_scheme=peer.scheme,
                is_direct=receiver.is_direct,
                is_otlp=receiver.is_otlp,
            )


@dataclass(frozen=True)
class _AddressReceiver:
    """A collector that receives at an address."""

    gateway: Gateway
    config: Mapping[str, Any]
    is_direct: bool
    """Whether nothing is between, such as an Ingress, so that both sides must agree on TLS."""
    is_otlp: bool = True
    """Whether OTLP is received there."""


# ── On Linux hosts ──


def _find_on_hosts(groups: InventoryGroups, sender: Collector, peer: Peer) -> Iterator[_AddressReceiver]:
    """Yield the collector that receives at an address of a Linux host; nothing if several hosts have the address."""
    hosts = _find_addressed_hosts(groups, sender, peer)
    if len(hosts) != 1:
        return
    (host,) = hosts
    with suppress(Problem):
        for host_collector in groups.inventory.list_collectors(host):
            yield from _match_host_collector(host_collector, host, peer)


def _find_addressed_hosts(groups: InventoryGroups, sender: Collector, peer: Peer) -> list[str]:
    """Return the Linux hosts that an address is of, as its sender sees it: the loopback is of the sender's own host."""
    is_in_pod = not isinstance(sender, HostCollector)
    if not is_loopback(peer.host):
        # To a pod, the name is that of a Service, even if a host has it too.
        means_service = is_in_pod and peer.service and peer.is_certain
        return [] if means_service else _find_hosts(groups.inventory, peer.host)
    # The loopback of a pod is its own.
    return [] if is_in_pod else [groups.host]


def _match_host_collector(host_collector: CollectorOnHost, host: str, peer: Peer) -> Iterator[_AddressReceiver]:
    """Yield a collector of a host if one of its receivers listens on the port of an address."""
    listener = _find_receiver_on_port(host_collector.config, peer.port, is_loopback(peer.host))
    if listener and listener.part:
        is_otlp = listener.part.kind == _OTLP_RECEIVER
        gateway = Gateway(host, host_collector.collector.name, peer.host, peer.port)
        yield _AddressReceiver(gateway, host_collector.config, is_direct=is_otlp, is_otlp=is_otlp)


def _find_hosts(inventory: InventoryHosts, address: str) -> list[str]:
    """Return the hosts of this name or with this address."""
    if address in inventory.linux_hosts:
        return [address]
    if len(inventory.linux_hosts) > _MOST_PLACES:
        return []
    plain_address = _normalize_address(address)
    found_hosts = []
    for host in inventory.linux_hosts:
        if plain_address in map(_normalize_address, inventory.list_addresses(host)):
            found_hosts.append(host)
    return found_hosts


def _normalize_address(address: str) -> str:
    """Return an address in the one form of its IP, such as `2001:db8::7` for `[2001:DB8:0::7]`; else as it is."""
    try:
        return str(ipaddress.ip_address(address.strip("[]")))
    except ValueError:  # it is a name
        return address


def _find_receiver_on_port(config: Mapping[str, Any], port: int, is_loopback_address: bool) -> Listener | None:
    """Return the receiver that listens on a port; what listens on the loopback is only for its own host."""
    for listener in find_listeners(config, list_started_components(config), _builds.load_catalogue().listeners):
        is_receiver = listener.part is not None and listener.part.section == "receivers"
        if not is_receiver or listener.port_and_protocol != (port, "TCP"):
            continue
        if is_loopback_address or not is_loopback(listener.host):
            return listener
    return None


# ── In clusters ──


def _find_in_clusters(inventory: InventoryHosts, sender: Collector, peer: Peer) -> Iterator[_AddressReceiver]:
    """Yield the collectors of clusters that an address leads to, for a sender on a host.

    A pod knows the Services of its own cluster, which the rules follow anyway.
    """
    if not isinstance(sender, HostCollector) or is_loopback(peer.host):
        return
    clusters = inventory.cluster_hosts
    if len(clusters) > _MOST_PLACES:
        return
    for cluster in clusters:
        if not _may_mention_address(inventory.variables_by_host[cluster], peer):
            continue
        with suppress(Problem, AnsibleError):
            for collector, config in inventory.list_cluster_configs(cluster):
                yield from _match_collector(collector, config, cluster, peer)


def _match_collector(
    collector: Collector, config: Mapping[str, Any], cluster: str, peer: Peer
) -> Iterator[_AddressReceiver]:
    """Yield a collector of a cluster if an address is one of its own: of an Ingress, a load balancer or a Service."""
    gateway = Gateway(cluster, f"{collector.namespace}/{collector.name}", peer.host, peer.port)
    if peer.host in list_outside_hosts(collector):
        yield _AddressReceiver(gateway, config, is_direct=False)
    elif peer.host in list_external_dns_names(collector):
        target_gateway = replace(gateway, port=_find_port_behind(collector, config, peer.port))
        yield _AddressReceiver(target_gateway, config, is_direct=not may_end_tls_before(collector))
    elif _is_service_name(collector, peer.host):
        yield _AddressReceiver(gateway, config, is_direct=True)


def _find_port_behind(collector: Collector, config: Mapping[str, Any], port: int) -> int:
    """Return the port of a collector that a port of the nodes leads to; the same port if it is none of them."""
    names_by_port = {number: name for name, number in read_node_ports(collector).items()}
    open_listeners = find_listeners(config, list_started_components(config), _builds.load_catalogue().listeners)
    ports_by_name = {listener.name: listener.port for listener in open_listeners}
    return ports_by_name.get(names_by_port.get(port, ""), port)


def _may_mention_address(variables: Mapping[str, Any], peer: Peer) -> bool:
    """Whether an address stands in the variables of a cluster, so that its collectors are worth composing."""
    with suppress(AnsibleError):
        naming_values = [variables.get(name) for name in _NAMING_VARIABLES if variables.get(name)]
        text = json.dumps(naming_values, default=str)
        names_service = _SERVICE_DOMAIN in peer.host and peer.service in text
        return names_service or peer.host in text
    return False


def _is_service_name(collector: Collector, host: str) -> bool:
    """Whether a host is the full name of a Service of a collector, which may be known outside of its cluster."""
    service = resolve_service(host, "")
    if _SERVICE_DOMAIN not in host or not service.is_certain:
        return False
    own_services = (collector.name, names.headless_service_name(collector.name))
    return service.namespace == collector.namespace and service.name in own_services
