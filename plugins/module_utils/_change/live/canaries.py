# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All canaries of a run: prepared before the first write, then judged at the same time. Private.

A canary (canary.py) is one collector whose change is judged. One run may change several: `changes.py` prepares them
together, and completes them side by side, so that three canaries that are observed for a minute take one minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from ..._kube.live.cluster import Cluster
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..collector_change import CollectorChange
from .bundle_run import BundleRun
from .canary import Canary

# The caller's record of a collector or another workload that did not become complete, such as FailedWorkload.
Outcome = TypeVar("Outcome")


def prepare_canaries(
    run: BundleRun, changes: Iterable[CollectorChange], live_objects: Mapping[ObjectRef, Manifest | None]
) -> dict[str, Canary]:
    """Return the canaries among changes that make new pods, by the name of the collector.

    Raises Problem if one could not be judged.
    """
    canaries: list[Canary] = []
    for change in changes:
        live_workload = live_objects.get(ref(change.workloads[0]))
        if change.is_canary and live_workload:
            canaries.append(Canary(run, change, live_workload))
    prepared_canaries = run.cluster.call_in_parallel(_prepare_if_pods_change, canaries)
    return {canary.change.name: canary for canary in prepared_canaries if canary}


def _prepare_if_pods_change(canary: Canary) -> Canary | None:
    """Return a canary that is prepared; None if its change makes no new pods. Raises Problem if nobody could judge."""
    if not canary.makes_new_pods():
        return None
    canary.prepare()
    return canary


def judge_canaries_together(
    cluster: Cluster,
    canaries: Mapping[str, Canary],
    complete: Callable[[Canary], list[Outcome]],
    fail: Callable[[str, Problem], Outcome],
    beside: Callable[[], list[Outcome]],
) -> list[Outcome]:
    """Complete all canaries at the same time. Return what became of those that failed, and of what `beside` waits for.

    `complete` takes a canary from its first pods to the last. As soon as it raises Problem, `fail` brings that canary
    back. `beside` is called once at the same time: it waits for the workloads that are no canaries.
    """

    def complete_or_fail(name: str) -> list[Outcome]:
        try:
            return complete(canaries[name])
        except Problem as problem:
            return [fail(name, problem)]

    # `beside` runs in the same pool, so that a collector without a canary is awaited while canaries are judged.
    steps: list[Callable[[], list[Outcome]]] = [beside, *(partial(complete_or_fail, name) for name in canaries)]
    outcome_lists = cluster.call_in_parallel(lambda step: step(), steps)
    return [outcome for outcomes in outcome_lists for outcome in outcomes]
