# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `status` prints."""

from __future__ import annotations

from tests.testbed.build import COLLECTOR_VERSION, COREDNS_VERSION, KUBERNETES_VERSION
from tests.testbed.cluster import Cluster
from tests.testbed.providers import Provider
from tests.testbed.servers import list_instances

VERSIONS_TEXT = f"Kubernetes {KUBERNETES_VERSION}, CoreDNS {COREDNS_VERSION}, collector {COLLECTOR_VERSION}"


def describe_status(cluster: Cluster, provider: Provider | None) -> tuple[str, bool]:
    """The lines, and whether the cluster is up."""
    if provider is None:
        return f"cluster {cluster.name}: not up\n", False
    fault = provider.missing(cluster)
    lines = [f"cluster {cluster.name} ({provider.name}): {'up' if fault is None else f'down, {fault}'}"]
    if provider.name == "embedded":
        lines.append(f"versions: {VERSIONS_TEXT}")
        lines.append(f"servers: {', '.join(instance.name for instance in list_instances(cluster))}")
        lines.extend(f"{node.name}: {node.ip}, namespace {node.namespace}" for node in cluster.nodes)
        lines.append(f"logs: {cluster.dir / 'log'}")
    if fault is None:
        lines.extend(f"{name}={value}" for name, value in provider.variables(cluster).items())
    return "\n".join(lines) + "\n", fault is None
