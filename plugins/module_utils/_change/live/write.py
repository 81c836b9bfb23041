# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write or delete one object in the state in which it was read: others may write it meanwhile, but no other run."""

from __future__ import annotations

import json
import platform
import secrets
from typing import Any, NamedTuple

from ..._kube.live.api_errors import FORBIDDEN, asking, explain
from ..._kube.live.cluster import CONFLICT, MERGE, NOT_ALLOWED, NOT_FOUND, ApiError
from ..._kube.live.outage import LostError
from ..._kube.ownership import applied_by, last_apply, release_of
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..._rollout.live.rollout_wait import ONE_RUN
from ..._rollout.live.webhook_reasons import unanswered
from ..applied_state import is_applied
from ..bundle_objects import normalise
from ..change_set import Action
from ..kubectl_fields import without
from ..managed_fields import extracted
from ..ownership_marks import marks
from ..recorded_change import another_run
from ..replica_counts import kept_replicas
from .session import Session, uid
from .wait_for_dependencies import await_gone

# No object has this version: what exists is refused, and what does not exist is created.
NEVER = "1"
# How often an object may change between two requests before its deletion is given up.
TRIES = 10
# Their dependents (ReplicaSets, pods, what an operator made) must be gone before they count as gone.
FOREGROUND = ("Deployment", "DaemonSet", "StatefulSet", "OpenTelemetryCollector", "TargetAllocator", "Job", "CronJob")


def restless(asked: str) -> Problem:
    """Return the error for an object that was never as it was read."""
    fix = "Look at its managedFields for a controller that writes it all the time."
    return Problem(f"it has changed {TRIES} times meanwhile", asked=asked, fix=fix)


def _pinned(manifest: Manifest, identity: str, version: str) -> Manifest:
    """Return what the server applies only to this very object in this state. By a version alone it creates one."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": identity, "resourceVersion": version}}


def _applied(live: Manifest, manager: str) -> tuple[Any, Any]:
    """Return when and what a field manager last applied: two applies of one second have the same time."""
    return last_apply(live, manager), extracted(live, manager)


class Rewritten(NamedTuple):
    """An object after a write, and the newest state before it that was not of this run."""

    after: Manifest
    before: Manifest


def rewrite(session: Session, manifest: Manifest, before: Manifest) -> Rewritten:
    """Apply an object in the state in which it was read. Raises Problem if another run has changed it since."""
    asked, manager = f"Apply {ref(manifest)}", session.options.field_manager
    version = manifest["metadata"].get("resourceVersion") or before["metadata"].get("resourceVersion")
    for _try in range(TRIES):
        try:
            return Rewritten(session.apply(_pinned(manifest, uid(before), version)), before)
        except ApiError as error:
            if error.status != CONFLICT or error.caused_by("FieldManagerConflict"):
                raise
        now = session.live(manifest)
        if now is None or _applied(now, manager) != _applied(before, manager):
            if now and is_applied(manifest, now, manager):  # the answer to an earlier attempt was lost
                return Rewritten(now, before)
            raise Problem("another run has changed it since this run has read it", asked=asked, fix=ONE_RUN)
        version = now["metadata"].get("resourceVersion")
        before = now  # what others wrote meanwhile is not a change of this run
    raise restless(asked)


def keep_replicas(session: Session, manifest: Manifest, before: Manifest | None) -> Manifest:
    """Let another field manager own the replica count that a manifest drops, so that the server keeps it.

    When an autoscaler writes the count for the first time, that name owns nothing any more and is forgotten.
    """
    count = kept_replicas(manifest, before, session.options.field_manager)
    if count is None:
        return manifest
    if session.options.check:
        return {**manifest, "spec": {**manifest["spec"], "replicas": count}}
    metadata = {key: manifest["metadata"][key] for key in ("name", "namespace")}
    only = {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "metadata": metadata}
    try:
        handed = session.apply({**only, "spec": {"replicas": count}}, f"{session.options.field_manager}/replicas")
    except ApiError as error:
        if not error.caused_by("FieldManagerConflict"):  # an autoscaler was faster, and owns the count
            raise explain(error, f"Keep the replicas of {ref(manifest)}") from error
        return manifest
    version = handed["metadata"].get("resourceVersion")
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": version}}


def _marks(live: Manifest, manager: str) -> tuple[str, str, bool]:
    """Return by what an object is judged: which one it is, whose it is, and whether the field manager applied it."""
    return uid(live), release_of(live), applied_by(live, manager)


def delete_one(session: Session, judged: Manifest) -> bool:
    """Delete an object as it was when it was judged. Return whether it goes: another in its place stays.

    Its status may change at any time, so one that has changed is read and judged again.
    """
    now: Manifest | None = judged
    for _try in range(TRIES):
        if now is None or now["metadata"].get("deletionTimestamp"):
            return True
        if _marks(now, session.options.field_manager) != _marks(judged, session.options.field_manager):
            return False
        if _deleted(session, now):
            return True
        now = session.live(judged)
    raise restless(f"Delete {ref(judged)}")


def _deleted(session: Session, live: Manifest) -> bool:
    """Delete an object in this very state; return whether it was still in it."""
    policy = "Foreground" if live["kind"] in FOREGROUND else "Background"
    state = {key: live["metadata"][key] for key in ("uid", "resourceVersion") if live["metadata"].get(key)}
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy, "preconditions": state}
    try:
        session.cluster.request("DELETE", session.path(live), body=body)
    except ApiError as error:
        if error.status not in (NOT_FOUND, CONFLICT):
            raise explain(error, f"Delete {ref(live)}") from error
        return error.status == NOT_FOUND
    return True


def claim(session: Session, live: Manifest) -> Manifest:
    """Take the marks of other tools off an object that this run adopts: a later run has no `adopt`."""
    if release_of(live) not in session.options.adopt:
        return live
    foreign_marks = marks(live, session.options.field_manager)
    if not foreign_marks:
        return live
    metadata: dict[str, dict[str, None]] = {}
    for part, name in foreign_marks:
        metadata.setdefault(part, {})[name] = None
    body, path = {"metadata": metadata}, session.path(live)
    asked = f"Take over {ref(live)}"
    return asking(asked, lambda: session.cluster.request("PATCH", path, body=body, content_type=MERGE))


def try_new(session: Session, manifest: Manifest) -> None:
    """Let the server try what replaces an object of its own name, under a free name: a change is refused."""
    name = manifest["metadata"]["name"]
    free = f"{name[:50]}{secrets.token_hex(4)}"
    try:
        session.apply({**manifest, "metadata": {**manifest["metadata"], "name": free}}, dryRun="All")
    except ApiError as error:
        # The earlier object gives its share of a quota back, and rights may be for its name alone.
        is_of_quota = "exceeded quota" in error.message
        is_of_rights = FORBIDDEN.search(error.message) is not None
        if error.status == NOT_ALLOWED and (is_of_quota or is_of_rights):
            return
        body = json.loads(json.dumps(error.body).replace(free, name))
        refusal = ApiError(error.status, body, error.method, session.path(manifest))
        raise unanswered(session.cluster, refusal, ref(manifest)) from error
    finally:
        of_free_name = [text for text in list(session.cluster.warnings) if free in text]
        for text in of_free_name:
            del session.cluster.warnings[text]


def _made_again(session: Session, before: Manifest) -> Manifest | None:
    """Create an object that this run has deleted as it was applied before; nothing if it exists or is refused."""
    earlier = extracted(before, session.options.field_manager) or normalise(before)
    try:
        return session.apply({**earlier, "metadata": {**earlier["metadata"], "resourceVersion": NEVER}}, force="false")
    except ApiError:
        now = session.written(earlier, session.options.field_manager)
        is_new = now is not None and uid(now) != uid(before)  # the answer to an earlier attempt was lost
        return now if is_new else None
    except LostError:
        return None


def remake(session: Session, manifest: Manifest, before: Manifest) -> Manifest:
    """Delete and make what cannot be changed; what was deleted comes back if the server refuses the new one."""
    since = session.cluster.clock()
    if not delete_one(session, before):
        wrong = "it belongs to another owner now"
        raise Problem(wrong, asked=f"Replace {ref(manifest)}", fix="Run the task again.")
    try:
        await_gone(session, [before], since)
        # An object that appeared since then belongs to another owner.
        return asking(f"Apply {ref(manifest)}", lambda: session.apply(manifest, force="false"))
    except (Problem, LostError) as error:
        back = _made_again(session, before)
        session.changes.add(Action.RESTORED if back else Action.DELETED, before, back)
        if isinstance(error, LostError) or not back:
            raise
        fix = f"{error.fix}\n{ref(before)} was deleted for its change, and exists again as it was applied before."
        raise Problem(error.wrong, asked=error.asked, where=error.where, fix=fix) from error


class Writer:
    """What a change of a collector needs of the run over its bundle."""

    def __init__(self, session: Session) -> None:
        self.session, self.cluster, self.manager = session, session.cluster, session.options.field_manager
        self.wait_seconds, self.check = session.options.wait_seconds, session.options.check
        self.keeps_records = session.options.keep_records
        self.kept_records, self.kept_rights = session.report.kept_records, session.report.kept_rights
        self.unschedulable_seconds = session.options.unschedulable_seconds
        self.live = session.live
        self.changes = session.changes
        self.plan = session.report.plan.append
        self.quick_cluster = session.options.quick_cluster or (lambda: session.cluster)
        # As Kubernetes names the holder of a lease.
        self.run = f"{platform.node()}_{secrets.token_hex(4)}"
        self._tried: dict[Ref, Manifest | None] = {}

    def tried(self, manifest: Manifest) -> Manifest | None:
        """Ask once for each object: a change is looked at from several sides, all before the first write."""
        name = ref(manifest)
        if name not in self._tried:
            try:
                self._tried[name] = without(self.session.apply(manifest, dryRun="All"), self.manager)
            except ApiError:
                self._tried[name] = None
        return self._tried[name]

    def write(self, manifest: Manifest, now: Manifest) -> Manifest:
        """Apply an object in a state in which it was read. Raises Problem."""

        def write() -> Manifest:
            return rewrite(self.session, keep_replicas(self.session, manifest, now), now).after

        return asking(f"Apply {ref(manifest)}", write)

    def record(self, record: Manifest, earlier: Manifest | None) -> Manifest:
        """Create the record of a change, or take over an earlier one. Raises Problem if another run was faster."""
        if earlier:
            return self.write(record, earlier)
        given = {**record, "metadata": {**record["metadata"], "resourceVersion": NEVER}}
        try:
            return self.session.apply(given, force="false")
        except ApiError as error:
            if error.status != CONFLICT or error.caused_by("FieldManagerConflict"):
                raise explain(error, f"Apply {ref(record)}") from error
        now = self.session.live(record)
        if now and is_applied(record, now, self.manager):  # as above
            return now
        raise another_run(now or record)

    def delete(self, judged: Manifest) -> bool:
        """Delete an object as it was when it was judged. Return whether it goes."""
        return delete_one(self.session, judged)

    def judged(self, name: str, verdict: str) -> None:
        """Tell how the change of a collector was judged, and add it to the result."""
        self.cluster.progress.now(name, verdict)
        self.session.report.verdicts.append(f"{name}: {verdict}")

    def warn(self, text: str) -> None:
        """Add a warning to the result."""
        self.session.report.warnings.append(text)
