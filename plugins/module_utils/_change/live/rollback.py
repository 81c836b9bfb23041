# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a changed collector, and bring back what the previous run applied if it works worse. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..._diagnose.live.reader import ClusterReader
from ..._kube.live.api_errors import asking
from ..._kube.live.cluster import Cluster
from ..._kube.live.outage import LostError
from ..._kube.ownership import collector_of, last_apply, reapplied
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.failures import Symptom
from ..._rollout.live.deleted_workload import is_gone
from ..._rollout.live.followed_workloads import follow
from ..._rollout.live.jmespath_search import checked_search
from ..._rollout.live.rollout_wait import RolloutWait, RolloutWaitOptions
from ..._rollout.readiness import COUNTED, pod_counts
from ..bundle_objects import ordered
from ..change_set import Action, ChangeSet, Entry
from ..managed_fields import extracted
from ..recorded_change import Change, identified
from ..tree_parts import is_within
from ..workload_kinds import RUNS
from ..worse_than_before import Worked, is_worse, place, unfinished, worked
from .observe import pods_of

OUTRUN = "another run has changed it since this run"
IS_NEW = "it is new"


class Bundle(Protocol):
    """What a change needs of the run over a bundle."""

    cluster: Cluster
    manager: str
    run: str
    wait_seconds: float
    unschedulable_seconds: float
    check: bool
    # Whether the records of changes that work stay until the wave of the cluster is decided, and those that stay: the
    # run, by the name of the collector.
    keeps_records: bool
    kept_records: dict[str, str]
    kept_rights: list[Manifest]
    # What the run did to its objects up to now.
    changes: ChangeSet

    def live(self, manifest: Manifest) -> Manifest | None:
        """Return the current state of an object."""

    def tried(self, manifest: Manifest) -> Manifest | None:
        """Return what the server would make of a manifest, or None if it would reject it."""

    def write(self, manifest: Manifest, now: Manifest) -> Manifest:
        """Apply an object in a state in which it was read. Raises Problem."""

    def record(self, record: Manifest, earlier: Manifest | None) -> Manifest:
        """Create the record of a change, or take over an earlier one. Raises Problem if another run was faster."""

    def delete(self, judged: Manifest) -> bool:
        """Delete an object as it was when it was judged."""

    def warn(self, text: str) -> None:
        """Add a warning to the result."""

    def quick_cluster(self) -> Cluster:
        """Return the same cluster for calls to pods, which may hang."""

    def judged(self, name: str, verdict: str) -> None:
        """Tell how the change of a collector was judged, and add it to the result."""

    def plan(self, line: str) -> None:
        """Add what the run would do to the result."""


@dataclass
class Undone:
    """Which objects of a collector were brought back, and why others were not."""

    changes: ChangeSet = field(default_factory=ChangeSet)
    # Why nothing was tried: the collector is not this run's to bring back.
    lost: str = ""
    # Why the collector was not brought back: the cluster did not answer. The next run does it.
    unread: str = ""

    @property
    def back(self) -> list[Ref]:
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

    `read` has the objects as this run found them, for those that it has not written.
    """
    try:
        return _undone(bundle, change, read)
    except (Problem, LostError) as error:  # what failed before counts more
        return Undone(unread=str(getattr(error, "wrong", error)))


def _undone(bundle: Bundle, change: Change, read: Mapping[Ref, Manifest | None]) -> Undone:
    undone = Undone(lost=lost(bundle, change))
    if undone.lost:
        return undone
    left = bundle.changes.left()

    def bring_back(earlier: Manifest) -> Entry:
        return _brought_back(bundle, earlier, left.get(ref(earlier)) or read.get(ref(earlier)))

    for group in ordered(change.before):
        undone.changes.entries += bundle.cluster.parallel(bring_back, group)
    if undone.back or undone.kept:
        recorded = {ref(manifest) for manifest in change.before}
        for workload in change.workloads:
            if ref(workload) not in recorded and ref(workload) in left:
                undone.changes.skip(workload, IS_NEW)
    bundle.changes.note_restored(undone.back)
    return undone


def lost(bundle: Bundle, change: Change) -> str:
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


def outrun(bundle: Bundle, change: Change, left: Mapping[Ref, Manifest | None]) -> str:
    """Return why nothing is to be recorded of a collector: another run has changed a workload since this run."""
    for workload in change.workloads:
        now, own = bundle.live(workload), left.get(ref(workload))
        if now is None or own is None:
            continue
        applied = extracted(now, bundle.manager)
        if applied and _is_of_another_run(bundle, applied, now, own):
            return f"{ref(workload)} stays as it is: {OUTRUN}."
    return ""


def _brought_back(bundle: Bundle, earlier: Manifest, left: Manifest | None) -> Entry:
    """Apply one object as it was, unless it is so already, or something keeps it as it is."""
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


def worked_now(bundle: Bundle, parts: Iterable[Manifest]) -> dict[str, Worked]:
    """Return how workloads work now. Pods are read only where some of them do not."""
    worked_of_workload = {}
    for workload in parts:
        if workload["kind"] not in COUNTED:
            continue
        available, desired, _updated = pod_counts(workload)
        pods: list[Manifest] = []
        if available < desired:
            new, old = _pods(bundle, workload)
            pods = [*new, *old]
        worked_of_workload[str(ref(workload))] = worked(workload, available, pods)
    return worked_of_workload


def _pods(bundle: Bundle, workload: Manifest) -> tuple[list[Manifest], list[Manifest]]:
    """Return the pods of the new config and those of earlier ones; none if this account may not read them."""
    try:
        return pods_of(ClusterReader(bundle.cluster, bundle.quick_cluster()), workload)
    except Problem:
        return [], []


def works_as_before(bundle: Bundle, change: Change) -> str:
    """Return why a collector that is not ready keeps its new config, or an empty string if it works worse."""
    states = [state for state in map(bundle.live, change.workloads) if state]
    followed = asking("Read the workloads", lambda: follow(bundle.cluster, states))
    if _changed_by_others(bundle, states) or any(workload.unreconciled for workload in followed):
        return ""
    parts = [part for workload in followed for part in workload.parts]
    if not parts:
        return ""
    lines = []
    for part in parts:
        before = change.worked.get(str(ref(part)))
        new, old = _pods(bundle, part)
        if before is None or is_worse(part, before, new):
            return ""
        lines += unfinished(part, before, new, old)
    return " ".join([f"{change.name} keeps the new config, because it works as well as the earlier one.", *lines])


def _changed_by_others(bundle: Bundle, states: Iterable[Manifest]) -> bool:
    """Return whether another run has applied one of some workloads since this run has left them."""
    left = bundle.changes.left()
    for state in states:
        own = left.get(ref(state))
        generation = int(own["metadata"].get("generation") or 0) if own else 0
        if reapplied(state, generation, bundle.manager):
            return True
    return False


def waiting(
    bundle: Bundle,
    workloads: Sequence[Manifest],
    left: Mapping[Ref, Manifest],
    change: Change | None = None,
) -> RolloutWait:
    """Return the wait for some workloads, which ends if another run changes one of them.

    With the change of a collector that goes back, pods that did not work before do not end it either.
    """
    named = []
    generations: list[dict[str, Any]] = []
    for workload in workloads:
        name = ref(workload)._asdict()
        named.append({**name, "api_version": workload["apiVersion"]})
        as_left = left.get(ref(workload))
        if as_left:
            generations.append({**name, "generation": as_left["metadata"].get("generation") or 0})
    before: Mapping[str, Worked] = change.worked if change and change.goes_back else {}

    def spares(workload: Manifest, symptom: Symptom) -> bool:
        """Return whether a symptom is of a pod that did not work before."""
        worked_before = before.get(str(ref(workload)))
        if worked_before is None or symptom.pod is None:
            return False
        return place(workload, symptom.pod) in worked_before.idle

    options = RolloutWaitOptions(
        named,
        bundle.wait_seconds,
        bundle.unschedulable_seconds,
        until={},
        allow_empty=False,
        applied=generations,
        spares=spares,
    )
    return RolloutWait(bundle.cluster, checked_search({}), options)


def outcomes(
    bundle: Bundle, waits: Mapping[str, RolloutWait], meanwhile: Callable[[], None] = lambda: None
) -> Iterator[tuple[str, Failure | None]]:
    """Yield the name of each wait as soon as it ends, with the failure if it failed. Raises what `meanwhile` raises."""
    pending = dict(waits)
    for _poll in bundle.cluster.polls(bundle.wait_seconds):
        for name, wait in list(pending.items()):
            failure: Failure | None = None
            try:
                has_ended = wait.done()
            except Failure as raised:
                has_ended, failure = True, raised
            if has_ended:
                del pending[name]
                yield name, failure
        if not pending:
            return
        meanwhile()
    yield from ((name, wait.too_late()) for name, wait in pending.items())
