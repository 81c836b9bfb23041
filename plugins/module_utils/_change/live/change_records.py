# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of changes in a cluster: written before the first write of a change, closed at its end. Private.

A record is a ConfigMap beside the collector, such as `gateway-change`, with what the collector goes back to
(recorded_change.py). If this run is killed, the next one finds it. To close a record is to delete it, or to write into
it how the change ended. It is kept if the wave of the cluster decides later whether the change stays (docs/waves.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ..._kube.live.outage import LostError
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.change_record import build_record_reference
from ..._rollout.live.rollout_wait import FIX_OF_PARALLEL_RUNS
from ..collector_change import CollectorChange
from ..managed_fields import extract_applied
from ..recorded_change import (
    build_record,
    check_record,
    is_judged_by_readiness,
    list_rights_before,
    mark_as_judged,
    set_record_state,
)
from .bundle_run import BundleRun
from .rollback import explain_outrun

# The objects as the run found them, by name; None for one that was not there.
Live = Mapping[ObjectRef, "Manifest | None"]


class ChangeRecords:
    """Writes, reads and closes the records of changes. It leaves those that another run has taken over."""

    def __init__(self, run: BundleRun, live_objects: Live) -> None:
        """Take the run, and the objects as it found them."""
        self.run = run
        self.live = live_objects

    def find_left_record(self, change: CollectorChange) -> Manifest | None:
        """Return the record of a change that a run has left. Raises Problem for an object of others of its name."""
        live = self.run.read_live(build_record_reference(change.workloads[0]))
        return check_record(change, live, self.run.field_manager)

    def find_kept_record(self, change: CollectorChange, run_name: str) -> Manifest | None:
        """Return the record of a change that a run has kept; None without one, or if another run has it now."""
        record = self.find_left_record(change)
        is_of_run = record is not None and mapping_at(record, "data").get("run") == run_name
        return record if is_of_run else None

    def write_record(self, change: CollectorChange) -> None:
        """Write the record of a change, or warn that it is too large for one.

        Raises Problem if another run has changed a workload before the record was there, or if nobody can tell.
        """
        record = build_record(change, self.run.name)
        if record is None:
            text = f"The change of {change.name} is too large to record: a run that is killed cannot be undone."
            self.run.warn(text)
            return
        is_new = change.record is None
        # If two runs write the record at once, the server takes it from one of them, and the other one ends here. A run
        # that has ended before may have changed the workload since this run read it, so the workload is read again.
        change.record = self.run.write_record(record, change.record)
        try:
            self._check_no_foreign_change(change)
        except Problem:
            # A record that an interrupted run has left stays, since its change is still to be ended.
            if is_new:
                self._close_unused_record(change)
            raise

    def _check_no_foreign_change(self, change: CollectorChange) -> None:
        """Raise Problem if another run has changed a workload since this run has read it, or if nobody can tell."""
        changed_workload = self._find_foreign_change(change)
        if changed_workload:
            wrong = "another run has changed it since this run has read it"
            raise Problem(wrong, asked=f"Change {changed_workload}", fix=FIX_OF_PARALLEL_RUNS)

    def _close_unused_record(self, change: CollectorChange) -> None:
        """Delete the record of a change that does not begin. Otherwise, the next run would take it as interrupted."""
        with suppress(Problem, LostError):  # why the change does not begin counts more
            self.close_record(change)

    def _find_foreign_change(self, change: CollectorChange) -> ObjectRef | None:
        """Return the first workload of a change that is no longer as this run has read it; None if all are."""
        for workload in change.workloads:
            live_workload = self.run.read_live(workload)
            read_workload = self.live.get(ref(workload))
            if live_workload and read_workload and not self._has_same_apply(live_workload, read_workload):
                return ref(workload)
        return None

    def _has_same_apply(self, live_object: Manifest, read_object: Manifest) -> bool:
        """Return whether nobody has applied an object anew with the field manager of this run since it was read."""
        field_manager = self.run.field_manager
        return extract_applied(live_object, field_manager) == extract_applied(read_object, field_manager)

    def close_record(self, change: CollectorChange) -> None:
        """Delete the record of a change."""
        own_record = self._read_own_record(change)
        if own_record:
            self.run.delete(own_record)

    def close_record_as(self, change: CollectorChange, state: str) -> None:
        """Say in the record of a change how the change ended."""
        own_record = self._read_own_record(change)
        if own_record and change.record:
            change.record = self.run.apply(set_record_state(change.record, state), own_record)

    def _read_own_record(self, change: CollectorChange) -> Manifest | None:
        """Return the record of a change as it is in the cluster; None without one, or if another run has it now."""
        if change.record is None:
            return None
        live_record = self.run.read_live(change.record)
        if live_record is None or live_record.get("data") != change.record.get("data"):
            return None
        return live_record

    def close_record_if_outrun(self, change: CollectorChange) -> None:
        """Delete the record of a change if another run has changed the collector since."""
        objects_as_left = {**self.live, **self.run.changes.find_left_objects()}
        if explain_outrun(self.run, change, objects_as_left):
            self.close_record(change)

    def close_completed(self, change: CollectorChange, *, works: bool) -> None:
        """Delete the record of a change that is complete.

        Keep it if the change works, and the wave of the cluster decides later whether it stays.
        """
        waits_for_wave = works and self.run.keeps_records and change.record is not None and change.goes_back
        if waits_for_wave:
            self.run.kept_records[change.name] = self.run.name
            self.run.kept_rights.extend(list_rights_before(change))
            self._note_judged(change)
        else:
            self.close_record(change)

    def _note_judged(self, change: CollectorChange) -> None:
        """Note in the record of a change that works that only its wave is still to decide."""
        if is_judged_by_readiness(change):
            return
        with suppress(Problem, LostError):  # without it, a run that continues goes back to what was before this change
            own_record = self._read_own_record(change)
            if own_record:
                change.record = self.run.apply(mark_as_judged(own_record), own_record)
