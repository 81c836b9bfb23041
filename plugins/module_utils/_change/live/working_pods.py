# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the workloads of a collector work as well as before its change, by their pods. Private."""

from __future__ import annotations

from collections.abc import Iterable

from ..._diagnose.live.reader import ClusterReader
from ..._kube.live.api_errors import asking
from ..._kube.ownership import reapplied
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.followed_workloads import follow
from ..._rollout.readiness import COUNTED, pod_counts
from ..collector_change import Change
from ..worse_than_before import Worked, is_worse, unfinished, worked
from .bundle_run import Bundle
from .observe import Pods, pods_of


def worked_now(bundle: Bundle, parts: Iterable[Manifest]) -> dict[str, Worked]:
    """Return how workloads work now. Pods are read only where some of them do not."""
    worked_of_workload = {}
    for workload in parts:
        if workload["kind"] not in COUNTED:
            continue
        available, desired, _updated = pod_counts(workload)
        pods: list[Manifest] = []
        if available < desired:
            new, old = _pods(bundle, workload)
            pods = [*new, *old]
        worked_of_workload[str(ref(workload))] = worked(workload, available, pods)
    return worked_of_workload


def _pods(bundle: Bundle, workload: Manifest) -> Pods:
    """Return the pods of the new config and those of earlier ones; none if this account may not read them."""
    try:
        return pods_of(ClusterReader(bundle.cluster, bundle.quick_cluster()), workload)
    except Problem:
        return [], []


def works_as_before(bundle: Bundle, change: Change) -> str:
    """Return why a collector that is not ready keeps its new config, or an empty string if it works worse."""
    states = [state for state in map(bundle.live, change.workloads) if state]
    followed = asking("Read the workloads", lambda: follow(bundle.cluster, states))
    if _changed_by_others(bundle, states) or any(workload.unreconciled for workload in followed):
        return ""
    parts: list[Manifest] = []
    for workload in followed:
        parts += workload.parts
    if not parts:
        return ""
    lines: list[str] = []
    for part in parts:
        before = change.worked.get(str(ref(part)))
        new, old = _pods(bundle, part)
        if before is None or is_worse(part, before, new):
            return ""
        lines += unfinished(part, before, new, old)
    return " ".join([f"{change.name} keeps the new config, because it works as well as the earlier one.", *lines])


def _changed_by_others(bundle: Bundle, states: Iterable[Manifest]) -> bool:
    """Return whether another run has applied one of some workloads since this run has left them."""
    left = bundle.changes.left()
    for state in states:
        own = left.get(ref(state))
        generation = int(own["metadata"].get("generation") or 0) if own else 0
        if reapplied(state, generation, bundle.manager):
            return True
    return False
