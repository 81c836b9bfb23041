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
from tests.testbed.hosts.model import HostGroup, router_address

ROUTER_COMMANDS = """
-n {switch} link set lo up
-n {switch} addr add {router}/24 dev br0
"""
CLUSTER_INTERFACE = "cluster"
"""The router's interface in the network of a cluster."""
JOIN_COMMANDS = """
-n {switch} link add {link} type veth peer name {peer} netns {cluster_switch}
-n {cluster_switch} link set {peer} master br0 up
-n {switch} addr add {router}/24 dev {link}
-n {switch} link set {link} up
"""
ROUTE_COMMAND = "-n {namespace} route replace {network} via {router}"


def create_network(group: HostGroup) -> None:
    """Make the namespaces, links and addresses."""
    netns.run_ip_lines(
        netns.SWITCH_COMMANDS,
        switch=group.switch,
        link=group.link,
        host_ip=group.host_ip,
        owner=netns.owner_label(group.dir),
    )
    netns.run_ip_lines(ROUTER_COMMANDS, switch=group.switch, router=group.router_ip)
    command.run(
        ["nsenter", f"--net={netns.NAMESPACES_FOLDER / group.switch}", "sysctl", "-qw", "net.ipv4.ip_forward=1"]
    )
    for host in group.hosts:
        netns.run_ip_lines(
            netns.MEMBER_COMMANDS, switch=group.switch, namespace=host.namespace, name=host.name, ip=host.ip
        )


def has_network(group: HostGroup) -> bool:
    """Whether all namespaces are there."""
    names = [group.switch, *(host.namespace for host in group.hosts)]
    return all((netns.NAMESPACES_FOLDER / name).exists() for name in names)


def is_joined(group: HostGroup) -> bool:
    """Whether the router has its interface in a cluster's network; it goes with the cluster."""
    return command.can_run(["ip", "-n", group.switch, "link", "show", CLUSTER_INTERFACE])


def join_cluster(group: HostGroup, cluster: Cluster) -> None:
    """Let hosts and nodes reach each other. Pods reach hosts too, under the addresses of their nodes."""
    if not is_joined(group):
        netns.run_ip_lines(
            JOIN_COMMANDS,
            switch=group.switch,
            cluster_switch=cluster.switch,
            link=CLUSTER_INTERFACE,
            peer=f"hosts{group.slot}",
            router=router_address(cluster),
        )
    for host in group.hosts:
        netns.run_ip_lines(ROUTE_COMMAND, namespace=host.namespace, network=cluster.network, router=group.router_ip)
    for node in cluster.nodes:
        netns.run_ip_lines(
            ROUTE_COMMAND, namespace=node.namespace, network=group.network, router=router_address(cluster)
        )
