# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing a cluster without a trace, whatever state a killed run left it in."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from tests.testbed import cgroups, command, config, netns, process
from tests.testbed.cluster import NO_SLOT, Cluster

_ESCAPED_CHARACTER = re.compile(r"\\([0-7]{3})")


def list_processes(cluster: Cluster) -> set[int]:
    """Everything that belongs to the cluster: by its mark, by its cgroup, and by its network.

    The last finds what tests have started in a node's network; it cannot go on without the network anyway.
    """
    marked_pids = {marked_process.pid for marked_process in process.list_marked(cluster.dir)}
    network_pids = process.list_in_namespaces(netns.list_namespaces(cluster.slot))
    return marked_pids | network_pids | cgroups.list_processes(f"{netns.LINK_PREFIX}{cluster.slot}n*")


def remove_cluster(cluster: Cluster) -> None:
    """Kill, unmount, and delete; every step copes with nothing being there.

    A slot that was written down may have become another cluster's since, for example after a restart of the machine.
    """
    recorded_slot = NO_SLOT if netns.is_foreign(cluster.slot, cluster.dir) else cluster.slot
    slot_clusters = [replace(cluster, slot=slot) for slot in sorted({recorded_slot, *netns.find_slots(cluster.dir)})]
    process.kill_all(lambda: set().union(*map(list_processes, slot_clusters)), f"cluster {cluster.name}")
    for slot_cluster in slot_clusters:
        netns.delete_network(slot_cluster)
        cgroups.delete_cgroups(f"{netns.LINK_PREFIX}{slot_cluster.slot}n*")
    for mount in list_mounts_below(cluster.dir):
        command.run(["umount", "--lazy", str(mount)])
    if cluster.dir.exists():
        shutil.rmtree(cluster.dir)
    remove_mount_points()


def has_remains(cluster: Cluster) -> bool:
    """Whether there is anything to remove."""
    return cluster.dir.exists() or bool(netns.find_slots(cluster.dir))


def list_mounts_below(folder: Path, mount_table: Path = Path("/proc/self/mountinfo")) -> list[Path]:
    """Mounts inside a folder, the innermost first. (A node's mounts are its own and end with it; others are not.)"""
    mount_points = [Path(_unescape(line.split()[4])) for line in mount_table.read_text(encoding="utf-8").splitlines()]
    return sorted((mount_point for mount_point in mount_points if mount_point.is_relative_to(folder)), reverse=True)


def _unescape(mount_point: str) -> str:
    """A mount point as it is: the kernel writes blanks, line ends and backslashes in octal. Source: proc(5)."""
    return _ESCAPED_CHARACTER.sub(lambda match: chr(int(match[1], 8)), mount_point)


def remove_mount_points() -> None:
    """Remove the empty folders that nodes mount over, once no cluster is left on the machine."""
    if any(netns.LINKS_FOLDER.glob(f"{netns.LINK_PREFIX}*")):
        return
    for folder in map(Path, config.list_node_folders()):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
