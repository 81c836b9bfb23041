# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of changes in a cluster: written before the first write of a change, closed at its end. Private."""

from __future__ import annotations

from collections.abc import Mapping

from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.change_record import record_reference
from ..._rollout.live.rollout_wait import ONE_RUN
from ..collector_change import Change
from ..managed_fields import extracted
from ..recorded_change import checked_record, in_state, record_of, rights_before
from .bundle_run import Bundle
from .rollback import why_outrun

Live = Mapping[Ref, "Manifest | None"]


class ChangeRecords:
    """Writes, reads and closes the records of changes. It leaves those that another run has taken over."""

    def __init__(self, bundle: Bundle, live: Live) -> None:
        """Take the run, and the objects as it found them."""
        self.bundle, self.live = bundle, live

    def left_for(self, change: Change) -> Manifest | None:
        """Return the record of a change that a run has left. Raises Problem for an object of others of its name."""
        live = self.bundle.live(record_reference(change.workloads[0]))
        return checked_record(change, live, self.bundle.manager)

    def kept_by(self, change: Change, run: str) -> Manifest | None:
        """Return the record of a change if this very run has kept it."""
        record = self.left_for(change)
        is_of_run = record is not None and section(record, "data").get("run") == run
        return record if is_of_run else None

    def write(self, change: Change) -> None:
        """Write the record of a change, or warn that it is too large for one.

        Raises Problem if another run has changed a workload before the record was there.
        """
        record = record_of(change, self.bundle.run)
        if record is None:
            text = f"The change of {change.name} is too large to record: a run that is killed cannot be undone."
            self.bundle.warn(text)
            return
        is_new = change.record is None
        change.record = self.bundle.record(record, change.record)
        changed_workload = self._changed_by_others(change)
        if changed_workload is None:
            return
        if is_new:
            self.close(change)
        wrong = "another run has changed it since this run has read it"
        raise Problem(wrong, asked=f"Change {changed_workload}", fix=ONE_RUN)

    def _changed_by_others(self, change: Change) -> Ref | None:
        """Return the first workload of a change that is no longer as this run has read it; None if all are."""
        for workload in change.workloads:
            now, read = self.bundle.live(workload), self.live.get(ref(workload))
            if now and read and extracted(now, self.bundle.manager) != extracted(read, self.bundle.manager):
                return ref(workload)
        return None

    def close(self, change: Change) -> None:
        """Delete the record of a change."""
        own = self._own_record(change)
        if own:
            self.bundle.delete(own)

    def close_as(self, change: Change, state: str) -> None:
        """Say in the record of a change how the change ended."""
        own = self._own_record(change)
        if own and change.record:
            change.record = self.bundle.write(in_state(change.record, state), own)

    def _own_record(self, change: Change) -> Manifest | None:
        """Return the record of a change as it is in the cluster; None without one, or if another run has it now."""
        if change.record is None:
            return None
        now = self.bundle.live(change.record)
        if now is None or now.get("data") != change.record.get("data"):
            return None
        return now

    def close_if_outrun(self, change: Change) -> None:
        """Delete the record of a change if another run has changed the collector since."""
        as_left = {**self.live, **self.bundle.changes.left()}
        if why_outrun(self.bundle, change, as_left):
            self.close(change)

    def close_completed(self, change: Change, *, works: bool) -> None:
        """Delete the record of a change that is complete. If its wave decides whether one that works stays, keep it."""
        waits_for_wave = works and self.bundle.keeps_records and change.record is not None and change.goes_back
        if waits_for_wave:
            self.bundle.kept_records[change.name] = self.bundle.run
            self.bundle.kept_rights.extend(rights_before(change))
        else:
            self.close(change)
