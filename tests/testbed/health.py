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
from tests.testbed.progress import last_lines, say, wait_for
from tests.testbed.servers import instances

CONDITIONS: dict[str, Callable[[Cluster], str | None]] = {
    "the API": probe.api_missing,
    "nodes": probe.nodes_missing,
    "the cluster's DNS": probe.dns_missing,
}
"""What has to be ready, each with the function that returns what is missing."""
SECONDS_TO_START = 180
SECONDS_TO_RECOVER = 20


def wait_ready(cluster: Cluster, seconds: float = SECONDS_TO_START) -> None:
    """Return once every condition holds. Raises ClusterError if one does not within some seconds."""
    for name, missing in CONDITIONS.items():
        wait_for(f"readiness of {name}", partial(missing, cluster), seconds, partial(_kubelet_logs, cluster))
        say(f"ready: {name}")


def _kubelet_logs(cluster: Cluster) -> str:
    """Return the ends of the kubelets' logs, which are likely to say why pods do not start."""
    return "\n".join(last_lines(cluster.log(f"kubelet@{node.name}"), 10) for node in cluster.nodes)


def unhealthy(cluster: Cluster, builds: Builds) -> str | None:
    """Return what a cluster that was complete lacks now; None if it is healthy.

    Waits for a while for what may come back by itself.
    """
    gone = _gone(cluster)
    if gone:
        return gone
    try:
        wait_ready(cluster, SECONDS_TO_RECOVER)
    except ClusterError as failure:
        return f"{failure.what}: {failure.why}"
    return _missing_images(cluster, builds)


def missing(cluster: Cluster) -> str | None:
    """Return what a cluster lacks at this moment; None if it is ready. Images of nodes are not checked."""
    gone = _gone(cluster)
    if gone:
        return gone
    for missing_of in CONDITIONS.values():
        lack = missing_of(cluster)
        if lack:
            return lack
    return None


def _gone(cluster: Cluster) -> str | None:
    """Return what a cluster has lost that no wait brings back: its network, or a server; None if it has both."""
    if not netns.exists(cluster):
        return "its network is gone"
    dead = [instance.name for instance in instances(cluster) if launch.dead(cluster, instance)]
    return f"not running: {', '.join(dead)}" if dead else None


def _missing_images(cluster: Cluster, builds: Builds) -> str | None:
    """Return which images the first such node lacks; None if all nodes have all images."""
    wanted = set(images.references(builds).values())
    for node in cluster.nodes:
        listed = command.run([*launch.into_node(cluster, node), *images.CTR, "list", "--quiet"]).split()
        lacking = wanted - set(listed)
        if lacking:
            return f"{node.name} lacks images: {', '.join(sorted(lacking))}"
    return None
