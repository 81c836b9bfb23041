# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the stale objects of a cluster: those with a label of the bundle that the bundle no longer has. Private.

A bundle is the list of all manifests of a run. `prune.py` calls one of two functions here:

- `list_stale_of_applied` for a bundle that is applied. Three kinds of objects with its label stay: the records of
  interrupted changes, the notes that a collector has passed its wave, and the earlier configs to which a workload may
  go back. (collector_maps.py of _rollout explains records and notes, config_versions.py the configs.)
- `list_stale_of_removed` for a bundle that is removed: nothing stays.

Both ask for metadata first, and read only what is stale as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

from ..._kube.live.cluster import METADATA_LIST
from ..._kube.live.kinds import PRUNED_KINDS, ApiResource, default_api_version
from ..._kube.owner_words import describe_owner
from ..._kube.ownership import is_own_object, read_collector_name, read_release_label
from ..._kube.release_names import shared_release
from ..._otelcol.kube.names import COLLECTOR_LABEL, OWNER, OWNER_LABEL, RELEASE_LABEL
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.change_record import build_record_reference, is_record
from ..._rollout.wave_note import build_empty_note, is_note
from ..collector_change import group_by_collector
from ..config_versions import find_collectors_with_new_config, find_earlier_configs, find_unmounted_configs
from ..earlier_objects import find_earlier_place, is_of_earlier_version
from ..stale_objects import find_stale_objects
from .needed_issuers import read_certificate_secrets
from .session import Session, collect_refs, list_namespaces, list_objects, report_kept

# Selects what version 0 of this collection made, which had no label of a release.
_EARLIER_SELECTOR = f"{OWNER_LABEL}={OWNER},!{RELEASE_LABEL}"
# Kinds that only bundles of products have, such as cert-manager; users without such a bundle often may not list them.
_PRODUCT_KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ClusterIssuer")
# The revisions of workloads, by which a workload goes back to an earlier config.
_REVISIONS = (
    ApiResource("apps/v1", "ReplicaSet", "replicasets", is_namespaced=True),
    ApiResource("apps/v1", "ControllerRevision", "controllerrevisions", is_namespaced=True),
)


class StaleObjects(NamedTuple):
    """What the label of a bundle selects, and the bundle does not have."""

    objects: list[Manifest]
    """Those to delete, as they are now, with the Secrets of their Certificates."""
    records: dict[str, Manifest]
    """The records of interrupted changes, by the name of the collector. They go when these changes are complete."""


def list_stale_of_applied(session: Session, live_objects: Mapping[ObjectRef, Manifest | None]) -> StaleObjects:
    """Return what is stale beside a bundle that is applied. `live_objects` are those of the bundle, before a write."""
    has_earlier_objects = _converts_any(session, live_objects)
    stale_objects = _list_stale_metadata(session, session.releases, with_earlier=has_earlier_objects)
    # Records and notes have the label of the bundle, and no inventory has them, so they look stale.
    records = _find_records(session, stale_objects)
    kept_objects = [*records.values(), *_find_notes(session, stale_objects)]
    unkept_objects = [manifest for manifest in stale_objects if manifest not in kept_objects]
    kept_configs = _find_kept_configs(session, unkept_objects, live_objects)
    deleted_objects = [manifest for manifest in unkept_objects if manifest not in kept_configs]
    return StaleObjects(_read_whole_objects(session, deleted_objects), records)


def list_stale_of_removed(session: Session) -> StaleObjects:
    """Return all that the label of a bundle selects and its manifests do not have, for its removal.

    The last collector of a namespace takes along what the namespace's collectors share.
    """
    shared_releases = {shared_release(name) for name in list_namespaces(session.options.manifests)}
    # The release of a collector has a dot in its name, `NAMESPACE.NAME`. That of a product has none, and its objects
    # always had the label of a release.
    has_collectors = any("." in release for release in session.releases)
    stale_objects = _list_stale_metadata(session, session.releases | shared_releases, with_earlier=has_collectors)
    return StaleObjects(_read_whole_objects(session, stale_objects), {})


def _converts_any(session: Session, live_objects: Mapping[ObjectRef, Manifest | None]) -> bool:
    """Return whether the run takes over an object of version 0: that version may have left others too."""
    for manifest in session.options.manifests:
        live_object = live_objects.get(ref(manifest))
        if live_object and session.converts(manifest, live_object):
            return True
    return False


def _list_stale_metadata(session: Session, releases: set[str], *, with_earlier: bool) -> list[Manifest]:
    """Return the labelled objects of these releases that the bundle does not have, as metadata without content.

    They are those of the option `prune_selector`, and `with_earlier` also those of version 0 of this collection.
    """
    if not session.options.prune_selector:
        return []
    listings = _plan_listings(session, with_earlier=with_earlier)
    object_lists = session.cluster.call_in_parallel(lambda listing: _list_labelled(session, listing), listings)
    denied_plurals: set[str] = set()
    labelled_objects: list[Manifest] = []
    for listing, objects in zip(listings, object_lists, strict=True):
        if objects is None:
            denied_plurals.add(listing.resource.plural)
        else:
            labelled_objects += objects
    if denied_plurals:
        denied_text = ", ".join(sorted(denied_plurals))
        session.report.warnings.append(f"Not pruned, since this user may not list them: {denied_text}")
    stale_objects = find_stale_objects(labelled_objects, collect_refs(session.options.manifests))
    return [manifest for manifest in stale_objects if _is_ours(session, manifest, releases)]


class _Listing(NamedTuple):
    """A list of objects to ask for."""

    resource: ApiResource
    namespace: str
    """Empty for a kind of the whole cluster."""
    selector: str


def _plan_listings(session: Session, *, with_earlier: bool) -> list[_Listing]:
    """Return the lists that may have stale objects: by selector, then by kind and namespace."""
    selectors = [session.options.prune_selector]
    if with_earlier:
        selectors.append(_EARLIER_SELECTOR)
    kinds = PRUNED_KINDS + (_PRODUCT_KINDS if session.resources.has_definitions else ())
    resources = [session.resources.find_resource(default_api_version(kind), kind) for kind in kinds]
    namespaces = list_namespaces(session.options.manifests)
    listings: list[_Listing] = []
    for selector in selectors:
        for resource in filter(None, resources):
            for namespace in namespaces if resource.is_namespaced else [""]:
                listings.append(_Listing(resource, namespace, selector))
    return listings


def _list_labelled(session: Session, listing: _Listing) -> list[Manifest] | None:
    """Return the objects of a list; None if this user may not list them."""
    query = {"labelSelector": listing.selector}
    return list_objects(session, listing.resource, listing.namespace, query, METADATA_LIST)


def _find_records(session: Session, stale_objects: list[Manifest]) -> dict[str, Manifest]:
    """Return the records of the bundle's collectors, by the name of the collector.

    Other objects with the label of a record are stale like any object.
    """
    release_of_record = {}
    for change in group_by_collector(session.options.manifests, {}):
        record = build_record_reference(change.workloads[0])
        release_of_record[ref(record)] = read_release_label(record)
    records = {}
    for manifest in stale_objects:
        if is_record(manifest) and release_of_record.get(ref(manifest)) == read_release_label(manifest):
            records[read_collector_name(manifest)] = manifest
    return records


def _find_notes(session: Session, stale_objects: list[Manifest]) -> list[Manifest]:
    """Return the notes that collectors of the bundle have passed their wave."""
    note_refs = {
        ref(build_empty_note(change.workloads[0])) for change in group_by_collector(session.options.manifests, {})
    }
    return [manifest for manifest in stale_objects if is_note(manifest) and ref(manifest) in note_refs]


def _read_whole_objects(session: Session, deleted_manifests: list[Manifest]) -> list[Manifest]:
    """Return stale objects with their content, as they are now, and the Secrets of their Certificates."""
    whole_objects = [
        manifest for manifest in session.cluster.call_in_parallel(session.read_live, deleted_manifests) if manifest
    ]
    return whole_objects + read_certificate_secrets(session, whole_objects)


def _find_kept_configs(
    session: Session, stale_objects: list[Manifest], live_objects: Mapping[ObjectRef, Manifest | None]
) -> list[Manifest]:
    """Return the earlier configs that stay. Revisions are read only when a new config may push out an old one."""
    configs = find_earlier_configs(stale_objects, session.options.manifests)
    # Controllers remove old revisions at any time. A run that changes nothing must not find something to delete.
    renewed_collectors = find_collectors_with_new_config(session.options.manifests, live_objects)
    if not renewed_collectors:
        return configs
    revisions: list[Manifest] = []
    for objects in _list_revisions(session, list_namespaces(configs)):
        if objects is None:  # this user may not list them
            return configs
        revisions += objects
    unmounted_configs = find_unmounted_configs(configs, renewed_collectors, revisions)
    return [config for config in configs if config not in unmounted_configs]


def _list_revisions(session: Session, namespaces: Iterable[str]) -> list[list[Manifest] | None]:
    """Return the revisions of collectors by namespace and kind; None for what this user may not list."""
    listings = [
        _Listing(resource, namespace, COLLECTOR_LABEL) for namespace, resource in product(namespaces, _REVISIONS)
    ]

    def list_whole_objects(listing: _Listing) -> list[Manifest] | None:
        return list_objects(session, listing.resource, listing.namespace, {"labelSelector": listing.selector})

    return session.cluster.call_in_parallel(list_whole_objects, listings)


def _is_ours(session: Session, manifest: Manifest, releases: set[str]) -> bool:
    """Return whether a selected object is of one of these releases, by its label and its field manager.

    A selector may also match what others made, or copies of an object.
    """
    if not is_of_earlier_version(manifest, session.options.field_manager):
        return is_own_object(manifest, releases, session.options.field_manager)
    place = find_earlier_place(manifest)
    if place.release not in releases and place.namespace in list_namespaces(session.options.manifests):
        report_kept(session, manifest, f"it belongs to {describe_owner(manifest)}, and to no collector of this run")
    return bool(place.release) and place.release in releases
