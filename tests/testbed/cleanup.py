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

_ESCAPED = re.compile(r"\\([0-7]{3})")


def processes(cluster: Cluster) -> set[int]:
    """Everything that belongs to the cluster: by its mark, by its cgroup, and by its network.

    The last finds what tests have started in a node's network; it cannot go on without the network anyway.
    """
    marked = {found.pid for found in process.marked(cluster.dir)}
    inside = process.in_namespaces(netns.files(cluster.slot))
    return marked | inside | cgroups.processes(f"{netns.LINK_PREFIX}{cluster.slot}n*")


def remove(cluster: Cluster) -> None:
    """Kill, unmount, and delete; every step copes with nothing being there.

    A slot that was written down may have become another cluster's since, for example after a restart of the machine.
    """
    written = NO_SLOT if netns.is_foreign(cluster.slot, cluster.dir) else cluster.slot
    slots = [replace(cluster, slot=slot) for slot in sorted({written, *netns.slots_of(cluster.dir)})]
    process.kill_all(lambda: set().union(*map(processes, slots)), f"cluster {cluster.name}")
    for one in slots:
        netns.delete(one)
        cgroups.delete(f"{netns.LINK_PREFIX}{one.slot}n*")
    for mount in mounts_below(cluster.dir):
        command.run(["umount", "--lazy", str(mount)])
    if cluster.dir.exists():
        shutil.rmtree(cluster.dir)
    remove_mount_points()


def remains(cluster: Cluster) -> bool:
    """Whether there is anything to remove."""
    return cluster.dir.exists() or bool(netns.slots_of(cluster.dir))


def mounts_below(folder: Path, table: Path = Path("/proc/self/mountinfo")) -> list[Path]:
    """Mounts inside a folder, the innermost first. (A node's mounts are its own and end with it; others are not.)"""
    points = [Path(_unescaped(line.split()[4])) for line in table.read_text(encoding="utf-8").splitlines()]
    return sorted((point for point in points if point.is_relative_to(folder)), reverse=True)


def _unescaped(point: str) -> str:
    """A mount point as it is: the kernel writes blanks, line ends and backslashes in octal. Source: proc(5)."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), point)


def remove_mount_points() -> None:
    """Remove the empty folders that nodes mount over, once no cluster is left on the machine."""
    if any(netns.LINKS.glob(f"{netns.LINK_PREFIX}*")):
        return
    for folder in map(Path, config.node_folders()):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
