# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a share of a workload's pods run a change first, and judge it before the other pods follow. Private.

This is strategy `canary` for one collector. For example, with `share: 1` of three pods:

1. Before the first write, `makes_new_pods` says whether the change is about pods at all, and `prepare` raises Problem
   if nobody could judge them (`canaries.py` calls both).
2. `choose_manifest_to_apply` returns the Deployment with fields that let its controller stop after one new pod
   (`apply.py` applies that).
3. `judge_first_pods` waits for the new pod, judges it beside the two others for `observe_seconds`, and applies the
   Deployment as it is meant, so that the others follow.
4. `judge_ready_pods` judges the pods that are ready already, again and again while the others follow.
5. `judge_all_pods` judges all three by the readings from before the change.

`changes.py` calls 3 to 5. Each raises Failure as soon as the new pods do worse; then `changes.py` undoes the change.

If no pod can keep the earlier config, as of a StatefulSet with one pod, no pod waits: 2 returns the workload as it is
meant, 3 does nothing, and `prepare` has read how the pods were before the change.
"""

from __future__ import annotations

from ..._diagnose.live.reader import ClusterReader, utc_now
from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import ask_server
from ..._kube.operator_status import is_followed
from ..._otelcol.catalogue.port_rows import map_listeners
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.followed_workloads import FollowedResource, read_followed_resources
from ..._rollout.readiness import is_generation_observed
from ..canary.chosen_checks import choose_checks
from ..canary.hold import hold_workload
from ..canary.judge import FailedCheck
from ..canary.judgement_texts import PassedChecks, build_failure, describe_failure
from ..canary.pod_renewal import renews_pods
from ..collector_change import CollectorChange
from .bundle_run import BundleRun
from .first_pods import FirstPods, read_present_workload
from .observe import (
    POLL_SECONDS,
    WorkloadObservation,
    continue_observation,
    observe_pods,
    read_baseline,
    require_metrics,
)
from .revision_pods import Pods, read_pods
from .watched_pods import Observed

# How messages name all pods together, in place of `the canary (1 of 3 pods)`.
_WHOLE_COLLECTOR = "the collector"


class Canary:
    """The change of one collector with strategy `canary`. `live` is the workload before the change."""

    def __init__(self, run: BundleRun, change: CollectorChange, live: Manifest) -> None:
        self.change = change
        self._run = run
        self._workload = change.workloads[0]
        self._live_before = live
        self._title = f"Collector {change.name}"
        self._observe_seconds = float(change.options["observe_seconds"])
        self._reader = ClusterReader(run.cluster, run.quick_cluster())
        self._checks = choose_checks(change.options["judge"])
        self._passed = PassedChecks(self._checks)
        # How the workload is applied so that only its first pods change; None if no pod can keep the earlier config.
        self._hold = hold_workload(self._workload, live, change.options["share"])
        # The facts of the pods before the change; None until they are read. If some pods keep the earlier config, the
        # first judgement reads them from those; otherwise `prepare` does, unless an interrupted run has.
        self._baseline = None if self._hold else change.rest_facts_before
        # The observation of the ready pods while others follow; None before it.
        self._ready_observation: WorkloadObservation | None = None
        # When that observation made its last reading, by the cluster's clock. At first one is due at once.
        self._last_reading_at = -POLL_SECONDS

    # ── Before the first write ──

    def makes_new_pods(self) -> bool:
        """Return whether the change makes new pods; without any there is nothing to judge."""
        tried_workload = self._run.try_apply(self._workload)
        return renews_pods(self._workload, self._live_before, tried_workload, self._find_interrupted_workload())

    def prepare(self) -> None:
        """Raise Problem if the new pods could not be judged, or could not take the place of earlier ones.

        If the change leaves no pod with the earlier config, read how the pods are before it. Check mode does not read.
        """
        first_pods = self._build_first_pods()
        if first_pods:
            first_pods.require_evictions(self._live_before)
        observed_before = self._build_observed(self._live_before)
        require_metrics(self._reader, observed_before)
        needs_baseline = self._hold is None and self._baseline is None
        if needs_baseline and not self._run.check:
            self._run.cluster.progress.tell_now(self._title, "reading its pods as they are before the change")
            self._baseline = self.change.rest_facts_before = read_baseline(self._reader, observed_before)

    def _find_interrupted_workload(self) -> Manifest | None:
        """Return the workload before a change that was interrupted; None if no run has begun this change."""
        if self.change.record is None:
            return None
        for manifest in self.change.before:
            if ref(manifest) == ref(self._workload):
                return manifest
        return None

    def choose_manifest_to_apply(self, manifest: Manifest) -> Manifest:
        """Return what to apply for a manifest of the collector: the workload in its waiting form, all else as it is."""
        if self._hold is not None and ref(manifest) == ref(self._workload):
            return self._hold.manifest
        return manifest

    # ── The first pods ──

    def judge_first_pods(self) -> None:
        """Judge the first pods, and let the others follow. Raises Failure if the first do worse than the others."""
        first_pods = self._build_first_pods()
        if first_pods is None:
            return
        first_pods.wait_until_ready()
        self._judge(self._read_present_workload(), f"the canary ({self._hold})")
        self._release_other_pods()

    def _release_other_pods(self) -> None:
        """Apply the workload itself, in place of the form in which it waits after the first pods."""
        # The apply names the object as this run left it: if another run has changed it meanwhile, that run decides.
        changes = self._run.changes
        waiting_workload = changes.find_left_objects()[ref(self._workload)]
        changes.note_applied_again(self._run.apply(self._workload, waiting_workload))

    def _build_first_pods(self) -> FirstPods | None:
        """Return the pods that change first; None if no pod waits for them."""
        if self._hold is None:
            return None
        return FirstPods(self._run, self._reader, self._workload, self._hold, self._title)

    # ── While the other pods follow ──

    def judge_ready_pods(self) -> None:
        """Judge the pods that are ready beside the older ones, at most once in POLL_SECONDS.

        Raises Failure if they do worse.
        """
        current_time = self._run.cluster.clock()
        if current_time - self._last_reading_at < POLL_SECONDS:
            return
        live_workload = self._run.read_live(self._workload)
        if live_workload is None:  # deleted: the wait that calls this says so
            return
        self._last_reading_at = current_time
        pods = self._split_ready_and_older_pods(live_workload)
        if pods is None:
            return
        if self._ready_observation is None:
            self._ready_observation = WorkloadObservation(
                self._reader, self._build_observed(live_workload), self._checks, pods
            )
        reading = self._ready_observation.judge_reading(pods, utc_now())
        self._fail_if_worse(reading.verdicts, reading.seconds, _WHOLE_COLLECTOR)

    def _split_ready_and_older_pods(self, live: Manifest) -> Pods | None:
        """Return the ready pods with the change, and the older pods; None while no pod with the change is ready."""
        followed_workload = self._follow_workload(live)
        if followed_workload.unreconciled_reason or not followed_workload.workloads:
            return None
        running_workload = followed_workload.workloads[0]
        if not is_generation_observed(running_workload):
            return None
        pods = read_pods(self._reader, running_workload)
        ready_pods = [pod for pod in pods.newest if is_ready(pod)]
        return Pods(ready_pods, pods.older) if ready_pods else None

    # ── All pods ──

    def judge_all_pods(self) -> None:
        """Judge all pods by the readings from before. Raises Failure if they do worse."""
        self._judge(self._read_present_workload(), _WHOLE_COLLECTOR, self._ready_observation)
        self._run.report_verdict(self._title, self._passed.build_summary())

    # ── One judgement ──

    def _judge(self, live: Manifest, who: str, begun_observation: WorkloadObservation | None = None) -> None:
        """Observe the pods of a workload, and note what they passed. Raises Failure if they do worse.

        `who` names these pods in messages, such as `the canary (1 of 3 pods)`. The observation `begun_observation` goes
        on; without it a new one begins.
        """
        seconds = self._observe_seconds
        comparison = "the earlier pods" if self._baseline is None else "the readings from before"
        self._run.cluster.progress.tell_now(self._title, f"judging {who} beside {comparison} for {seconds:g} s")
        observed = self._build_observed(live)
        if begun_observation is None:
            result = observe_pods(self._reader, observed, seconds, self._checks)
        else:
            result = continue_observation(self._reader, begun_observation, observed.workload, seconds)
        reading = result.last_reading
        if self._baseline is None:
            self._baseline = reading.facts["rest"]
        for note in result.limits:
            self._run.warn(f"{self.change.name}, {who}: {note}.")
        self._fail_if_worse(reading.verdicts, reading.seconds, who)
        self._passed.add_observation(
            f"{who} for {round(reading.seconds)} s beside {comparison}",
            result.unjudged_check_ids,
            is_limited=bool(result.limits),
        )

    def _fail_if_worse(self, verdicts: list[FailedCheck], seconds: float, who: str) -> None:
        """Raise Failure if there are verdicts."""
        if not verdicts:
            return
        # If the workload was deleted, its pods do worse for that reason. Then this raises that failure instead.
        self._read_present_workload()
        self._run.cluster.progress.tell_now(self._title, describe_failure(verdicts, who))
        raise build_failure(verdicts, who, seconds, ref(self._workload))

    # ── The live workload ──

    def _read_present_workload(self) -> Manifest:
        """Return the workload as it is now. Raises Failure if it is deleted."""
        return read_present_workload(self._run, self._workload)

    def _follow_workload(self, live: Manifest) -> FollowedResource:
        """Return the workload, or those that an operator made of it. Raises Problem if they cannot be read."""
        return ask_server(f"Read {ref(live)}", lambda: read_followed_resources(self._run.cluster, [live]))[0]

    def _build_observed(self, live: Manifest) -> Observed:
        """Return what to observe: the workload that runs the pods, and the new config."""
        options = self.change.options
        running_workloads = self._follow_workload(live).workloads
        # The operator's workload for the collector comes before that of its target allocator.
        workload = running_workloads[0] if is_followed(live) and running_workloads else live
        listeners = map_listeners(options["listeners"])
        return Observed(workload, listeners, options["config"], baseline=self._baseline)
