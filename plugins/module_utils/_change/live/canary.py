# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a share of a workload's pods run a change first, and judge it before the other pods follow. Private.

A Canary is asked in this order:

| step | what happens |
|---|---|
| `prepare` | before the first write: whether new pods come, and whether they could be judged |
| `manifest_to_apply` | the workload is applied in a form in which it waits after the first pods |
| `judge_first_pods` | the first pods start and are judged, then the workload is released |
| `judge_ready_pods` | again and again while the other pods follow |
| `judge_all_pods` | all pods are judged as a whole |

Where no pod can keep the earlier config, nothing is held, and the pods are judged by readings from before.
"""

from __future__ import annotations

from ..._diagnose.live.reader import ClusterReader, utc_now
from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import asking
from ..._kube.operator_status import followed
from ..._otelcol.catalogue.port_rows import listeners_by_type
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.followed_workloads import Followed, follow
from ..._rollout.readiness import observed
from ..canary.chosen_checks import checks_of
from ..canary.hold import held_workload
from ..canary.judge import Verdict
from ..canary.judgement_texts import PassedChecks, failure_line, failure_of
from ..canary.pod_renewal import renews_pods
from ..collector_change import Change
from .bundle_run import Bundle
from .first_pods import FirstPods, present_workload
from .observe import POLL_SECONDS, Observation, Observed, Pods, baseline, observe, pods_of, require_metrics

# What does worse, in messages.
_WHOLE = "the collector"


class Canary:
    """The change of one collector: held after a share of its pods, judged, released, and judged as a whole.

    `live` is the workload before the change.
    """

    def __init__(self, bundle: Bundle, change: Change, live: Manifest) -> None:
        self.change = change
        self._bundle, self._workload, self._live_before = bundle, change.workloads[0], live
        self._title = f"Collector {change.name}"
        self._seconds = float(change.options["observe_seconds"])
        self._reader = ClusterReader(bundle.cluster, bundle.quick_cluster())
        self._checks = checks_of(change.options["judge"])
        self._passed = PassedChecks(self._checks)
        self._hold = held_workload(self._workload, live, change.options["share"])
        # What the pods were like before the change; while it is held, the earlier pods say so.
        self._readings_before = None if self._hold else change.readings
        # The observation of the pods that are ready while others follow, and when it was last asked.
        self._begun: Observation | None = None
        self._looked_at = -POLL_SECONDS

    # ── Before the first write ──

    def prepare(self) -> bool:
        """Return whether the change makes new pods. Raises Problem if it could not be judged."""
        after = self._bundle.tried(self._workload)
        if not renews_pods(self._workload, self._live_before, after, self._before_interruption()):
            return False
        first_pods = self._first_pods()
        if first_pods:
            first_pods.require_evictions(self._live_before)
        earlier = self._observed(self._live_before)
        require_metrics(self._reader, earlier)
        if self._hold is None and self._readings_before is None and not self._bundle.check:
            self._bundle.cluster.progress.now(self._title, "reading its pods as they are before the change")
            self._readings_before = self.change.readings = baseline(self._reader, earlier)
        return True

    def _before_interruption(self) -> Manifest | None:
        """Return the workload before a change that was interrupted; None if no run has begun this change."""
        if self.change.record is None:
            return None
        for manifest in self.change.before:
            if ref(manifest) == ref(self._workload):
                return manifest
        return None

    def manifest_to_apply(self, manifest: Manifest) -> Manifest:
        """Return what to apply for an object of the collector: its workload is held."""
        if self._hold is not None and ref(manifest) == ref(self._workload):
            return self._hold.manifest
        return manifest

    # ── The first pods ──

    def judge_first_pods(self) -> None:
        """Judge the first pods, and let the others follow. Raises Failure if the first do worse than the others."""
        first_pods = self._first_pods()
        if first_pods is None:
            return
        first_pods.wait_until_ready()
        self._judge(self._present(), f"the canary ({self._hold})")
        changes = self._bundle.changes
        changes.applied_again(self._bundle.write(self._workload, changes.left()[ref(self._workload)]))

    def _first_pods(self) -> FirstPods | None:
        """Return the pods that change first; None if nothing is held."""
        if self._hold is None:
            return None
        return FirstPods(self._bundle, self._reader, self._workload, self._hold, self._title)

    # ── While the other pods follow ──

    def judge_ready_pods(self) -> None:
        """Judge the pods that are ready while others follow, beside the older ones. Raises Failure if they do worse."""
        now = self._bundle.cluster.clock()
        if now - self._looked_at < POLL_SECONDS:
            return
        live = self._bundle.live(self._workload)
        if live is None:
            return
        self._looked_at = now
        pods = self._ready_and_older_pods(live)
        if pods is None:
            return
        if self._begun is None:
            self._begun = Observation(self._reader, self._observed(live), self._checks, pods)
        verdicts = self._begun.read(pods, utc_now())
        self._refuse(verdicts, self._begun.seconds, _WHOLE)

    def _ready_and_older_pods(self, live: Manifest) -> Pods | None:
        """Return the ready pods with the change, and the older pods; None while no pod with the change is ready."""
        state = self._followed(live)
        if state.unreconciled or not state.parts or not observed(state.parts[0]):
            return None
        new, old = pods_of(self._reader, state.parts[0])
        ready_pods = [pod for pod in new if is_ready(pod)]
        return (ready_pods, old) if ready_pods else None

    # ── All pods ──

    def judge_all_pods(self) -> None:
        """Judge all pods by the readings from before. Raises Failure if they do worse."""
        self._judge(self._present(), _WHOLE, self._begun)
        self._bundle.judged(self._title, self._passed.verdict())

    # ── One judgement ──

    def _judge(self, live: Manifest, who: str, begun: Observation | None = None) -> None:
        """Observe the pods of a workload, and note what they passed. Raises Failure if they do worse."""
        beside = "the earlier pods" if self._readings_before is None else "the readings from before"
        text = f"judging {who} beside {beside} for {self._seconds:g} s"
        self._bundle.cluster.progress.now(self._title, text)
        observation = observe(self._reader, self._observed(live), self._seconds, self._checks, begun=begun)
        if self._readings_before is None:
            self._readings_before = observation.rest
        notes = observation.notes(self._seconds)
        for note in notes:
            self._bundle.warn(f"{self.change.name}, {who}: {note}.")
        self._refuse(observation.verdicts, observation.seconds, who)
        passed = f"{who} for {round(observation.seconds)} s beside {beside}"
        self._passed.add(passed, observation.unjudged(self._seconds), is_limited=bool(notes))

    def _refuse(self, verdicts: list[Verdict], seconds: float, who: str) -> None:
        """Raise Failure if there are verdicts."""
        if not verdicts:
            return
        self._present()  # the pods of a deleted workload do worse too
        self._bundle.cluster.progress.now(self._title, failure_line(verdicts, who))
        raise failure_of(verdicts, who, seconds, ref(self._workload))

    # ── The live workload ──

    def _present(self) -> Manifest:
        """Return the workload as it is now. Raises Failure if it is deleted."""
        return present_workload(self._bundle, self._workload)

    def _followed(self, live: Manifest) -> Followed:
        """Return the workload, or those that an operator made of it. Raises Problem if they cannot be read."""
        return asking(f"Read {ref(live)}", lambda: follow(self._bundle.cluster, [live]))[0]

    def _observed(self, live: Manifest) -> Observed:
        """Return what to observe: the workload that runs the pods, and the new config."""
        options = self.change.options
        parts = self._followed(live).parts
        # The operator's workload for the collector comes before that of its target allocator.
        workload = parts[0] if followed(live) and parts else live
        listeners = listeners_by_type(options["listeners"])
        return Observed(workload, listeners, options["config"], baseline=self._readings_before)
