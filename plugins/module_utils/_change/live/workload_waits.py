# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waits for workloads of a bundle, side by side. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._otelcol.errors import Failure
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.failures import Symptom
from ..._rollout.live.jmespath_search import checked_search
from ..._rollout.live.rollout_wait import RolloutWait, RolloutWaitOptions
from ..collector_change import Change
from ..worse_than_before import Worked, place
from .bundle_run import Bundle


def prepared_wait(
    bundle: Bundle,
    workloads: Sequence[Manifest],
    left: Mapping[Ref, Manifest],
    change: Change | None = None,
) -> RolloutWait:
    """Return the wait for some workloads, which ends if another run changes one of them.

    With the change of a collector that goes back, pods that did not work before do not end it either.
    """
    named = []
    generations: list[dict[str, Any]] = []
    for workload in workloads:
        name = ref(workload)._asdict()
        named.append({**name, "api_version": workload["apiVersion"]})
        as_left = left.get(ref(workload))
        if as_left:
            generations.append({**name, "generation": as_left["metadata"].get("generation") or 0})
    before: Mapping[str, Worked] = change.worked if change and change.goes_back else {}

    def spares(workload: Manifest, symptom: Symptom) -> bool:
        """Return whether a symptom is of a pod that did not work before."""
        worked_before = before.get(str(ref(workload)))
        if worked_before is None or symptom.pod is None:
            return False
        return place(workload, symptom.pod) in worked_before.idle

    options = RolloutWaitOptions(
        named,
        bundle.wait_seconds,
        bundle.unschedulable_seconds,
        until={},
        allow_empty=False,
        applied=generations,
        spares=spares,
    )
    return RolloutWait(bundle.cluster, checked_search({}), options)


class EndedWait(NamedTuple):
    """A wait that has ended, by its name, with the failure if it failed."""

    name: str
    failure: Failure | None


def ended_waits(
    bundle: Bundle, waits: Mapping[str, RolloutWait], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[EndedWait]:
    """Yield each wait as soon as it ends. Between the looks it does what is to be done `meanwhile`, and raises that."""
    pending = dict(waits)
    for _poll in bundle.cluster.polls(bundle.wait_seconds):
        for name, wait in list(pending.items()):
            failure: Failure | None = None
            try:
                has_ended = wait.done()
            except Failure as raised:
                has_ended, failure = True, raised
            if has_ended:
                del pending[name]
                yield EndedWait(name, failure)
        if not pending:
            return
        meanwhile()
    for name, wait in pending.items():
        yield EndedWait(name, wait.too_late())
