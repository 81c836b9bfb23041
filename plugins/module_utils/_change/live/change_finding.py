# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the collectors of a run that change, and what each of them goes back to. Writes nothing. Private.

`changes.py` uses it before the first write. A candidate is any collector of the bundle (all manifests of a run). It
becomes a change to make in one of two cases:

- An interrupted run left its record, which says what it goes back to (recorded_change.py).
- It works now, and an apply would give it new pods. For example, an agent with 3 ready pods whose config is new goes
  back to the manifests that its objects have now.

Any other collector is applied without more ado: what does not work yet has nothing to go back to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..._kube.live.api_errors import ask_server
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.change_record import describe_failed_outcome, read_start_time
from ..._rollout.live.followed_workloads import read_followed_resources
from ..._rollout.readiness import is_ready
from ..canary.change_plan import describe_plan
from ..collector_change import CollectorChange, group_by_collector, list_objects_before_change
from ..object_difference import strip_server_fields
from ..recorded_change import add_recorded_state, is_judged_by_readiness
from ..workload_kinds import POD_RUNNING_KINDS
from .bundle_run import BundleRun
from .canaries import prepare_canaries
from .change_records import ChangeRecords, Live
from .working_pods import read_working_states


class ChangeFinder:
    """Finds the changes of a run, by its manifests, by what exists, and by the records of interrupted runs."""

    def __init__(self, run: BundleRun, live_objects: Live, left_records: Mapping[str, Manifest]) -> None:
        """Take what exists, and the records that interrupted runs left, by the name of the collector."""
        self.run = run
        self.live = live_objects
        self.left_records = left_records
        self.records = ChangeRecords(run, live_objects)

    def list_candidates(
        self, manifests: Iterable[Manifest], options: Mapping[str, Mapping[str, Any]]
    ) -> list[CollectorChange]:
        """Return all collectors of the manifests, each with the objects that the run would change."""
        candidate_changes: list[CollectorChange] = []
        for change in group_by_collector(manifests, options):
            earlier_objects = list_objects_before_change(change, self.live, self.run.field_manager)
            candidate_changes.append(replace(change, before=earlier_objects))
        return candidate_changes

    def warn_of_interrupted_change(self, change: CollectorChange) -> None:
        """Warn of a collector whose earlier change an interrupted run left, and of what this run does with it."""
        record = self.left_records.get(change.name)
        if record is None:
            return
        failure_text = describe_failed_outcome(record)
        if failure_text:
            past_text = f"The change of the collector {change.name} failed in an earlier run, and {failure_text}"
        else:
            past_text = f"A run that changed the collector {change.name} was interrupted, or still runs"
        if self.run.check:
            next_text = "Without check mode this run completes or undoes it"
        elif change.goes_back:
            next_text = "This run completes it, or undoes it if it does not work"
        else:
            next_text = "This run completes it"
        self.run.warn(f"{past_text} ({read_start_time(record)}). {next_text}.")

    def preview_changes(
        self, candidates: Iterable[CollectorChange], check_allowed: Callable[[list[CollectorChange]], None]
    ) -> None:
        """Say what each change would do to the pods. Raises Problem for a canary that could not be judged."""
        renewing_changes = [change for change in candidates if change.before and self._renews_pods(change)]
        check_allowed([change for change in renewing_changes if change.is_followed])
        prepare_canaries(self.run, renewing_changes, self.live)
        for change in renewing_changes:
            self._preview_pods(change)

    def _preview_pods(self, change: CollectorChange) -> None:
        """Add to the plan of check mode how the pods of each workload would be replaced."""
        has_service = any(manifest["kind"] == "Service" for manifest in change.manifests)
        for workload in change.workloads:
            live_workload = self.live.get(ref(workload))
            if live_workload:
                self.run.add_plan_line(describe_plan(workload, live_workload, change.options, has_service=has_service))

    def find_changes_to_make(self, candidates: Iterable[CollectorChange]) -> list[CollectorChange]:
        """Return the changes that interrupted runs left, and those of collectors that work, each with its record."""
        interrupted_changes: list[CollectorChange] = []
        new_changes: list[CollectorChange] = []
        for change in candidates:
            if change.name in self.left_records:
                interrupted_changes.append(change)
            elif change.is_followed and change.before:
                new_changes.append(change)
        working_changes = filter(None, self.run.cluster.call_in_parallel(self._add_working_state, new_changes))
        recorded_changes = self.run.cluster.call_in_parallel(self._add_record, [*interrupted_changes, *working_changes])
        return [change for change in recorded_changes if change]

    def _add_working_state(self, change: CollectorChange) -> CollectorChange | None:
        """Return a change with how its workloads work now, or None: only a collector that works can go back."""
        live_workloads = self._list_live_objects(change.workloads)
        followed_workloads = ask_server(
            "Read the workloads", lambda: read_followed_resources(self.run.cluster, live_workloads)
        )
        working_state = read_working_states(
            self.run, [part for followed_workload in followed_workloads for part in followed_workload.workloads]
        )
        have_pods = bool(working_state) and all(workload.working_pod_count for workload in working_state.values())
        # A change that leaves the workloads as they are needs no record: nothing of them could go back.
        if not have_pods or not self._renews_pods(change):
            return None
        return replace(change, working_states_before=working_state)

    def _add_record(self, change: CollectorChange) -> CollectorChange | None:
        """Return a change with its record, if an interrupted run left one; then it goes back to what that one says."""
        # The record is read anew: another run may have written or ended one since this run listed the stale objects.
        record = self.records.find_left_record(change)
        if record is None:
            return change if change.before else None
        recorded_change = add_recorded_state(record, change)
        newer_change = self._find_change_since_record(change, recorded_change)
        return replace(newer_change, record=record) if newer_change else recorded_change

    def _find_change_since_record(
        self, change: CollectorChange, recorded_change: CollectorChange
    ) -> CollectorChange | None:
        """Return a change that goes back to what runs now, if that works and is another config than in the record.

        None if the record still counts: nothing has changed since, the workloads do not work, or the record is of a
        canary without a judgement. What a killed canary left may do worse than before, which only that would show.
        """
        workloads = [manifest for manifest in change.before if manifest["kind"] in POD_RUNNING_KINDS]
        newer_workloads = [workload for workload in workloads if workload not in recorded_change.before]
        if not newer_workloads or not is_judged_by_readiness(recorded_change):
            return None
        states = read_followed_resources(self.run.cluster, self._list_live_objects(newer_workloads))
        are_ready = all(state.is_done(is_ready) for state in states)
        return self._add_working_state(change) if are_ready else None

    def _renews_pods(self, change: CollectorChange) -> bool:
        """Return whether an apply would change a workload of a collector."""
        return any(map(self._would_differ, change.workloads))

    def _would_differ(self, workload: Manifest) -> bool:
        """Return whether an apply would change a workload, by a dry run of the server."""
        tried_workload, live_workload = self.run.try_apply(workload), self.live.get(ref(workload))
        return (
            tried_workload is None
            or live_workload is None
            or strip_server_fields(tried_workload) != strip_server_fields(live_workload)
        )

    def _list_live_objects(self, manifests: Iterable[Manifest]) -> list[Manifest]:
        """Return the live objects of some manifests, those that exist."""
        live_objects = (self.live.get(ref(manifest)) for manifest in manifests)
        return [manifest for manifest in live_objects if manifest]
