# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End a change that goes back: restore its objects, wait for them, tell what became of it, close its record. Private.

`changes.py` calls `restore` as soon as a collector fails, and then `await_and_end` for all that went back, or `end` if
nothing is awaited. Both return sentences for the user, such as:

    The earlier config of obs/gateway is back and works. The new config is kept in ConfigMap obs/gateway-5f2c9.

`rollback.py` restores the objects of one collector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..._kube.live.outage import LostError
from ..._otelcol.errors import Failure, Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.change_record import PARTLY_BACK
from ..._rollout.live.deleted_workload import is_gone
from ..change_set import Action
from ..collector_change import CollectorChange
from ..workload_kinds import POD_RUNNING_KINDS
from .bundle_run import BundleRun
from .change_records import ChangeRecords, Live
from .rollback import UndoResult, restore_collector
from .workload_waits import iterate_ended_waits, prepare_wait

# So many objects are named of those that are back when the cluster stops answering.
_MOST_NAMES = 10


@dataclass(frozen=True)
class UndoneChange:
    """A change of a collector that went back, as far as it could, and what became of its objects."""

    change: CollectorChange
    result: UndoResult


class Undoing:
    """Brings the collectors of a run back, and ends their changes. `live` are the objects before the run."""

    def __init__(self, run: BundleRun, records: ChangeRecords, live: Live) -> None:
        self._run = run
        self._records = records
        self._live = live

    def restore(self, change: CollectorChange) -> UndoneChange:
        """Bring the objects of a collector back that this run has changed. Its change is still to be ended."""
        return UndoneChange(change, restore_collector(self._run, change, self._live))

    def restore_and_note(self, change: CollectorChange) -> UndoneChange:
        """Bring a collector back that an earlier task has changed, and note its objects as restored."""
        undone = self.restore(change)
        for manifest in change.before:
            if ref(manifest) in undone.result.restored_objects:
                self._run.changes.note_action(Action.RESTORED, self._live.get(ref(manifest)), manifest)
        return undone

    def await_and_end(self, undone_changes: Sequence[UndoneChange]) -> list[str]:
        """Wait for the collectors that went back, close their changes, and return what became of each."""
        failures = self._find_failures(undone_changes)
        outcome_lines: list[str] = []
        for undone in undone_changes:
            failure = failures.get(undone.change.name)
            outcome_lines.append(self.end(undone, _describe_whether_it_works(failure)))
        return outcome_lines

    def _find_failures(self, undone_changes: Iterable[UndoneChange]) -> dict[str, Failure | None]:
        """Wait for the collectors that went back. Return why each does not work, by its name; None if it works.

        A collector of which nothing is awaited is missing in the result.
        """
        waits = {}
        for undone in undone_changes:
            change, result = undone.change, undone.result
            workloads = [manifest for manifest in change.before if manifest["kind"] in POD_RUNNING_KINDS]
            if result.restored_objects and not result.unread_reason and workloads:
                waits[change.name] = prepare_wait(self._run, workloads, {})
        return dict(iterate_ended_waits(self._run, waits))

    def end(self, undone: UndoneChange, whether_it_works: str = "") -> str:
        """Close the change of a collector that went back, and return what became of it.

        `whether_it_works` is the end of a sentence; it is empty if nothing was awaited.
        """
        self._close(undone)
        result = undone.result
        went_back = bool(result.restored_objects or result.kept_object_lines)
        kept_configs: list[str] = []
        if went_back and not result.unread_reason:
            kept_configs = self._list_kept_configs(undone.change)
        return _describe_undo(undone, whether_it_works, kept_configs)

    def _close(self, undone: UndoneChange) -> None:
        """Close the record of a collector that went back.

        If the cluster did not answer, the record stays open: the next run needs it.
        """
        result = undone.result
        if result.unread_reason:
            return
        is_partly_back = bool(result.kept_object_lines) and not result.is_outrun
        with suppress(Problem, LostError):  # what failed first counts; the record stays
            if is_partly_back:
                self._records.close_record_as(undone.change, PARTLY_BACK)
            else:
                self._records.close_record(undone.change)

    def _list_kept_configs(self, change: CollectorChange) -> list[str]:
        """Return the objects that keep the new config, for the user to read; none if they are gone or unreadable."""
        names_before = str(change.before)
        new_configs: list[Manifest] = []
        for manifest in change.manifests:
            is_config = manifest["kind"] == "ConfigMap" and manifest.get("immutable")
            if is_config and manifest["metadata"]["name"] not in names_before:
                new_configs.append(manifest)
        kept_configs: list[str] = []
        with suppress(Problem, LostError):
            kept_configs = [str(ref(config)) for config in new_configs if not is_gone(self._run.read_live(config))]
        return kept_configs


def _describe_whether_it_works(failure: Failure | None) -> str:
    """Return whether an earlier config works that the run has waited for, as the end of a sentence."""
    return f", but does not work yet: {failure.wrong}" if failure else " and works"


def _describe_undo(undone: UndoneChange, whether_it_works: str, kept_configs: Sequence[str]) -> str:
    """Return what became of a collector that went back; the end of a sentence says whether it works."""
    name, result = undone.change.name, undone.result
    if result.unread_reason and result.restored_objects:
        refs_text = join_at_most(_MOST_NAMES, result.restored_objects)
        in_part = f"{name} is back only in part ({refs_text}), because {result.unread_reason}."
        not_back = f" Not back: {'; '.join(result.kept_object_lines)}." if result.kept_object_lines else ""
        return f"{in_part}{not_back} The record of the earlier config is kept, so run again."
    if result.unread_reason:
        return f"{name} is not brought back, because {result.unread_reason}. The next run does it."
    if result.lost_reason:
        return result.lost_reason
    sentences: list[str] = []
    if result.restored_objects:
        sentences.append(f"The earlier config of {name} is back{whether_it_works}.")
    if result.kept_object_lines:
        sentences.append(f"Not back: {'; '.join(result.kept_object_lines)}.")
    if kept_configs:
        sentences.append(f"The new config is kept in {', '.join(kept_configs)}.")
    return " ".join(sentences)
