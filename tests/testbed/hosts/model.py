# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of hosts: its name, its slot, and every address, name and path that follows from them. Pure data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.cluster import Cluster, Member, Record, check_name
from tests.testbed.home import Home

MAX_HOSTS = 40
"""Hosts of a group: their addresses end before those of AWS and the routers."""


@dataclass(frozen=True)
class Host(Member):
    """One host: a member with a disk and a systemd of its own. Its namespace is the machine's name too."""

    group_dir: Path

    @property
    def name(self) -> str:
        """Its host name, and its name in the inventory."""
        return f"host{self.number}"

    @property
    def machine_id(self) -> str:
        """What /etc/machine-id says: another one on each host, and the same after a restart."""
        return hashlib.sha256(f"{self.group_dir} {self.name}".encode()).hexdigest()[:32]

    @property
    def dir(self) -> Path:
        """Its disk, and what belongs to it."""
        return self.group_dir / self.name

    @property
    def changed(self) -> Path:
        """What the host has changed of the root: the upper layer of its disk."""
        return self.dir / "changed"


@dataclass(frozen=True)
class HostGroup(Cluster):
    """The hosts of one name. It has a slot and a network as a cluster has, and is removed as a cluster is."""

    @property
    def dir(self) -> Path:
        """Everything of the group is below this folder."""
        return self.home.hosts / self.name

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All hosts."""
        return tuple(Host(self.slot, number, self.dir) for number in range(1, self.node_count + 1))

    @property
    def router_ip(self) -> str:
        """Where hosts send what is for a cluster."""
        return f"172.30.{self.slot}.254"

    @property
    def inventory(self) -> Path:
        """The inventory for Ansible."""
        return self.dir / "inventory.yml"

    @property
    def key(self) -> Path:
        """The private key that opens all hosts of the group."""
        return self.dir / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' public keys."""
        return self.dir / "ssh" / "known_hosts"


def load_group(home: Home, name: str) -> HostGroup:
    """The group of that name, with what is written down about it."""
    check_name(name)
    record = HostGroup(home, name).read_record() or Record("")
    return HostGroup(home, name, record.slot, record.nodes)


def router_address(cluster: Cluster) -> str:
    """The address of the hosts' router in a cluster's network."""
    return f"172.30.{cluster.slot}.251"
