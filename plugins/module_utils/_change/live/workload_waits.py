# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waits for workloads of a bundle, side by side. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.failures import Symptom
from ..._rollout.live.jmespath_search import compile_search
from ..._rollout.live.rollout_wait import RolloutWait, RolloutWaitOptions
from ..collector_change import Change
from ..worse_than_before import WorkingState, find_place
from .bundle_run import Bundle


def prepare_wait(
    bundle: Bundle,
    workloads: Sequence[Manifest],
    left_objects: Mapping[ObjectRef, Manifest],
    change: Change | None = None,
) -> RolloutWait:
    """Return the wait for some workloads, which ends if another run changes one of them.

    With the change of a collector that goes back, pods that did not work before do not end it either.
    """
    workload_rows = []
    generations: list[dict[str, Any]] = []
    for workload in workloads:
        reference_fields = ref(workload)._asdict()
        workload_rows.append({**reference_fields, "api_version": workload["apiVersion"]})
        left_object = left_objects.get(ref(workload))
        if left_object:
            generations.append({**reference_fields, "generation": left_object["metadata"].get("generation") or 0})
    states_before: Mapping[str, WorkingState] = change.worked if change and change.goes_back else {}

    def spares_symptom(workload: Manifest, symptom: Symptom) -> bool:
        """Return whether a symptom is of a pod that did not work before."""
        worked_before = states_before.get(str(ref(workload)))
        if worked_before is None or symptom.pod is None:
            return False
        return find_place(workload, symptom.pod) in worked_before.places_without_ready_pod

    options = RolloutWaitOptions(
        workload_rows,
        bundle.wait_seconds,
        bundle.unschedulable_seconds,
        until={},
        allow_empty=False,
        applied=generations,
        spares=spares_symptom,
    )
    return RolloutWait(bundle.cluster, compile_search({}), options)


class EndedWait(NamedTuple):
    """A wait that has ended, by its name, with the failure if it failed."""

    name: str
    failure: Failure | None


def iterate_ended_waits(
    bundle: Bundle, waits: Mapping[str, RolloutWait], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[EndedWait]:
    """Yield each wait as soon as it ends. Between the looks it does what is to be done `meanwhile`, and raises that."""
    pending = dict(waits)
    for _poll in bundle.cluster.iter_polls(bundle.wait_seconds):
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
