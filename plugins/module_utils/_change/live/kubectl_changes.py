# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take back what people set with kubectl in the pod templates of a bundle. Private.

To take a field back is to own it in place of kubectl, so that the next apply can remove it (see kubectl_fields.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import CONFLICT, MERGE, ApiError
from ..._kube.ownership import is_applied_by
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..kubectl_fields import drop_fields_set_by_hand, take_back_fields
from .session import Session
from .write import MOST_TRIES, build_restless_problem


def take_over_kubectl_fields(
    session: Session, live_objects: Mapping[ObjectRef, Manifest | None]
) -> dict[ObjectRef, Manifest | None]:
    """Own what people set with kubectl in the pod templates of this bundle, so that its apply can remove it.

    Return the objects that were changed for that, by name, as they are now. One that is gone meanwhile, or that belongs
    to another owner now, is returned as it was read: its apply then finds that, and says so.
    """
    # Without `force_conflicts` the run takes no field from anybody, also none that people set with kubectl.
    if session.options.check or not session.options.force_conflicts:
        return {}
    changed_manifests = []
    for manifest in session.options.manifests:
        live_object = live_objects[ref(manifest)]
        if live_object and take_back_fields(live_object, session.options.field_manager):
            changed_manifests.append(manifest)
    taken_objects = session.cluster.call_in_parallel(
        lambda manifest: _take_over_fields(session, manifest, live_objects[ref(manifest)]), changed_manifests
    )
    return dict(zip(map(ref, changed_manifests), taken_objects, strict=True))


def _take_over_fields(session: Session, manifest: Manifest, judged_object: Manifest | None) -> Manifest | None:
    """Take the fields of kubectl over, and return the object as it is then."""
    action_text, live_object = f"Take back what kubectl set in {ref(manifest)}", judged_object
    for _try in range(MOST_TRIES):
        if live_object is None or not session.may_write(manifest, live_object):
            return judged_object
        fields = take_back_fields(live_object, session.options.field_manager)
        if not fields:
            return live_object
        read_identity = {key: live_object["metadata"][key] for key in ("uid", "resourceVersion")}
        body = {"metadata": {**read_identity, "managedFields": fields}}
        try:
            return session.cluster.request("PATCH", session.build_path(manifest), body=body, content_type=MERGE)
        except ApiError as error:
            if error.status != CONFLICT:
                raise explain(error, action_text) from error
        live_object = session.read_live(manifest)
    raise build_restless_problem(action_text)


def drop_tried_kubectl_fields(session: Session, tried_object: Manifest, live_before: Manifest | None) -> Manifest:
    """Return the answer of the server to a dry run, without the fields that a run would take back and remove."""
    options = session.options
    takes_back = options.check and options.force_conflicts
    if takes_back and live_before and is_applied_by(live_before, options.field_manager):
        return drop_fields_set_by_hand(tried_object, options.field_manager)
    return tried_object
