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
from tests.testbed.progress import read_last_lines, say, wait_for
from tests.testbed.servers import Instance, list_template_values

ENTER_NODE_SCRIPT = config.TEMPLATES_FOLDER / "enter-node.sh"
NODE_FOLDERS_FILE = config.TEMPLATES_FOLDER / "node-folders.txt"


def find_program(instance: Instance, builds: Builds) -> str:
    """The server's program: built by us, or of a Debian package."""
    if instance.server.is_built:
        return str(builds.program_path("kubernetes", instance.server.program))
    program_path = shutil.which(instance.server.program, path="/usr/local/bin:/usr/bin:/usr/sbin")
    if not program_path:
        advice = "install its Debian package; `up` does that when run as root"
        raise ClusterError(f"{instance.server.program} is not there", "none of the usual folders has it", advice)
    return program_path


def command_prefix(cluster: Cluster, instance: Instance) -> list[str]:
    """How a server gets to its place: containerd makes the node's mount namespace, the node's other servers join it."""
    node = instance.node
    if not instance.any_address:
        return netns.network_prefix(node)
    if instance.server.name == "containerd":
        unshare_command = ["unshare", "--mount", "--uts", "--propagation", "slave", "--"]
        return [
            *netns.network_prefix(node),
            *unshare_command,
            "sh",
            str(ENTER_NODE_SCRIPT),
            str(node.dir),
            node.name,
            str(NODE_FOLDERS_FILE),
        ]
    return node_prefix(cluster, node)


def node_prefix(cluster: Cluster, node: Node) -> list[str]:
    """The prefix that runs a command inside a node: its network, its mounts, its host name."""
    pid = process.find_server_pid(cluster.dir, f"containerd@{node.name}", "containerd")
    if pid is None:
        reason = (
            f"containerd of {node.name} is not running\n{read_last_lines(cluster.log_file(f'containerd@{node.name}'))}"
        )
        raise ClusterError(f"{node.name} cannot be entered", reason, "run `up` again")
    return ["nsenter", "--target", str(pid), "--net", "--mount", "--uts", "--"]


def start_server(cluster: Cluster, builds: Builds, instance: Instance) -> None:
    """Start the server and return once it is ready."""
    template_values = list_template_values(cluster, instance.node)
    arguments = [instance.fill_in(argument, template_values) for argument in instance.server.arguments]
    server_command = [*command_prefix(cluster, instance), find_program(instance, builds), *arguments]
    server_process = process.start_server(cluster.dir, instance.name, server_command, cluster.log_file(instance.name))
    condition = instance.fill_in(instance.server.ready, template_values)
    wait_for(
        f"start of {instance.name}",
        lambda: _find_missing(cluster, instance, server_process, condition),
        instance.server.start_seconds,
        lambda: read_last_lines(cluster.log_file(instance.name)),
    )
    say(f"{instance.name} is ready")


def _find_missing(
    cluster: Cluster, instance: Instance, server_process: subprocess.Popen[bytes], condition: str
) -> str | None:
    """None once the condition holds; a failure as soon as the server has ended."""
    if (exit_code := server_process.poll()) is not None:
        reason = f"it ended with code {exit_code}\n{read_last_lines(cluster.log_file(instance.name))}"
        raise ClusterError(f"{instance.name} did not start", reason, "fix the cause, then run `up` again")
    return find_missing(cluster, instance, condition)


def find_missing(cluster: Cluster, instance: Instance, condition: str) -> str | None:
    """None once a URL answers, or something listens at a socket of the node."""
    scheme, _, path = condition.partition(":")
    if scheme == "unix":
        return probe.find_socket_fault(instance.node.dir / Path(path).relative_to("/"))
    return probe.find_url_fault(cluster, condition)


def is_dead(cluster: Cluster, instance: Instance) -> bool:
    """Whether the server's process is gone."""
    return process.find_server_pid(cluster.dir, instance.name, instance.server.program) is None
