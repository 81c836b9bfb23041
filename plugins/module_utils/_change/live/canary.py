# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a share of a workload's pods run a change first, and judge it before the other pods follow. Private.

`changes.py` calls the methods of a Canary in this order:

| method | what it does |
|---|---|
| `makes_new_pods` | before the first write: says whether new pods come, and raises Problem if nobody could judge them |
| `choose_manifest_to_apply` | returns the workload in a form in which it waits after the first pods |
| `judge_first_pods` | waits for the first pods, judges them, then lets the others follow |
| `judge_ready_pods` | judges the pods that are ready, again and again while the others follow |
| `judge_all_pods` | judges all pods |

If no pod can keep the earlier config, no pod waits, and the pods are judged by readings from before the change.
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
    Observed,
    Pods,
    WorkloadObservation,
    observe_pods,
    read_baseline,
    read_pods,
    require_metrics,
)

# How messages name all pods together, in place of `the canary (1 of 3 pods)`.
_WHOLE_COLLECTOR = "the collector"


class Canary:
    """The change of one collector with strategy `canary`. `live` is the workload before the change."""

    def __init__(self, bundle: BundleRun, change: CollectorChange, live: Manifest) -> None:
        self.change = change
        self._bundle, self._workload, self._live_before = bundle, change.workloads[0], live
        self._title = f"Collector {change.name}"
        self._seconds = float(change.options["observe_seconds"])
        self._reader = ClusterReader(bundle.cluster, bundle.quick_cluster())
        self._checks = choose_checks(change.options["judge"])
        self._passed = PassedChecks(self._checks)
        # How the workload is applied so that only its first pods change; None if no pod can keep the earlier config.
        self._hold = hold_workload(self._workload, live, change.options["share"])
        # The facts of the pods before the change; None until they are read. If some pods keep the earlier config, the
        # first judgement reads them from those; otherwise `makes_new_pods` does, unless an earlier run has.
        self._readings_before = None if self._hold else change.readings
        # The observation of the ready pods while others follow, None before it; and when it made its last reading.
        self._begun: WorkloadObservation | None = None
        self._last_reading_at = -POLL_SECONDS

    # ── Before the first write ──

    def makes_new_pods(self) -> bool:
        """Return whether the change makes new pods. Raises Problem if these could not be judged.

        If the change leaves no pod with the earlier config, read how the pods are before it.
        """
        tried_workload = self._bundle.tried(self._workload)
        if not renews_pods(self._workload, self._live_before, tried_workload, self._find_interrupted_workload()):
            return False
        first_pods = self._build_first_pods()
        if first_pods:
            first_pods.require_evictions(self._live_before)
        observed_before = self._build_observed(self._live_before)
        require_metrics(self._reader, observed_before)
        needs_baseline = self._hold is None and self._readings_before is None
        if needs_baseline and not self._bundle.check:
            self._bundle.cluster.progress.tell_now(self._title, "reading its pods as they are before the change")
            self._readings_before = self.change.readings = read_baseline(self._reader, observed_before)
        return True

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
        changes = self._bundle.changes
        waiting_workload = changes.find_left_objects()[ref(self._workload)]
        changes.note_applied_again(self._bundle.write(self._workload, waiting_workload))

    def _build_first_pods(self) -> FirstPods | None:
        """Return the pods that change first; None if nothing is held."""
        if self._hold is None:
            return None
        return FirstPods(self._bundle, self._reader, self._workload, self._hold, self._title)

    # ── While the other pods follow ──

    def judge_ready_pods(self) -> None:
        """Judge the pods that are ready beside the older ones, at most once in POLL_SECONDS.

        Raises Failure if they do worse.
        """
        current_time = self._bundle.cluster.clock()
        if current_time - self._last_reading_at < POLL_SECONDS:
            return
        live_workload = self._bundle.live(self._workload)
        if live_workload is None:
            return
        self._last_reading_at = current_time
        pods = self._split_ready_and_older_pods(live_workload)
        if pods is None:
            return
        if self._begun is None:
            self._begun = WorkloadObservation(self._reader, self._build_observed(live_workload), self._checks, pods)
        verdicts = self._begun.judge_reading(pods, utc_now())
        self._fail_if_worse(verdicts, self._begun.seconds, _WHOLE_COLLECTOR)

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
        self._judge(self._read_present_workload(), _WHOLE_COLLECTOR, self._begun)
        self._bundle.judged(self._title, self._passed.build_summary())

    # ── One judgement ──

    def _judge(self, live: Manifest, who: str, begun_observation: WorkloadObservation | None = None) -> None:
        """Observe the pods of a workload, and note what they passed. Raises Failure if they do worse.

        `who` names these pods in messages, such as `the canary (1 of 3 pods)`. The observation `begun_observation` goes
        on; without it a new one begins.
        """
        comparison = "the earlier pods" if self._readings_before is None else "the readings from before"
        progress_text = f"judging {who} beside {comparison} for {self._seconds:g} s"
        self._bundle.cluster.progress.tell_now(self._title, progress_text)
        observation = observe_pods(
            self._reader, self._build_observed(live), self._seconds, self._checks, begun=begun_observation
        )
        if self._readings_before is None:
            self._readings_before = observation.facts["rest"]
        notes = observation.describe_limits(self._seconds)
        for note in notes:
            self._bundle.warn(f"{self.change.name}, {who}: {note}.")
        self._fail_if_worse(observation.verdicts, observation.seconds, who)
        passed_text = f"{who} for {round(observation.seconds)} s beside {comparison}"
        self._passed.add_observation(
            passed_text, observation.find_unjudged_checks(self._seconds), is_limited=bool(notes)
        )

    def _fail_if_worse(self, verdicts: list[FailedCheck], seconds: float, who: str) -> None:
        """Raise Failure if there are verdicts."""
        if not verdicts:
            return
        # If the workload was deleted, its pods do worse for that reason, which is told instead.
        self._read_present_workload()
        self._bundle.cluster.progress.tell_now(self._title, describe_failure(verdicts, who))
        raise build_failure(verdicts, who, seconds, ref(self._workload))

    # ── The live workload ──

    def _read_present_workload(self) -> Manifest:
        """Return the workload as it is now. Raises Failure if it is deleted."""
        return read_present_workload(self._bundle, self._workload)

    def _follow_workload(self, live: Manifest) -> FollowedResource:
        """Return the workload, or those that an operator made of it. Raises Problem if they cannot be read."""
        return ask_server(f"Read {ref(live)}", lambda: read_followed_resources(self._bundle.cluster, [live]))[0]

    def _build_observed(self, live: Manifest) -> Observed:
        """Return what to observe: the workload that runs the pods, and the new config."""
        options = self.change.options
        running_workloads = self._follow_workload(live).workloads
        # The operator's workload for the collector comes before that of its target allocator.
        workload = running_workloads[0] if is_followed(live) and running_workloads else live
        listeners = map_listeners(options["listeners"])
        return Observed(workload, listeners, options["config"], baseline=self._readings_before)
