# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts from nothing to ready, and away again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.testbed import cleanup, netns
from tests.testbed.build import Builds
from tests.testbed.cluster import Cluster, Record, find_free_slot, list_taken_slots, load_cluster
from tests.testbed.errors import ClusterError, UnavailableError
from tests.testbed.home import Home
from tests.testbed.hosts import access, machine, network, root
from tests.testbed.hosts.model import HostGroup, load_group
from tests.testbed.progress import say
from tests.testbed.tasks import Task, run_all

PROVIDER = "hosts"
"""What the record of a group says in place of a cluster's provider."""
DEFAULT_COUNT = 1


def start_hosts(home: Home, name: str, count: int | None) -> HostGroup:
    """Make sure that the hosts run, and that they reach the cluster of the same name if there is one."""
    home.prepare()
    with home.lock(f"hosts-{load_group(home, name).name}"):
        group = load_group(home, name)
        if obstacle := root.find_obstacle(home):
            raise UnavailableError("no hosts can be had on this machine", obstacle.why, obstacle.do)
        if not _is_complete(group):
            group = _start_afresh(group, count or DEFAULT_COUNT, "an earlier `hosts up` did not get to its end")
        else:
            _check_count(group, count)
            fault = find_fault(group)
            if fault:
                group = _start_afresh(group, group.node_count, fault)
        join_cluster(load_cluster(home, name))
        return group


def _is_complete(group: HostGroup) -> bool:
    """Whether an earlier `hosts up` has got to its end."""
    record = group.read_record()
    return record is not None and record.complete


def _check_count(group: HostGroup, count: int | None) -> None:
    """Raise ClusterError if a group has another number of hosts than the one that was asked for, if any was."""
    if count not in (None, group.node_count):
        reason = f"there are {group.node_count}, {count} were asked for"
        raise ClusterError(f"the hosts of {group.name} cannot change their number", reason, "run `hosts down` first")


def _start_afresh(group: HostGroup, count: int, reason: str) -> HostGroup:
    """Remove what an earlier run has left, and start afresh."""
    if cleanup.has_remains(group):
        say(f"the hosts of {group.name} are started afresh: {reason}")
        cleanup.remove_cluster(group)
    root_folder = root.make_root(Builds(group.home, ""))
    with group.home.lock("slots"):
        slot = find_free_slot(list_taken_slots(group.home, group.dir), netns.list_host_routes())
        group = replace(group, slot=slot, node_count=count)
        group.write_record(Record(PROVIDER, slot, count))
    run_all(list_tasks(group, root_folder))
    group.write_record(Record(PROVIDER, slot, count, complete=True))
    return group


def list_tasks(group: HostGroup, root_folder: Path) -> Iterable[Task]:
    """All steps from a root to hosts that are ready."""
    yield Task("network", partial(network.create_network, group))
    yield Task("disks", partial(_create_disks, group))
    for host in group.hosts:
        yield Task(host.name, partial(machine.start_host, group, root_folder, host), ("network", "disks"))


def _create_disks(group: HostGroup) -> None:
    machine.raise_watcher_limit()
    for host in group.hosts:
        machine.create_disk(host)
    machine.write_hosts_files(group)
    access.create_access(group)


def find_fault(group: HostGroup) -> str | None:
    """Why the hosts have to be started afresh."""
    if not network.has_network(group):
        return "its network is gone"
    dead_hosts = [host.name for host in group.hosts if machine.is_dead(group, host)]
    return f"{', '.join(dead_hosts)} has ended" if dead_hosts else None


def join_cluster(cluster: Cluster) -> None:
    """Connect an embedded cluster with the hosts of its name, if both run."""
    group = load_group(cluster.home, cluster.name)
    group_record, cluster_record = group.read_record(), cluster.read_record()
    if (
        group_record
        and group_record.complete
        and cluster_record
        and cluster_record.complete
        and cluster_record.provider == "embedded"
    ):
        network.join_cluster(group, cluster)
        say(f"the hosts of {group.name} reach the nodes of cluster {cluster.name}")


def remove_hosts(home: Home, name: str) -> bool:
    """Remove the hosts and everything of them; the Debian stays among the builds. Whether there were any."""
    home.prepare()
    with home.lock(f"hosts-{load_group(home, name).name}"):
        group = load_group(home, name)
        if not cleanup.has_remains(group):
            return False
        cleanup.remove_cluster(group)
        say(f"the hosts of {name} are removed")
        return True


def find_running_group(home: Home, name: str) -> HostGroup | None:
    """The hosts of that name, if `up` has got to its end and all of them still run."""
    group = load_group(home, name)
    return group if _is_complete(group) and find_fault(group) is None else None
