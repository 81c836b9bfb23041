# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of running collectors: recorded before the first write, awaited, completed or undone. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from ..._kube.live.outage import LostError
from ..._kube.ownership import collector_of
from ..._otelcol.errors import Failure, Problem, at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.change_record import KEPT, PARTLY_BACK
from ..._rollout.live.deleted_workload import is_gone
from ..change_set import Action
from ..collector_change import Change, collectors
from ..recorded_change import recorded, with_rights
from ..workload_kinds import RUNS
from .bundle_run import Bundle
from .canaries import judge_together, prepared_canaries
from .canary import Canary
from .change_finding import ChangeFinder
from .change_records import ChangeRecords, Live
from .rollback import Undone, restore, why_lost, why_outrun
from .working_pods import works_as_before
from .workload_waits import ended_waits, prepared_wait

# So many objects are named of those that are back when the cluster stops answering.
MOST_NAMES = 10


@dataclass(frozen=True)
class Outcome:
    """What became of a collector that failed, or of another workload, which has no change.

    A collector is `undone`, or keeps its new config; `kept_because` says why, as a sentence.
    """

    failure: Problem
    change: Change | None = None
    undone: Undone | None = None
    kept_because: str = ""


class Changes:
    """The collectors of a run whose workloads change, and go back if they do not work.

    A change goes through these states:

    - to make: in `changes`. `find` puts it there, if the collector works now or an interrupted run left its record.
    - open: in `open`, with its record in the cluster. `begin` opens it, before the first write.
    - complete or kept: the new config stays. `wait_until_complete` takes it out of `open`.
    - undone: the earlier config is back. `wait_until_complete` and `undoing` bring it back.
    - closed: its record is gone, or says how the change ended. All that end a change close it, unless another run has
      taken it over, or the wave of the cluster decides later: `decide_kept_records` closes those.
    """

    def __init__(self, bundle: Bundle, live: Live, left_records: Mapping[str, Manifest]) -> None:
        """Take what exists, and the records that interrupted runs left, by the name of the collector."""
        self.bundle, self.live, self.left_records = bundle, live, left_records
        self.records = ChangeRecords(bundle, live)
        self.changes: list[Change] = []
        self.open: dict[str, Change] = {}
        self.canaries: dict[str, Canary] = {}

    def find(
        self,
        manifests: Iterable[Manifest],
        options: Mapping[str, Mapping[str, Any]],
        allow: Callable[[list[Change]], None] = lambda _changes: None,
    ) -> None:
        """Find the collectors that change, before anything is written. Raises Problem if one cannot be recorded.

        `allow` raises Problem if the account may not make these changes.
        """
        finder = ChangeFinder(self.bundle, self.live, self.left_records)
        candidates = finder.candidates(manifests, options)
        for change in candidates:
            finder.announce(change)
        if self.bundle.check:
            finder.preview(candidates, allow)
            return
        self.changes = finder.changes_to_make(candidates)
        allow(self.changes)
        self.canaries = prepared_canaries(self.bundle, self.changes, self.live)

    def manifest(self, manifest: Manifest) -> Manifest:
        """Return what to apply for an object: a workload whose change is judged first is held."""
        canary = self.canaries.get(collector_of(manifest))
        return canary.manifest_to_apply(manifest) if canary else manifest

    def begin(self, manifests: Iterable[Manifest]) -> None:
        """Record and open the changes of collectors that these manifests contain."""
        names = {ref(manifest) for manifest in manifests}
        for change in self.changes:
            if ref(change.workloads[0]) in names:
                self.records.write(change)
                self.open[change.name] = change

    @contextmanager
    def undoing(self, later: Iterable[str] = ()) -> Iterator[None]:
        """Let the collectors go back that are half changed when a step fails, and name those that wait for it."""
        try:
            yield
        except Problem as problem:
            lines = self._undo_open()
            lines += [f"Not changed, because it comes after: {name}." for name in later]
            if not lines:
                raise
            fix = "\n".join([problem.fix, *lines])
            parts: dict[str, Any] = {"asked": problem.asked, "where": problem.where, "facts": problem.facts}
            raise Failure(problem.wrong, fix=fix, **parts) from problem

    def _undo_open(self) -> list[str]:
        """Let the open changes go back that may, and return what became of them. Close those that another run took."""
        lines: list[str] = []
        for change in self.open.values():
            if change.goes_back:
                undone = restore(self.bundle, change, self.live)
                lines.append(self._end_undone(change, undone, whether_it_works=""))
        for change in self.open.values():
            if not change.goes_back:
                with suppress(Problem, LostError):  # what the step said counts; the record stays
                    self.records.close_if_outrun(change)
        return [line for line in lines if line]

    def wait_until_complete(self, others: Iterable[Manifest] = ()) -> None:
        """Wait for the changed collectors and for other workloads, and note them as ready. Raises Failure.

        A collector goes back as soon as it fails, while the others are still awaited or judged.
        """
        awaited = self._awaited(others)
        canaries = {name: canary for name, canary in self.canaries.items() if name in self.open}
        rolling = {name: workloads for name, workloads in awaited.items() if name not in canaries}
        failed = judge_together(
            self.bundle.cluster,
            canaries,
            self._complete_canary,
            self._undo_or_keep,
            lambda: self._complete_rolling(rolling),
        )
        if failed:
            raise self._combined_failure(failed)
        self.bundle.changes.note_ready(ref(workload) for workloads in awaited.values() for workload in workloads)

    def _awaited(self, others: Iterable[Manifest]) -> dict[str, list[Manifest]]:
        """Return the workloads to wait for, by the collector whose change is open or by their own name."""
        awaited = {name: change.workloads for name, change in self.open.items()}
        of_changes = {ref(workload) for workloads in awaited.values() for workload in workloads}
        for workload in others:
            if ref(workload) not in of_changes:
                awaited[str(ref(workload))] = [workload]
        return awaited

    def _complete_rolling(self, rolling: Mapping[str, list[Manifest]]) -> list[Outcome]:
        """Wait for what is not judged, and return what fails."""
        if not rolling:
            return []
        left = self.bundle.changes.left()
        waits = {}
        for name, workloads in rolling.items():
            waits[name] = prepared_wait(self.bundle, workloads, left, self.open.get(name))
        failed: list[Outcome] = []
        for name, failure in ended_waits(self.bundle, waits):
            if failure is None:
                self._close_completed(name, works=True)
                continue
            kept = self._outcome_if_kept(self.open.get(name), failure)
            if kept is None:
                failed.append(self._undo_or_keep(name, failure))
            else:
                failed.append(kept)
                self._close_completed(name, works=False)
        return failed

    def _complete_canary(self, canary: Canary) -> list[Outcome]:
        """Take a canary from its first pods to the last. Raises Failure as soon as one does not work or does worse."""
        change = canary.change
        late_outcomes: list[Outcome] = []
        canary.judge_first_pods()
        wait = prepared_wait(self.bundle, change.workloads, self.bundle.changes.left(), change)
        for _name, failure in ended_waits(self.bundle, {change.name: wait}, canary.judge_ready_pods):
            if failure is None:
                continue
            kept = self._outcome_if_kept(change, failure)
            if kept is None:
                raise failure
            late_outcomes.append(kept)
        canary.judge_all_pods()
        self._close_completed(change.name, works=not late_outcomes)
        return late_outcomes

    def _close_completed(self, name: str, *, works: bool) -> None:
        """Close the change of a collector that has the new config; other workloads have no change."""
        change = self.open.pop(name, None)
        if change:
            self.records.close_completed(change, works=works)

    def _outcome_if_kept(self, change: Change | None, failure: Failure) -> Outcome | None:
        """Return why a collector that is not ready keeps its new config; None if it works worse than before."""
        if change is None or not change.goes_back:
            return None
        why = works_as_before(self.bundle, change)
        return Outcome(failure, change, kept_because=why) if why else None

    def _undo_or_keep(self, name: str, failure: Problem) -> Outcome:
        """Bring a collector back that failed, or say why it keeps its new config."""
        change = self.open.pop(name, None)
        if change is None:
            return Outcome(failure)
        if change.goes_back:
            return Outcome(failure, change, undone=restore(self.bundle, change, self.live))
        why_not_ours = why_lost(self.bundle, change) or why_outrun(self.bundle, change, self.bundle.changes.left())
        if why_not_ours:
            self.records.close(change)
            return Outcome(failure, change, kept_because=why_not_ours)
        self.records.close_as(change, KEPT)
        why = f"{name} keeps the new config, because `on_failure` is `keep`."
        return Outcome(failure, change, kept_because=why)

    def _combined_failure(self, failed: list[Outcome]) -> Failure:
        """Return one error for all that failed: the first one, with the others and what became of each as its fix."""
        first = failed[0].failure
        others = [str(outcome.failure) for outcome in failed[1:]]
        kept = [outcome.kept_because for outcome in failed if outcome.kept_because]
        failures: list[Any] = []
        undone: list[tuple[Change, Undone]] = []
        for outcome in failed:
            failures += outcome.failure.facts.get("failures", [])
            if outcome.change and outcome.undone:
                undone.append((outcome.change, outcome.undone))
        fix = "\n".join([first.fix, *others, *self._await_undone(undone), *kept])
        return Failure(first.wrong, asked=first.asked, where=first.where, fix=fix, facts={"failures": failures})

    def _await_undone(self, undone: Sequence[tuple[Change, Undone]]) -> list[str]:
        """Wait for the collectors that went back, close their changes, and return what became of each."""
        failures = self._failures_of_undone(undone)
        lines: list[str] = []
        for change, how in undone:
            lines.append(self._end_undone(change, how, _whether_it_works(failures.get(change.name))))
        return lines

    def _failures_of_undone(self, undone: Sequence[tuple[Change, Undone]]) -> dict[str, Failure | None]:
        """Wait for the collectors that went back; return why each does not work, or None, by its name."""
        waits = {}
        for change, how in undone:
            workloads = [manifest for manifest in change.before if manifest["kind"] in RUNS]
            if how.back and not how.unread and workloads:
                waits[change.name] = prepared_wait(self.bundle, workloads, {})
        return dict(ended_waits(self.bundle, waits))

    def decide_kept_records(
        self, manifests: Iterable[Manifest], runs: Mapping[str, str], rights: Sequence[Manifest], *, back: bool
    ) -> list[str]:
        """Let the changes go back whose records some runs have kept, or close them; return what became of each.

        `runs` has the run of each collector, and `rights` what their roles were. A record of another run is its own, so
        that collector stays as it is. What fails for one collector keeps no other.
        """
        undone: list[tuple[Change, Undone]] = []
        lines: list[str] = []
        decided_changes = [change for change in collectors(manifests, {}) if change.name in runs]
        for change in decided_changes:
            try:
                record = self.records.kept_by(change, runs[change.name])
                if record is None:
                    lines.append(f"{change.name} stays as it is: another run has changed it since.")
                elif back:
                    earlier = with_rights(recorded(record, change), rights)
                    self.records.write(earlier)
                    undone.append((earlier, self._restored(earlier)))
                else:
                    self.records.close(replace(change, record=record))
            except (Problem, LostError) as error:
                lines.append(f"{change.name} stays as it is: {getattr(error, 'wrong', error)}.")
        return lines + self._await_undone(undone)

    def _restored(self, change: Change) -> Undone:
        """Bring a collector back that an earlier task has changed, and note its objects as restored."""
        undone = restore(self.bundle, change, self.live)
        for manifest in change.before:
            if ref(manifest) in undone.back:
                self.bundle.changes.add(Action.RESTORED, self.live.get(ref(manifest)), manifest)
        return undone

    def _end_undone(self, change: Change, undone: Undone, whether_it_works: str) -> str:
        """Close the change of a collector that went back, and return what became of it."""
        self._close_after_undo(change, undone)
        went_back = bool(undone.back or undone.kept)
        names_configs = went_back and not undone.unread
        return _undo_text(change, undone, whether_it_works, self._kept_configs(change) if names_configs else [])

    def _close_after_undo(self, change: Change, undone: Undone) -> None:
        """Close the record of a collector that went back; the next run needs that of one that could not be read."""
        if undone.unread:
            return
        is_partly_back = bool(undone.kept) and not undone.is_outrun
        with suppress(Problem, LostError):  # what failed first counts; the record stays
            if is_partly_back:
                self.records.close_as(change, PARTLY_BACK)
            else:
                self.records.close(change)

    def _kept_configs(self, change: Change) -> list[str]:
        """Return the objects that keep the new config, for the user to read; none if they are gone or unreadable."""
        names_before = str(change.before)
        new: list[Manifest] = []
        for manifest in change.manifests:
            is_config = manifest["kind"] == "ConfigMap" and manifest.get("immutable")
            if is_config and manifest["metadata"]["name"] not in names_before:
                new.append(manifest)
        kept: list[str] = []
        with suppress(Problem, LostError):
            kept = [str(ref(config)) for config in new if not is_gone(self.bundle.live(config))]
        return kept


def _whether_it_works(failure: Failure | None) -> str:
    """Return whether an earlier config works that the run has waited for, as the end of a sentence."""
    return f", but does not work yet: {failure.wrong}" if failure else " and works"


def _undo_text(change: Change, undone: Undone, whether_it_works: str, kept_configs: Sequence[str]) -> str:
    """Return what became of a collector that went back; the end of a sentence says whether it works."""
    if undone.unread and undone.back:
        names = at_most(MOST_NAMES, undone.back)
        in_part = f"{change.name} is back only in part ({names}), because {undone.unread}."
        not_back = f" Not back: {'; '.join(undone.kept)}." if undone.kept else ""
        return f"{in_part}{not_back} The record of the earlier config is kept, so run again."
    if undone.unread:
        return f"{change.name} is not brought back, because {undone.unread}. The next run does it."
    if undone.lost:
        return undone.lost
    sentences: list[str] = []
    if undone.back:
        sentences.append(f"The earlier config of {change.name} is back{whether_it_works}.")
    if undone.kept:
        sentences.append(f"Not back: {'; '.join(undone.kept)}.")
    if kept_configs:
        sentences.append(f"The new config is kept in {', '.join(kept_configs)}.")
    return " ".join(sentences)
