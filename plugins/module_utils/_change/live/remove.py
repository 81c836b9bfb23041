# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a bundle (all manifests of a run), but not what others need of it. Private.

`bundle_task.py` calls this for `state: absent`. Some objects are shareable: others may use a namespace, a definition of
a kind or a ServiceAccount of the bundle. Such an object stays as long as somebody uses it (shared_objects.py).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._kube.live.cluster import Cluster
from ..._kube.owner_words import describe_owner
from ..._otelcol.kube.objects import Manifest, object_identity
from ..change_set import Action
from ..kind_order import group_by_dependency
from .bundle_options import BundleOptions
from .delete import delete_objects
from .needed_issuers import keep_needed_issuers, read_certificate_secrets
from .orphans import warn_of_orphans
from .prune import Pruning
from .session import Session, report_done_on_failure, report_kept
from .shared_objects import find_unused_objects, is_shareable
from .stale_listing import list_stale_of_removed


def remove_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Delete the objects of the bundle in reverse order, then what its label still selects, then its namespaces."""
    session = Session(cluster, options)
    with report_done_on_failure(session):
        _remove(session)
    return session.report.build_result()


def _remove(session: Session) -> None:
    """Delete what nobody else needs, then the shareable objects that nobody uses any more."""
    removed = _find_removed_objects(session)
    groups = list(reversed(group_by_dependency(removed.objects)))
    for group in groups:
        unshared_objects = [manifest for manifest in group if not is_shareable(manifest)]
        delete_objects(session, unshared_objects, Action.DELETED)
    stale_objects = removed.pruning.delete_all()
    deleted_identities = {object_identity(manifest) for manifest in [*removed.objects, *stale_objects]}
    for group in groups:
        delete_objects(session, find_unused_objects(session, group, deleted_identities), Action.DELETED)
    warn_of_orphans(session)


class _RemovedObjects(NamedTuple):
    """What a removal may delete. Issuers that Certificates of others need are in neither field."""

    objects: list[Manifest]
    """The objects of the bundle, with the Secrets of its Certificates. Shareable objects are all here, also those that
    only the label of the bundle selects: the run looks at each whether somebody uses it."""
    pruning: Pruning
    """All else that the label of the bundle selects."""


def _find_removed_objects(session: Session) -> _RemovedObjects:
    own_objects = _collect_own_objects(session)
    pruning = Pruning(session, list_stale_of_removed(session).objects)
    # Pruning deletes without asking who uses an object, so it must not have the shareable ones.
    shareable_objects = [manifest for manifest in pruning.stale_objects if is_shareable(manifest)]
    pruning.hand_over(shareable_objects)
    own_objects += shareable_objects
    kept_issuers = keep_needed_issuers(session, [*own_objects, *pruning.stale_objects])
    pruning.hand_over(kept_issuers)
    # Only now it is known which Certificates go, and so which Secrets cert-manager would leave behind.
    removed_objects = [manifest for manifest in own_objects if manifest not in kept_issuers]
    removed_objects += read_certificate_secrets(session, removed_objects)
    return _RemovedObjects(removed_objects, pruning)


def _collect_own_objects(session: Session) -> list[Manifest]:
    """Return the live objects of the bundle that this run may delete. Report the absent ones, and those of others."""
    manifests = session.options.manifests
    live_objects = session.cluster.call_in_parallel(session.read_live, manifests)
    for manifest, live_object in zip(manifests, live_objects, strict=True):
        if live_object is None:
            session.changes.note_action(Action.ABSENT, manifest)
    own_manifests = []
    for manifest, live_object in zip(manifests, live_objects, strict=True):
        if live_object and session.may_write(manifest, live_object):
            own_manifests.append(live_object)
        elif live_object:
            report_kept(session, live_object, f"it belongs to {describe_owner(live_object)}")
    return own_manifests
