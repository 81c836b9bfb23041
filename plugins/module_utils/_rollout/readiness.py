# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a workload is ready, and how many of its pods are. Private.

A custom resource is ready when its workload is: its conditions say that the operator has read it (from 0.154 on), not
that pods run. Source of the fields: the API reference of apps/v1, and `kubectl rollout status`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._otelcol.config.paths import at, mappings, section

Object = dict[str, Any]

# The paths of the numbers of pods: available, desired, and those with the current template.
_REPLICAS = (("status", "availableReplicas"), ("spec", "replicas"), ("status", "updatedReplicas"))
_NODES = (("status", "numberAvailable"), ("status", "desiredNumberScheduled"), ("status", "updatedNumberScheduled"))
COUNTED = {"Deployment": _REPLICAS, "StatefulSet": _REPLICAS, "DaemonSet": _NODES}
# The conditions that are true when an object of this kind is ready; other kinds have one of the last.
_CONDITIONS = {"Job": ("Complete",), "CustomResourceDefinition": ("Established",)}
_USUAL_CONDITIONS = ("Ready", "Available")


class PodCounts(NamedTuple):
    """How many pods a workload has available, wants, and has with its current template."""

    available: int
    desired: int
    updated: int


def pod_counts(workload: Object) -> PodCounts:
    """Return the numbers of pods; zeros for a kind without such numbers."""
    return PodCounts(*(_number(workload, *path) for path in COUNTED.get(workload["kind"], ((),) * 3)))


def count(workload: Object) -> str:
    """Return `1 of 3 ready`, or `not ready` for a kind without replica counts. Pods that are ready may be old."""
    if workload["kind"] not in COUNTED:
        return "not ready"
    have, desired, updated = pod_counts(workload)
    older = f", but only {updated} with the current template" if have >= desired > updated else ""
    return f"{have} of {desired} ready{older}"


def observed(workload: Object) -> bool:
    """Return whether the controller has seen the current generation, if it says so. Until then its pods may be old."""
    if at(workload, ("status", "observedGeneration")) is None:
        return workload["kind"] not in COUNTED
    return _number(workload, "status", "observedGeneration") >= _number(workload, "metadata", "generation")


def is_ready(workload: Object, *, allow_empty: bool = False) -> bool:
    """Return whether a workload is complete; `allow_empty`: also a DaemonSet that no node of the cluster matches."""
    kind = workload["kind"]
    if not observed(workload):
        return False
    if kind in COUNTED:
        return _is_complete(workload, allow_empty=allow_empty)
    conditions = mappings(workload, "status", "conditions")
    met = {condition.get("type") for condition in conditions if condition.get("status") == "True"}
    return bool(met.intersection(_CONDITIONS.get(kind, _USUAL_CONDITIONS)))


def _is_complete(workload: Object, *, allow_empty: bool) -> bool:
    pods, strategy = pod_counts(workload), section(workload, "spec", "updateStrategy")
    if pods.available < pods.desired:
        return False
    if workload["kind"] == "Deployment":
        return pods.updated >= pods.desired == _number(workload, "status", "replicas")
    if workload["kind"] == "DaemonSet" and not pods.desired:
        return allow_empty
    if strategy.get("type") == "OnDelete":
        return True
    if workload["kind"] == "DaemonSet":
        return pods.updated >= pods.desired
    revisions = [at(workload, ("status", key)) for key in ("currentRevision", "updateRevision")]
    return bool(_number(strategy, "rollingUpdate", "partition")) or revisions[0] == revisions[1]


def _number(item: Object, *path: str) -> int:
    value = at(item, path)
    return value if isinstance(value, int) else 0
