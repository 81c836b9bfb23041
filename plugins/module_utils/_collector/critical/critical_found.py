# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which critical components a cluster has, by the labels of its pods. Private.

Critical components are what a cluster depends on, such as DNS and the API server: `critical_table.py` has their rows.
`live/find_critical.py` reads workloads and pods from the cluster and calls `find_components`. Example: a Deployment
whose pods have the label `app: keda-operator` means that the cluster has `keda`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._otelcol.config.paths import mapping_at
from .critical_table import COMPONENTS

# The selector of the pods of the control plane that no workload makes: the kubelet of the node does.
# Source: kubeadm's pkg/app/phases/controlplane, label `tier`.
STATIC_PODS = "tier=control-plane"
# The component that every cluster has. A Service leads to it, not a pod.
_COMPONENT_EVERYWHERE = "apiserver"


def find_components(workloads: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the components whose pods these workloads make, or that are among these pods, in the table's order.

    Workloads count, not their pods, so that a component whose pods are away for a moment stays.
    """
    labels_of_pods = [mapping_at(workload, "spec", "template", "metadata", "labels") for workload in workloads]
    labels_of_pods += [mapping_at(pod, "metadata", "labels") for pod in pods]
    found_names = []
    for name, component in COMPONENTS.items():
        if name == _COMPONENT_EVERYWHERE or _selects_any_pod(component.labels, labels_of_pods):
            found_names.append(name)
    return found_names


def _selects_any_pod(selectors: Iterable[str], labels_of_pods: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether one of the selectors, which are alternatives, selects one of the pods."""
    for selector in selectors:
        wanted_labels = _parse_selector(selector)
        if any(wanted_labels.items() <= labels.items() for labels in labels_of_pods):
            return True
    return False


def _parse_selector(selector: str) -> dict[str, str]:
    """Return the labels of a selector: `app=web,tier=front` is `{"app": "web", "tier": "front"}`."""
    labels = {}
    for term in selector.split(","):
        key, _equals_sign, value = term.partition("=")
        labels[key] = value
    return labels


def describe_components(names: Iterable[str]) -> str:
    """Return which components a cluster has, and which it has not.

    Example: `The cluster has coredns, apiserver. Not found: kube_proxy, cilium, …`
    """
    present_names = list(names)
    missing_names = [name for name in COMPONENTS if name not in present_names]
    return f"The cluster has {', '.join(present_names)}. Not found: {', '.join(missing_names) or 'none'}."
