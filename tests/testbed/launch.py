# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting one server of a cluster and waiting for its condition."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.testbed import config, netns, probe, process
from tests.testbed.build import Builds
from tests.testbed.cluster import Cluster, Node
from tests.testbed.errors import ClusterError
from tests.testbed.progress import last_lines, say, wait_for
from tests.testbed.servers import Instance, values

ENTER_NODE = config.TEMPLATES / "enter-node.sh"
FOLDERS = config.TEMPLATES / "node-folders.txt"


def program(instance: Instance, builds: Builds) -> str:
    """The server's program: built by us, or of a Debian package."""
    if instance.server.built:
        return str(builds.program("kubernetes", instance.server.program))
    found = shutil.which(instance.server.program, path="/usr/local/bin:/usr/bin:/usr/sbin")
    if not found:
        do = "install its Debian package; `up` does that when run as root"
        raise ClusterError(f"{instance.server.program} is not there", "none of the usual folders has it", do)
    return found


def prefix(cluster: Cluster, instance: Instance) -> list[str]:
    """How a server gets to its place: containerd makes the node's mount namespace, the node's other servers join it."""
    node = instance.node
    if not instance.everywhere:
        return netns.enter(node)
    if instance.server.name == "containerd":
        unshare = ["unshare", "--mount", "--uts", "--propagation", "slave", "--"]
        return [*netns.enter(node), *unshare, "sh", str(ENTER_NODE), str(node.dir), node.name, str(FOLDERS)]
    return into_node(cluster, node)


def into_node(cluster: Cluster, node: Node) -> list[str]:
    """The prefix that runs a command inside a node: its network, its mounts, its host name."""
    pid = process.server_pid(cluster.dir, f"containerd@{node.name}", "containerd")
    if pid is None:
        why = f"containerd of {node.name} is not running\n{last_lines(cluster.log(f'containerd@{node.name}'))}"
        raise ClusterError(f"{node.name} cannot be entered", why, "run `up` again")
    return ["nsenter", "--target", str(pid), "--net", "--mount", "--uts", "--"]


def start(cluster: Cluster, builds: Builds, instance: Instance) -> None:
    """Start the server and return once it is ready."""
    filling = values(cluster, instance.node)
    arguments = [instance.filled(argument, filling) for argument in instance.server.arguments]
    argv = [*prefix(cluster, instance), program(instance, builds), *arguments]
    child = process.start(cluster.dir, instance.name, argv, cluster.log(instance.name))
    condition = instance.filled(instance.server.ready, filling)
    wait_for(
        f"start of {instance.name}",
        lambda: _missing(cluster, instance, child, condition),
        instance.server.seconds,
        lambda: last_lines(cluster.log(instance.name)),
    )
    say(f"{instance.name} is ready")


def _missing(cluster: Cluster, instance: Instance, child: subprocess.Popen[bytes], condition: str) -> str | None:
    """None once the condition holds; a failure as soon as the server has ended."""
    if (code := child.poll()) is not None:
        why = f"it ended with code {code}\n{last_lines(cluster.log(instance.name))}"
        raise ClusterError(f"{instance.name} did not start", why, "fix the cause, then run `up` again")
    return missing(cluster, instance, condition)


def missing(cluster: Cluster, instance: Instance, condition: str) -> str | None:
    """None once a URL answers, or something listens at a socket of the node."""
    scheme, _, path = condition.partition(":")
    if scheme == "unix":
        return probe.socket_missing(instance.node.dir / Path(path).relative_to("/"))
    return probe.url_missing(cluster, condition)


def dead(cluster: Cluster, instance: Instance) -> bool:
    """Whether the server's process is gone."""
    return process.server_pid(cluster.dir, instance.name, instance.server.program) is None
