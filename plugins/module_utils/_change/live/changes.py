# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of running collectors: recorded before the first write, awaited, completed or undone. Private.

`apply.py` makes one `Changes` for a run. It calls `find_changes`, and then for each step (the objects that are applied
together, dependency_order.py):

    with running_changes.undo_on_failure(step.later_collectors):
        running_changes.begin_changes(step.manifests)          # writes the records
        …apply the objects of the step…
        running_changes.wait_until_complete(…)                 # waits for their pods, and judges canaries

For example, a new config makes the pods of `obs/gateway` fail. Then its earlier config is applied again, and the task
fails with the reason and `The earlier config of obs/gateway is back and works.`

The words of this file:

- A record is a ConfigMap beside the collector, with its objects as they were before the change. If a run is killed, it
  is how the next run knows what to go back to.
- A canary is a collector whose first new pods are judged by their metrics before the others follow (canary.py).
- A change goes back, or is kept, if it fails: by option `on_failure` of the collector.

A change that works may still go back later, if the wave of its cluster fails: kept_changes.py decides that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..._kube.live.outage import LostError
from ..._kube.ownership import read_collector_name
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.change_record import KEPT_NEW
from ..collector_change import CollectorChange
from .bundle_run import BundleRun
from .canaries import judge_canaries_together, prepare_canaries
from .canary import Canary
from .change_finding import ChangeFinder
from .change_records import ChangeRecords, Live
from .rollback import explain_lost, explain_outrun
from .undoing import Undoing, UndoneChange
from .working_pods import explain_works_as_before
from .workload_waits import iterate_ended_waits, prepare_wait


@dataclass(frozen=True)
class FailedWorkload:
    """What became of a collector, or of another workload, that did not become ready or was judged as worse.

    Either `undo_result` or `kept_reason` is set for a collector, none of them for another workload.
    """

    failure: Problem
    change: CollectorChange | None = None
    """The change of the collector; None for another workload."""
    undo_result: UndoneChange | None = None
    """What went back; None if the collector keeps its new config."""
    kept_reason: str = ""
    """Why the collector keeps its new config, as a sentence."""


class Changes:
    """The collectors of a run whose workloads change, and go back if they do not work.

    A change goes through these states:

    | state | meaning | by |
    |---|---|---|
    | to make | it is in `changes`: the collector works now, or an interrupted run left its record | `find_changes` |
    | open | it is in `open_change_by_name`, and its record is in the cluster | `begin_changes` |
    | complete, kept | the new config stays | `wait_until_complete` |
    | undone | the earlier config is back | `wait_until_complete`, `undo_on_failure` |
    | closed | its record is gone, or says how the change ended | whatever ends the change |

    A change that another run has taken over is not closed here. One that a wave of the cluster decides about later is
    closed by `kept_changes.py`.
    """

    def __init__(self, run: BundleRun, live_objects: Live, left_records: Mapping[str, Manifest]) -> None:
        """Take what exists, and the records that interrupted runs left, by the collector as NAMESPACE/NAME."""
        self.run = run
        self.live = live_objects
        self.left_records = left_records
        self.records = ChangeRecords(run, live_objects)
        self.undoing = Undoing(run, self.records, live_objects)
        # By the collector as NAMESPACE/NAME, what `find_changes` and `begin_changes` add.
        self.changes: list[CollectorChange] = []
        self.canaries: dict[str, Canary] = {}
        self.open_change_by_name: dict[str, CollectorChange] = {}

    def find_changes(
        self,
        manifests: Iterable[Manifest],
        options: Mapping[str, Mapping[str, Any]],
        allow: Callable[[list[CollectorChange]], None] = lambda _changes: None,
    ) -> None:
        """Find the collectors that change, before anything is written. In check mode, only describe the changes.

        Raises Problem if a change cannot be recorded or judged. `allow` raises Problem if the account may not make the
        changes. `options` has the `ChangeOptions` of each collector by its `namespace/name`.
        """
        finder = ChangeFinder(self.run, self.live, self.left_records)
        candidates = finder.list_candidates(manifests, options)
        for change in candidates:
            finder.warn_of_interrupted_change(change)
        if self.run.check:
            finder.preview_changes(candidates, allow)
            return
        self.changes = finder.find_changes_to_make(candidates)
        allow(self.changes)
        self.canaries = prepare_canaries(self.run, self.changes, self.live)

    def manifest_to_apply(self, manifest: Manifest) -> Manifest:
        """Return what to apply for an object. The workload of a canary has a form in which most pods wait."""
        canary = self.canaries.get(read_collector_name(manifest))
        return canary.choose_manifest_to_apply(manifest) if canary else manifest

    def begin_changes(self, manifests: Iterable[Manifest]) -> None:
        """Record and open the changes of collectors that these manifests contain."""
        changed_refs = {ref(manifest) for manifest in manifests}
        for change in self.changes:
            if ref(change.workloads[0]) in changed_refs:
                self.records.write_record(change)
                self.open_change_by_name[change.name] = change

    @contextmanager
    def undo_on_failure(self, later: Iterable[str] = ()) -> Iterator[None]:
        """If a step within fails, bring the collectors back that are half changed.

        The failure also names the collectors of `later`, which this run does not change any more.
        """
        try:
            yield
        except Problem as problem:
            outcome_lines = self._undo_open_changes()
            outcome_lines += [f"Not changed, because it comes after: {name}." for name in later]
            if not outcome_lines:
                raise
            fix = "\n".join([problem.fix, *outcome_lines])
            raise Failure(
                problem.wrong, asked=problem.asked, where=problem.where, fix=fix, facts=problem.facts
            ) from problem

    def _undo_open_changes(self) -> list[str]:
        """Bring the open changes back that go back on a failure, and return what became of each.

        Close the records of the others if another run has changed the collector since.
        """
        outcome_lines: list[str] = []
        for change in self.open_change_by_name.values():
            if change.goes_back:
                outcome_lines.append(self.undoing.end(self.undoing.restore(change)))
        # The record of any other change stays for the next run, which completes it; unless another run has done that.
        for change in self.open_change_by_name.values():
            if not change.goes_back:
                with suppress(Problem, LostError):  # what the step said counts; the record stays
                    self.records.close_record_if_outrun(change)
        return [line for line in outcome_lines if line]

    def wait_until_complete(self, other_workloads: Iterable[Manifest] = ()) -> None:
        """Wait for the changed collectors and for other workloads, and note them as ready. Raises Failure.

        A collector goes back as soon as it fails, while the others are still awaited or judged.
        """
        awaited_workloads = self._list_awaited_workloads(other_workloads)
        open_canaries = {name: canary for name, canary in self.canaries.items() if name in self.open_change_by_name}
        # The others are not judged: the run only waits until their pods are ready.
        rolling_workloads = {
            name: workloads for name, workloads in awaited_workloads.items() if name not in open_canaries
        }
        failed_outcomes = judge_canaries_together(
            self.run.cluster,
            open_canaries,
            complete=self._complete_canary,
            fail=self._undo_or_keep,
            beside=lambda: self._complete_rolling(rolling_workloads),
        )
        if failed_outcomes:
            raise self._combine_failures(failed_outcomes)
        self.run.changes.note_ready(ref(workload) for workloads in awaited_workloads.values() for workload in workloads)

    def _list_awaited_workloads(self, other_workloads: Iterable[Manifest]) -> dict[str, list[Manifest]]:
        """Return the workloads to wait for, by the collector whose change is open or by their own name.

        Such as `{"obs/gateway": [Deployment obs/gateway], "Deployment obs/jaeger": [Deployment obs/jaeger]}`.
        """
        awaited_workloads = {name: change.workloads for name, change in self.open_change_by_name.items()}
        changed_refs = {ref(workload) for workloads in awaited_workloads.values() for workload in workloads}
        for workload in other_workloads:
            if ref(workload) not in changed_refs:
                awaited_workloads[str(ref(workload))] = [workload]
        return awaited_workloads

    def _complete_rolling(self, rolling_workloads: Mapping[str, list[Manifest]]) -> list[FailedWorkload]:
        """Wait for the workloads that are no canaries, and return what became of those that fail.

        A collector that is not ready, but works as before, keeps its new config, and counts as failed nevertheless.
        """
        if not rolling_workloads:
            return []
        left_objects = self.run.changes.find_left_objects()
        waits = {}
        for name, workloads in rolling_workloads.items():
            waits[name] = prepare_wait(self.run, workloads, left_objects, self.open_change_by_name.get(name))
        failed_outcomes: list[FailedWorkload] = []
        for name, failure in iterate_ended_waits(self.run, waits):
            if failure is None:
                self._close_completed_change(name, works=True)
                continue
            kept_outcome = self._outcome_if_kept(self.open_change_by_name.get(name), failure)
            if kept_outcome is None:
                failed_outcomes.append(self._undo_or_keep(name, failure))
            else:
                failed_outcomes.append(kept_outcome)
                self._close_completed_change(name, works=False)
        return failed_outcomes

    def _complete_canary(self, canary: Canary) -> list[FailedWorkload]:
        """Take a canary from its first pods to the last. Raises Failure as soon as one does not work or does worse.

        Return what became of it if it is not ready, but works as before; nothing if it is ready.
        """
        change = canary.change
        late_outcomes: list[FailedWorkload] = []
        canary.judge_first_pods()
        wait = prepare_wait(self.run, change.workloads, self.run.changes.find_left_objects(), change)
        for _name, failure in iterate_ended_waits(self.run, {change.name: wait}, canary.judge_ready_pods):
            if failure is None:
                continue
            kept_outcome = self._outcome_if_kept(change, failure)
            if kept_outcome is None:
                raise failure
            late_outcomes.append(kept_outcome)
        canary.judge_all_pods()
        self._close_completed_change(change.name, works=not late_outcomes)
        return late_outcomes

    def _close_completed_change(self, name: str, *, works: bool) -> None:
        """Close the change of a collector that has the new config; other workloads have no change.

        `works` is whether its pods are ready. Only then, the record may stay until the wave of the cluster has passed.
        """
        change = self.open_change_by_name.pop(name, None)
        if change:
            self.records.close_completed(change, works=works)

    def _outcome_if_kept(self, change: CollectorChange | None, failure: Failure) -> FailedWorkload | None:
        """Return why a collector that is not ready keeps its new config; None if it may work worse than before.

        For example, it lacked a ready pod before the change too, since a node is down.
        """
        if change is None or not change.goes_back:
            return None
        try:
            kept_because = explain_works_as_before(self.run, change)
        except Problem:  # nobody can tell, and why the collector failed counts more
            return None
        return FailedWorkload(failure, change, kept_reason=kept_because) if kept_because else None

    def _undo_or_keep(self, name: str, failure: Problem) -> FailedWorkload:
        """Bring a collector back that failed, or say why it keeps its new config."""
        change = self.open_change_by_name.pop(name, None)
        if change is None:
            return FailedWorkload(failure)
        if change.goes_back:
            return FailedWorkload(failure, change, undo_result=self.undoing.restore(change))
        return FailedWorkload(failure, change, kept_reason=self._end_kept_change(change))

    def _end_kept_change(self, change: CollectorChange) -> str:
        """End the change of a collector that failed and keeps its new config. Return what became of it."""
        kept_text = f"{change.name} keeps the new config, because `on_failure` is `keep`."
        try:
            # Even a record that keeps the new config must not be left beside what another run has made of the
            # collector.
            why_not_ours = explain_lost(self.run, change) or explain_outrun(
                self.run, change, self.run.changes.find_left_objects()
            )
            if why_not_ours:
                self.records.close_record(change)
                return why_not_ours
            self.records.close_record_as(change, KEPT_NEW)
        except Problem as problem:  # why the collector failed counts more
            return f"{kept_text} Its record does not say so, because {problem.wrong}."
        return kept_text

    def _combine_failures(self, failed_outcomes: list[FailedWorkload]) -> Failure:
        """Wait for what went back, and return one error for all that failed.

        All collectors went back before this waits for the first: the earlier pods of each start as soon as possible.
        It is the first failure. Its fix has the other failures and what became of each, one in a line.
        """
        first_failure = failed_outcomes[0].failure
        other_failures = [str(outcome.failure) for outcome in failed_outcomes[1:]]
        kept_reasons = [outcome.kept_reason for outcome in failed_outcomes if outcome.kept_reason]
        failures: list[Any] = []
        undone_changes: list[UndoneChange] = []
        for outcome in failed_outcomes:
            failures += outcome.failure.facts.get("failures", [])
            if outcome.undo_result:
                undone_changes.append(outcome.undo_result)
        undone_lines = self.undoing.await_and_end(undone_changes)
        fix = "\n".join([first_failure.fix, *other_failures, *undone_lines, *kept_reasons])
        return Failure(
            first_failure.wrong,
            asked=first_failure.asked,
            where=first_failure.where,
            fix=fix,
            facts={"failures": failures},
        )
