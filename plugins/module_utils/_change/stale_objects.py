# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stale objects: those with the label of a release of the bundle that the bundle itself no longer has. Private.

For example, a collector had a Service in an earlier run, and its new manifests have none: the Service is stale.
`live/stale_listing.py` lists the labelled objects of a cluster, `live/prune.py` deletes the stale ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from .._otelcol.kube.objects import Manifest, ObjectRef, controlling_owner, ref


def find_stale_objects(labelled: Iterable[Manifest], bundle_refs: set[ObjectRef]) -> list[Manifest]:
    """Return the labelled objects that the bundle does not have, and that nothing deletes yet.

    Objects of a controller, such as the pods of a Deployment, are deleted with their owner.
    """
    stale_objects = []
    for manifest in labelled:
        is_deleted_already = bool(manifest["metadata"].get("deletionTimestamp"))
        if ref(manifest) not in bundle_refs and not controlling_owner(manifest) and not is_deleted_already:
            stale_objects.append(manifest)
    return stale_objects
