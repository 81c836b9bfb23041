# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a workload is ready, and how many of its pods are. Private.

A custom resource is ready when its workload is: its conditions say that the operator has read it (from 0.154 on), not
that pods run. Source of the fields: the API reference of apps/v1, and `kubectl rollout status`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._otelcol.config.paths import mapping_at, mappings_at, value_at

Object = dict[str, Any]

# The paths of the numbers of pods: available, desired, and those with the current template.
_REPLICAS = (("status", "availableReplicas"), ("spec", "replicas"), ("status", "updatedReplicas"))
_NODES = (("status", "numberAvailable"), ("status", "desiredNumberScheduled"), ("status", "updatedNumberScheduled"))
PATHS_OF_POD_COUNTS = {"Deployment": _REPLICAS, "StatefulSet": _REPLICAS, "DaemonSet": _NODES}
# The conditions that are true when an object of this kind is ready; other kinds have one of the last.
_CONDITIONS = {"Job": ("Complete",), "CustomResourceDefinition": ("Established",)}
_USUAL_CONDITIONS = ("Ready", "Available")


class PodCounts(NamedTuple):
    """How many pods a workload has available, wants, and has with its current template."""

    available: int
    desired: int
    updated: int


def read_pod_counts(workload: Object) -> PodCounts:
    """Return the numbers of pods; zeros for a kind without such numbers."""
    return PodCounts(*(_read_number(workload, *path) for path in PATHS_OF_POD_COUNTS.get(workload["kind"], ((),) * 3)))


def describe_pod_counts(workload: Object) -> str:
    """Return `1 of 3 ready`, or `not ready` for a kind without replica counts. Pods that are ready may be old."""
    if workload["kind"] not in PATHS_OF_POD_COUNTS:
        return "not ready"
    available, desired, updated = read_pod_counts(workload)
    older_pods_note = f", but only {updated} with the current template" if available >= desired > updated else ""
    return f"{available} of {desired} ready{older_pods_note}"


def is_generation_observed(workload: Object) -> bool:
    """Return whether the controller has seen the current generation, if it says so. Until then its pods may be old."""
    if value_at(workload, ("status", "observedGeneration")) is None:
        return workload["kind"] not in PATHS_OF_POD_COUNTS
    return _read_number(workload, "status", "observedGeneration") >= _read_number(workload, "metadata", "generation")


def is_ready(workload: Object, *, allow_empty: bool = False) -> bool:
    """Return whether a workload is complete; `allow_empty`: also a DaemonSet that no node of the cluster matches."""
    kind = workload["kind"]
    if not is_generation_observed(workload):
        return False
    if kind in PATHS_OF_POD_COUNTS:
        return _is_complete(workload, allow_empty=allow_empty)
    conditions = mappings_at(workload, "status", "conditions")
    true_conditions = {condition.get("type") for condition in conditions if condition.get("status") == "True"}
    return bool(true_conditions.intersection(_CONDITIONS.get(kind, _USUAL_CONDITIONS)))


def _is_complete(workload: Object, *, allow_empty: bool) -> bool:
    pods, strategy = read_pod_counts(workload), mapping_at(workload, "spec", "updateStrategy")
    if pods.available < pods.desired:
        return False
    if workload["kind"] == "Deployment":
        return pods.updated >= pods.desired == _read_number(workload, "status", "replicas")
    if workload["kind"] == "DaemonSet" and not pods.desired:
        return allow_empty
    if strategy.get("type") == "OnDelete":
        return True
    if workload["kind"] == "DaemonSet":
        return pods.updated >= pods.desired
    revisions = [value_at(workload, ("status", key)) for key in ("currentRevision", "updateRevision")]
    return bool(_read_number(strategy, "rollingUpdate", "partition")) or revisions[0] == revisions[1]


def _read_number(manifest: Object, *path: str) -> int:
    value = value_at(manifest, path)
    return value if isinstance(value, int) else 0
