# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a workload is ready, and how many of its pods are. Private.

Waits of a rollout, the apply of a bundle and module diagnose ask here. For example, a Deployment with

    {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 3},
     "status": {"observedGeneration": 2, "availableReplicas": 1, "updatedReplicas": 3, "replicas": 3}}

is not ready, and `describe_pod_counts` returns `1 of 3 ready`. An object of another kind, such as a Job, is ready when
a condition of it is true. This does not hold for a collector of the operator: from version 0.154 on its conditions say
that the operator has read it, not that pods run. So callers ask the Deployment that the operator makes for it.

Source of the fields: the API reference of apps/v1, and `kubectl rollout status`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .._otelcol.config.paths import mapping_at, mappings_at, value_at

Object = dict[str, Any]


class PodCounts(NamedTuple):
    """How many pods a workload has."""

    available: int
    """How many pods have been ready for as long as the workload asks."""
    desired: int
    """How many pods the workload is to have."""
    updated: int
    """How many pods were made from the current pod template."""


class PodCountPaths(NamedTuple):
    """Where the objects of a kind have the numbers of `PodCounts`: paths of keys."""

    available: tuple[str, str]
    desired: tuple[str, str]
    updated: tuple[str, str]


_REPLICA_PATHS = PodCountPaths(
    available=("status", "availableReplicas"),
    desired=("spec", "replicas"),
    updated=("status", "updatedReplicas"),
)
_NODE_PATHS = PodCountPaths(
    available=("status", "numberAvailable"),
    desired=("status", "desiredNumberScheduled"),
    updated=("status", "updatedNumberScheduled"),
)
# The kinds of workloads that count their pods.
PATHS_OF_POD_COUNTS = {
    "Deployment": _REPLICA_PATHS,
    "StatefulSet": _REPLICA_PATHS,
    "DaemonSet": _NODE_PATHS,
}
# For other kinds, the conditions one of which is true when an object is ready.
_CONDITIONS_BY_KIND = {
    "Job": ("Complete",),
    "CustomResourceDefinition": ("Established",),
}
_USUAL_CONDITIONS = ("Ready", "Available")


def read_pod_counts(workload: Object) -> PodCounts:
    """Return the numbers of pods, such as `PodCounts(available=1, desired=3, updated=3)`; zeros for other kinds."""
    paths = PATHS_OF_POD_COUNTS.get(workload["kind"])
    if paths is None:
        return PodCounts(0, 0, 0)
    return PodCounts(
        available=_read_number(workload, *paths.available),
        desired=_read_number(workload, *paths.desired),
        updated=_read_number(workload, *paths.updated),
    )


def describe_pod_counts(workload: Object) -> str:
    """Return how far an unfinished workload is, as messages say it. It is one of:

    1 of 3 ready
    3 of 3 ready, but only 2 with the current template
    not ready                                               for a kind that does not count its pods
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

    A workload whose status has no observed generation is new: its controller has not seen it. An object of another kind
    may have a controller that never writes one; it counts as seen.
    """
    if value_at(workload, ("status", "observedGeneration")) is None:
        return workload["kind"] not in PATHS_OF_POD_COUNTS
    return _read_number(workload, "status", "observedGeneration") >= _read_number(workload, "metadata", "generation")


def is_ready(workload: Object, *, allow_empty: bool = False) -> bool:
    """Return whether a workload, or another object such as a Job, is ready.

    With `allow_empty`, a DaemonSet that no node matches is ready too. For the condition `Ready` alone, see
    `_kube/conditions.py`.
    """
    kind = workload["kind"]
    if not is_generation_observed(workload):
        return False
    if kind in PATHS_OF_POD_COUNTS:
        return _is_complete(workload, allow_empty=allow_empty)
    conditions = mappings_at(workload, "status", "conditions")
    true_conditions = {condition.get("type") for condition in conditions if condition.get("status") == "True"}
    ready_conditions = _CONDITIONS_BY_KIND.get(kind, _USUAL_CONDITIONS)
    return any(condition_type in true_conditions for condition_type in ready_conditions)


def _is_complete(workload: Object, *, allow_empty: bool) -> bool:
    """Return whether all pods are available, and have the current template if the controller replaces them itself."""
    pods = read_pod_counts(workload)
    if pods.available < pods.desired:
        return False
    if workload["kind"] == "Deployment":
        return pods.updated >= pods.desired == _read_number(workload, "status", "replicas")
    if workload["kind"] == "DaemonSet" and not pods.desired:
        return allow_empty
    strategy = mapping_at(workload, "spec", "updateStrategy")
    if strategy.get("type") == "OnDelete":  # the controller replaces a pod only when somebody deletes it
        return True
    if workload["kind"] == "DaemonSet":
        return pods.updated >= pods.desired
    # A StatefulSet with a partition leaves so many pods at the current revision.
    partition = _read_number(strategy, "rollingUpdate", "partition")
    current_revision = value_at(workload, ("status", "currentRevision"))
    is_at_update = bool(current_revision == value_at(workload, ("status", "updateRevision")))
    return pods.updated >= pods.desired - partition if partition else is_at_update


def _read_number(manifest: Object, *path: str) -> int:
    """Return the number at a path of an object; 0 if there is none."""
    value = value_at(manifest, path)
    return value if isinstance(value, int) else 0
