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

from ..module_utils._collector.manifests.network import dns_names, ends_tls_before, hosts_outside, node_ports
from ..module_utils._collector.options import Collector
from ..module_utils._host.host_groups import Gateway
from ..module_utils._host.host_hops import GroupHop, sent_by
from ..module_utils._host.host_options import HostCollector
from ..module_utils._otelcol.config.addresses import is_loopback
from ..module_utils._otelcol.config.paths import section
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.kube import names
from ..module_utils._otelcol.kube.service_names import service_of
from ..module_utils._otelcol.needs.listeners import Listener, listeners, started_parts
from ..module_utils._otelcol.needs.peers import Peer, peers
from ._host_groups import ITEMS, LINUX, PREFIX, InventoryGroups
from ._otelcol import _builds

_OTLP, _SVC = "otlp", ".svc"
# To read the variables of a host takes milliseconds, and each host of a run does it. More hosts are known by name.
_MOST_PLACES = 50
# The variables of a cluster that have names by which others reach its collectors.
_NAMING = (
    "otel_collectors",
    "otel_collector_name",
    "otel_collector_ingress",
    "otel_collector_openshift_route",
    "otel_collector_routes",
    "otel_collector_service",
)


def hops_of(groups: InventoryGroups, sender: Collector, config: Mapping[str, Any]) -> list[GroupHop]:
    """Return the exporters of a collector of this host or cluster, each with a collector that gets its data."""
    by_group = groups.hops(sender, config)
    known = {(hop.exporter, hop.gateway.host) for hop in by_group}
    by_address = _address_hops(groups, sender, config)
    return [*by_group, *(hop for hop in by_address if (hop.exporter, hop.gateway.host) not in known)]


def _address_hops(groups: InventoryGroups, sender: Collector, config: Mapping[str, Any]) -> Iterator[GroupHop]:
    """Yield the exporters of a collector whose endpoint leads to a collector of the inventory, and to no other."""
    for peer in peers(config, sender.namespace):
        if not sent_by(peer.exporter):
            continue
        ends = [*_on_hosts(groups, sender, peer), *_in_clusters(groups, sender, peer)]
        if len(ends) == 1:
            (end,) = ends
            settings = section(config, "exporters", peer.exporter)
            yield GroupHop(peer.exporter, settings, end.gateway, end.config, peer.scheme, end.is_direct, end.is_otlp)


@dataclass(frozen=True)
class _End:
    """A collector at an address. `is_direct` says that nothing is between, `is_otlp` that OTLP is received there."""

    gateway: Gateway
    config: Mapping[str, Any]
    is_direct: bool
    is_otlp: bool = True


def _on_hosts(groups: InventoryGroups, sender: Collector, peer: Peer) -> Iterator[_End]:
    """Yield what receives at an address of a Linux host; of addresses that several hosts have, nothing."""
    if peer.service and peer.certain and not isinstance(sender, HostCollector):
        return  # to a pod, the name is that of a Service
    is_own = is_loopback(peer.host)
    places = _own_place(groups, sender) if is_own else _places(groups, peer.host)
    if len(places) != 1:
        return
    (host,) = places
    with suppress(Problem):
        for other in groups.collectors(host):
            opened = _receiver_at(other.config, peer.port, is_own)
            if opened and opened.part:
                is_otlp = opened.part.kind == _OTLP
                gateway = Gateway(host, other.collector.name, peer.host, peer.port)
                yield _End(gateway, other.config, is_direct=is_otlp, is_otlp=is_otlp)


def _own_place(groups: InventoryGroups, sender: Collector) -> list[str]:
    """Return the host of a sender; in a pod, the loopback is that of the pod."""
    return [groups.host] if isinstance(sender, HostCollector) else []


def _places(groups: InventoryGroups, address: str) -> list[str]:
    """Return the hosts of this name or with this address."""
    known_hosts = groups.groups.get(LINUX) or ()
    if address in known_hosts:
        return [address]
    if len(known_hosts) > _MOST_PLACES:
        return []
    return [host for host in known_hosts if address in _addresses(groups, host)]


def _addresses(groups: InventoryGroups, host: str) -> set[str]:
    """Return the addresses that the variables of a host give, which are read once."""
    if host not in groups.addresses:
        groups.addresses[host] = set()
        with suppress(AnsibleError):
            given = groups.variables[host]
            addresses = [given.get("ansible_host"), given.get(f"{PREFIX}address")]
            for collector in given.get(ITEMS) or ():
                if isinstance(collector, Mapping):
                    addresses.append(collector.get("address"))
            groups.addresses[host] = {str(address) for address in addresses if address}
    return groups.addresses[host]


def _receiver_at(config: Mapping[str, Any], port: int, is_own: bool) -> Listener | None:
    """Return the receiver that listens on a port; what listens on the loopback is only for its own host."""
    for listener in listeners(config, started_parts(config), _builds.tables().listeners):
        is_receiver = listener.part is not None and listener.part.section == "receivers"
        if not is_receiver or listener.end != (port, "TCP"):
            continue
        if is_own or not is_loopback(listener.host):
            return listener
    return None


def _in_clusters(groups: InventoryGroups, sender: Collector, peer: Peer) -> Iterator[_End]:
    """Yield the collectors of clusters that an address leads to, for a sender on a host.

    A pod knows the Services of its own cluster, which the rules follow anyway.
    """
    if not isinstance(sender, HostCollector) or is_loopback(peer.host):
        return
    clusters = groups.clusters()
    if len(clusters) > _MOST_PLACES:
        return
    for cluster in clusters:
        if not _may_name(groups.variables[cluster], peer):
            continue
        with suppress(Problem, AnsibleError):
            for collector, config in groups.compose_cluster(groups.variables[cluster]):
                yield from _of_collector(collector, config, cluster, peer)


def _of_collector(collector: Collector, config: Mapping[str, Any], cluster: str, peer: Peer) -> Iterator[_End]:
    """Yield a collector of a cluster if an address is one of its own: of an Ingress, a load balancer or a Service."""
    gateway = Gateway(cluster, f"{collector.namespace}/{collector.name}", peer.host, peer.port)
    if peer.host in hosts_outside(collector):
        yield _End(gateway, config, is_direct=False)
    elif peer.host in dns_names(collector):
        behind = replace(gateway, port=_port_behind(collector, config, peer.port))
        yield _End(behind, config, is_direct=not ends_tls_before(collector))
    elif _is_service(collector, peer.host):
        yield _End(gateway, config, is_direct=True)


def _port_behind(collector: Collector, config: Mapping[str, Any], port: int) -> int:
    """Return the port of a collector that a port of the nodes leads to; the same port if it is none of them."""
    name_of_port = {number: name for name, number in node_ports(collector).items()}
    opened = listeners(config, started_parts(config), _builds.tables().listeners)
    port_of_name = {listener.name: listener.port for listener in opened}
    return port_of_name.get(name_of_port.get(port, ""), port)


def _may_name(variables: Mapping[str, Any], peer: Peer) -> bool:
    """Whether an address stands in the variables of a cluster, so that its collectors are worth composing."""
    with suppress(AnsibleError):
        text = json.dumps([variables.get(name) for name in _NAMING if variables.get(name)], default=str)
        names_service = _SVC in peer.host and peer.service in text
        return names_service or peer.host in text
    return False


def _is_service(collector: Collector, host: str) -> bool:
    """Whether a host is the full name of a Service of a collector, which may be known outside of its cluster."""
    service = service_of(host, "")
    if _SVC not in host or not service.certain:
        return False
    own_services = (collector.name, names.headless(collector.name))
    return service.namespace == collector.namespace and service.name in own_services
