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

_SHOWN = 5
DOWN = "If a node is down, start it, or delete it with `kubectl delete node NAME`."


def is_ready(pod: Manifest) -> bool:
    states = {item.get("type"): item.get("status") for item in items(pod, "status", "conditions")}
    return states.get("Ready") == "True"


def node_of(pod: Manifest) -> str:
    """Return the node of a DaemonSet's pod, also of one that is not scheduled yet."""
    spec = section(pod, "spec")
    wanted = section(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    fields = [field for term in items(wanted, "nodeSelectorTerms") for field in items(term, "matchFields")]
    names = [name for field in fields if field.get("key") == "metadata.name" for name in items(field, "values")]
    return str(spec.get("nodeName") or next(iter(names), "unknown"))


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    return at_most(_SHOWN, map(quoted, names))


def without_pod(workload: Manifest, pods: Iterable[Manifest], explained: Container[str]) -> str:
    """Return on which nodes a DaemonSet has no ready pod, or an empty string.

    Pods of these names are left out: their own reason is reported.
    """
    if workload["kind"] != "DaemonSet":
        return ""
    given = [(node_of(pod), is_ready(pod) or pod["metadata"]["name"] in explained) for pod in pods]
    idle = sorted({node for node, _works in given} - {node for node, works in given if works})
    return f"{ref(workload)} has no ready pod on {few([f'node {node}' for node in idle])}. {DOWN}" if idle else ""
