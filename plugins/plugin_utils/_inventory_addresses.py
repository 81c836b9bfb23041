# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where plain endpoints of exporters lead to in the inventory: to a collector of a host, or of a cluster.

An address that several places have, or none, is not known, and so is a place whose variables cannot be read: nothing
is said of these. Everything follows from variables, so nothing is contacted. Controller only. Private.
"""

from __future__ import annotations

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
from ..module_utils._host.gateway_connections import GatewayConnection, sent_protocol
from ..module_utils._host.host_groups import Gateway
from ..module_utils._host.host_options import HostCollector
from ..module_utils._otelcol.config.addresses import is_loopback
from ..module_utils._otelcol.config.paths import mapping_at
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.service_names import resolve_service
from ..module_utils._otelcol.needs.listeners import Listener, find_listeners, started_parts
from ..module_utils._otelcol.needs.peers import Peer, find_peers
from ._host_groups import COLLECTORS_VARIABLE, LINUX_GROUP, PREFIX, InventoryGroups
from ._otelcol import _builds

_OTLP_RECEIVER, _SERVICE_DOMAIN = "otlp", ".svc"
# To read the variables of a host takes milliseconds, and each host of a run does it. More hosts are known by name.
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


def list_inventory_hops(
    groups: InventoryGroups, sender: Collector, config: Mapping[str, Any]
) -> list[GatewayConnection]:
    """Return the exporters of a collector of this host or cluster, each with a collector that gets its data."""
    group_hops = groups.list_hops(sender, config)
    known_receivers = {(hop.exporter, hop.gateway.host) for hop in group_hops}
    address_hops = _list_address_hops(groups, sender, config)
    return [*group_hops, *(hop for hop in address_hops if (hop.exporter, hop.gateway.host) not in known_receivers)]


def _list_address_hops(
    groups: InventoryGroups, sender: Collector, config: Mapping[str, Any]
) -> Iterator[GatewayConnection]:
    """Yield the exporters of a collector whose endpoint leads to a collector of the inventory, and to no other."""
    for peer in find_peers(config, sender.namespace):
        if not sent_protocol(peer.exporter):
            continue
        receivers = [*_find_on_hosts(groups, sender, peer), *_find_in_clusters(groups, sender, peer)]
        if len(receivers) == 1:
            (receiver,) = receivers
            settings = mapping_at(config, "exporters", peer.exporter)
            yield GatewayConnection(
                peer.exporter,
                settings,
                receiver.gateway,
                receiver.config,
                peer.scheme,
                receiver.is_direct,
                receiver.is_otlp,
            )


@dataclass(frozen=True)
class _AddressReceiver:
    """A collector at an address. `is_direct` says that nothing is between, `is_otlp` that OTLP is received there."""

    gateway: Gateway
    config: Mapping[str, Any]
    is_direct: bool
    is_otlp: bool = True


def _find_on_hosts(groups: InventoryGroups, sender: Collector, peer: Peer) -> Iterator[_AddressReceiver]:
    """Yield the collector that receives at an address of a Linux host; nothing if several hosts have the address."""
    if peer.service and peer.is_certain and not isinstance(sender, HostCollector):
        return  # to a pod, the name is that of a Service
    is_loopback_address = is_loopback(peer.host)
    hosts = _list_own_host(groups, sender) if is_loopback_address else _find_hosts(groups, peer.host)
    if len(hosts) != 1:
        return
    (host,) = hosts
    with suppress(Problem):
        for host_collector in groups.list_collectors(host):
            listener = _find_receiver_on_port(host_collector.config, peer.port, is_loopback_address)
            if listener and listener.part:
                is_otlp = listener.part.kind == _OTLP_RECEIVER
                gateway = Gateway(host, host_collector.collector.name, peer.host, peer.port)
                yield _AddressReceiver(gateway, host_collector.config, is_direct=is_otlp, is_otlp=is_otlp)


def _list_own_host(groups: InventoryGroups, sender: Collector) -> list[str]:
    """Return the host to which the loopback address leads for a sender; none for a pod, whose loopback is its own."""
    return [groups.host] if isinstance(sender, HostCollector) else []


def _find_hosts(groups: InventoryGroups, address: str) -> list[str]:
    """Return the hosts of this name or with this address."""
    known_hosts = groups.hosts_by_group.get(LINUX_GROUP) or ()
    if address in known_hosts:
        return [address]
    if len(known_hosts) > _MOST_PLACES:
        return []
    return [host for host in known_hosts if address in _read_addresses(groups, host)]


def _read_addresses(groups: InventoryGroups, host: str) -> set[str]:
    """Return the addresses that the variables of a host give, which are read once."""
    if host not in groups.addresses_by_host:
        groups.addresses_by_host[host] = set()
        with suppress(AnsibleError):
            host_variables = groups.variables_by_host[host]
            addresses = [host_variables.get("ansible_host"), host_variables.get(f"{PREFIX}address")]
            for collector in host_variables.get(COLLECTORS_VARIABLE) or ():
                if isinstance(collector, Mapping):
                    addresses.append(collector.get("address"))
            groups.addresses_by_host[host] = {str(address) for address in addresses if address}
    return groups.addresses_by_host[host]


def _find_receiver_on_port(config: Mapping[str, Any], port: int, is_loopback_address: bool) -> Listener | None:
    """Return the receiver that listens on a port; what listens on the loopback is only for its own host."""
    for listener in find_listeners(config, started_parts(config), _builds.load_catalogue().listeners):
        is_receiver = listener.part is not None and listener.part.section == "receivers"
        if not is_receiver or listener.port_and_protocol != (port, "TCP"):
            continue
        if is_loopback_address or not is_loopback(listener.host):
            return listener
    return None


def _find_in_clusters(groups: InventoryGroups, sender: Collector, peer: Peer) -> Iterator[_AddressReceiver]:
    """Yield the collectors of clusters that an address leads to, for a sender on a host.

    A pod knows the Services of its own cluster, which the rules follow anyway.
    """
    if not isinstance(sender, HostCollector) or is_loopback(peer.host):
        return
    clusters = groups.list_cluster_hosts()
    if len(clusters) > _MOST_PLACES:
        return
    for cluster in clusters:
        if not _may_mention_address(groups.variables_by_host[cluster], peer):
            continue
        with suppress(Problem, AnsibleError):
            for collector, config in groups.compose_cluster(groups.variables_by_host[cluster]):
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
    open_listeners = find_listeners(config, started_parts(config), _builds.load_catalogue().listeners)
    ports_by_name = {listener.name: listener.port for listener in open_listeners}
    return ports_by_name.get(names_by_port.get(port, ""), port)


def _may_mention_address(variables: Mapping[str, Any], peer: Peer) -> bool:
    """Whether an address stands in the variables of a cluster, so that its collectors are worth composing."""
    with suppress(AnsibleError):
        variables_json = json.dumps(
            [variables.get(name) for name in _NAMING_VARIABLES if variables.get(name)], default=str
        )
        names_service = _SERVICE_DOMAIN in peer.host and peer.service in variables_json
        return names_service or peer.host in variables_json
    return False


def _is_service_name(collector: Collector, host: str) -> bool:
    """Whether a host is the full name of a Service of a collector, which may be known outside of its cluster."""
    service = resolve_service(host, "")
    if _SERVICE_DOMAIN not in host or not service.is_certain:
        return False
    own_services = (collector.name, names.headless_service_name(collector.name))
    return service.namespace == collector.namespace and service.name in own_services
