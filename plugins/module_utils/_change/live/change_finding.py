# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the collectors of a run that change, and what each of them goes back to. Writes nothing. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..._kube.live.api_errors import asking
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.change_record import failed_as, since_of
from ..._rollout.live.followed_workloads import follow
from ..._rollout.readiness import is_ready
from ..bundle_objects import normalise
from ..canary.change_plan import plan_line
from ..collector_change import Change, before_change, collectors
from ..recorded_change import is_rolling, recorded
from ..workload_kinds import RUNS
from .bundle_run import Bundle
from .canaries import prepared_canaries
from .change_records import ChangeRecords, Live
from .working_pods import worked_now


class ChangeFinder:
    """Finds the changes of a run, by its manifests, by what exists, and by the records of interrupted runs."""

    def __init__(self, bundle: Bundle, live: Live, left_records: Mapping[str, Manifest]) -> None:
        """Take what exists, and the records that interrupted runs left, by the name of the collector."""
        self.bundle, self.live, self.left_records = bundle, live, left_records
        self.records = ChangeRecords(bundle, live)

    def candidates(self, manifests: Iterable[Manifest], options: Mapping[str, Mapping[str, Any]]) -> list[Change]:
        """Return all collectors of the manifests, each with the objects that the run would change."""
        candidates: list[Change] = []
        for change in collectors(manifests, options):
            before = before_change(change, self.live, self.bundle.manager)
            candidates.append(replace(change, before=before))
        return candidates

    def announce(self, change: Change) -> None:
        """Warn of a collector whose earlier change an interrupted run left, and of what this run does with it."""
        record = self.left_records.get(change.name)
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

    def preview(self, candidates: Iterable[Change], allow: Callable[[list[Change]], None]) -> None:
        """Say what each change would do to the pods. Raises Problem for a canary that could not be judged."""
        changing = [change for change in candidates if change.before and self._renews(change)]
        allow([change for change in changing if change.is_followed])
        prepared_canaries(self.bundle, changing, self.live)
        for change in changing:
            self._preview_pods(change)

    def _preview_pods(self, change: Change) -> None:
        has_service = any(manifest["kind"] == "Service" for manifest in change.manifests)
        for workload in change.workloads:
            now = self.live.get(ref(workload))
            if now:
                self.bundle.plan(plan_line(workload, now, change.options, has_service))

    def changes_to_make(self, candidates: Iterable[Change]) -> list[Change]:
        """Return the changes that interrupted runs left, and those of collectors that work, each with its record."""
        left: list[Change] = []
        new: list[Change] = []
        for change in candidates:
            if change.name in self.left_records:
                left.append(change)
            elif change.is_followed and change.before:
                new.append(change)
        working = filter(None, self.bundle.cluster.parallel(self._with_work, new))
        with_records = self.bundle.cluster.parallel(self._with_record, [*left, *working])
        return [change for change in with_records if change]

    def _with_work(self, change: Change) -> Change | None:
        """Return a change with how its workloads work now, or None: only a collector that works can go back."""
        live_workloads = self._live_of(change.workloads)
        seen = asking("Read the workloads", lambda: follow(self.bundle.cluster, live_workloads))
        worked = worked_now(self.bundle, [part for followed in seen for part in followed.parts])
        have_pods = bool(worked) and all(workload.pods for workload in worked.values())
        if not have_pods or not self._renews(change):
            return None
        return replace(change, worked=worked)

    def _with_record(self, change: Change) -> Change | None:
        """Return a change with its record, if an interrupted run left one; then it goes back to what that one says."""
        record = self.records.left_for(change)
        if record is None:
            return change if change.before else None
        earlier = recorded(record, change)
        newer = self._works_since(change, earlier)
        return replace(newer, record=record) if newer else earlier

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
        return self._with_work(change) if are_ready else None

    def _renews(self, change: Change) -> bool:
        """Return whether an apply would change a workload of a collector."""
        return any(map(self._differs, change.workloads))

    def _differs(self, workload: Manifest) -> bool:
        after, now = self.bundle.tried(workload), self.live.get(ref(workload))
        return after is None or now is None or normalise(after) != normalise(now)

    def _live_of(self, manifests: Iterable[Manifest]) -> list[Manifest]:
        """Return the live objects of some manifests, those that exist."""
        live = (self.live.get(ref(manifest)) for manifest in manifests)
        return [manifest for manifest in live if manifest]
