# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a workload is ready, and how many of its pods are. Private.

Objects with conditions, such as a Job, are ready when a condition is true. This does not hold for a collector of the
operator: from version 0.154 on its conditions say that the operator has read it, not that pods run. Ask its workload.
Source of the fields: the API reference of apps/v1, and `kubectl rollout status`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._otelcol.config.paths import mapping_at, mappings_at, value_at

Object = dict[str, Any]


class PodCountPaths(NamedTuple):
    """Where a kind of workload keeps the numbers of its pods, see `PodCounts`."""

    available: tuple[str, str]
    """A path of keys, such as `("status", "availableReplicas")`."""
    desired: tuple[str, str]
    updated: tuple[str, str]


_REPLICAS = PodCountPaths(("status", "availableReplicas"), ("spec", "replicas"), ("status", "updatedReplicas"))
_NODES = PodCountPaths(
    ("status", "numberAvailable"), ("status", "desiredNumberScheduled"), ("status", "updatedNumberScheduled")
)
PATHS_OF_POD_COUNTS = {"Deployment": _REPLICAS, "StatefulSet": _REPLICAS, "DaemonSet": _NODES}
# One of these conditions is true when an object of the kind is ready. Other kinds have one of the usual conditions.
_CONDITIONS = {"Job": ("Complete",), "CustomResourceDefinition": ("Established",)}
_USUAL_CONDITIONS = ("Ready", "Available")


class PodCounts(NamedTuple):
    """How many pods a workload has available, wants, and has with its current template."""

    available: int
    desired: int
    updated: int


def read_pod_counts(workload: Object) -> PodCounts:
    """Return the numbers of pods; zeros for a kind without such numbers."""
    paths = PATHS_OF_POD_COUNTS.get(workload["kind"])
    if paths is None:
        return PodCounts(0, 0, 0)
    return PodCounts(
        available=_read_number(workload, *paths.available),
        desired=_read_number(workload, *paths.desired),
        updated=_read_number(workload, *paths.updated),
    )


def describe_pod_counts(workload: Object) -> str:
    """Return `1 of 3 ready`, or `not ready` for a kind without numbers of pods.

    If enough pods are ready, but some have an older template, say that too.
    """
    if workload["kind"] not in PATHS_OF_POD_COUNTS:
        return "not ready"
    pods = read_pod_counts(workload)
    counts_text = f"{pods.available} of {pods.desired} ready"
    if pods.available >= pods.desired > pods.updated:
        return f"{counts_text}, but only {pods.updated} with the current template"
    return counts_text


def is_generation_observed(workload: Object) -> bool:
    """Return whether the controller has seen the current generation. Until then its status is about an older one.

    An object of a kind without numbers of pods may not tell its observed generation; then it counts as seen.
    """
    if value_at(workload, ("status", "observedGeneration")) is None:
        return workload["kind"] not in PATHS_OF_POD_COUNTS
    return _read_number(workload, "status", "observedGeneration") >= _read_number(workload, "metadata", "generation")


def is_ready(workload: Object, *, allow_empty: bool = False) -> bool:
    """Return whether a workload is ready. With `allow_empty`, a DaemonSet that no node matches is ready too."""
    kind = workload["kind"]
    if not is_generation_observed(workload):
        return False
    if kind in PATHS_OF_POD_COUNTS:
        return _is_complete(workload, allow_empty=allow_empty)
    conditions = mappings_at(workload, "status", "conditions")
    true_conditions = {condition.get("type") for condition in conditions if condition.get("status") == "True"}
    return bool(true_conditions.intersection(_CONDITIONS.get(kind, _USUAL_CONDITIONS)))


def _is_complete(workload: Object, *, allow_empty: bool) -> bool:
    """Return whether all pods are available, and have the current template if the controller replaces them itself."""
    pods = read_pod_counts(workload)
    strategy = mapping_at(workload, "spec", "updateStrategy")
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
    # A StatefulSet with a partition leaves some pods at the current revision.
    has_partition = bool(_read_number(strategy, "rollingUpdate", "partition"))
    current_revision = value_at(workload, ("status", "currentRevision"))
    return has_partition or bool(current_revision == value_at(workload, ("status", "updateRevision")))


def _read_number(manifest: Object, *path: str) -> int:
    """Return the number at a path of an object; 0 if there is none."""
    value = value_at(manifest, path)
    return value if isinstance(value, int) else 0
