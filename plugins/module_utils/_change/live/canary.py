# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a share of a workload's pods run a change first, and judge it before the other pods follow. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from ..._diagnose.live.reader import ClusterReader, path_of, utc_now
from ..._kube.conditions import is_ready
from ..._kube.live.api_errors import asking, budget_of, explain
from ..._kube.live.cluster import CONFLICT, NOT_FOUND, ApiError, Cluster
from ..._kube.live.kinds import ApiResources
from ..._kube.operator_children import BUDGET
from ..._kube.operator_status import followed
from ..._otelcol.catalogue.port_rows import listeners_by_type
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.live.deleted_workload import deleted, is_gone
from ..._rollout.live.explain_failures import WorkloadStatus
from ..._rollout.live.followed_workloads import Followed, follow
from ..._rollout.live.jmespath_search import checked_search
from ..._rollout.readiness import observed
from ..canary.chosen_checks import checks_of
from ..canary.evictions import eviction_of, never_allows, pods_to_evict
from ..canary.hold import Hold, held_workload
from ..canary.judge import Verdict
from ..canary.pod_renewal import renews_pods
from ..collector_change import Change
from .bundle_run import Bundle
from .observe import POLL_SECONDS, Observation, Observed, baseline, observe, pods_of, require_metrics

Ended = TypeVar("Ended")


class Canary:
    """The change of one collector: held after a share of its pods, judged, released, and judged as a whole.

    Where no pod can keep the earlier config, nothing is held, and the whole is judged by readings from before.
    """

    def __init__(self, bundle: Bundle, change: Change, live: Manifest) -> None:
        self.bundle, self.change, self.workload = bundle, change, change.workloads[0]
        self.live_before = live
        self.title = f"Collector {change.name}"
        self.seconds = float(change.options["observe_seconds"])
        self.reader = ClusterReader(bundle.cluster, bundle.quick_cluster())
        self.checks = checks_of(change.options["judge"])
        self.hold: Hold | None = held_workload(self.workload, live, change.options["share"])
        self.before = None if self.hold else change.readings
        self.begun: Observation | None = None
        self.looked = -POLL_SECONDS
        # Why the last try to evict a pod was refused, while that may pass.
        self.waits_for: Problem | None = None
        self.passed, self.limits = list[str](), list[str]()
        # The checks for which no observation had anything to compare.
        self.unjudged = {check.id for check in self.checks}

    def prepare(self) -> bool:
        """Return whether the change makes new pods. Raises Problem if it could not be judged."""
        live = self.live_before
        if not renews_pods(self.workload, live, self.bundle.tried(self.workload), self._before_interruption()):
            return False
        if self.hold and self.hold.by_eviction:
            self._ask_budgets(live, self.hold)
        observed = self._observed(live)
        require_metrics(self.reader, observed)
        if self.hold is None and self.before is None and not self.bundle.check:
            self.bundle.cluster.progress.now(self.title, "reading its pods as they are before the change")
            self.before = self.change.readings = baseline(self.reader, observed)
        return True

    def _before_interruption(self) -> Manifest | None:
        """Return the workload before a change that was interrupted; None if no run has begun this change."""
        if self.change.record is None:
            return None
        for manifest in self.change.before:
            if ref(manifest) == ref(self.workload):
                return manifest
        return None

    def _ask_budgets(self, live: Manifest, hold: Hold) -> None:
        """Wait until the first pods may be evicted. Raises Problem if a budget never allows that, or not in time.

        Asked before the first write: what keeps these pods must not be found when other collectors have changed.
        """
        cluster, refused = self.bundle.cluster, None
        new, old = pods_of(self.reader, live)
        first_pods = pods_to_evict([*new, *old], hold.pods)
        for _poll in cluster.polls(0 if self.bundle.check else self.bundle.wait_seconds):
            refused = self._first_refusal(first_pods)
            if refused is None:
                return
            problem = explain(refused, f"Change {ref(self.workload)} with `strategy: canary`")
            if not refused.of_budget or self._never_allows(refused):
                raise problem from refused
            cluster.progress(self.title, f"waiting: {problem.wrong}")
        if refused and self.bundle.check:
            self.bundle.warn(f"{problem.wrong}. Without check mode, the run waits for it")
        elif refused:
            raise problem from refused

    def _first_refusal(self, pods: Iterable[Manifest]) -> ApiError | None:
        """Return why the server would not evict one of some pods now; None if it would evict each."""
        for pod in pods:
            refused = self._refused(pod)
            if refused:
                return refused
        return None

    def _refused(self, pod: Manifest) -> ApiError | None:
        """Return why the server would not evict a pod now."""
        try:
            self.bundle.cluster.request("POST", _eviction_path(pod), body=eviction_of(pod, tried=True))
        except ApiError as error:
            return error if error.status not in (NOT_FOUND, CONFLICT) else None
        return None

    def _never_allows(self, refused: ApiError) -> bool:
        """Return whether waiting for a budget is in vain; unknown budgets are waited for."""
        name = budget_of(refused)
        if not name:
            return True  # several budgets, which Kubernetes never evicts for
        path = ApiResources.path_of(BUDGET, self.workload["metadata"]["namespace"], "")
        try:
            budgets = list(self.bundle.cluster.items(path))
        except ApiError:
            return False
        return any(never_allows(budget) for budget in budgets if budget["metadata"]["name"] == name)

    def manifest(self, manifest: Manifest) -> Manifest:
        """Return what to apply for an object of the collector: its workload is held."""
        is_held = self.hold is not None and ref(manifest) == ref(self.workload)
        return self.hold.manifest if self.hold and is_held else manifest

    def first(self) -> None:
        """Judge the first pods, and let the others follow. Raises Failure if the first do worse than the others."""
        if self.hold is None:
            return
        self._start(self.hold)
        self._judge(self._present(), f"the canary ({self.hold})")
        changes = self.bundle.changes
        changes.applied_again(self.bundle.write(self.workload, changes.left()[ref(self.workload)]))

    def meanwhile(self) -> None:
        """Judge the pods that are ready while others follow, beside the older ones. Raises Failure if they do worse."""
        now = self.bundle.cluster.clock()
        if now - self.looked < POLL_SECONDS:
            return
        live = self.bundle.live(self.workload)
        if live is None:
            return
        self.looked = now
        state = self._followed(live)
        if state.unreconciled or not state.parts or not observed(state.parts[0]):
            return
        new, old = pods_of(self.reader, state.parts[0])
        ready_pods = [pod for pod in new if is_ready(pod)]
        if not ready_pods:
            return
        if self.begun is None:
            self.begun = Observation(self.reader, self._observed(live), self.checks, (ready_pods, old))
        verdicts = self.begun.read((ready_pods, old), utc_now())
        self._refuse(verdicts, self.begun.seconds, "the collector")

    def whole(self) -> None:
        """Judge all pods by the readings from before. Raises Failure if they do worse."""
        self._judge(self._present(), "the collector", self.begun)
        count = len(self.checks) - len(self.unjudged)
        verdict = f"its change passed {count} checks: {', then '.join(self.passed)}"
        unjudged = [check.id for check in self.checks if check.id in self.unjudged]
        if unjudged:
            verdict += f"; not judged, because nothing could be compared: {', '.join(unjudged)}"
        if self.limits:
            verdict += "; the warnings say what limits this"
        self.bundle.judged(self.title, verdict)

    def _present(self) -> Manifest:
        """Return the workload as it is now. Raises Failure if it is deleted."""
        live = self.bundle.live(self.workload)
        if live is None or is_gone(live):
            raise deleted(self.bundle.cluster, ref(self.workload))
        return live

    def _followed(self, live: Manifest) -> Followed:
        return asking(f"Read {ref(live)}", lambda: follow(self.bundle.cluster, [live]))[0]

    def _observed(self, live: Manifest) -> Observed:
        options = self.change.options
        parts = self._followed(live).parts
        # The operator's workload for the collector comes before that of its target allocator.
        workload = parts[0] if followed(live) and parts else live
        return Observed(workload, listeners_by_type(options["listeners"]), options["config"], baseline=self.before)

    def _start(self, hold: Hold) -> None:
        """Wait until the first pods are ready. Raises Failure with the reason as soon as one cannot become ready."""
        cluster = self.bundle.cluster
        look = WorkloadStatus(cluster, checked_search({}), unschedulable_seconds=self.bundle.unschedulable_seconds)
        ready = 0
        for _poll in cluster.polls(self.bundle.wait_seconds):
            live = self._present()
            if not observed(live):
                continue
            new, old = pods_of(self.reader, live)
            self.waits_for = None
            if hold.by_eviction:
                self._evict(pods_to_evict(old, len(old) - (hold.total - hold.pods)))
            ready = sum(map(is_ready, new))
            if ready >= hold.pods:
                cluster.progress.done(self.title, f"{hold} with the change ready")
                return
            cluster.progress(self.title, f"{ready} of {hold.pods} first pods with the change ready")
            fatal = look.lasting(look.current_symptoms([live]))
            if fatal:
                raise look.failure(fatal)
        if self.waits_for:
            said = self.waits_for
            raise Failure(said.wrong, asked=said.asked, fix=said.fix, facts={"failures": []})
        wrong = f"not ready after {self.bundle.wait_seconds:g} s: {ready} of the {hold.pods} pods that changed first"
        fix = "Look at their events and logs with `kubectl describe` and `kubectl logs`."
        raise Failure(wrong, asked=f"Wait for {ref(self.workload)}", fix=fix, facts={"failures": []})

    def _evict(self, pods: Iterable[Manifest]) -> None:
        """Evict pods. One that is gone or replaced meanwhile stays so."""
        for pod in pods:
            namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
            try:
                self.bundle.cluster.request("POST", _eviction_path(pod), body=eviction_of(pod))
            except ApiError as error:
                if error.status in (NOT_FOUND, CONFLICT):
                    continue
                problem = explain(error, f"Evict pod {namespace}/{name}")
                if not error.of_budget:
                    raise problem from error
                self.waits_for = problem

    def _judge(self, live: Manifest, who: str, begun: Observation | None = None) -> None:
        beside = "the readings from before" if self.before is not None else "the earlier pods"
        text = f"judging {who} beside {beside} for {self.seconds:g} s"
        self.bundle.cluster.progress.now(self.title, text)
        observation = observe(self.reader, self._observed(live), self.seconds, self.checks, begun=begun)
        if self.before is None:
            self.before = observation.rest
        notes = observation.notes(self.seconds)
        for note in notes:
            self.bundle.warn(f"{self.change.name}, {who}: {note}.")
        self._refuse(observation.verdicts, observation.seconds, who)
        self.limits += notes
        self.unjudged &= observation.unjudged(self.seconds)
        self.passed.append(f"{who} for {round(observation.seconds)} s beside {beside}")

    def _refuse(self, verdicts: list[Verdict], seconds: float, who: str) -> None:
        """Raise Failure if there are verdicts."""
        if not verdicts:
            return
        self._present()  # the pods of a deleted workload do worse too
        first, *others = verdicts
        failed_checks = ", ".join(dict.fromkeys(verdict.id for verdict in verdicts))
        told = f"its change failed, {who} does worse than before: {failed_checks}"
        self.bundle.cluster.progress.now(self.title, told)
        failures = [self._failure_of(verdict) for verdict in verdicts]
        lines = [first.fix] if first.fix else []
        lines += [verdict.line for verdict in others]
        lines.append(f"If a check does not fit, leave it out with `change: {{skip_checks: [{first.id}]}}`.")
        wrong = f"{who} does worse than before, seen after {round(seconds)} s: [{first.id}] {first.text}"
        raise Failure(wrong, asked=f"Change {ref(self.workload)}", fix="\n".join(lines), facts={"failures": failures})

    def _failure_of(self, verdict: Verdict) -> dict[str, Any]:
        """Return the row of a task's result."""
        said = {"about": verdict.about, "message": verdict.text, "fix": verdict.fix}
        return {"id": verdict.id, **ref(self.workload)._asdict(), **said}


def _eviction_path(pod: Manifest) -> str:
    return f"{path_of('pods', pod['metadata']['namespace'], pod['metadata']['name'])}/eviction"


def prepared(bundle: Bundle, changes: Iterable[Change], live: Mapping[Ref, Manifest | None]) -> dict[str, Canary]:
    """Return the canaries among changes that make new pods. Raises Problem if one could not be judged."""
    canaries = []
    for change in changes:
        now = live.get(ref(change.workloads[0]))
        if change.is_canary and now:
            canaries.append(Canary(bundle, change, now))
    make_pods = bundle.cluster.parallel(lambda canary: canary.prepare(), canaries)
    return {canary.change.name: canary for canary, makes in zip(canaries, make_pods, strict=True) if makes}


def judged(
    cluster: Cluster,
    canaries: Mapping[str, Canary],
    stages: Callable[[Canary], list[Ended]],
    failed: Callable[[str, Problem], Ended],
    beside: Callable[[], list[Ended]],
) -> list[Ended]:
    """Judge canaries at the same time, and do what is beside them. Return what becomes of those that are not complete.

    A canary that fails goes back at once.
    """

    def outcome(name: str) -> list[Ended]:
        try:
            return stages(canaries[name])
        except Problem as problem:
            return [failed(name, problem)]

    work: list[Callable[[], list[Ended]]] = [beside, *(partial(outcome, name) for name in canaries)]
    lists = cluster.parallel(lambda step: step(), work)
    return [ended for endings in lists for ended in endings]
