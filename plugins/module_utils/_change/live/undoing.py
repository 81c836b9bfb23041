# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End a change that goes back: restore its objects, wait for them, tell what became of it, close its record. Private.

`changes.py` calls `restore` as soon as a collector fails, and then `await_and_end` for all that went back, or `end` if
nothing is awaited. Both return sentences for the user, such as:

    The earlier config of obs/gateway is back and works. The new config is kept in ConfigMap obs/gateway-5f2c9.

`rollback.py` restores the objects of one collector. Its `UndoResult` decides what is said:

| `UndoResult` | sentences |
|---|---|
| `unread_reason`, and some objects are restored | `obs/gateway is back only in part (…), because …. …` |
| `unread_reason` alone | `obs/gateway is not brought back, because …. The next run does it.` |
| `lost_reason` | this reason |
| neither, some objects are restored | `The earlier config of obs/gateway is back and works.`, or why it does not work |
| neither, some objects are kept | `Not back: Service obs/gateway (another run has changed it since this run).` |
| neither, and nothing had changed yet | none |

The fourth and the fifth may come together, and then the object that still has the new config is named.
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
from .workload_waits import EndedWait, iterate_ended_waits, prepare_wait

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
        # This run has not applied these objects before, so its change set has no entries that could become restored.
        for manifest in change.before:
            if ref(manifest) in undone.result.restored_objects:
                self._run.changes.note_action(Action.RESTORED, self._live.get(ref(manifest)), manifest)
        return undone

    def await_and_end(self, undone_changes: Sequence[UndoneChange]) -> list[str]:
        """Wait for the collectors that went back, close their changes, and return what became of each."""
        failures = self._find_failures(undone_changes)
        outcome_lines: list[str] = []
        for undone in undone_changes:
            name = undone.change.name
            outcome_lines.append(self.end(undone, EndedWait(name, failures.get(name))))
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

    def end(self, undone: UndoneChange, ended_wait: EndedWait | None = None) -> str:
        """Close the change of a collector that went back, and return what became of it; empty if nothing had changed.

        `ended_wait` is the wait for its earlier config; None if the run has not waited for it.
        """
        self._close(undone)
        result = undone.result
        had_changed = bool(result.restored_objects or result.kept_object_lines)
        new_configs: list[str] = []
        # After an outage the pods may still run the new config. So it is not named as one that nobody uses any more.
        if had_changed and not result.unread_reason:
            new_configs = self._list_unused_new_configs(undone.change)
        return _describe_undo(undone, ended_wait, new_configs)

    def _close(self, undone: UndoneChange) -> None:
        """Close the record of a collector that went back.

        If the cluster did not answer, the record stays open: the next run needs it.
        """
        result = undone.result
        if result.unread_reason:
            return
        # What only another run has changed is as that run wants it. So nothing is left half done for a next run.
        is_partly_back = bool(result.kept_object_lines) and not result.is_outrun
        with suppress(Problem, LostError):  # what failed first counts; the record stays
            if is_partly_back:
                self._records.close_record_as(undone.change, PARTLY_BACK)
            else:
                self._records.close_record(undone.change)

    def _list_unused_new_configs(self, change: CollectorChange) -> list[str]:
        """Return the ConfigMaps with the new config, which no pod uses any more; none if they are gone or unreadable.

        They stay so that the user can read what failed. A later run deletes them, see config_versions.py.
        """
        new_configs = _find_new_configs(change)
        with suppress(Problem, LostError):  # what failed first counts, and these names only help to study it
            return [str(ref(config)) for config in new_configs if not is_gone(self._run.read_live(config))]
        return []


def _find_new_configs(change: CollectorChange) -> list[Manifest]:
    """Return the configs that a change brings, and that the collector did not have before.

    A config is an immutable ConfigMap with a name of its own. The earlier workload names the one that it mounts, so a
    config is new if its name stands nowhere in the objects from before. The earlier config itself is not among these,
    since the change has not written it.
    """
    text_of_objects_before = str(change.before)
    new_configs: list[Manifest] = []
    for manifest in change.manifests:
        is_config = manifest["kind"] == "ConfigMap" and manifest.get("immutable")
        if is_config and manifest["metadata"]["name"] not in text_of_objects_before:
            new_configs.append(manifest)
    return new_configs


def _describe_undo(undone: UndoneChange, ended_wait: EndedWait | None, new_configs: Sequence[str]) -> str:
    """Return what became of a collector that went back: the sentences of the table above."""
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
        sentences.append(f"The earlier config of {name} is back{_describe_ended_wait(ended_wait)}.")
    if result.kept_object_lines:
        sentences.append(f"Not back: {'; '.join(result.kept_object_lines)}.")
    if new_configs:
        sentences.append(f"The new config is kept in {', '.join(new_configs)}.")
    return " ".join(sentences)


def _describe_ended_wait(ended_wait: EndedWait | None) -> str:
    """Return the end of a sentence: whether an earlier config works; empty if the run has not waited for it."""
    if ended_wait is None:
        return ""
    return f", but does not work yet: {ended_wait.failure.wrong}" if ended_wait.failure else " and works"
