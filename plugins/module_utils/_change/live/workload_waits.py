# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for several groups of workloads of a bundle at the same time. `changes.py` does so after each step. Private.

A bundle is the list of all manifests of a run; a step has those that are applied together (dependency_order.py). A
group has the workloads of one collector, or one other workload. For example, with two collectors that change:

    waits = {"obs/agent": …, "obs/gateway": …}
    → yields EndedWait("obs/gateway", None) as soon as its pods are ready,
      then EndedWait("obs/agent", Failure("… CrashLoopBackOff")) as soon as one of its pods fails for good
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.failures import Symptom
from ..._rollout.live.jmespath_search import compile_search
from ..._rollout.live.rollout_wait import AwaitedWorkload, RolloutWait, RolloutWaitOptions
from ..collector_change import CollectorChange
from ..worse_than_before import WorkingState, find_place
from .bundle_run import BundleRun


def prepare_wait(
    run: BundleRun,
    workloads: Sequence[Manifest],
    left_objects: Mapping[ObjectRef, Manifest],
    change: CollectorChange | None = None,
) -> RolloutWait:
    """Return the wait for some workloads, which fails if another run changes one of them.

    `left_objects` are the objects as this run has left them. With a change that goes back if it fails, pods that did
    not work before the change do not end the wait.
    """
    left_generations: dict[ObjectRef, int] = {}
    for workload in workloads:
        left_object = left_objects.get(ref(workload))
        if left_object:
            left_generations[ref(workload)] = int(left_object["metadata"].get("generation") or 0)
    states_before: Mapping[str, WorkingState] = change.working_states_before if change and change.goes_back else {}

    def waits_despite_symptom(workload: Manifest, symptom: Symptom) -> bool:
        """Return whether a symptom is of a pod that did not work before the change."""
        state_before = states_before.get(str(ref(workload)))
        if state_before is None or symptom.pod is None:
            return False
        return find_place(workload, symptom.pod) in state_before.places_without_ready_pod

    options = RolloutWaitOptions(
        workloads=[AwaitedWorkload(ref(workload), workload["apiVersion"]) for workload in workloads],
        timeout_seconds=run.wait_seconds,
        unschedulable_seconds=run.unschedulable_seconds,
        until={},
        allow_empty=False,
        left_generations=left_generations,
        waits_despite=waits_despite_symptom,
    )
    return RolloutWait(run.cluster, compile_search(ready_expressions={}), options)


class EndedWait(NamedTuple):
    """A wait that has ended: its name, and its failure; None if all its workloads are ready."""

    name: str
    failure: Failure | None


def iterate_ended_waits(
    run: BundleRun, waits: Mapping[str, RolloutWait], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[EndedWait]:
    """Yield each wait as soon as it ends; last come those whose workloads are not ready in time.

    After each poll, call `meanwhile`; what it raises ends all waits.
    """
    # All waits share one clock, so that several collectors together take no longer than the slowest.
    pending = dict(waits)
    for _poll in run.cluster.iter_polls(run.wait_seconds):
        for name, wait in list(pending.items()):
            failure: Failure | None = None
            try:
                has_ended = wait.is_done()
            except Failure as wait_failure:
                has_ended, failure = True, wait_failure
            if has_ended:
                del pending[name]
                yield EndedWait(name, failure)
        if not pending:
            return
        meanwhile()
    for name, wait in pending.items():
        yield EndedWait(name, wait.describe_timeout())
