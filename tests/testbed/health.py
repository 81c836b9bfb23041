# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an embedded cluster is whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.testbed import command, images, launch, netns, probe
from tests.testbed.build import Builds
from tests.testbed.cluster import Cluster
from tests.testbed.errors import ClusterError
from tests.testbed.progress import read_last_lines, say, wait_for
from tests.testbed.servers import list_instances

CONDITIONS: dict[str, Callable[[Cluster], str | None]] = {
    "the API": probe.find_api_fault,
    "nodes": probe.find_nodes_fault,
    "the cluster's DNS": probe.find_dns_fault,
}
"""What has to be ready, each with the function that returns what is missing."""
SECONDS_TO_START = 180
SECONDS_TO_RECOVER = 20


def wait_ready(cluster: Cluster, timeout_seconds: float = SECONDS_TO_START) -> None:
    """Return once every condition holds. Raises ClusterError if one does not within some seconds."""
    for name, find_missing in CONDITIONS.items():
        wait_for(
            f"readiness of {name}",
            partial(find_missing, cluster),
            timeout_seconds,
            partial(_read_kubelet_logs, cluster),
        )
        say(f"ready: {name}")


def _read_kubelet_logs(cluster: Cluster) -> str:
    """Return the ends of the kubelets' logs, which are likely to say why pods do not start."""
    return "\n".join(read_last_lines(cluster.log_file(f"kubelet@{node.name}"), 10) for node in cluster.nodes)


def find_lasting_fault(cluster: Cluster, builds: Builds) -> str | None:
    """Return what a cluster that was complete lacks now; None if it is healthy.

    Waits for a while for what may come back by itself.
    """
    loss = _find_loss(cluster)
    if loss:
        return loss
    try:
        wait_ready(cluster, SECONDS_TO_RECOVER)
    except ClusterError as error:
        return f"{error.what}: {error.why}"
    return _find_missing_images(cluster, builds)


def find_current_fault(cluster: Cluster) -> str | None:
    """Return what a cluster lacks at this moment; None if it is ready. Images of nodes are not checked."""
    loss = _find_loss(cluster)
    if loss:
        return loss
    for find_fault in CONDITIONS.values():
        fault = find_fault(cluster)
        if fault:
            return fault
    return None


def _find_loss(cluster: Cluster) -> str | None:
    """Return what a cluster has lost that no wait brings back: its network, or a server; None if it has both."""
    if not netns.has_network(cluster):
        return "its network is gone"
    dead_servers = [instance.name for instance in list_instances(cluster) if launch.is_dead(cluster, instance)]
    return f"not running: {', '.join(dead_servers)}" if dead_servers else None


def _find_missing_images(cluster: Cluster, builds: Builds) -> str | None:
    """Return which images the first such node lacks; None if all nodes have all images."""
    required_images = set(images.list_references(builds).values())
    for node in cluster.nodes:
        node_images = command.run(
            [*launch.node_prefix(cluster, node), *images.CTR_IMAGES_COMMAND, "list", "--quiet"]
        ).split()
        missing_images = required_images - set(node_images)
        if missing_images:
            return f"{node.name} lacks images: {', '.join(sorted(missing_images))}"
    return None
