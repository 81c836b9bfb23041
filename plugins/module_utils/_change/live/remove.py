# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a bundle, but not what others need of it. Private.

`bundle_task.py` calls this for `state: absent`. Objects of three kinds are shareable: others may use a namespace, a
definition of a kind or a ServiceAccount of the bundle. Such an object stays as long as somebody uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..._kube.live.cluster import JSON, METADATA_LIST, ApiError, Cluster
from ..._kube.live.kinds import ApiResource
from ..._kube.ownership import describe_owner
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem, join_at_most
from ..._otelcol.kube.objects import Manifest, ObjectIdentity, ObjectRef, object_identity, ref
from ..change_set import Action
from ..kind_order import group_by_dependency
from ..remaining_objects import find_account_users, find_remaining_objects
from ..workload_kinds import WORKLOAD_KINDS
from .bundle_options import BundleOptions
from .delete import delete_objects
from .needed_issuers import keep_needed_issuers, read_certificate_secrets
from .prune import Pruning
from .session import Session, list_objects, report_done_on_failure, report_kept
from .stale_listing import list_stale_of_removed

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
MOST_SHOWN = 10
# What a workload leaves that somebody has deleted with `kubectl delete --cascade=orphan`.
ORPHAN_RESOURCES = (
    ApiResource("apps/v1", "ReplicaSet", "replicasets", is_namespaced=True),
    ApiResource("v1", "Pod", "pods", is_namespaced=True),
)


def remove_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Delete the objects of the bundle in reverse order, then what its label still selects, then its namespaces."""
    session = Session(cluster, options)
    with report_done_on_failure(session):
        _remove(session)
    return session.report.build_result()


def _remove(session: Session) -> None:
    """Delete what nobody else needs, then the shareable objects that nobody uses any more."""
    pruning, leaving_objects = _find_leaving_objects(session)
    groups = list(reversed(group_by_dependency(leaving_objects)))
    for group in groups:
        own_objects = [manifest for manifest in group if not _is_shareable(manifest)]
        delete_objects(session, own_objects, Action.DELETED)
    stale_objects = pruning.delete_all()
    leaving_identities = {object_identity(manifest) for manifest in [*leaving_objects, *stale_objects]}
    for group in groups:
        delete_objects(session, _find_unused(session, group, leaving_identities), Action.DELETED)
    for orphan in _find_orphans(session):
        session.report.warnings.append(_describe_orphan(orphan))


def _find_leaving_objects(session: Session) -> tuple[Pruning, list[Manifest]]:
    """Return the objects of the bundle that may go, and the pruning of all else that its label selects.

    The first has the Secrets of its Certificates too, and the shareable objects among what the label selects: the run
    looks at each of those whether somebody uses it. Issuers that Certificates of others need are in neither.
    """
    own_objects = _collect_own_objects(session)
    pruning = Pruning(session, list_stale_of_removed(session).objects)
    shareable_objects = [manifest for manifest in pruning.stale_objects if _is_shareable(manifest)]
    pruning.hand_over(shareable_objects)
    own_objects += shareable_objects
    kept_issuers = keep_needed_issuers(session, [*own_objects, *pruning.stale_objects])
    pruning.hand_over(kept_issuers)
    leaving_objects = [manifest for manifest in own_objects if manifest not in kept_issuers]
    leaving_objects += read_certificate_secrets(session, leaving_objects)
    return pruning, leaving_objects


def _is_shareable(manifest: Manifest) -> bool:
    """Return whether others may use an object, so that it goes only if nobody does."""
    return manifest["kind"] in USE_EXPLAINERS


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


def _find_orphans(session: Session) -> Iterator[Manifest]:
    """Yield the ReplicaSets and pods without an owner that the selector of a workload of the bundle selects.

    Somebody has deleted the workload alone. Nothing else finds what it left, and the pods run on.
    """
    selectors_by_namespace: dict[str, list[dict[str, str]]] = {}
    for workload in session.options.manifests:
        if workload["kind"] in WORKLOAD_KINDS:
            pod_selector = mapping_at(workload, "spec", "selector", "matchLabels")
            selectors_by_namespace.setdefault(workload["metadata"]["namespace"], []).append(pod_selector)
    for namespace, selectors in sorted(selectors_by_namespace.items()):
        for resource in ORPHAN_RESOURCES:
            for manifest in _list_or_none(session, resource, namespace) or []:
                has_owner = bool(manifest["metadata"].get("ownerReferences"))
                if not has_owner and _is_selected(manifest, selectors):
                    yield manifest


def _is_selected(manifest: Manifest, selectors: list[dict[str, str]]) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    return any(selector and selector.items() <= labels.items() for selector in selectors)


def _describe_orphan(manifest: Manifest) -> str:
    namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
    command = f"kubectl -n {namespace} delete {manifest['kind'].lower()} {name}"
    return f"{ref(manifest)} runs on: its workload was deleted without its pods. Delete it with `{command}`"


def _find_unused(session: Session, group: list[Manifest], leaving_identities: set[ObjectIdentity]) -> list[Manifest]:
    """Return the shareable objects of a group that nobody uses. Report those in use as kept.

    The leaving objects, which this run deletes, do not count as users.
    """
    unused_manifests = []
    for manifest in group:
        if not _is_shareable(manifest):
            continue
        reason = USE_EXPLAINERS[manifest["kind"]](session, manifest, leaving_identities)
        if reason:
            report_kept(session, manifest, reason)
        else:
            unused_manifests.append(manifest)
    return unused_manifests


def _explain_namespace_use(session: Session, namespace: Manifest, leaving_identities: set[ObjectIdentity]) -> str:
    """Return why a namespace stays; empty if it may go. It stays if it holds objects, or if nobody can tell."""
    namespace_name = namespace["metadata"]["name"]
    try:
        resources = session.resources.list_namespaced()
    except ApiError as error:
        return f"which kinds of objects it may hold is unknown ({error.message})"
    object_lists = session.cluster.call_in_parallel(
        lambda resource: _list_held_objects(session, resource, namespace_name), resources
    )
    unlisted_kinds = _list_unreadable_kinds(resources, object_lists)
    if unlisted_kinds:
        return f"this user may not see whether it still has {', '.join(unlisted_kinds)}, or they cannot be read"
    return _describe_refs(find_remaining_objects(_iterate_objects(object_lists), leaving_identities))


def _list_unreadable_kinds(
    resources: Sequence[ApiResource], object_lists: Sequence[list[Manifest] | None]
) -> list[str]:
    """Return the kinds whose objects could not be listed."""
    return [resource.plural for resource, objects in zip(resources, object_lists, strict=True) if objects is None]


def _iterate_objects(object_lists: Iterable[list[Manifest] | None]) -> Iterator[Manifest]:
    """Yield the objects of all lists."""
    for objects in object_lists:
        yield from objects or []


def _list_held_objects(session: Session, resource: ApiResource, namespace: str) -> list[Manifest] | None:
    """Return the objects of a kind in a namespace; None if they cannot be read."""
    accept = JSON if resource.kind == "Secret" else METADATA_LIST  # only a whole Secret has its type
    return _list_or_none(session, resource, namespace, accept)


def _list_or_none(session: Session, resource: ApiResource, namespace: str, accept: str = JSON) -> list[Manifest] | None:
    try:
        return list_objects(session, resource, namespace, {}, accept)
    except Problem:
        return None


def _explain_account_use(session: Session, account: Manifest, leaving_identities: set[ObjectIdentity]) -> str:
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
    object_lists = session.cluster.call_in_parallel(
        lambda resource: _list_or_none(session, resource, account_ref.namespace), resources
    )
    unlisted_kinds = _list_unreadable_kinds(resources, object_lists)
    if unlisted_kinds:
        return f"this user may not see whether {', '.join(unlisted_kinds)} use it, or they cannot be read"
    account_users = find_account_users(_iterate_objects(object_lists), account_ref, leaving_identities)
    return _describe_refs(account_users, "it is used by")


def build_user_resource(api_version: str, kind: str) -> ApiResource:
    """Return the resource of a kind of BUILT_IN_KINDS or EXTENSION_KINDS; all of them have regular plurals."""
    return ApiResource(api_version, kind, f"{kind.lower()}s", is_namespaced=True)


def _explain_definition_use(session: Session, definition: Manifest, leaving_identities: set[ObjectIdentity]) -> str:
    """Return why a CustomResourceDefinition stays; empty if it may go. It stays if there are objects of its kind."""
    spec = definition["spec"]
    kind_names = spec["names"]
    served_versions = [version["name"] for version in spec["versions"] if version.get("served")]
    if not served_versions:
        return "it serves no version, so whether it is used is unknown"
    api_version = f"{spec['group']}/{served_versions[0]}"
    resource = ApiResource(api_version, kind_names["kind"], kind_names["plural"], spec["scope"] != "Cluster")
    objects = _list_or_none(session, resource, "", METADATA_LIST)
    if objects is None:
        return "this user may not see whether it is used"
    return _describe_refs(find_remaining_objects(objects, leaving_identities))


def _describe_refs(remaining_refs: list[ObjectRef], introduction: str = "it still has") -> str:
    """Return the names of some objects after the introduction; empty for no objects."""
    return f"{introduction} {join_at_most(MOST_SHOWN, remaining_refs)}" if remaining_refs else ""


# The kinds of shareable objects. The function says why an object stays, given what goes with the bundle.
USE_EXPLAINERS: dict[str, Callable[[Session, Manifest, set[ObjectIdentity]], str]] = {
    "Namespace": _explain_namespace_use,
    "CustomResourceDefinition": _explain_definition_use,
    "ServiceAccount": _explain_account_use,
}
