# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which critical components a cluster has, by the labels of its pods. Private.

Critical components are what a cluster depends on, such as DNS and the API server: `critical_table.py` has their rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._otelcol.config.paths import mapping_at
from .critical_table import COMPONENTS

# The pods of the control plane that no workload makes: the kubelet of the node does.
# Source: kubeadm's pkg/app/phases/controlplane, label `tier`.
STATIC_PODS = "tier=control-plane"
# Every cluster has it; a Service leads to it, not a pod.
_COMPONENT_EVERYWHERE = "apiserver"


def find_components(workloads: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the components whose pods these workloads make, or that are among these pods, in the table's order.

    Workloads count, not their pods, so that a component whose pods are away for a moment stays.
    """
    workload_labels = [mapping_at(workload, "spec", "template", "metadata", "labels") for workload in workloads]
    all_labels = [*workload_labels, *(mapping_at(pod, "metadata", "labels") for pod in pods)]
    return [
        name
        for name, row in COMPONENTS.items()
        if name == _COMPONENT_EVERYWHERE or _selects_any_pod(row.labels, all_labels)
    ]


def _selects_any_pod(selectors: Iterable[str], all_labels: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of the selectors, which are alternatives, selects one of the pods."""
    selector_terms = [dict(term.partition("=")[::2] for term in selector.split(",")) for selector in selectors]
    return any(
        selector_labels.items() <= pod_labels.items() for pod_labels in all_labels for selector_labels in selector_terms
    )


def describe_components(names: Iterable[str]) -> str:
    """Return in one sentence which components a cluster has, and which it has not."""
    present_names = list(names)
    missing_names = [name for name in COMPONENTS if name not in present_names]
    return f"The cluster has {', '.join(present_names)}. Not found: {', '.join(missing_names) or 'none'}."
