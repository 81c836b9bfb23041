# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evictions of pods of a DaemonSet, which the run itself replaces while its change is held. Private.

A change is held while only the first pods have it (see hold.py). An eviction is a deletion that a PodDisruptionBudget,
here called a budget, may refuse. `live/pod_evictions.py` sends the requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..._kube.conditions import is_ready
from ..._otelcol.config.paths import list_at, mapping_at
from ..._otelcol.kube.objects import Manifest

# The reason of a condition of a budget whose pods the controller cannot count, as for `maxUnavailable` and a DaemonSet.
# Such a budget allows no eviction.
_UNSYNCED = "SyncFailed"


def choose_pods_to_evict(old_pods: Iterable[Manifest], count: int) -> list[Manifest]:
    """Return so many pods to evict: ready ones first, in the order of the names of their nodes.

    A new pod on a node where the old one did not work would say nothing about the new config.
    """
    ordered_pods = sorted(old_pods, key=lambda pod: (not is_ready(pod), str(mapping_at(pod, "spec").get("nodeName"))))
    return ordered_pods[: max(count, 0)]


def build_eviction(pod: Manifest, *, dry_run: bool = False) -> Manifest:
    """Return the request to evict this very pod, or to say whether that is allowed, which evicts nothing."""
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    options: dict[str, Any] = {"preconditions": {"uid": pod["metadata"]["uid"]}}
    if dry_run:
        options["dryRun"] = ["All"]
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}


def never_allows_eviction(budget: Manifest) -> bool:
    """Return whether a PodDisruptionBudget allows no eviction even when all its pods are healthy.

    Source: pkg/controller/disruption of Kubernetes, and its docs, "Specifying a Disruption Budget".
    """
    if any(condition.get("reason") == _UNSYNCED for condition in list_at(budget, "status", "conditions")):
        return True
    status = mapping_at(budget, "status")
    return int(status.get("desiredHealthy") or 0) >= int(status.get("expectedPods") or 0)
