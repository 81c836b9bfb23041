# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until deleted objects are gone, and say what holds those that stay. Private.

The wait ends with a Problem after `wait_seconds`. For example, of a namespace whose deletion a controller blocks:

    still there after 120 s: Namespace obs, blocked by PersistentVolumeClaim obs/queue (finalizers: kubernetes.io/pvc-…)
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._kube.live.cluster import METADATA_LIST, ApiError
from ..._kube.live.kinds import ApiResource
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..finalizers import describe_finalizers
from .session import Session, list_objects, read_uid
from .wait_progress import show_progress


def await_deletion(session: Session, manifests: Iterable[Manifest], since: float) -> None:
    """Wait until these objects are gone. Raises Problem after `wait_seconds`, counted from the time `since`."""
    waiting_objects = list(manifests)
    for _poll in session.cluster.iter_polls(session.options.wait_seconds, since):
        live_objects = session.cluster.call_in_parallel(session.read_live, waiting_objects)
        # Another object of the same name is not awaited.
        waiting_objects = [
            live_object
            for awaited_object, live_object in zip(waiting_objects, live_objects, strict=True)
            if live_object and read_uid(live_object) == read_uid(awaited_object)
        ]
        show_progress(session, "Deletion", waiting_objects, done_word="done")
        if not waiting_objects:
            return
    fix = "Look for pods that do not end and controllers that keep their finalizers, or raise wait_seconds."
    wrong = f"still there after {session.options.wait_seconds:g} s: {_describe_held(session, waiting_objects)}"
    raise Problem(wrong, asked="Wait for the deletion", fix=fix)


def warn_of_wait(session: Session, leaving_objects: Iterable[Manifest]) -> None:
    """Say in check mode which deletions the run would wait for, and what blocks them."""
    wait_text = f"Without check mode, this run waits up to {session.options.wait_seconds:g} s until these are gone"
    # The server warns of each deprecated kind that is listed. The search for what blocks a namespace lists all kinds,
    # and nobody has asked for these warnings.
    earlier_warnings = dict(session.cluster.warnings)
    session.report.warnings.append(f"{wait_text}, and fails if they stay: {_describe_held(session, leaving_objects)}")
    session.cluster.warnings = earlier_warnings


def _describe_held(session: Session, leaving_objects: Iterable[Manifest]) -> str:
    """Return the objects that are still there, each with what holds it."""
    return "; ".join(f"{ref(manifest)}{_describe_holders(session, manifest)}" for manifest in leaving_objects)


def _describe_holders(session: Session, manifest: Manifest) -> str:
    """Return the finalizers that block a deletion; of a namespace, the objects in it that have some."""
    if manifest["kind"] != "Namespace":
        return describe_finalizers(manifest)
    reasons = _list_blocked_in(session, manifest["metadata"]["name"]) or _list_condition_messages(manifest)
    blocked_clause = f", blocked by {'; '.join(reasons)}" if reasons else ""
    return f"{describe_finalizers(manifest)}{blocked_clause}"


def _list_blocked_in(session: Session, namespace: str) -> list[str]:
    """Return the objects in a namespace whose deletion finalizers block; none if this account may not list all."""
    try:
        resources = session.resources.list_namespaced()
        blocked_lists = session.cluster.call_in_parallel(
            lambda resource: _find_blocked(session, resource, namespace), resources
        )
    except (ApiError, Problem):  # what the account may not list, the conditions of the namespace name by its kind
        return []
    return [
        f"{ref(manifest)}{describe_finalizers(manifest)}"
        for blocked_objects in blocked_lists
        for manifest in blocked_objects
    ]


def _find_blocked(session: Session, resource: ApiResource, namespace: str) -> list[Manifest]:
    """Return the objects of a kind whose deletion is blocked by finalizers."""
    blocked_objects = []
    for manifest in list_objects(session, resource, namespace, {}, METADATA_LIST) or []:
        metadata = manifest["metadata"]
        if metadata.get("deletionTimestamp") and metadata.get("finalizers"):
            blocked_objects.append(manifest)
    return blocked_objects


def _list_condition_messages(namespace: Manifest) -> list[str]:
    """Return what the server says of a namespace that does not end."""
    conditions = (namespace.get("status") or {}).get("conditions") or []
    return [str(condition.get("message")) for condition in conditions if condition.get("status") == "True"]
