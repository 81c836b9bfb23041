# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pods of a workload work, and on which nodes a DaemonSet has none that does. Private.

Kubernetes reports no reason for a pod on a node that is down: its kubelet says nothing any more.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from .._otelcol.config.masking import quoted
from .._otelcol.config.paths import items, section
from .._otelcol.errors import at_most
from .._otelcol.kube.objects import Manifest, ref
from .conditions import is_ready

_SHOWN = 5
DOWN = "If a node is down, start it, or delete it with `kubectl delete node NAME`."


def node_of(pod: Manifest) -> str:
    """Return the node of a DaemonSet's pod, also of one that is not scheduled yet."""
    spec = section(pod, "spec")
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    required = section(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in items(required, "nodeSelectorTerms"):
        for field in items(term, "matchFields"):
            names = items(field, "values")
            if field.get("key") == "metadata.name" and names:
                return str(names[0])
    return "unknown"


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    return at_most(_SHOWN, map(quoted, names))


def without_pod(workload: Manifest, pods: Iterable[Manifest], explained: Container[str]) -> str:
    """Return on which nodes a DaemonSet has no ready pod, or an empty string.

    Pods of these names are left out: their own reason is reported.
    """
    if workload["kind"] != "DaemonSet":
        return ""
    nodes: set[str] = set()
    served_nodes: set[str] = set()
    for pod in pods:
        nodes.add(node_of(pod))
        if is_ready(pod) or pod["metadata"]["name"] in explained:
            served_nodes.add(node_of(pod))
    idle = [f"node {node}" for node in sorted(nodes - served_nodes)]
    return f"{ref(workload)} has no ready pod on {few(idle)}. {DOWN}" if idle else ""
