# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of hosts: a namespace per host, one with a bridge that joins them and routes to a cluster.

        machine  172.30.H.1 --- [switch: bridge 172.30.H.254] --- 172.30.H.2 host1
                                       |             \\--------- 172.30.H.3 host2
                                 172.30.C.251
                                       |
                                [switch of the cluster] --- 172.30.C.2 node1

The machine's forwarding and iptables stay as they are: the hosts' switch is the router, in a namespace of its own.
"""

from __future__ import annotations

from tests.testbed import command, netns
from tests.testbed.cluster import Cluster
from tests.testbed.hosts.model import HostGroup, router_in

ROUTER = """
-n {switch} link set lo up
-n {switch} addr add {router}/24 dev br0
"""
TO_CLUSTER = "cluster"
"""The router's interface in the network of a cluster."""
JOIN = """
-n {switch} link add {link} type veth peer name {peer} netns {cluster_switch}
-n {cluster_switch} link set {peer} master br0 up
-n {switch} addr add {router}/24 dev {link}
-n {switch} link set {link} up
"""
ROUTE = "-n {namespace} route replace {network} via {router}"


def create(group: HostGroup) -> None:
    """Make the namespaces, links and addresses."""
    netns.ip_lines(
        netns.SWITCH, switch=group.switch, link=group.link, host_ip=group.host_ip, owner=netns.owner(group.dir)
    )
    netns.ip_lines(ROUTER, switch=group.switch, router=group.router_ip)
    command.run(["nsenter", f"--net={netns.NAMESPACES / group.switch}", "sysctl", "-qw", "net.ipv4.ip_forward=1"])
    for host in group.hosts:
        netns.ip_lines(netns.MEMBER, switch=group.switch, namespace=host.namespace, name=host.name, ip=host.ip)


def exists(group: HostGroup) -> bool:
    """Whether all namespaces are there."""
    names = [group.switch, *(host.namespace for host in group.hosts)]
    return all((netns.NAMESPACES / name).exists() for name in names)


def joined(group: HostGroup) -> bool:
    """Whether the router has its interface in a cluster's network; it goes with the cluster."""
    return command.succeeds(["ip", "-n", group.switch, "link", "show", TO_CLUSTER])


def join(group: HostGroup, cluster: Cluster) -> None:
    """Let hosts and nodes reach each other. Pods reach hosts too, under the addresses of their nodes."""
    if not joined(group):
        netns.ip_lines(
            JOIN,
            switch=group.switch,
            cluster_switch=cluster.switch,
            link=TO_CLUSTER,
            peer=f"hosts{group.slot}",
            router=router_in(cluster),
        )
    for host in group.hosts:
        netns.ip_lines(ROUTE, namespace=host.namespace, network=cluster.network, router=group.router_ip)
    for node in cluster.nodes:
        netns.ip_lines(ROUTE, namespace=node.namespace, network=group.network, router=router_in(cluster))
