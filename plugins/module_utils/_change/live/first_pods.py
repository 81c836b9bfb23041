# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods that get a change first, while the others wait with the earlier config. Private.

`canary.py` makes a `FirstPods` for a workload that is held (canary/hold.py): its controller stops after, say, 1 of 3
pods. `require_evictions` asks before the first write whether these pods could take the place of others, and
`wait_until_ready` waits for them after it. A run shows meanwhile `0 of 1 first pods with the change ready`.
"""

from __future__ import annotations

from typing import Any

from ..._diagnose.live.reader import ClusterReader
from ..._kube.conditions import is_ready
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.deleted_workload import is_gone, report_deleted
from ..._rollout.live.explain_failures import WorkloadStatus
from ..._rollout.live.jmespath_search import compile_search
from ..._rollout.readiness import is_generation_observed
from ..canary.evictions import choose_pods_to_evict
from ..canary.hold import Hold
from .bundle_run import BundleRun
from .pod_evictions import PodEvictions
from .revision_pods import read_pods


class FirstPods:
    """The first pods of a held workload, which the run applied so that most pods wait with the earlier config.

    `title` is the name of the collector in lines of progress.
    """

    def __init__(self, run: BundleRun, reader: ClusterReader, workload: Manifest, hold: Hold, title: str) -> None:
        self._run = run
        self._reader = reader
        self._workload = workload
        self._hold = hold
        self._title = title
        self._evictions = PodEvictions(run, workload, title)

    def require_evictions(self, live: Manifest) -> None:
        """Wait until the server would evict the pods that the first ones replace. Raises Problem if it never would.

        The run asks this before its first write, because other collectors must not have changed when it fails here.
        """
        if self._hold.needs_eviction:
            # Before the change, all pods run the earlier config, also those of the newest revision.
            pods = read_pods(self._reader, live)
            self._evictions.require_allowed(choose_pods_to_evict(pods.all, self._hold.changed_pod_count))

    def wait_until_ready(self) -> None:
        """Wait for the first pods. Raises Failure with the reason as soon as one cannot become ready."""
        cluster, hold = self._run.cluster, self._hold
        status = WorkloadStatus(
            cluster, compile_search(ready_expressions={}), unschedulable_seconds=self._run.unschedulable_seconds
        )
        ready_count = 0
        kept_because: Problem | None = None
        for _poll in cluster.iter_polls(self._run.wait_seconds):
            live_workload = read_present_workload(self._run, self._workload)
            # Until the controller has seen the change, the newest pods are still those of the earlier config.
            if not is_generation_observed(live_workload):
                continue
            pods = read_pods(self._reader, live_workload)
            kept_because = self._make_room(pods.older)
            ready_count = sum(map(is_ready, pods.newest))
            if ready_count >= hold.changed_pod_count:
                cluster.progress.tell_done(self._title, f"{hold} with the change ready")
                return
            cluster.progress(self._title, f"{ready_count} of {hold.changed_pod_count} first pods with the change ready")
            fatal_symptoms = status.select_lasting(status.find_current_symptoms([live_workload]))
            if fatal_symptoms:
                raise status.build_failure(fatal_symptoms)
        raise self._explain_not_in_time(ready_count, kept_because)

    def _make_room(self, old_pods: list[Manifest]) -> Problem | None:
        """Evict the earlier pods that the controller does not stop. Return why one of them stays; None if none does."""
        if not self._hold.needs_eviction:
            return None
        staying_count = self._hold.pod_count - self._hold.changed_pod_count
        return self._evictions.evict_pods(choose_pods_to_evict(old_pods, len(old_pods) - staying_count))

    def _explain_not_in_time(self, ready_count: int, kept_because: Problem | None) -> Failure:
        """Return why the first pods are not ready when the time is over."""
        facts: dict[str, Any] = {"failures": []}
        if kept_because:
            return Failure(kept_because.wrong, asked=kept_because.asked, fix=kept_because.fix, facts=facts)
        changed_pods_text = f"{ready_count} of the {self._hold.changed_pod_count} pods that changed first"
        wrong = f"not ready after {self._run.wait_seconds:g} s: {changed_pods_text}"
        fix = "Look at their events and logs with `kubectl describe` and `kubectl logs`."
        return Failure(wrong, asked=f"Wait for {ref(self._workload)}", fix=fix, facts=facts)


def read_present_workload(run: BundleRun, workload: Manifest) -> Manifest:
    """Return a workload as it is now. Raises Failure if it is deleted."""
    live = run.read_live(workload)
    if live is None or is_gone(live):
        raise report_deleted(run.cluster, ref(workload))
    return live
