# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's identity: its name, its slot, and every address, link and path that follows from them. Pure data."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.testbed.errors import ClusterError
from tests.testbed.home import Home

SLOTS = range(200)
NO_SLOT = -1
"""Of a cluster that was never started; names made with it are nobody's."""
NAME_PATTERN = re.compile(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?")


@dataclass(frozen=True)
class Family:
    """The addresses that pods and Services have. Nodes have IPv4 always, and IPv6 before it where pods have IPv6."""

    pods: str
    pods_of_node: str
    """With the number of the node, from 0."""
    services: str
    api_service: str
    dns_service: str
    everywhere: str
    """The address on which servers listen, and the route to all networks."""
    route: str


IPV4, IPV6 = "ipv4", "ipv6"
FAMILIES = {
    IPV4: Family("10.244.0.0/16", "10.244.{}.0/24", "10.96.0.0/16", "10.96.0.1", "10.96.0.10", "0.0.0.0", "0.0.0.0/0"),
    # As EKS lays out its clusters of IPv6: pods and Services have IPv6 alone, nodes have both.
    IPV6: Family(
        "fd00:10:244::/56", "fd00:10:244:{:x}::/64", "fd00:10:96::/112", "fd00:10:96::1", "fd00:10:96::a", "::", "::/0"
    ),
}


@dataclass(frozen=True)
class Member:
    """A node of a cluster, or a host of a group: it has a network namespace of its own. Members count from 1."""

    slot: int
    number: int

    @property
    def namespace(self) -> str:
        """Network namespace and cgroup, as cleanup looks for them; the slot makes it unique on the machine."""
        return f"o11ytb{self.slot}n{self.number}"

    @property
    def ip(self) -> str:
        """The address in the network of the slot; the machine has the first one."""
        return f"172.30.{self.slot}.{self.number + 1}"


@dataclass(frozen=True)
class Node(Member):
    """One node: a member with a kubelet in it. The first has the control plane."""

    cluster_dir: Path
    ip_family: str = IPV4

    @property
    def name(self) -> str:
        """The name that Kubernetes knows."""
        return f"node{self.number}"

    @property
    def ip6(self) -> str:
        """The address of IPv6 in the cluster's node network; only nodes of an IPv6 cluster have it."""
        return f"fd00:172:30:{self.slot:x}::{self.number + 1:x}"

    @property
    def ips(self) -> list[str]:
        """All addresses, that of the cluster's family first."""
        return [self.ip6, self.ip] if self.ip_family == IPV6 else [self.ip]

    @property
    def pod_network(self) -> str:
        """The node's part of the pod network."""
        return FAMILIES[self.ip_family].pods_of_node.format(self.number - 1)

    @property
    def dir(self) -> Path:
        """The node's own disk: what it sees as /var/log, /var/lib/kubelet and so on."""
        return self.cluster_dir / self.name


@dataclass(frozen=True)
class Record:
    """What is written down about a cluster."""

    provider: str
    slot: int = NO_SLOT
    nodes: int = 1
    complete: bool = False
    ip_family: str = IPV4


@dataclass(frozen=True)
class Cluster:
    """A named cluster in the testbed's home."""

    home: Home
    name: str
    slot: int = NO_SLOT
    node_count: int = 1
    ip_family: str = IPV4

    @property
    def dir(self) -> Path:
        """Everything of the cluster is below this folder."""
        return self.home.clusters / self.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.dir / "kubeconfig"

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, the control plane's first."""
        return tuple(Node(self.slot, number, self.dir, self.ip_family) for number in range(1, self.node_count + 1))

    @property
    def family(self) -> Family:
        """The addresses of its pods and Services."""
        return FAMILIES[self.ip_family]

    @property
    def switch(self) -> str:
        """The network namespace with the bridge that joins the nodes and the host."""
        return f"o11ytb{self.slot}sw"

    @property
    def link(self) -> str:
        """The one interface that the host gets."""
        return f"o11ytb{self.slot}"

    @property
    def network(self) -> str:
        """The network of its members, and of the machine's one interface."""
        return slot_network(self.slot)

    @property
    def host_ip(self) -> str:
        """The host's address in the node network."""
        return f"172.30.{self.slot}.1"

    @property
    def aws_ip(self) -> str:
        """Where AWS is, once it is installed: an address of the first node's, so that its ports are nobody else's."""
        return f"172.30.{self.slot}.250"

    def log_file(self, service: str) -> Path:
        """Where a server of the cluster writes."""
        return self.dir / "log" / f"{service}.log"

    def read_record(self) -> Record | None:
        """What an earlier run wrote down, if it did."""
        return read_record(self.dir)

    def write_record(self, record: Record) -> None:
        """Under another name, then renamed: a killed run leaves the old record or the new one, never half of it."""
        self.dir.mkdir(parents=True, exist_ok=True)
        draft = self.dir / "cluster.json.tmp"
        draft.write_text(json.dumps(asdict(record)) + "\n")
        draft.rename(self.dir / "cluster.json")


def read_record(folder: Path) -> Record | None:
    """What is written down in a cluster's folder, if it is."""
    try:
        return Record(**json.loads((folder / "cluster.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def check_name(name: str) -> None:
    """Refuse a name that cannot be one of a folder."""
    if not NAME_PATTERN.fullmatch(name):
        reason = "a name has at most 32 lower-case letters, digits and dashes, with no dash at either end"
        raise ClusterError(f"{name!r} cannot name a cluster", reason, "choose another --name (or O11Y_TESTBED_NAME)")


def load_cluster(home: Home, name: str) -> Cluster:
    """The cluster of that name, with what is written down about it."""
    check_name(name)
    record = Cluster(home, name).read_record() or Record("")
    return Cluster(home, name, record.slot, record.nodes, record.ip_family)


def slot_network(slot: int) -> str:
    """The network that belongs to a slot."""
    return f"172.30.{slot}.0/24"


def find_free_slot(taken_slot_numbers: Iterable[int], routes: Iterable[str]) -> int:
    """The lowest slot that no cluster has and whose network the host does not route already.

    The second part protects networks of the machine, and clusters of another O11Y_TESTBED_HOME.
    """
    taken_slots = set(taken_slot_numbers)
    routed_networks = [ipaddress.ip_network(route, strict=False) for route in routes]
    for slot in SLOTS:
        network = ipaddress.ip_network(slot_network(slot))
        if slot not in taken_slots and not any(
            network.overlaps(route) for route in routed_networks if route.version == 4
        ):
            return slot
    raise ClusterError(
        "no network is left for another cluster",
        "every 172.30.N.0/24 is either a cluster's or routed by this machine",
        "run `down` for clusters that are not needed",
    )


def list_taken_slots(home: Home, excluded_folder: Path) -> list[int]:
    """The slots of all clusters and groups of hosts in this home but that of one folder."""
    folders = [folder for folder in (*home.clusters.glob("*"), *home.hosts.glob("*")) if folder != excluded_folder]
    return [record.slot for folder in folders if (record := read_record(folder))]
