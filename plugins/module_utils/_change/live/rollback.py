# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring back what the previous run applied to a collector, where nobody else has changed it since. Private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._kube.live.outage import LostError
from ..._kube.ownership import collector_of, last_apply
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.live.deleted_workload import is_gone
from ..bundle_objects import ordered
from ..change_set import Action, ChangeSet, Entry
from ..collector_change import Change, identified
from ..managed_fields import extracted
from ..tree_parts import is_within
from ..workload_kinds import RUNS
from .bundle_run import Bundle

OUTRUN = "another run has changed it since this run"
IS_NEW = "it is new"


@dataclass
class Undone:
    """Which objects of a collector were brought back, and why others were not."""

    changes: ChangeSet = field(default_factory=ChangeSet)
    # Why nothing was tried: the collector is not this run's to bring back.
    lost: str = ""
    # Why objects are left to bring back: the cluster did not answer. The next run brings them back.
    unread: str = ""

    @property
    def back(self) -> list[Ref]:
        """The objects that were brought back."""
        return self.changes.subjects(Action.RESTORED)

    @property
    def kept(self) -> list[str]:
        """Return the objects that were not brought back, each with the reason."""
        return [f"{entry.subject} ({entry.reason})" for entry in self.changes.skipped()]

    @property
    def is_outrun(self) -> bool:
        """Return whether the collector is as another run wants it: what this run found is not the last that worked."""
        reasons = [entry.reason for entry in self.changes.skipped() if entry.reason != IS_NEW]
        return bool(reasons) and all(OUTRUN in reason for reason in reasons)


def restore(bundle: Bundle, change: Change, read: Mapping[Ref, Manifest | None]) -> Undone:
    """Apply the objects as the previous run did, where nobody else has changed them since this run.

    `read` has the objects as this run found them, for those that it has not written. If the cluster stops answering,
    the result has what is back until then, and why the rest is not. Raises nothing: what failed before counts more.
    """
    undone = Undone()
    try:
        undone.lost = why_lost(bundle, change)
        if not undone.lost:
            _bring_back_all(bundle, change, read, undone)
    except (Problem, LostError) as error:
        undone.unread = str(getattr(error, "wrong", error))
    bundle.changes.note_restored(undone.back)
    return undone


def _bring_back_all(bundle: Bundle, change: Change, read: Mapping[Ref, Manifest | None], undone: Undone) -> None:
    """Bring the objects back in the order of a bundle, and note each in `undone`.

    Raises LostError after the first group in which a request had no answer.
    """
    left = bundle.changes.left()

    def bring_back(earlier: Manifest) -> Entry | LostError:
        return _brought_back(bundle, earlier, left.get(ref(earlier)) or read.get(ref(earlier)))

    for group in ordered(change.before):
        outcomes = bundle.cluster.parallel(bring_back, group)
        undone.changes.entries += [outcome for outcome in outcomes if isinstance(outcome, Entry)]
        for outcome in outcomes:
            if isinstance(outcome, LostError):
                raise outcome
    if undone.back or undone.kept:
        _skip_new_workloads(change, left, undone)


def _skip_new_workloads(change: Change, left: Mapping[Ref, Manifest], undone: Undone) -> None:
    """Note that the workloads which this run has made stay: the previous run did not have them."""
    recorded = {ref(manifest) for manifest in change.before}
    for workload in change.workloads:
        if ref(workload) not in recorded and ref(workload) in left:
            undone.changes.skip(workload, IS_NEW)


def why_lost(bundle: Bundle, change: Change) -> str:
    """Return why nothing of a collector goes back: it was deleted, or another run has taken the change over."""
    workloads = [manifest for manifest in change.before if manifest["kind"] in RUNS]
    deleted_workloads = [str(ref(workload)) for workload in workloads if is_gone(bundle.live(workload))]
    if deleted_workloads:
        return f"Nothing was brought back, because {', '.join(deleted_workloads)} was deleted."
    if change.record is None:
        return ""
    run_of_record = section(bundle.live(change.record), "data").get("run")
    if run_of_record != bundle.run:
        return f"Nothing was brought back, because another run has taken over the change of {change.name}."
    return ""


def why_outrun(bundle: Bundle, change: Change, left: Mapping[Ref, Manifest | None]) -> str:
    """Return why nothing is to be recorded of a collector: another run has changed a workload since this run."""
    for workload in change.workloads:
        now, own = bundle.live(workload), left.get(ref(workload))
        if now is None or own is None:
            continue
        applied = extracted(now, bundle.manager)
        if applied and _is_of_another_run(bundle, applied, now, own):
            return f"{ref(workload)} stays as it is: {OUTRUN}."
    return ""


def _brought_back(bundle: Bundle, earlier: Manifest, left: Manifest | None) -> Entry | LostError:
    """Apply one object as it was, unless it is so already, or something keeps it as it is.

    An error is returned, because it must not hide what becomes of the other objects of its group.
    """
    subject = ref(earlier)
    try:
        now = bundle.live(earlier)
        obstacle = _obstacle(bundle, earlier, now, left)
        if now is None or obstacle:
            return Entry(subject, Action.SKIPPED, reason=obstacle)
        applied = extracted(now, bundle.manager)
        if applied is None or identified(applied, now) == earlier:
            return Entry(subject, Action.UNCHANGED)
        bundle.write(earlier, now)
    except Problem as problem:
        return Entry(subject, Action.SKIPPED, reason=problem.wrong)
    except LostError as error:
        return error
    return Entry(subject, Action.RESTORED)


def _obstacle(bundle: Bundle, earlier: Manifest, now: Manifest | None, left: Manifest | None) -> str:
    """Return why an object cannot go back, or an empty string."""
    if now is None:
        return "it no longer exists"
    if now["metadata"].get("uid") != earlier["metadata"].get("uid"):
        return "it was deleted and created again"
    applied = extracted(now, bundle.manager)
    if applied is None or collector_of(now) != collector_of(earlier):  # a record may name any object
        return "another owner has it now"
    if left and _is_of_another_run(bundle, applied, now, left):
        return OUTRUN
    return ""


def _is_of_another_run(bundle: Bundle, applied: Manifest, now: Manifest, left: Manifest) -> bool:
    """Return whether the field manager has applied an object since. Fields that others took over do not count."""
    time_now, _fields = last_apply(now, bundle.manager)
    time_left, _fields = last_apply(left, bundle.manager)
    return time_now != time_left or not is_within(applied, extracted(left, bundle.manager))
