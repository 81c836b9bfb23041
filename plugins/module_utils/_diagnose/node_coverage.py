# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of a cluster have no pod of a DaemonSet, and the taints that keep it away. Private.

Sources: "Taints and Tolerations" and "DaemonSet" of Kubernetes' documentation; EKS User Guide, "Fargate", and the
label of Virtual Kubelet, whose nodes run no DaemonSets. For example, an agent without tolerations, and a node with a
taint:

    {"node": "ip-10-0-1-7", "why": "it does not tolerate dedicated=gpu:NoSchedule"}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._otelcol.config.paths import mapping_at, mappings_at, value_at

# What the controller of DaemonSets tolerates in each pod that it makes.
_ALWAYS_TOLERATED = (
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unschedulable",
)
_LABELS_WITHOUT_DAEMONSETS = (("eks.amazonaws.com/compute-type", "fargate"), ("type", "virtual-kubelet"))
# A soft taint keeps no pod away.
_SOFT_EFFECT = "PreferNoSchedule"


def find_uncovered_nodes(
    workload: Mapping[str, Any], pods: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return the nodes without a pod of a DaemonSet, each as `node` and `why`.

    Nodes that its node selector leaves out do not count. A node affinity may leave out any: nothing is returned then.
    """
    spec = mapping_at(workload, "spec", "template", "spec")
    if value_at(spec, ("affinity", "nodeAffinity")):
        return []
    selector = mapping_at(spec, "nodeSelector")
    covered_nodes = {value_at(pod, ("spec", "nodeName")) for pod in pods}
    rows = []
    for node in nodes:
        name = str(value_at(node, ("metadata", "name")))
        if name in covered_nodes or not _may_run_on(node, selector):
            continue
        reason = "the DaemonSet has no pod there"
        untolerated_taints = [
            _format_taint(taint) for taint in mappings_at(node, "spec", "taints") if not _is_tolerated(taint, spec)
        ]
        if untolerated_taints:
            reason = f"it does not tolerate {', '.join(untolerated_taints)}"
        rows.append({"node": name, "why": reason})
    return rows


def _may_run_on(node: Mapping[str, Any], selector: Mapping[str, Any]) -> bool:
    """Whether a node can run DaemonSets and has the labels that this one asks for."""
    labels = mapping_at(node, "metadata", "labels")
    for key, value in _LABELS_WITHOUT_DAEMONSETS:
        if labels.get(key) == value:
            return False
    return all(labels.get(key) == value for key, value in selector.items())


def _is_tolerated(taint: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    if taint.get("effect") == _SOFT_EFFECT or taint.get("key") in _ALWAYS_TOLERATED:
        return True
    return any(_has_toleration(toleration, taint) for toleration in mappings_at(spec, "tolerations"))


def _has_toleration(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Whether one toleration allows a taint: an empty effect or, with Exists, an empty key stands for all."""
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    has_same_value = (toleration.get("value") or "") == (taint.get("value") or "")
    return toleration.get("key") == taint.get("key") and has_same_value


def _format_taint(taint: Mapping[str, Any]) -> str:
    """Return a taint as kubectl writes it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key')}{value}:{taint.get('effect')}"
