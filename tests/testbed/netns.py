# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of a cluster: a namespace per node, one with a bridge that joins them, one link to the host.

        host  172.30.S.1 --- [switch: bridge] --- 172.30.S.2 node1
                                       \\--------- 172.30.S.3 node2

The host's forwarding and iptables stay as they are. Nothing leaves the cluster: the default route is "unreachable", so
that connections to the outside fail at once instead of running into a timeout.
"""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

from tests.testbed import command
from tests.testbed.cluster import IPV6, Cluster, Node

NAMESPACES_FOLDER = Path("/run/netns")
LINKS_FOLDER = Path("/sys/class/net")
LINK_PREFIX = "o11ytb"

SWITCH_COMMANDS = """
netns add {switch}
-n {switch} link set lo up
-n {switch} link add br0 type bridge
-n {switch} link set br0 up
link add {link} type veth peer name host netns {switch}
-n {switch} link set host master br0 up
addr add {host_ip}/24 dev {link}
link set {link} up
link set {link} alias {owner}
"""
MEMBER_COMMANDS = """
netns add {namespace}
-n {namespace} link set lo up
-n {switch} link add {name} type veth peer name eth0 netns {namespace}
-n {switch} link set {name} master br0 up
-n {namespace} addr add {ip}/24 dev eth0
-n {namespace} link set eth0 up
-n {namespace} route add unreachable default
"""
IPV6_NODE_COMMANDS = """
-n {namespace} addr add {ip6}/64 dev eth0 nodad
-n {namespace} -6 route add unreachable default
"""
ROUTE_COMMAND = "-n {namespace} route add {network} via {router}"
AWS_COMMANDS = """
-n {namespace} addr add {aws_ip}/24 dev eth0
-n {namespace} addr add {agent_ip}/32 dev lo
"""
"""Addresses of the first node for what runs beside the nodes: AWS, and the agent from which pods get credentials."""
AGENT_IP = "169.254.170.23"
"""Of EKS' own agent: SDKs accept credentials over HTTP from this address and two more."""
IPV6_SYSCTLS = ("net.ipv6.conf.all.forwarding=1", "net.bridge.bridge-nf-call-ip6tables=1")
SYSCTLS = ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")
"""The second makes a service's answers from a pod on the same bridge pass the address translation."""


def list_host_routes(route_table: Path = Path("/proc/net/route")) -> list[str]:
    """The IPv4 networks that the host has routes to, as address/mask, without the default route.

    The first line of the table names its columns: the second is Destination, the eighth Mask.
    """
    networks = []
    for line in route_table.read_text().splitlines()[1:]:
        columns = line.split()
        address, mask = _decode_address(columns[1]), _decode_address(columns[7])
        if mask != "0.0.0.0":
            networks.append(f"{address}/{mask}")
    return networks


def _decode_address(digits: str) -> str:
    """An address of IPv4 that the kernel writes as a hexadecimal number, the last byte first."""
    return socket.inet_ntoa(bytes.fromhex(digits)[::-1])


def run_ip_lines(command_lines: str, **values: str) -> None:
    """Run `ip` once per line."""
    for line in command_lines.strip().format(**values).splitlines():
        command.run(["ip", *line.split()])


def create_network(cluster: Cluster) -> None:
    """Make the namespaces, links, addresses and routes."""
    run_ip_lines(
        SWITCH_COMMANDS,
        switch=cluster.switch,
        link=cluster.link,
        host_ip=cluster.host_ip,
        owner=owner_label(cluster.dir),
    )
    for node in cluster.nodes:
        _create_node(cluster, node)
    first_node, *other_nodes = cluster.nodes
    run_ip_lines(AWS_COMMANDS, namespace=first_node.namespace, aws_ip=cluster.aws_ip, agent_ip=AGENT_IP)
    for node in other_nodes:
        run_ip_lines(ROUTE_COMMAND, namespace=node.namespace, network=AGENT_IP, router=first_node.ip)


def _create_node(cluster: Cluster, node: Node) -> None:
    """Make the namespace of a node, join it to the switch, and let it reach the pods of the other nodes."""
    is_ipv6 = node.ip_family == IPV6
    run_ip_lines(MEMBER_COMMANDS, switch=cluster.switch, namespace=node.namespace, name=node.name, ip=node.ip)
    if is_ipv6:
        run_ip_lines(IPV6_NODE_COMMANDS, namespace=node.namespace, ip6=node.ip6)
    for other_node in cluster.nodes:
        if other_node != node:
            run_ip_lines(
                ROUTE_COMMAND, namespace=node.namespace, network=other_node.pod_network, router=other_node.ips[0]
            )
    kernel_settings = (*SYSCTLS, *IPV6_SYSCTLS) if is_ipv6 else SYSCTLS
    command.run([*network_prefix(node), "sysctl", "-qw", *kernel_settings])
    if not is_ipv6:  # the host has no address of IPv6 in the node network
        add_masquerading(cluster, node)


def add_masquerading(cluster: Cluster, node: Node) -> None:
    """Pods reach the host under their node's address; between pods and nodes the real address is kept."""
    pod_network = cluster.family.pods
    rule_arguments = ["POSTROUTING", "-s", pod_network, "!", "-d", pod_network, "-o", "eth0", "-j", "MASQUERADE"]
    command.run([*network_prefix(node), "iptables", "-w", "-t", "nat", "-A", *rule_arguments])


def network_prefix(node: Node) -> list[str]:
    """The prefix that runs a command in the node's network. (`ip netns exec` would hide the cgroups.)"""
    return ["nsenter", f"--net={NAMESPACES_FOLDER / node.namespace}", "--"]


def owner_label(cluster_dir: Path) -> str:
    """What the host's link is labelled with, to be found again even if the cluster's folder was removed by hand."""
    return hashlib.sha256(str(cluster_dir).encode()).hexdigest()[:32]


def _list_owner_labels(links_folder: Path) -> dict[int, str]:
    """How the link of each slot is labelled; a link that is being made has no label yet."""
    files_of_links = links_folder.glob(f"{LINK_PREFIX}*/ifalias")
    return {int(file.parent.name.removeprefix(LINK_PREFIX)): file.read_text().strip() for file in files_of_links}


def find_slots(cluster_dir: Path, links_folder: Path | None = None) -> set[int]:
    """The slots whose link is labelled as this cluster's."""
    return {
        slot
        for slot, label in _list_owner_labels(links_folder or LINKS_FOLDER).items()
        if label == owner_label(cluster_dir)
    }


def is_foreign(slot: int, cluster_dir: Path, links_folder: Path | None = None) -> bool:
    """Whether the link of a slot is labelled as another cluster's: then nothing of the slot may be touched."""
    return _list_owner_labels(links_folder or LINKS_FOLDER).get(slot, "") not in {"", owner_label(cluster_dir)}


def list_namespaces(slot: int) -> list[Path]:
    """The namespaces that exist for a slot."""
    return sorted(
        [*NAMESPACES_FOLDER.glob(f"{LINK_PREFIX}{slot}n*"), *NAMESPACES_FOLDER.glob(f"{LINK_PREFIX}{slot}sw")]
    )


def has_network(cluster: Cluster) -> bool:
    """Whether all namespaces and the host's link are there."""
    names = [cluster.switch, *(node.namespace for node in cluster.nodes)]
    return (LINKS_FOLDER / cluster.link).exists() and all((NAMESPACES_FOLDER / name).exists() for name in names)


def delete_network(cluster: Cluster) -> None:
    """Remove namespaces and links, also half-made ones."""
    if (LINKS_FOLDER / cluster.link).exists():
        command.run(["ip", "link", "delete", cluster.link])
    for file in list_namespaces(cluster.slot):
        command.run(["ip", "netns", "delete", file.name])
