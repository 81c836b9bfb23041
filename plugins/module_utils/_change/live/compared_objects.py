# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live objects of others that a run compares with its own: budgets, and what the operator makes. Private.

The run reads the live objects with the names of its manifests anyway. A budget of any name may select the same pods,
and the operator makes objects with other names, so both are listed by kind and namespace. Example: of collector
`gateway` of the operator in namespace `obs`, the Services of `obs` are listed, since the operator makes the Service

    ObjectRef("Service", "obs", "gateway-collector")
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..._kube.live.cluster import JSON, METADATA_LIST
from ..._kube.live.kinds import ApiResource, ApiResources, default_api_version
from ..._kube.operator_children import BUDGET, list_made_objects
from ..._kube.operator_status import COLLECTOR
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from .session import Session, list_objects


class _Listing(NamedTuple):
    """A list of objects to ask for: those of a kind in one namespace."""

    resource: ApiResource
    namespace: str


def list_compared_refs(manifests: Iterable[Manifest]) -> set[ObjectRef]:
    """Return the objects that a run compares with those of others: budgets, and what the operator makes."""
    compared_refs: set[ObjectRef] = set()
    for manifest in manifests:
        if manifest["kind"] == COLLECTOR:
            compared_refs.update(list_made_objects(manifest))
        elif manifest["kind"] == BUDGET:
            compared_refs.add(ref(manifest))
    return compared_refs


def list_compared_objects(session: Session, compared_refs: Iterable[ObjectRef]) -> dict[ObjectRef, Manifest]:
    """Return all live objects of the kinds and namespaces of some names. Warn of what this user may not list."""
    listings = _plan_listings(compared_refs)
    object_lists = session.cluster.call_in_parallel(lambda listing: _list_kind(session, listing), listings)
    denied_plurals: set[str] = set()
    live_objects: dict[ObjectRef, Manifest] = {}
    for listing, objects in zip(listings, object_lists, strict=True):
        if objects is None:
            denied_plurals.add(listing.resource.plural)
        else:
            live_objects.update((ref(live), live) for live in objects)
    if denied_plurals:
        denied_text = ", ".join(sorted(denied_plurals))
        session.report.warnings.append(
            f"Not compared with those of others, since this user may not list them: {denied_text}"
        )
    return live_objects


def _plan_listings(compared_refs: Iterable[ObjectRef]) -> list[_Listing]:
    """Return the lists that have the objects of some names."""
    listings: list[_Listing] = []
    for kind, namespace in sorted({(compared_ref.kind, compared_ref.namespace) for compared_ref in compared_refs}):
        resource = ApiResources.find_known(default_api_version(kind), kind)
        if resource:
            listings.append(_Listing(resource, namespace))
    return listings


def _list_kind(session: Session, listing: _Listing) -> list[Manifest] | None:
    """Return the objects of a list, budgets with their content, others as metadata; None if they may not be listed."""
    accept = JSON if listing.resource.kind == BUDGET else METADATA_LIST
    return list_objects(session, listing.resource, listing.namespace, {}, accept)
