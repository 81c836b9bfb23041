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
from tests.testbed.cluster import Cluster, Record, free_slot, named, taken_slots
from tests.testbed.errors import ClusterError, UnavailableError
from tests.testbed.home import Home
from tests.testbed.hosts import access, machine, network, root
from tests.testbed.hosts.model import HostGroup, group_named
from tests.testbed.progress import say
from tests.testbed.tasks import Task, run_all

PROVIDER = "hosts"
"""What the record of a group says in place of a cluster's provider."""
DEFAULT_COUNT = 1


def up(home: Home, name: str, count: int | None) -> HostGroup:
    """Make sure that the hosts run, and that they reach the cluster of the same name if there is one."""
    home.prepare()
    with home.lock(f"hosts-{group_named(home, name).name}"):
        group = group_named(home, name)
        if reason := root.lacks(home):
            raise UnavailableError("no hosts can be had on this machine", reason.why, reason.do)
        if not _is_complete(group):
            group = _start(group, count or DEFAULT_COUNT, "an earlier `hosts up` did not get to its end")
        else:
            _check_count(group, count)
            reason_to_start = unhealthy(group)
            if reason_to_start:
                group = _start(group, group.node_count, reason_to_start)
        join(named(home, name))
        return group


def _is_complete(group: HostGroup) -> bool:
    """Whether an earlier `hosts up` has got to its end."""
    record = group.read()
    return record is not None and record.complete


def _check_count(group: HostGroup, count: int | None) -> None:
    """Raise ClusterError if a group has another number of hosts than the one that was asked for, if any was."""
    if count not in (None, group.node_count):
        why = f"there are {group.node_count}, {count} were asked for"
        raise ClusterError(f"the hosts of {group.name} cannot change their number", why, "run `hosts down` first")


def _start(group: HostGroup, count: int, reason: str) -> HostGroup:
    """Remove what an earlier run has left, and start afresh."""
    if cleanup.remains(group):
        say(f"the hosts of {group.name} are started afresh: {reason}")
        cleanup.remove(group)
    disk = root.make(Builds(group.home, ""))
    with group.home.lock("slots"):
        slot = free_slot(taken_slots(group.home, group.dir), netns.host_routes())
        group = replace(group, slot=slot, node_count=count)
        group.write(Record(PROVIDER, slot, count))
    run_all(tasks(group, disk))
    group.write(Record(PROVIDER, slot, count, complete=True))
    return group


def tasks(group: HostGroup, disk: Path) -> Iterable[Task]:
    """All steps from a root to hosts that are ready."""
    yield Task("network", partial(network.create, group))
    yield Task("disks", partial(_lay_out, group))
    for host in group.hosts:
        yield Task(host.name, partial(machine.start, group, disk, host), ("network", "disks"))


def _lay_out(group: HostGroup) -> None:
    machine.allow_watchers()
    for host in group.hosts:
        machine.lay_out(host)
    machine.write_names(group)
    access.create(group)


def unhealthy(group: HostGroup) -> str | None:
    """Why the hosts have to be started afresh."""
    if not network.exists(group):
        return "its network is gone"
    dead = [host.name for host in group.hosts if machine.is_dead(group, host)]
    return f"{', '.join(dead)} has ended" if dead else None


def join(cluster: Cluster) -> None:
    """Connect an embedded cluster with the hosts of its name, if both run."""
    group = group_named(cluster.home, cluster.name)
    hosts, nodes = group.read(), cluster.read()
    if hosts and hosts.complete and nodes and nodes.complete and nodes.provider == "embedded":
        network.join(group, cluster)
        say(f"the hosts of {group.name} reach the nodes of cluster {cluster.name}")


def down(home: Home, name: str) -> bool:
    """Remove the hosts and everything of them; the Debian stays among the builds. Whether there were any."""
    home.prepare()
    with home.lock(f"hosts-{group_named(home, name).name}"):
        group = group_named(home, name)
        if not cleanup.remains(group):
            return False
        cleanup.remove(group)
        say(f"the hosts of {name} are removed")
        return True


def running(home: Home, name: str) -> HostGroup | None:
    """The hosts of that name, if `up` has got to its end and all of them still run."""
    group = group_named(home, name)
    return group if _is_complete(group) and unhealthy(group) is None else None
