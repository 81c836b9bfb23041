# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of running collectors: recorded before the first write, awaited, completed or undone. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from ..._kube.bundle import normalise
from ..._kube.live.api_errors import asking
from ..._kube.live.outage import LostError
from ..._kube.ownership import collector_of
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.change_record import KEPT, PARTLY_BACK, failed_as, record_name, since_of
from ..._rollout.live.deleted_workload import is_gone
from ..._rollout.live.rollout_wait import ONE_RUN, follow
from ..._rollout.readiness import is_ready
from ..canary import hold
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
)
from ..replacement_order import RUNS
from .canary import Canary, judged, prepared
from .rollback import Bundle, Restored, lost, outcomes, outrun, restore, waiting, worked_now, works_as_before

Live = Mapping[Ref, "Manifest | None"]


@dataclass(frozen=True)
class Outcome:
    """What became of a collector that failed, or of another workload, which has no change.

    A collector is `restored`, or keeps its new config; `kept_because` says why, as a sentence.
    """

    failure: Problem
    change: Change | None = None
    restored: Restored | None = None
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
        found = [
            replace(change, before=before_change(change, self.live, self.bundle.manager))
            for change in collectors(manifests, options)
        ]
        for change in found:
            self._announce(change)
        if self.bundle.check:
            self._preview(found, allow)
            return
        self.changes = self._to_make(found)
        allow(self.changes)
        self.canaries = prepared(self.bundle, self.changes, self.live)

    def _to_make(self, found: Iterable[Change]) -> list[Change]:
        """Return the changes that interrupted runs left, and those of collectors that work, each with its record."""
        left = [change for change in found if change.name in self.records]
        new = [change for change in found if change.name not in self.records and change.is_followed and change.before]
        working = filter(None, self.bundle.cluster.parallel(self._working, new))
        recorded_changes = self.bundle.cluster.parallel(self._recorded, [*left, *working])
        return [change for change in recorded_changes if change]

    def _preview(self, found: Iterable[Change], allow: Callable[[list[Change]], None]) -> None:
        """Say what each change would do to the pods. Raises Problem for a canary that could not be judged."""
        changing = [change for change in found if change.before and any(map(self._differs, change.workloads))]
        allow([change for change in changing if change.is_followed])
        prepared(self.bundle, changing, self.live)
        for change in changing:
            has_service = any(item["kind"] == "Service" for item in change.manifests)
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
        what = f"The change of the collector {change.name} failed in an earlier run, and {became}"
        what = what if became else f"A run that changed the collector {change.name} was interrupted, or still runs"
        does = "Without check mode this run completes or undoes it" if self.bundle.check else "This run completes it"
        undo = "" if self.bundle.check or not change.goes_back else ", or undoes it if it does not work"
        self.bundle.warn(f"{what} ({since_of(record)}). {does}{undo}.")

    def _working(self, change: Change) -> Change | None:
        """Return a change with how its workloads work now, or None: only a collector that works can go back."""
        now = [live for one in change.workloads if (live := self.live.get(ref(one)))]
        seen = asking("Read the workloads", lambda: follow(self.bundle.cluster, now))
        works = worked_now(self.bundle, [part for one in seen for part in one.parts])
        goes = works and all(one.pods for one in works.values()) and any(self._differs(one) for one in change.workloads)
        return replace(change, worked=works) if goes else None

    def _differs(self, workload: Manifest) -> bool:
        after, now = self.bundle.tried(workload), self.live.get(ref(workload))
        return after is None or now is None or normalise(after) != normalise(now)

    def _recorded(self, change: Change) -> Change | None:
        """Return a change with its record, if an interrupted run left one; then it goes back to what that one says."""
        found = self.bundle.live(record_name(change.workloads[0]))
        record = checked_record(change, found, self.bundle.manager)
        if record is None:
            return change if change.before else None
        earlier = recorded(record, change)
        now = self._works_since(change, earlier)
        return replace(now, record=record) if now else earlier

    def _works_since(self, change: Change, earlier: Change) -> Change | None:
        """Return a change whose workloads work with another config than that of the record: it goes back to that.

        What a killed canary left may do worse than before, which its judgement alone would show.
        """
        newer = [item for item in change.before if item["kind"] in RUNS and item not in earlier.before]
        if not newer or not is_rolling(earlier):
            return None
        states = [live for one in newer if (live := self.live.get(ref(one)))]
        seen = follow(self.bundle.cluster, states)
        ready = all(item.done(is_ready) for item in seen)
        return self._working(change) if ready else None

    def begin(self, manifests: Iterable[Manifest]) -> None:
        """Record the changes of collectors that these manifests contain."""
        names = {ref(item) for item in manifests}
        for change in self.changes:
            if ref(change.workloads[0]) in names:
                record = record_of(change, self.bundle.run)
                if record is None:
                    text = f"The change of {change.name} is too large to record: a run that is killed cannot be undone."
                    self.bundle.warn(text)
                else:
                    new = change.record is None
                    change.record = self.bundle.record(record, change.record)
                    self._refuse_outrun(change, new=new)
                self.open[change.name] = change

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
    def undoing(self, after: Mapping[Ref, Manifest], later: Iterable[str] = ()) -> Iterator[None]:
        """Let the collectors go back that are half changed when a step fails, and name those that wait for it."""
        try:
            yield
        except Problem as problem:
            going = [one for one in self.open.values() if one.goes_back]
            undone = [
                self._told(one, restore(self.bundle, one, after, self.live), None, awaited=False) for one in going
            ]
            for one in self.open.values():
                with suppress(Problem, LostError):  # what the step said counts; the record stays
                    if not one.goes_back and outrun(self.bundle, one, {**self.live, **after}):
                        self._close(one)
            told = [*filter(None, undone), *(f"Not changed, because it comes after: {name}." for name in later)]
            fix = "\n".join([problem.fix, *told])
            if not told:
                raise
            parts: dict[str, Any] = {"asked": problem.asked, "where": problem.where, "facts": problem.facts}
            raise Failure(problem.wrong, fix=fix, **parts) from problem

    def finish(self, after: dict[Ref, Manifest], others: Iterable[Manifest] = ()) -> set[Ref]:
        """Wait for the changed collectors and for other workloads. Return all of them, or raise Failure.

        A collector goes back as soon as it fails, while the others are still awaited or judged.
        """
        own = {ref(item) for one in self.open.values() for item in one.workloads}
        plain = {str(ref(item)): [item] for item in others if ref(item) not in own}
        awaited = {**{name: one.workloads for name, one in self.open.items()}, **plain}
        canaries = {name: one for name, one in self.canaries.items() if name in self.open}
        rolling = {name: workloads for name, workloads in awaited.items() if name not in canaries}
        failed = judged(
            self.bundle.cluster,
            canaries,
            lambda canary: self._complete(canary, after),
            lambda name, failure: self._failed(name, failure, after),
            lambda: self._rolled(rolling, after),
        )
        if failed:
            raise self._failure(failed)
        return {ref(item) for workloads in awaited.values() for item in workloads}

    def _rolled(self, rolling: Mapping[str, list[Manifest]], after: Mapping[Ref, Manifest]) -> list[Outcome]:
        """Wait for what is not judged, and return what fails."""
        failed: list[Outcome] = []
        waits = {name: waiting(self.bundle, items, after, self.open.get(name)) for name, items in rolling.items()}
        for name, failure in outcomes(self.bundle, waits) if waits else ():
            change = self.open.get(name)
            kept = self._kept(change, failure, after) if failure else None
            if kept:
                failed.append(kept)
            elif failure:
                failed.append(self._failed(name, failure, after))
                continue
            if change:
                self._close(self.open.pop(name))
        return failed

    def _complete(self, canary: Canary, after: dict[Ref, Manifest]) -> list[Outcome]:
        """Take a canary from its first pods to the last. Raises Failure as soon as one does not work or does worse."""
        change, late = canary.change, []
        canary.first(after)
        wait = waiting(self.bundle, change.workloads, after, change)
        for _name, failure in outcomes(self.bundle, {change.name: wait}, canary.meanwhile):
            if failure:
                kept = self._kept(change, failure, after)
                if not kept:
                    raise failure
                late.append(kept)
        canary.whole()
        self._close(self.open.pop(change.name))
        return late

    def _kept(self, change: Change | None, failure: Failure, after: Mapping[Ref, Manifest]) -> Outcome | None:
        """Return why a collector that is not ready keeps its new config, unless it works worse than before."""
        why = works_as_before(self.bundle, change, after) if change and change.goes_back else ""
        return Outcome(failure, change, kept_because=why) if why else None

    def _failed(self, name: str, failure: Problem, after: Mapping[Ref, Manifest]) -> Outcome:
        """Bring a collector back that failed, or say why it keeps its new config."""
        change = self.open.pop(name, None)
        if change is None:
            return Outcome(failure)
        if change.goes_back:
            return Outcome(failure, change, restored=restore(self.bundle, change, after, self.live))
        why = lost(self.bundle, change) or outrun(self.bundle, change, after)
        self._close(change, "" if why else KEPT)
        usual = f"{name} keeps the new config, because `on_failure` is `keep`."
        return Outcome(failure, change, kept_because=why or usual)

    def _failure(self, failed: list[Outcome]) -> Failure:
        """Return one error for all that failed: the first one, with the others and what became of each as its fix."""
        first = failed[0].failure
        others = [str(outcome.failure) for outcome in failed[1:]]
        kept = [outcome.kept_because for outcome in failed if outcome.kept_because]
        failures = [row for outcome in failed for row in outcome.failure.facts.get("failures", [])]
        fix = "\n".join([first.fix, *others, *self._told_restored(failed), *kept])
        return Failure(first.wrong, asked=first.asked, where=first.where, fix=fix, facts={"failures": failures})

    def _told_restored(self, failed: list[Outcome]) -> list[str]:
        """Wait for the collectors that went back, and return what became of each."""
        undone = [(one.change, one.restored) for one in failed if one.change and one.restored]
        waits = {change.name: self._again(change) for change, restored in undone if restored.back}
        works = dict(outcomes(self.bundle, {name: wait for name, wait in waits.items() if wait}))
        return [self._told(change, restored, works.get(change.name)) for change, restored in undone]

    def _again(self, change: Change) -> Any:
        workloads = [item for item in change.before if item["kind"] in RUNS]
        return waiting(self.bundle, workloads, {}) if workloads else None

    def _told(self, change: Change, back: Restored, again: Failure | None, *, awaited: bool = True) -> str:
        """Return what became of a collector that went back, and close its record."""
        if back.unread:
            return f"{change.name} is not brought back, because {back.unread}. The next run does it."
        with suppress(Problem, LostError):  # what failed first counts; the record stays
            self._close(change, PARTLY_BACK if back.kept and not back.is_outrun else "")
        if back.lost:
            return back.lost
        works = f", but does not work yet: {again.wrong}" if again else " and works" if awaited else ""
        lines = [f"The earlier config of {change.name} is back{works}."] if back.back else []
        lines += [f"Not back: {'; '.join(back.kept)}."] if back.kept else []
        return " ".join([*lines, *self._told_config(change)] if lines else [])

    def _told_config(self, change: Change) -> list[str]:
        text = str(change.before)
        configs = [item for item in change.manifests if item["kind"] == "ConfigMap" and item.get("immutable")]
        made = [item for item in configs if item["metadata"]["name"] not in text]
        new = []
        with suppress(Problem, LostError):
            new = [str(ref(item)) for item in made if not is_gone(self.bundle.live(item))]
        return [f"The new config is kept in {', '.join(new)}."] if new else []

    def _close(self, change: Change, state: str = "") -> None:
        """Delete the record of a change, or say in it how the change ended, unless another run has taken it over."""
        now = self.bundle.live(change.record) if change.record else None
        if change.record and now and now.get("data") == change.record.get("data"):
            if state:
                change.record = self.bundle.write(in_state(change.record, state), now)
            else:
                self.bundle.delete(now)
