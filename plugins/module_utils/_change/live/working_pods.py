# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the workloads of a collector work as well as before its change, by their pods. Private.

A collector that is not ready keeps its new config if it works as well as before, since the fault is not of the change.
For example, a DaemonSet had no ready pod on node `worker-3`, which is down, and still has none: it works as before.
`change_finding.py` reads the states before the change, `changes.py` asks `explain_works_as_before` after it, and
worse_than_before.py compares.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._diagnose.live.reader import ClusterReader
from ..._kube.live.api_errors import ask_server
from ..._kube.ownership import is_reapplied
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.followed_workloads import read_followed_resources
from ..._rollout.readiness import PATHS_OF_POD_COUNTS, read_pod_counts
from ..collector_change import CollectorChange
from ..worse_than_before import WorkingState, describe_unfinished_pods, is_worse, measure_working_state
from .bundle_run import BundleRun
from .revision_pods import Pods, read_pods


def read_working_states(run: BundleRun, workloads: Iterable[Manifest]) -> dict[str, WorkingState]:
    """Return how workloads work now, by their names. Pods are read only of a workload that lacks available pods."""
    state_by_workload = {}
    for workload in workloads:
        if workload["kind"] not in PATHS_OF_POD_COUNTS:
            continue
        available, desired, _updated = read_pod_counts(workload)
        # If all pods are available, no place is without a ready one: the usual case costs no request.
        pods: list[Manifest] = []
        if available < desired:
            pods = _read_pods_if_allowed(run, workload).all
        state_by_workload[str(ref(workload))] = measure_working_state(workload, available, pods)
    return state_by_workload


def _read_pods_if_allowed(run: BundleRun, workload: Manifest) -> Pods:
    """Return the pods of the new config and those of earlier ones; none if this account may not read them."""
    try:
        return read_pods(ClusterReader(run.cluster, run.quick_cluster()), workload)
    except Problem:
        return Pods([], [])


def explain_works_as_before(run: BundleRun, change: CollectorChange) -> str:
    """Return why a collector that is not ready keeps its new config, or an empty string if it works worse."""
    running_workloads = _list_workloads_with_change(run, change)
    if not running_workloads:
        return ""
    lines: list[str] = []
    for running_workload in running_workloads:
        state_before = change.working_states_before.get(str(ref(running_workload)))
        pods = _read_pods_if_allowed(run, running_workload)
        if state_before is None or is_worse(running_workload, state_before, pods.newest):
            return ""
        lines += describe_unfinished_pods(running_workload, state_before, pods.newest, pods.older)
    return " ".join([f"{change.name} keeps the new config, because it works as well as the earlier one.", *lines])


def _list_workloads_with_change(run: BundleRun, change: CollectorChange) -> list[Manifest]:
    """Return the workloads whose pods get the config of this run; an empty list if some do not.

    How pods with another config work says nothing about that of this run: another run has changed them since, or the
    operator has not rolled out the new config.
    """
    live_workloads = [live_workload for live_workload in map(run.read_live, change.workloads) if live_workload]
    followed_workloads = ask_server("Read the workloads", lambda: read_followed_resources(run.cluster, live_workloads))
    if _is_changed_by_others(run, live_workloads):
        return []
    running_workloads: list[Manifest] = []
    for followed_workload in followed_workloads:
        if followed_workload.unreconciled_reason:
            return []
        running_workloads += followed_workload.workloads
    return running_workloads


def _is_changed_by_others(run: BundleRun, live_workloads: Iterable[Manifest]) -> bool:
    """Return whether another run has applied one of some workloads since this run has left them."""
    left_objects = run.changes.find_left_objects()
    for live_workload in live_workloads:
        left_object = left_objects.get(ref(live_workload))
        generation = int(left_object["metadata"].get("generation") or 0) if left_object else 0
        if is_reapplied(live_workload, generation, run.field_manager):
            return True
    return False
