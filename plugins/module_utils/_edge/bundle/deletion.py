# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete objects in the very state in which they were judged, and wait until they are gone. Private."""

from __future__ import annotations

from collections.abc import Iterable

from ..._core.cluster.bundle import Manifest, holders, ref
from ..._core.cluster.ownership import applied_by, release_of
from ..._core.errors import Problem
from ..api.cluster import CONFLICT, NOT_FOUND, ApiError
from ..api.explain import explain
from .bundle import Session

# How often an object may change between two requests before its deletion is given up.
TRIES = 10
# Their dependents (ReplicaSets, pods, what an operator made) must be gone before they count as gone.
FOREGROUND = ("Deployment", "DaemonSet", "StatefulSet", "OpenTelemetryCollector", "TargetAllocator", "Job", "CronJob")


def delete(session: Session, found: list[Manifest], action: str) -> None:
    """Delete some objects and wait until they are gone, because later ones may be needed for that."""
    if found and not session.options.check:
        since = session.cluster.clock()
        goes = session.cluster.parallel(lambda item: delete_one(session, item), found)
        for manifest in (item for item, gone in zip(found, goes, strict=True) if not gone):
            keep(session, manifest, "it belongs to another owner now")
        found = [item for item, gone in zip(found, goes, strict=True) if gone]
        await_gone(session, found, since)
    for manifest in found:
        session.report.add(action, manifest, None)


def keep(session: Session, found: Manifest, reason: str) -> None:
    """Report an object that stays."""
    session.report.warnings.append(f"Kept {ref(found)}: {reason}")
    session.report.add("unchanged", found, found)


def _marks(live: Manifest, manager: str) -> tuple[str, str, bool]:
    return _uid(live), release_of(live), applied_by(live, manager)


def _uid(live: Manifest) -> str:
    return str(live["metadata"].get("uid") or "")


def delete_one(session: Session, judged: Manifest) -> bool:
    """Delete an object as it was when it was judged. Return whether it goes: another in its place stays.

    Its status may change at any time, so one that has changed is read and judged again.
    """
    found: Manifest | None = judged
    for _try in range(TRIES):
        if found is None or found["metadata"].get("deletionTimestamp"):
            return True
        if _marks(found, session.options.field_manager) != _marks(judged, session.options.field_manager):
            return False
        if _deleted(session, found):
            return True
        found = session.live(judged)
    fix = "Look at its managedFields for a controller that writes it all the time."
    raise Problem(f"it has changed {TRIES} times meanwhile", asked=f"Delete {ref(judged)}", fix=fix)


def _deleted(session: Session, found: Manifest) -> bool:
    """Delete an object in this very state; return whether it was still in it."""
    policy = "Foreground" if found["kind"] in FOREGROUND else "Background"
    state = {key: found["metadata"][key] for key in ("uid", "resourceVersion") if found["metadata"].get(key)}
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy, "preconditions": state}
    try:
        session.cluster.request("DELETE", session.path(found), body=body)
    except ApiError as error:
        if error.status not in (NOT_FOUND, CONFLICT):
            raise explain(error, f"Delete {ref(found)}") from error
        return error.status == NOT_FOUND
    return True


def await_gone(session: Session, manifests: Iterable[Manifest], since: float) -> None:
    """Wait until the server has forgotten these objects."""
    waiting = list(manifests)
    for _poll in session.cluster.polls(session.options.wait_seconds, since):
        found = session.cluster.parallel(session.live, waiting)
        waiting = [item for old, item in zip(waiting, found, strict=True) if item and _uid(item) == _uid(old)]
        if not waiting:
            return
    held = "; ".join(f"{ref(item)}{holders(item)}" for item in waiting)
    fix = "Look for pods that do not end and controllers that keep their finalizers, or raise wait_seconds."
    wrong = f"still there after {session.options.wait_seconds:g} s: {held}"
    raise Problem(wrong, asked="Wait for the deletion", fix=fix)
