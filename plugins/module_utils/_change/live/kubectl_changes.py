# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take back what people set with kubectl in the pod templates of a bundle. Private."""

from __future__ import annotations

from collections.abc import Mapping

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import CONFLICT, MERGE, ApiError
from ..._kube.ownership import applied_by
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..kubectl_fields import taken_back, without
from .session import Session
from .write import TRIES, restless


def own_kubectl_fields(session: Session, live: Mapping[Ref, Manifest | None]) -> dict[Ref, Manifest | None]:
    """Own what people set with kubectl in the pod templates of this bundle, so that its apply can remove it."""
    if session.options.check or not session.options.force_conflicts:
        return {}
    changed = []
    for manifest in session.options.manifests:
        now = live[ref(manifest)]
        if now and taken_back(now, session.options.field_manager):
            changed.append(manifest)
    owned = session.cluster.parallel(lambda manifest: _own(session, manifest, live[ref(manifest)]), changed)
    return dict(zip(map(ref, changed), owned, strict=True))


def _own(session: Session, manifest: Manifest, judged: Manifest | None) -> Manifest | None:
    """Take the fields of kubectl over, and return the object as it is then."""
    asked, now = f"Take back what kubectl set in {ref(manifest)}", judged
    for _try in range(TRIES):
        if now is None or not session.may_write(manifest, now):
            return judged  # its apply finds that it is no longer the same
        fields = taken_back(now, session.options.field_manager)
        if not fields:
            return now
        state = {key: now["metadata"][key] for key in ("uid", "resourceVersion")}
        body = {"metadata": {**state, "managedFields": fields}}
        try:
            return session.cluster.request("PATCH", session.path(manifest), body=body, content_type=MERGE)
        except ApiError as error:
            if error.status != CONFLICT:
                raise explain(error, asked) from error
        now = session.live(manifest)
    raise restless(asked)


def tried(session: Session, after: Manifest, before: Manifest | None) -> Manifest:
    """Return what the server tried as a run leaves it, which takes these fields back first."""
    options = session.options
    takes_back = options.check and options.force_conflicts
    if takes_back and before and applied_by(before, options.field_manager):
        return without(after, options.field_manager)
    return after
