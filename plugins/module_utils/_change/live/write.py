# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply one object, unless another run has changed it since this run has read it. Private.

Controllers and users may write the same object at any time, so each request names the state that it was read in, by
`uid` and `resourceVersion`: the server refuses it if the object has another state by now. Then the object is read
again, and the request repeated if no other run has changed it. delete.py and remake.py do the same for deletions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._kube.live.api_errors import ask_server, explain
from ..._kube.live.cluster import CONFLICT, MERGE, ApiError
from ..._kube.ownership import find_last_apply, read_release_label
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..._rollout.live.rollout_wait import FIX_OF_PARALLEL_RUNS
from ..applied_state import is_applied
from ..managed_fields import extract_applied
from ..replica_counts import find_kept_replicas
from ..tool_marks import list_tool_marks
from .session import Session, read_uid

# No object has this resourceVersion. An apply with it creates an object, and is refused for one that exists.
_NEVER_VERSION = "1"
# How often an object may change between a read and the next request before the run gives up.
MOST_TRIES = 10
# The cause that the server gives when an apply without force sets a field of another field manager.
_FIELD_CONFLICT = "FieldManagerConflict"


class Rewritten(NamedTuple):
    """An object after a write of this run, and before it."""

    after: Manifest
    before: Manifest
    """The last state before the write. It has what others wrote since the run first read the object."""


def rewrite(session: Session, manifest: Manifest, live_before: Manifest) -> Rewritten:
    """Apply an object in the state in which it was read. Raises Problem if another run has changed it since."""
    action_text, manager = f"Apply {ref(manifest)}", session.options.field_manager
    # A manifest with a version comes from `keep_replicas`, which has just written the object: the live one is older.
    version = manifest["metadata"].get("resourceVersion") or live_before["metadata"].get("resourceVersion")
    for _try in range(MOST_TRIES):
        pinned_manifest = _pin_to_state(manifest, read_uid(live_before), version)
        try:
            return Rewritten(after=session.apply_object(pinned_manifest), before=live_before)
        except ApiError as error:
            if not is_state_refused(error):
                raise
        live_object = session.read_live(manifest)
        if live_object is None or _read_last_apply(live_object, manager) != _read_last_apply(live_before, manager):
            if live_object and is_applied(manifest, live_object, manager):  # the answer to an earlier attempt was lost
                return Rewritten(after=live_object, before=live_before)
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


def is_state_refused(error: ApiError) -> bool:
    """Return whether a request failed because its object is no longer as it was read, or was created meanwhile."""
    return error.status == CONFLICT and not error.is_caused_by(_FIELD_CONFLICT)


class _LastApply(NamedTuple):
    """What a field manager last applied, and when: two applies within one second have the same time."""

    managed_entry: Any
    applied_fields: Manifest | None


def _read_last_apply(live: Manifest, manager: str) -> _LastApply:
    return _LastApply(find_last_apply(live, manager), extract_applied(live, manager))


def build_restless_problem(action_text: str) -> Problem:
    """Return the problem of an object that has changed between each read and the next request."""
    fix = "Look at its managedFields for a controller that writes it all the time."
    return Problem(f"it has changed {MOST_TRIES} times meanwhile", asked=action_text, fix=fix)


def pin_to_absence(manifest: Manifest) -> Manifest:
    """Return a manifest that the server applies only if the object does not exist."""
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": _NEVER_VERSION}}


def keep_replicas(session: Session, manifest: Manifest, live_before: Manifest | None) -> Manifest:
    """Return the manifest to apply so that the server keeps a replica count that an autoscaler is to own.

    The manifest no longer has the count. If its field manager were the only owner, the server would reset the count to
    one. So a second field manager applies the count first; it owns nothing any more when the autoscaler writes it.
    """
    count = find_kept_replicas(manifest, live_before, session.options.field_manager)
    if count is None:
        return manifest
    # In check mode nothing is written first, so the dry run must not lose the count, which the result would show.
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


def remove_marks_of_other_tools(session: Session, live: Manifest) -> Manifest:
    """Remove the marks of other tools from an object that this run takes over, and return it.

    A mark is a label or an annotation by which a tool such as Helm knows its objects. A later run has no option
    `adopt`, and must not find the marks of another owner.
    """
    if read_release_label(live) not in session.options.adopt:
        return live
    foreign_marks = list_tool_marks(live, session.options.field_manager)
    if not foreign_marks:
        return live
    metadata: dict[str, dict[str, None]] = {}
    for mark in foreign_marks:
        metadata.setdefault(mark.metadata_field, {})[mark.key] = None  # in a merge patch, null removes a key
    body, path = {"metadata": metadata}, session.build_path(live)
    action_text = f"Take over {ref(live)}"
    return ask_server(action_text, lambda: session.cluster.request("PATCH", path, body=body, content_type=MERGE))
