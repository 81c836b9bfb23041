# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write or delete one object, unless another run has changed it since this run has read it. Private.

Controllers and users may write the same object at any time, so each request names the state that it was read in, by
`uid` and `resourceVersion`: the server refuses it if the object has another state by now. Then the object is read
again, and the request repeated if no other run has changed it.
"""

from __future__ import annotations

import json
import platform
import secrets
from typing import Any, NamedTuple

from ..._kube.live.api_errors import FORBIDDEN_MESSAGE, ask_server, explain
from ..._kube.live.cluster import CONFLICT, MERGE, NOT_ALLOWED, NOT_FOUND, ApiError
from ..._kube.live.outage import LostError
from ..._kube.ownership import find_last_apply, is_applied_by, read_release_label
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.live.rollout_wait import FIX_OF_PARALLEL_RUNS
from ..._rollout.live.webhook_reasons import explain_rejected_object
from ..applied_state import is_applied
from ..bundle_objects import strip_server_fields
from ..change_set import Action
from ..kubectl_fields import drop_fields_set_by_hand
from ..managed_fields import extract_applied
from ..ownership_marks import list_tool_marks
from ..recorded_change import build_outrun_problem
from ..replica_counts import find_kept_replicas
from .session import Session, read_uid
from .wait_for_dependencies import await_deletion

# No object has this resourceVersion. An apply with it creates an object, and is refused for one that exists.
NEVER_VERSION = "1"
# How often an object may change between a read and the next request before the run gives up.
MOST_TRIES = 10
# The cause that the server gives when an apply without force sets a field of another field manager.
_FIELD_CONFLICT = "FieldManagerConflict"
# So many characters of a name are kept before eight random ones: together they fit a label of a DNS name, 63 at most.
_LONGEST_NAME_START = 50
# An object of these kinds is gone only when its dependents are gone: ReplicaSets, pods, and what an operator made.
FOREGROUND_KINDS = (
    "Deployment",
    "DaemonSet",
    "StatefulSet",
    "OpenTelemetryCollector",
    "TargetAllocator",
    "Job",
    "CronJob",
)


def build_restless_problem(action_text: str) -> Problem:
    """Return the problem of an object that has changed between each read and the next request."""
    fix = "Look at its managedFields for a controller that writes it all the time."
    return Problem(f"it has changed {MOST_TRIES} times meanwhile", asked=action_text, fix=fix)


# ── Apply ──


class Rewritten(NamedTuple):
    """An object after a write of this run, and before it."""

    after: Manifest
    before: Manifest
    """The last state before the write. It has what others wrote since the run first read the object."""


def rewrite(session: Session, manifest: Manifest, live_before: Manifest) -> Rewritten:
    """Apply an object in the state in which it was read. Raises Problem if another run has changed it since."""
    action_text, manager = f"Apply {ref(manifest)}", session.options.field_manager
    version = manifest["metadata"].get("resourceVersion") or live_before["metadata"].get("resourceVersion")
    for _try in range(MOST_TRIES):
        pinned_manifest = _pin_to_state(manifest, read_uid(live_before), version)
        try:
            return Rewritten(session.apply_object(pinned_manifest), live_before)
        except ApiError as error:
            if not _is_state_refused(error):
                raise
        live_object = session.read_live(manifest)
        if live_object is None or _read_last_apply(live_object, manager) != _read_last_apply(live_before, manager):
            if live_object and is_applied(manifest, live_object, manager):  # the answer to an earlier attempt was lost
                return Rewritten(live_object, live_before)
            wrong = "another run has changed it since this run has read it"
            raise Problem(wrong, asked=action_text, fix=FIX_OF_PARALLEL_RUNS)
        version = live_object["metadata"].get("resourceVersion")
        live_before = live_object  # what others wrote meanwhile is not a change of this run
    raise build_restless_problem(action_text)


def _pin_to_state(manifest: Manifest, uid: str, version: str) -> Manifest:
    """Return a manifest that the server applies to this very object in this state only.

    Without the UID, the server would create an object if there is none any more.
    """
    return {**manifest, "metadata": {**manifest["metadata"], "uid": uid, "resourceVersion": version}}


def _is_state_refused(error: ApiError) -> bool:
    """Return whether a request failed because its object is no longer as it was read, or was created meanwhile."""
    return error.status == CONFLICT and not error.is_caused_by(_FIELD_CONFLICT)


class _LastApply(NamedTuple):
    """What a field manager last applied, and when: two applies within one second have the same time."""

    managed_entry: Any
    applied_fields: Manifest | None


def _read_last_apply(live: Manifest, manager: str) -> _LastApply:
    return _LastApply(find_last_apply(live, manager), extract_applied(live, manager))


def keep_replicas(session: Session, manifest: Manifest, live_before: Manifest | None) -> Manifest:
    """Return the manifest to apply so that the server keeps a replica count that an autoscaler is to own.

    The manifest no longer has the count. If its field manager were the only owner, the server would reset the count to
    one. So a second field manager applies the count first; it owns nothing any more when the autoscaler writes it.
    """
    count = find_kept_replicas(manifest, live_before, session.options.field_manager)
    if count is None:
        return manifest
    if session.options.check:
        return {**manifest, "spec": {**manifest["spec"], "replicas": count}}
    count_manifest = {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {key: manifest["metadata"][key] for key in ("name", "namespace")},
        "spec": {"replicas": count},
    }
    try:
        applied_object = session.apply_object(count_manifest, f"{session.options.field_manager}/replicas")
    except ApiError as error:
        if not error.is_caused_by(_FIELD_CONFLICT):  # an autoscaler was faster, and owns the count
            raise explain(error, f"Keep the replicas of {ref(manifest)}") from error
        return manifest
    version = applied_object["metadata"].get("resourceVersion")
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": version}}


# ── Delete ──


class _JudgedMarks(NamedTuple):
    """What a deletion depends on: which object it is, whose it is, and whether the field manager applied it."""

    uid: str
    release: str
    is_applied: bool


def _read_judged_marks(live: Manifest, manager: str) -> _JudgedMarks:
    return _JudgedMarks(read_uid(live), read_release_label(live), is_applied_by(live, manager))


def delete_as_judged(session: Session, judged_object: Manifest) -> bool:
    """Delete an object that was judged to go. Return whether it goes; it stays if it has another owner now.

    Its status may change at any time. So if the server refuses the state, the object is read and judged again.
    """
    manager = session.options.field_manager
    judged_marks = _read_judged_marks(judged_object, manager)
    live_object: Manifest | None = judged_object
    for _try in range(MOST_TRIES):
        if live_object is None or live_object["metadata"].get("deletionTimestamp"):
            return True
        if _read_judged_marks(live_object, manager) != judged_marks:
            return False
        if _delete_in_state(session, live_object):
            return True
        live_object = session.read_live(judged_object)
    raise build_restless_problem(f"Delete {ref(judged_object)}")


def _delete_in_state(session: Session, live_object: Manifest) -> bool:
    """Delete an object in this very state. Return whether it was still in this state, or is gone already."""
    policy = "Foreground" if live_object["kind"] in FOREGROUND_KINDS else "Background"
    preconditions = {
        key: live_object["metadata"][key] for key in ("uid", "resourceVersion") if live_object["metadata"].get(key)
    }
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy, "preconditions": preconditions}
    try:
        session.cluster.request("DELETE", session.build_path(live_object), body=body)
    except ApiError as error:
        if error.status not in (NOT_FOUND, CONFLICT):
            raise explain(error, f"Delete {ref(live_object)}") from error
        return error.status == NOT_FOUND
    return True


def claim_adopted(session: Session, live: Manifest) -> Manifest:
    """Take the marks of other tools off an object that this run adopts, and return it.

    A later run has no `adopt`, and must not find the marks of another owner.
    """
    if read_release_label(live) not in session.options.adopt:
        return live
    foreign_marks = list_tool_marks(live, session.options.field_manager)
    if not foreign_marks:
        return live
    metadata: dict[str, dict[str, None]] = {}
    for part, name in foreign_marks:
        metadata.setdefault(part, {})[name] = None
    body, path = {"metadata": metadata}, session.build_path(live)
    action_text = f"Take over {ref(live)}"
    return ask_server(action_text, lambda: session.cluster.request("PATCH", path, body=body, content_type=MERGE))


def try_replacement(session: Session, manifest: Manifest) -> None:
    """Let the server try an object that is to be deleted and made anew. Raises Problem if it would refuse it.

    The server would refuse the change of the object itself, so it tries the object under a free name.
    """
    name = manifest["metadata"]["name"]
    free_name = f"{name[:_LONGEST_NAME_START]}{secrets.token_hex(4)}"
    try:
        session.apply_object({**manifest, "metadata": {**manifest["metadata"], "name": free_name}}, dryRun="All")
    except ApiError as error:
        # The earlier object gives its share of a quota back, and rights may be for its name alone.
        is_of_quota = "exceeded quota" in error.message
        is_of_rights = FORBIDDEN_MESSAGE.search(error.message) is not None
        if error.status == NOT_ALLOWED and (is_of_quota or is_of_rights):
            return
        # The user knows the object by its own name.
        body = json.loads(json.dumps(error.body).replace(free_name, name))
        refusal = ApiError(error.status, body, error.method, session.build_path(manifest))
        raise explain_rejected_object(session.cluster, refusal, ref(manifest)) from error
    finally:
        for warning_text in list(session.cluster.warnings):
            if free_name in warning_text:
                del session.cluster.warnings[warning_text]


def remake_object(session: Session, manifest: Manifest, live_before: Manifest) -> Manifest:
    """Delete an object that cannot be changed, and make it anew. Return the new object.

    If the server refuses the new object, the deleted one comes back. Raises Problem and LostError.
    """
    started_at = session.cluster.clock()
    if not delete_as_judged(session, live_before):
        wrong = "it belongs to another owner now"
        raise Problem(wrong, asked=f"Replace {ref(manifest)}", fix="Run the task again.")
    try:
        await_deletion(session, [live_before], started_at)
        # An object that appeared since then belongs to another owner.
        return ask_server(f"Apply {ref(manifest)}", lambda: session.apply_object(manifest, force="false"))
    except (Problem, LostError) as error:
        recreated_object = _recreate(session, live_before)
        action = Action.RESTORED if recreated_object else Action.DELETED
        session.changes.note_action(action, live_before, recreated_object)
        if isinstance(error, LostError) or not recreated_object:
            raise
        fix = f"{error.fix}\n{ref(live_before)} was deleted for its change, and exists again as it was applied before."
        raise Problem(error.wrong, asked=error.asked, where=error.where, fix=fix) from error


def _recreate(session: Session, live_before: Manifest) -> Manifest | None:
    """Create an object that this run has deleted, as it was applied before. Return None if that is not possible."""
    earlier_manifest = extract_applied(live_before, session.options.field_manager) or strip_server_fields(live_before)
    try:
        return session.apply_object(_pin_to_absence(earlier_manifest), force="false")
    except ApiError:
        live_object = session.find_written(earlier_manifest, session.options.field_manager)
        if live_object is None or read_uid(live_object) == read_uid(live_before):
            return None
        return live_object  # the answer to an earlier attempt was lost
    except LostError:
        return None


def _pin_to_absence(manifest: Manifest) -> Manifest:
    """Return a manifest that the server applies only if the object does not exist."""
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": NEVER_VERSION}}


# ── For the change of a collector ──


class ObjectWriter:
    """The run over a bundle, as the change of a collector needs it: see `Bundle` in bundle_run.py."""

    def __init__(self, session: Session) -> None:
        self.session, self.cluster, self.manager = session, session.cluster, session.options.field_manager
        self.wait_seconds, self.check = session.options.wait_seconds, session.options.check
        self.keeps_records = session.options.keep_records
        self.kept_records, self.kept_rights = session.report.kept_records, session.report.kept_rights
        self.unschedulable_seconds = session.options.unschedulable_seconds
        self.live = session.read_live
        self.changes = session.changes
        self.plan = session.report.plan_lines.append
        self.quick_cluster = session.options.quick_cluster or (lambda: session.cluster)
        # As Kubernetes names the holder of a lease.
        self.run = f"{platform.node()}_{secrets.token_hex(4)}"
        self._tried_objects: dict[ObjectRef, Manifest | None] = {}

    def tried(self, manifest: Manifest) -> Manifest | None:
        """Return what the server would make of a manifest, by a dry run; None if it would reject it.

        It is asked once for each object: all questions about a change come before the first write.
        """
        object_ref = ref(manifest)
        if object_ref not in self._tried_objects:
            self._tried_objects[object_ref] = self._try_object(manifest)
        return self._tried_objects[object_ref]

    def _try_object(self, manifest: Manifest) -> Manifest | None:
        """Ask the server in a dry run what it would make of a manifest. None stands for a refusal."""
        try:
            tried_object = self.session.apply_object(manifest, dryRun="All")
        except ApiError:
            return None
        return drop_fields_set_by_hand(tried_object, self.manager)

    def write(self, manifest: Manifest, live_object: Manifest) -> Manifest:
        """Apply an object in a state in which it was read. Raises Problem."""

        def write_object() -> Manifest:
            desired_manifest = keep_replicas(self.session, manifest, live_object)
            return rewrite(self.session, desired_manifest, live_object).after

        return ask_server(f"Apply {ref(manifest)}", write_object)

    def record(self, record: Manifest, earlier: Manifest | None) -> Manifest:
        """Create the record of a change, or take over an earlier one. Raises Problem if another run was faster."""
        if earlier:
            return self.write(record, earlier)
        try:
            return self.session.apply_object(_pin_to_absence(record), force="false")
        except ApiError as error:
            if not _is_state_refused(error):
                raise explain(error, f"Apply {ref(record)}") from error
        live_record = self.session.read_live(record)
        if live_record and is_applied(record, live_record, self.manager):  # the answer to an earlier attempt was lost
            return live_record
        raise build_outrun_problem(live_record or record)

    def delete(self, judged_object: Manifest) -> bool:
        """Delete an object that was judged to go. Return whether it goes; it stays if it has another owner now."""
        return delete_as_judged(self.session, judged_object)

    def judged(self, name: str, verdict: str) -> None:
        """Tell how the change of a collector was judged, and add it to the result."""
        self.cluster.progress.tell_now(name, verdict)
        self.session.report.verdict_lines.append(f"{name}: {verdict}")

    def warn(self, text: str) -> None:
        """Add a warning to the result."""
        self.session.report.warnings.append(text)
