# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete objects as they were when they were judged to go. Private.

Another run or tool may take an object over between the judgement and its deletion. So each request names the state that
was judged, by `uid` and `resourceVersion`, and the server refuses it if the object has another state by now. Then the
object is read and judged again: it stays if it has another owner, or if somebody made it anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import CONFLICT, NOT_FOUND, ApiError
from ..._kube.ownership import is_applied_by, read_release_label
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..change_set import Action
from .deletion_wait import await_deletion
from .session import Session, read_uid, report_kept
from .write import MOST_TRIES, build_restless_problem

# An object of these kinds is gone only when its dependents are gone: ReplicaSets, pods, and what an operator made.
_FOREGROUND_KINDS = (
    "Deployment",
    "DaemonSet",
    "StatefulSet",
    "OpenTelemetryCollector",
    "TargetAllocator",
    "Job",
    "CronJob",
)


def delete_objects(session: Session, manifests: list[Manifest], action: Action) -> None:
    """Delete some objects, note the action, and wait until they are gone.

    What a finalizer needs, such as an operator, is in a later group, so no later group is deleted before that.
    """
    if session.options.check:
        _note_deleted(session, manifests, action)
    elif manifests:
        started_at = session.cluster.clock()
        await_deletion(session, _delete_and_note(session, manifests, action), started_at)


def _delete_and_note(session: Session, manifests: list[Manifest], action: Action) -> list[Manifest]:
    """Delete some objects, and return those that go. If the server refuses one, the error says which others go."""
    deleted_refs: set[ObjectRef] = set()
    kept_reasons: dict[ObjectRef, str] = {}

    def delete_one(manifest: Manifest) -> None:
        kept_reason = delete_as_judged(session, manifest)
        if kept_reason:
            kept_reasons[ref(manifest)] = kept_reason
        else:
            deleted_refs.add(ref(manifest))

    try:
        session.cluster.call_in_parallel(delete_one, manifests)
    finally:
        deleted_manifests = [manifest for manifest in manifests if ref(manifest) in deleted_refs]
        _note_deleted(session, deleted_manifests, action)
    for manifest in manifests:
        if ref(manifest) in kept_reasons:
            report_kept(session, manifest, kept_reasons[ref(manifest)])
    return deleted_manifests


def _note_deleted(session: Session, manifests: Iterable[Manifest], action: Action) -> None:
    for manifest in manifests:
        session.changes.note_action(action, manifest)


def delete_as_judged(session: Session, judged_object: Manifest) -> str:
    """Delete an object that was judged to go. Return why it stays, such as `it belongs to …`; empty if it goes.

    Its status may change at any time. So if the server refuses the state, the object is read and judged again.
    """
    manager = session.options.field_manager
    judged_marks = _read_judged_marks(judged_object, manager)
    latest_object = judged_object
    if _is_going(latest_object):
        return ""
    for _try in range(MOST_TRIES):
        if _delete_in_state(session, latest_object):
            return ""
        live_object = session.read_live(judged_object)
        if live_object is None or _is_going(live_object):
            return ""
        kept_reason = _explain_kept(live_object, judged_marks, manager)
        if kept_reason:
            return kept_reason
        latest_object = live_object
    raise build_restless_problem(f"Delete {ref(judged_object)}")


def _is_going(live_object: Manifest) -> bool:
    """Return whether somebody has deleted an object already."""
    return bool(live_object["metadata"].get("deletionTimestamp"))


def _explain_kept(live_object: Manifest, judged_marks: _JudgedMarks, manager: str) -> str:
    """Return why an object is not the one that was judged to go; empty if it still is."""
    live_marks = _read_judged_marks(live_object, manager)
    if live_marks.uid != judged_marks.uid:
        return "it was made anew since this run read it"
    return "it belongs to another owner now" if live_marks != judged_marks else ""


def _delete_in_state(session: Session, live_object: Manifest) -> bool:
    """Delete an object in this very state. Return whether it was still in this state, or is gone already."""
    policy = "Foreground" if live_object["kind"] in _FOREGROUND_KINDS else "Background"
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


class _JudgedMarks(NamedTuple):
    """What a deletion depends on: which object it is, whose it is, and whether the field manager applied it."""

    uid: str
    release: str
    is_applied: bool


def _read_judged_marks(live: Manifest, manager: str) -> _JudgedMarks:
    return _JudgedMarks(read_uid(live), read_release_label(live), is_applied_by(live, manager))
