# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring back what the previous run applied to a collector, where nobody else has changed it since. Private.

`undoing.py` calls `restore_collector` when a change fails. For example, of three objects that the change wrote:

    UndoResult: restored ConfigMap obs/gateway and Deployment obs/gateway,
    kept "Service obs/gateway (another run has changed it since this run)"

Two words: an object *as left* is as the server returned it after the last write of this run. A change is *outrun* if
another run has written the same objects since then: that run knows what it wants, so they stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._kube.live.outage import LostError
from ..._kube.ownership import find_last_apply, read_collector_name
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.live.deleted_workload import is_gone
from ..change_set import Action, ChangeSet, ObjectOutcome
from ..collector_change import CollectorChange, add_live_uid
from ..kind_order import group_by_dependency
from ..managed_fields import extract_applied
from ..tree_parts import is_within
from ..workload_kinds import POD_RUNNING_KINDS
from .bundle_run import BundleRun

OUTRUN_REASON = "another run has changed it since this run"
NEW_REASON = "it is new"


@dataclass
class UndoResult:
    """Which objects of a collector were brought back, and why others were not."""

    changes: ChangeSet = field(default_factory=ChangeSet)
    lost_reason: str = ""
    """Why nothing was tried: the collector was deleted, or another run has taken over its change."""
    unread_reason: str = ""
    """Why some objects are not back yet: the cluster did not answer. The next run brings them back."""

    @property
    def restored_objects(self) -> list[ObjectRef]:
        """The objects that were brought back."""
        return self.changes.list_subjects(Action.RESTORED)

    @property
    def kept_object_lines(self) -> list[str]:
        """Return the objects that were not brought back, each with the reason."""
        return [f"{entry.subject} ({entry.skip_reason})" for entry in self.changes.list_skipped_entries()]

    @property
    def is_outrun(self) -> bool:
        """Whether all objects that stay were changed by another run: then the collector is as that run wants it."""
        skip_reasons = [entry.skip_reason for entry in self.changes.list_skipped_entries()]
        # A new workload was skipped by this run, so it says nothing about what others did.
        other_reasons = [reason for reason in skip_reasons if reason != NEW_REASON]
        return bool(other_reasons) and all(OUTRUN_REASON in reason for reason in other_reasons)


def restore_collector(
    run: BundleRun, change: CollectorChange, found_objects: Mapping[ObjectRef, Manifest | None]
) -> UndoResult:
    """Apply the objects as the previous run did, where nobody else has changed them since this run.

    `found_objects` are the objects as this run found them; they count for those that the run has not written. If the
    cluster stops answering, the result has the objects that are back, and why the others are not. Raises no error,
    because the error that led here counts more.
    """
    undone = UndoResult()
    try:
        undone.lost_reason = explain_lost(run, change)
        if not undone.lost_reason:
            _bring_back_all(run, change, found_objects, undone)
    except (Problem, LostError) as error:
        undone.unread_reason = error.wrong if isinstance(error, Problem) else str(error)
    run.changes.note_restored(undone.restored_objects)
    return undone


def _bring_back_all(
    run: BundleRun, change: CollectorChange, found_objects: Mapping[ObjectRef, Manifest | None], undone: UndoResult
) -> None:
    """Bring the objects back in the order of their kinds, and note each in `undone`.

    Raises LostError after the first group in which a request had no answer.
    """
    left_objects = run.changes.find_left_objects()

    def bring_back(earlier_manifest: Manifest) -> ObjectOutcome | LostError:
        object_ref = ref(earlier_manifest)
        object_as_left = left_objects.get(object_ref) or found_objects.get(object_ref)
        return _bring_back(run, earlier_manifest, object_as_left)

    for group in group_by_dependency(change.before):
        outcomes = run.cluster.call_in_parallel(bring_back, group)
        undone.changes.entries += [outcome for outcome in outcomes if isinstance(outcome, ObjectOutcome)]
        for outcome in outcomes:
            if isinstance(outcome, LostError):
                raise outcome
    # If no object had changed yet, there is nothing to tell about the collector, its new workloads included.
    if undone.restored_objects or undone.kept_object_lines:
        _skip_new_workloads(change, left_objects, undone)


def _skip_new_workloads(
    change: CollectorChange, left_objects: Mapping[ObjectRef, Manifest], undone: UndoResult
) -> None:
    """Note as skipped the workloads that this run has made: the previous run did not have them."""
    recorded_refs = {ref(manifest) for manifest in change.before}
    for workload in change.workloads:
        if ref(workload) not in recorded_refs and ref(workload) in left_objects:
            undone.changes.note_skipped(workload, NEW_REASON)


def explain_lost(run: BundleRun, change: CollectorChange) -> str:
    """Return why nothing of a collector goes back, as a sentence; empty if its objects may.

    Its workload was deleted, or another run has taken over its change.
    """
    workloads = [manifest for manifest in change.before if manifest["kind"] in POD_RUNNING_KINDS]
    deleted_workloads = [str(ref(workload)) for workload in workloads if is_gone(run.read_live(workload))]
    if deleted_workloads:
        return f"Nothing was brought back, because {', '.join(deleted_workloads)} was deleted."
    if change.record is None:
        return ""
    # Each run writes its name into the record before it changes a workload, also into one that it takes over.
    run_of_record = mapping_at(run.read_live(change.record), "data").get("run")
    if run_of_record != run.name:
        return f"Nothing was brought back, because another run has taken over the change of {change.name}."
    return ""


def explain_outrun(run: BundleRun, change: CollectorChange, left_objects: Mapping[ObjectRef, Manifest | None]) -> str:
    """Return why the workloads of a collector stay, as a sentence: another run has changed one. Empty if none did."""
    for workload in change.workloads:
        live_object = run.read_live(workload)
        own_object = left_objects.get(ref(workload))
        if live_object is None or own_object is None:
            continue
        applied = extract_applied(live_object, run.field_manager)
        if applied and _is_of_another_run(run, applied, live_object, own_object):
            return f"{ref(workload)} stays as it is: {OUTRUN_REASON}."
    return ""


def _bring_back(
    run: BundleRun, earlier_manifest: Manifest, object_as_left: Manifest | None
) -> ObjectOutcome | LostError:
    """Apply one object as it was before, and return what became of it.

    A lost connection is returned too: raised, it would hide what becomes of the other objects of the group.
    """
    subject = ref(earlier_manifest)
    try:
        live_object = run.read_live(earlier_manifest)
        obstacle = _find_obstacle(run, earlier_manifest, live_object, object_as_left)
        if live_object is None or obstacle:
            return ObjectOutcome(subject, Action.SKIPPED, skip_reason=obstacle)
        # Equal to the earlier state: the run failed before it changed this object.
        applied = extract_applied(live_object, run.field_manager)
        if applied is None or add_live_uid(applied, live_object) == earlier_manifest:
            return ObjectOutcome(subject, Action.UNCHANGED)
        run.apply(earlier_manifest, live_object)
    except Problem as problem:
        return ObjectOutcome(subject, Action.SKIPPED, skip_reason=problem.wrong)
    except LostError as error:
        return error
    return ObjectOutcome(subject, Action.RESTORED)


def _find_obstacle(
    run: BundleRun, earlier_manifest: Manifest, live_object: Manifest | None, object_as_left: Manifest | None
) -> str:
    """Return why an object cannot go back, or an empty string."""
    if live_object is None:
        return "it no longer exists"
    if live_object["metadata"].get("uid") != earlier_manifest["metadata"].get("uid"):
        return "it was deleted and created again"
    applied = extract_applied(live_object, run.field_manager)
    # A record may name any object, also one of another collector.
    is_of_collector = read_collector_name(live_object) == read_collector_name(earlier_manifest)
    if applied is None or not is_of_collector:
        return "another owner has it now"
    if object_as_left and _is_of_another_run(run, applied, live_object, object_as_left):
        return OUTRUN_REASON
    return ""


def _is_of_another_run(run: BundleRun, applied: Manifest, live_object: Manifest, object_as_left: Manifest) -> bool:
    """Return whether another run has applied an object since this run has left it.

    `applied` are the fields that the field manager owns now; fields that others took over do not count.
    """
    last_apply = find_last_apply(live_object, run.field_manager)
    own_apply = find_last_apply(object_as_left, run.field_manager)
    if last_apply.time != own_apply.time:
        return True
    # The times have whole seconds. Two applies within one second differ by what they applied, if they differ at all.
    return not is_within(applied, extract_applied(object_as_left, run.field_manager))
