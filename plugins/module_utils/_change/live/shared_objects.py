# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a bundle that others may use too, and who uses one. Private.

They are its namespaces, the definitions of kinds, and ServiceAccounts. `remove.py` and `prune.py` delete such an object
only if `find_unused_objects` finds no reason to keep it. For example, a namespace with a ConfigMap of others stays:

    it still has ConfigMap obs/theirs

It also stays if nobody can tell, because this user may not list the objects in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..._kube.live.cluster import JSON, METADATA_LIST, ApiError
from ..._kube.live.kinds import ApiResource
from ..._otelcol.errors import join_at_most
from ..._otelcol.kube.objects import Manifest, ObjectIdentity, ObjectRef, ref
from ..remaining_objects import find_account_users, find_remaining_objects
from .session import Session, list_readable_objects, report_kept

# The kinds whose objects may run pods under a ServiceAccount, by API version. An object that is idle now may need its
# account later. Not every cluster serves the kinds of extensions.
BUILT_IN_KINDS = {
    "v1": ("Pod", "ReplicationController"),
    "apps/v1": ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"),
    "batch/v1": ("CronJob", "Job"),
}
EXTENSION_KINDS = {
    "opentelemetry.io/v1beta1": ("OpenTelemetryCollector",),
    "opentelemetry.io/v1alpha1": ("TargetAllocator",),
    "apps.openshift.io/v1": ("DeploymentConfig",),
}
# How many users of an object a message names.
_MOST_SHOWN = 10
# How a reason begins for objects in a namespace, or of a kind.
_HOLDS = "it still has"


def is_shareable(manifest: Manifest) -> bool:
    """Return whether others may use an object, so that it goes only if nobody does."""
    return manifest["kind"] in _USE_EXPLAINERS


def find_unused_objects(
    session: Session, manifests: Iterable[Manifest], own_identities: set[ObjectIdentity]
) -> list[Manifest]:
    """Return the shareable ones of some objects that nobody uses. Report those in use as kept, with the reason.

    The objects `own_identities`, such as those that this run deletes, do not count as users.
    """
    unused_objects = []
    for manifest in filter(is_shareable, manifests):
        reason = _USE_EXPLAINERS[manifest["kind"]](session, manifest, own_identities)
        if reason:
            report_kept(session, manifest, reason)
        else:
            unused_objects.append(manifest)
    return unused_objects


def _explain_namespace_use(session: Session, namespace: Manifest, own_identities: set[ObjectIdentity]) -> str:
    """Return why a namespace stays; empty if it may go. It stays if it holds objects, or if nobody can tell."""
    namespace_name = namespace["metadata"]["name"]
    try:
        resources = session.resources.list_namespaced()
    except ApiError as error:
        return f"which kinds of objects it may hold is unknown ({error.message})"
    listings = session.cluster.call_in_parallel(
        lambda resource: _list_kind(session, resource, namespace_name, _choose_accepted(resource)), resources
    )
    unlisted_kinds = _name_unlisted_kinds(listings)
    if unlisted_kinds:
        return f"this user may not see whether it still has {', '.join(unlisted_kinds)}, or they cannot be read"
    return _describe_refs(find_remaining_objects(_iterate_objects(listings), own_identities), _HOLDS)


def _choose_accepted(resource: ApiResource) -> str:
    """Return the media type in which to list a kind: its metadata alone, where that tells whether an object counts."""
    return JSON if resource.kind == "Secret" else METADATA_LIST  # only a whole Secret has its type


class _KindListing(NamedTuple):
    """The objects of a kind in a namespace."""

    plural: str
    """The name of the kind in URLs, such as `configmaps`."""
    objects: list[Manifest] | None
    """None if they cannot be read."""


def _list_kind(session: Session, resource: ApiResource, namespace: str, accept: str) -> _KindListing:
    """Return the objects of a kind in a namespace, in the media type `accept`."""
    return _KindListing(resource.plural, list_readable_objects(session, resource, namespace, accept))


def _name_unlisted_kinds(listings: Iterable[_KindListing]) -> list[str]:
    """Return the plurals of the kinds whose objects cannot be read."""
    return [listing.plural for listing in listings if listing.objects is None]


def _iterate_objects(listings: Iterable[_KindListing]) -> Iterator[Manifest]:
    """Yield the objects of all kinds."""
    for listing in listings:
        yield from listing.objects or []


def _explain_account_use(session: Session, account: Manifest, own_identities: set[ObjectIdentity]) -> str:
    """Return why a ServiceAccount stays; empty if it may go.

    Collectors of other inventories may share it, and what runs under it needs it to start again.
    """
    account_ref = ref(account)
    try:
        served_kinds = {
            version: set(kinds) & session.resources.list_kinds(version) for version, kinds in EXTENSION_KINDS.items()
        }
    except ApiError as error:
        return f"which kinds of objects may use it is unknown ({error.message})"
    resources: list[ApiResource] = []
    for version, kinds in {**BUILT_IN_KINDS, **served_kinds}.items():
        resources += [build_user_resource(version, kind) for kind in kinds]
    listings = session.cluster.call_in_parallel(
        lambda resource: _list_kind(session, resource, account_ref.namespace, JSON), resources
    )
    unlisted_kinds = _name_unlisted_kinds(listings)
    if unlisted_kinds:
        return f"this user may not see whether {', '.join(unlisted_kinds)} use it, or they cannot be read"
    account_users = find_account_users(_iterate_objects(listings), account_ref, own_identities)
    return _describe_refs(account_users, "it is used by")


def build_user_resource(api_version: str, kind: str) -> ApiResource:
    """Return the resource of a kind of BUILT_IN_KINDS or EXTENSION_KINDS; all of them have regular plurals."""
    return ApiResource(api_version, kind, f"{kind.lower()}s", is_namespaced=True)


def _explain_definition_use(session: Session, definition: Manifest, own_identities: set[ObjectIdentity]) -> str:
    """Return why a CustomResourceDefinition stays; empty if it may go. It stays if there are objects of its kind."""
    spec = definition["spec"]
    kind_names = spec["names"]
    served_versions = [version["name"] for version in spec["versions"] if version.get("served")]
    if not served_versions:
        return "it serves no version, so whether it is used is unknown"
    api_version = f"{spec['group']}/{served_versions[0]}"
    resource = ApiResource(api_version, kind_names["kind"], kind_names["plural"], spec["scope"] != "Cluster")
    objects = list_readable_objects(session, resource, "", METADATA_LIST)
    if objects is None:
        return "this user may not see whether it is used"
    return _describe_refs(find_remaining_objects(objects, own_identities), _HOLDS)


def _describe_refs(remaining_refs: list[ObjectRef], introduction: str) -> str:
    """Return the names of some objects after the introduction, such as `it is used by`; empty for no objects."""
    return f"{introduction} {join_at_most(_MOST_SHOWN, remaining_refs)}" if remaining_refs else ""


# Why an object stays, by its kind: functions of the session, the object and the identities that do not count as users.
# Each returns the reason; empty if the object may go.
_USE_EXPLAINERS: dict[str, Callable[[Session, Manifest, set[ObjectIdentity]], str]] = {
    "Namespace": _explain_namespace_use,
    "CustomResourceDefinition": _explain_definition_use,
    "ServiceAccount": _explain_account_use,
}
