# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pods of a workload work, and on which nodes a DaemonSet has none that does. Private.

Kubernetes reports no reason for a pod on a node that is down: its kubelet says nothing any more. A wait that fails says
instead:

    DaemonSet obs/agent has no ready pod on node a, node b. If a node is down, start it, or delete it with …
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from .._otelcol.config.masking import mask_and_clean
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.errors import join_at_most
from .._otelcol.kube.objects import Manifest, ref
from .conditions import is_ready

_MOST_SHOWN = 5
DOWN_FIX = "If a node is down, start it, or delete it with `kubectl delete node NAME`."


def find_node(pod: Manifest) -> str:
    """Return the node of a DaemonSet's pod, also of one that is not scheduled yet.

    The controller of DaemonSets makes each pod for one node, which it names in the pod's node affinity.
    """
    spec = mapping_at(pod, "spec")
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    required = mapping_at(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in list_at(required, "nodeSelectorTerms"):
        for field in list_at(term, "matchFields"):
            node_names = list_at(field, "values")
            if field.get("key") == "metadata.name" and node_names:
                return str(node_names[0])
    return "unknown"


def join_first_names(node_names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    return join_at_most(_MOST_SHOWN, map(mask_and_clean, node_names))


def describe_idle_nodes(workload: Manifest, pods: Iterable[Manifest], explained_pods: Container[str]) -> str:
    """Return on which nodes a DaemonSet has no ready pod, or an empty string.

    Pods of these names are left out: their own reason is reported.
    """
    if workload["kind"] != "DaemonSet":
        return ""
    nodes: set[str] = set()
    served_nodes: set[str] = set()
    for pod in pods:
        nodes.add(find_node(pod))
        if is_ready(pod) or pod["metadata"]["name"] in explained_pods:
            served_nodes.add(find_node(pod))
    idle_nodes = [f"node {node}" for node in sorted(nodes - served_nodes)]
    return f"{ref(workload)} has no ready pod on {join_first_names(idle_nodes)}. {DOWN_FIX}" if idle_nodes else ""
