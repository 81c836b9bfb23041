# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of running collectors: recorded before the first write, awaited, completed or undone. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from ..._kube.live.api_errors import asking
from ..._kube.live.outage import LostError
from ..._kube.ownership import collector_of
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.change_record import KEPT, PARTLY_BACK, failed_as, record_reference, since_of
from ..._rollout.live.deleted_workload import is_gone
from ..._rollout.live.rollout_wait import ONE_RUN, follow
from ..._rollout.readiness import is_ready
from ..bundle_objects import normalise
from ..canary import hold
from ..change_set import Action
from ..managed_fields import extracted
from ..recorded_change import (
    Change,
    before_change,
    checked_record,
    collectors,
    in_state,
    is_rolling,
    record_of,
    recorded,
    rights_before,
    with_rights,
)
from ..replacement_order import RUNS
from .canary import Canary, judged, prepared
from .rollback import Bundle, Undone, lost, outcomes, outrun, restore, waiting, worked_now, works_as_before

Live = Mapping[Ref, "Manifest | None"]


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
    """The collectors of a run whose workloads change, and go back if they do not work."""

    def __init__(self, bundle: Bundle, live: Live, records: Mapping[str, Manifest]) -> None:
        """Take what exists, and the records that interrupted runs left, by the name of the collector."""
        self.bundle, self.live, self.records = bundle, live, records
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
        candidates = []
        for change in collectors(manifests, options):
            before = before_change(change, self.live, self.bundle.manager)
            candidates.append(replace(change, before=before))
        for change in candidates:
            self._announce(change)
        if self.bundle.check:
            self._preview(candidates, allow)
            return
        self.changes = self._to_make(candidates)
        allow(self.changes)
        self.canaries = prepared(self.bundle, self.changes, self.live)

    def _to_make(self, candidates: Iterable[Change]) -> list[Change]:
        """Return the changes that interrupted runs left, and those of collectors that work, each with its record."""
        left: list[Change] = []
        new: list[Change] = []
        for change in candidates:
            if change.name in self.records:
                left.append(change)
            elif change.is_followed and change.before:
                new.append(change)
        working = filter(None, self.bundle.cluster.parallel(self._working, new))
        recorded_changes = self.bundle.cluster.parallel(self._recorded, [*left, *working])
        return [change for change in recorded_changes if change]

    def _preview(self, candidates: Iterable[Change], allow: Callable[[list[Change]], None]) -> None:
        """Say what each change would do to the pods. Raises Problem for a canary that could not be judged."""
        changing = [change for change in candidates if change.before and self._renews(change)]
        allow([change for change in changing if change.is_followed])
        prepared(self.bundle, changing, self.live)
        for change in changing:
            self._preview_pods(change)

    def _preview_pods(self, change: Change) -> None:
        has_service = any(manifest["kind"] == "Service" for manifest in change.manifests)
        for workload in change.workloads:
            now = self.live.get(ref(workload))
            if now:
                self.bundle.plan(hold.plan(workload, now, change.options, has_service))

    def manifest(self, manifest: Manifest) -> Manifest:
        """Return what to apply for an object: a workload whose change is judged first is held."""
        canary = self.canaries.get(collector_of(manifest))
        return canary.manifest(manifest) if canary else manifest

    def _announce(self, change: Change) -> None:
        record = self.records.get(change.name)
        if record is None:
            return
        became = failed_as(record)
        if became:
            what = f"The change of the collector {change.name} failed in an earlier run, and {became}"
        else:
            what = f"A run that changed the collector {change.name} was interrupted, or still runs"
        if self.bundle.check:
            does = "Without check mode this run completes or undoes it"
        elif change.goes_back:
            does = "This run completes it, or undoes it if it does not work"
        else:
            does = "This run completes it"
        self.bundle.warn(f"{what} ({since_of(record)}). {does}.")

    def _working(self, change: Change) -> Change | None:
        """Return a change with how its workloads work now, or None: only a collector that works can go back."""
        live_workloads = self._live_of(change.workloads)
        seen = asking("Read the workloads", lambda: follow(self.bundle.cluster, live_workloads))
        worked = worked_now(self.bundle, [part for followed in seen for part in followed.parts])
        have_pods = bool(worked) and all(workload.pods for workload in worked.values())
        if not have_pods or not self._renews(change):
            return None
        return replace(change, worked=worked)

    def _renews(self, change: Change) -> bool:
        """Return whether an apply would change a workload of a collector."""
        return any(map(self._differs, change.workloads))

    def _live_of(self, manifests: Iterable[Manifest]) -> list[Manifest]:
        """Return the live objects of some manifests, those that exist."""
        live = (self.live.get(ref(manifest)) for manifest in manifests)
        return [manifest for manifest in live if manifest]

    def _differs(self, workload: Manifest) -> bool:
        after, now = self.bundle.tried(workload), self.live.get(ref(workload))
        return after is None or now is None or normalise(after) != normalise(now)

    def _recorded(self, change: Change) -> Change | None:
        """Return a change with its record, if an interrupted run left one; then it goes back to what that one says."""
        record = self._record_in_cluster(change)
        if record is None:
            return change if change.before else None
        earlier = recorded(record, change)
        now = self._works_since(change, earlier)
        return replace(now, record=record) if now else earlier

    def _works_since(self, change: Change, earlier: Change) -> Change | None:
        """Return a change whose workloads work with another config than that of the record: it goes back to that.

        What a killed canary left may do worse than before, which its judgement alone would show.
        """
        workloads = [manifest for manifest in change.before if manifest["kind"] in RUNS]
        newer = [workload for workload in workloads if workload not in earlier.before]
        if not newer or not is_rolling(earlier):
            return None
        states = follow(self.bundle.cluster, self._live_of(newer))
        are_ready = all(state.done(is_ready) for state in states)
        return self._working(change) if are_ready else None

    def begin(self, manifests: Iterable[Manifest]) -> None:
        """Record the changes of collectors that these manifests contain."""
        names = {ref(manifest) for manifest in manifests}
        for change in self.changes:
            if ref(change.workloads[0]) in names:
                self._record(change)
                self.open[change.name] = change

    def _record(self, change: Change) -> None:
        """Write the record of a change, or warn that it is too large for one."""
        record = record_of(change, self.bundle.run)
        if record is None:
            text = f"The change of {change.name} is too large to record: a run that is killed cannot be undone."
            self.bundle.warn(text)
            return
        is_new = change.record is None
        change.record = self.bundle.record(record, change.record)
        self._refuse_outrun(change, new=is_new)

    def _refuse_outrun(self, change: Change, *, new: bool) -> None:
        """Stop before the first write if another run has changed a workload before this run has recorded it."""
        for workload in change.workloads:
            now, read = self.bundle.live(workload), self.live.get(ref(workload))
            if now and read and extracted(now, self.bundle.manager) != extracted(read, self.bundle.manager):
                if new:
                    self._close(change)
                wrong = "another run has changed it since this run has read it"
                raise Problem(wrong, asked=f"Change {ref(workload)}", fix=ONE_RUN)

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
        lines = []
        for change in self.open.values():
            if change.goes_back:
                undone = restore(self.bundle, change, self.live)
                lines.append(self._told(change, undone, None, awaited=False))
        for change in self.open.values():
            if not change.goes_back:
                with suppress(Problem, LostError):  # what the step said counts; the record stays
                    self._close_if_taken(change)
        return [line for line in lines if line]

    def _close_if_taken(self, change: Change) -> None:
        """Close the record of a change if another run has changed the collector since."""
        as_left = {**self.live, **self.bundle.changes.left()}
        if outrun(self.bundle, change, as_left):
            self._close(change)

    def finish(self, others: Iterable[Manifest] = ()) -> None:
        """Wait for the changed collectors and for other workloads, and note them as ready. Raises Failure.

        A collector goes back as soon as it fails, while the others are still awaited or judged.
        """
        awaited = self._awaited(others)
        canaries = {name: canary for name, canary in self.canaries.items() if name in self.open}
        rolling = {name: workloads for name, workloads in awaited.items() if name not in canaries}
        failed = judged(
            self.bundle.cluster,
            canaries,
            self._complete,
            self._failed,
            lambda: self._rolled(rolling),
        )
        if failed:
            raise self._failure(failed)
        self.bundle.changes.note_ready(ref(workload) for workloads in awaited.values() for workload in workloads)

    def _awaited(self, others: Iterable[Manifest]) -> dict[str, list[Manifest]]:
        """Return the workloads to wait for, by the collector whose change is open or by their own name."""
        awaited = {name: change.workloads for name, change in self.open.items()}
        of_changes = {ref(workload) for workloads in awaited.values() for workload in workloads}
        for workload in others:
            if ref(workload) not in of_changes:
                awaited[str(ref(workload))] = [workload]
        return awaited

    def _rolled(self, rolling: Mapping[str, list[Manifest]]) -> list[Outcome]:
        """Wait for what is not judged, and return what fails."""
        if not rolling:
            return []
        left = self.bundle.changes.left()
        waits = {}
        for name, workloads in rolling.items():
            waits[name] = waiting(self.bundle, workloads, left, self.open.get(name))
        failed: list[Outcome] = []
        for name, failure in outcomes(self.bundle, waits):
            change = self.open.get(name)
            kept = self._kept(change, failure) if failure else None
            if kept:
                failed.append(kept)
            elif failure:
                failed.append(self._failed(name, failure))
                continue
            if change:
                self._end(self.open.pop(name), works=not kept)
        return failed

    def _complete(self, canary: Canary) -> list[Outcome]:
        """Take a canary from its first pods to the last. Raises Failure as soon as one does not work or does worse."""
        change = canary.change
        late_outcomes: list[Outcome] = []
        canary.first()
        wait = waiting(self.bundle, change.workloads, self.bundle.changes.left(), change)
        for _name, failure in outcomes(self.bundle, {change.name: wait}, canary.meanwhile):
            if failure:
                kept = self._kept(change, failure)
                if not kept:
                    raise failure
                late_outcomes.append(kept)
        canary.whole()
        self._end(self.open.pop(change.name), works=not late_outcomes)
        return late_outcomes

    def _kept(self, change: Change | None, failure: Failure) -> Outcome | None:
        """Return why a collector that is not ready keeps its new config, unless it works worse than before."""
        if change is None or not change.goes_back:
            return None
        why = works_as_before(self.bundle, change)
        return Outcome(failure, change, kept_because=why) if why else None

    def _failed(self, name: str, failure: Problem) -> Outcome:
        """Bring a collector back that failed, or say why it keeps its new config."""
        change = self.open.pop(name, None)
        if change is None:
            return Outcome(failure)
        if change.goes_back:
            return Outcome(failure, change, undone=restore(self.bundle, change, self.live))
        why = lost(self.bundle, change) or outrun(self.bundle, change, self.bundle.changes.left())
        if why:
            self._close(change)
        else:
            self._close(change, KEPT)
            why = f"{name} keeps the new config, because `on_failure` is `keep`."
        return Outcome(failure, change, kept_because=why)

    def _failure(self, failed: list[Outcome]) -> Failure:
        """Return one error for all that failed: the first one, with the others and what became of each as its fix."""
        first = failed[0].failure
        others = [str(outcome.failure) for outcome in failed[1:]]
        kept = [outcome.kept_because for outcome in failed if outcome.kept_because]
        failures = [row for outcome in failed for row in outcome.failure.facts.get("failures", [])]
        fix = "\n".join([first.fix, *others, *self._told_undone(failed), *kept])
        return Failure(first.wrong, asked=first.asked, where=first.where, fix=fix, facts={"failures": failures})

    def _told_undone(self, failed: list[Outcome]) -> list[str]:
        """Return what became of each collector that went back, when it works again or cannot."""
        undone = []
        for outcome in failed:
            if outcome.change and outcome.undone:
                undone.append((outcome.change, outcome.undone))
        return self._awaited_undone(undone)

    def _awaited_undone(self, undone: Sequence[tuple[Change, Undone]]) -> list[str]:
        """Wait for the collectors that went back, close their records, and return what became of each."""
        waits = {}
        for change, back in undone:
            workloads = [manifest for manifest in change.before if manifest["kind"] in RUNS]
            if back.back and workloads:
                waits[change.name] = waiting(self.bundle, workloads, {})
        failures = dict(outcomes(self.bundle, waits))
        return [self._told(change, back, failures.get(change.name)) for change, back in undone]

    def decided(
        self, manifests: Iterable[Manifest], runs: Mapping[str, str], rights: Sequence[Manifest], *, back: bool
    ) -> list[str]:
        """Let the changes go back whose records some runs have kept, or end them; return what became of each.

        `runs` has the run of each collector, and `rights` what their roles were. A record of another run is its own, so
        that collector stays as it is. What fails for one collector keeps no other.
        """
        undone: list[tuple[Change, Undone]] = []
        lines: list[str] = []
        decided_changes = [change for change in collectors(manifests, {}) if change.name in runs]
        for change in decided_changes:
            try:
                record = self._kept_by(change, runs[change.name])
                if record is None:
                    lines.append(f"{change.name} stays as it is: another run has changed it since.")
                elif back:
                    earlier = with_rights(recorded(record, change), rights)
                    self._record(earlier)
                    undone.append((earlier, self._restored(earlier)))
                else:
                    self._close(replace(change, record=record))
            except (Problem, LostError) as error:
                lines.append(f"{change.name} stays as it is: {getattr(error, 'wrong', error)}.")
        return lines + self._awaited_undone(undone)

    def _record_in_cluster(self, change: Change) -> Manifest | None:
        """Return the record of a change that a run has left. Raises Problem for an object of others of its name."""
        live = self.bundle.live(record_reference(change.workloads[0]))
        return checked_record(change, live, self.bundle.manager)

    def _kept_by(self, change: Change, run: str) -> Manifest | None:
        """Return the record of a change if this very run has kept it."""
        record = self._record_in_cluster(change)
        is_of_run = record is not None and section(record, "data").get("run") == run
        return record if is_of_run else None

    def _restored(self, change: Change) -> Undone:
        """Bring a collector back that an earlier task has changed, and note its objects as restored."""
        undone = restore(self.bundle, change, self.live)
        for manifest in change.before:
            if ref(manifest) in undone.back:
                self.bundle.changes.add(Action.RESTORED, self.live.get(ref(manifest)), manifest)
        return undone

    def _told(self, change: Change, undone: Undone, again: Failure | None, *, awaited: bool = True) -> str:
        """Return what became of a collector that went back, and close its record."""
        if undone.unread:
            return f"{change.name} is not brought back, because {undone.unread}. The next run does it."
        is_partly_back = bool(undone.kept) and not undone.is_outrun
        with suppress(Problem, LostError):  # what failed first counts; the record stays
            self._close(change, PARTLY_BACK if is_partly_back else "")
        if undone.lost:
            return undone.lost
        lines = []
        if undone.back:
            lines.append(f"The earlier config of {change.name} is back{_told_works(again, awaited=awaited)}.")
        if undone.kept:
            lines.append(f"Not back: {'; '.join(undone.kept)}.")
        if lines:
            lines += self._told_config(change)
        return " ".join(lines)

    def _told_config(self, change: Change) -> list[str]:
        """Return where the new config is kept, for the user to read; none if it is gone or cannot be read."""
        names_before = str(change.before)
        new = []
        for manifest in change.manifests:
            is_config = manifest["kind"] == "ConfigMap" and manifest.get("immutable")
            if is_config and manifest["metadata"]["name"] not in names_before:
                new.append(manifest)
        kept: list[str] = []
        with suppress(Problem, LostError):
            kept = [str(ref(config)) for config in new if not is_gone(self.bundle.live(config))]
        return [f"The new config is kept in {', '.join(kept)}."] if kept else []

    def _end(self, change: Change, *, works: bool) -> None:
        """End a change that is complete. Where its wave decides whether one that works stays, so does its record."""
        if works and self.bundle.keeps_records and change.record and change.goes_back:
            self.bundle.kept_records[change.name] = self.bundle.run
            self.bundle.kept_rights.extend(rights_before(change))
        else:
            self._close(change)

    def _close(self, change: Change, state: str = "") -> None:
        """Delete the record of a change, or say in it how the change ended, unless another run has taken it over."""
        if change.record is None:
            return
        now = self.bundle.live(change.record)
        if not now or now.get("data") != change.record.get("data"):
            return
        if state:
            change.record = self.bundle.write(in_state(change.record, state), now)
        else:
            self.bundle.delete(now)


def _told_works(again: Failure | None, *, awaited: bool) -> str:
    """Return whether the earlier config works, as the end of a sentence; nothing if the run has not waited for it."""
    if again:
        return f", but does not work yet: {again.wrong}"
    return " and works" if awaited else ""
