# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a bundle, but not what others keep in it or need of it. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..._kube.live.cluster import JSON, METADATA_LIST, ApiError, Cluster
from ..._kube.live.kinds import ApiResource
from ..._kube.ownership import owner
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Identity, Manifest, Ref, identity, ref
from ..bundle_objects import ordered
from ..change_set import Action
from ..leftovers import leftovers, users_of_account
from ..workload_kinds import WORKLOADS
from .prune import Pruning, delete, needed_by_others, secrets_of
from .session import BundleOptions, Session, keep, listed, reporting

# What runs pods, or has pods run: one that is idle now needs its account later.
BUILT_IN = {
    "v1": ("Pod", "ReplicationController"),
    "apps/v1": ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"),
    "batch/v1": ("CronJob", "Job"),
}
EXTENSIONS = {
    "opentelemetry.io/v1beta1": ("OpenTelemetryCollector",),
    "opentelemetry.io/v1alpha1": ("TargetAllocator",),
    "apps.openshift.io/v1": ("DeploymentConfig",),
}
SHOWN = 10
# What a workload leaves that is deleted with `--cascade=orphan`.
ORPHANS = (
    ApiResource("apps/v1", "ReplicaSet", "replicasets", True),
    ApiResource("v1", "Pod", "pods", True),
)


def remove_bundle(cluster: Cluster, options: BundleOptions) -> dict[str, Any]:
    """Delete the objects of the bundle in reverse order, then what its label still selects, then its namespaces."""
    session = Session(cluster, options)
    with reporting(session):
        _remove(session)
    return session.report.result()


def _remove(session: Session) -> None:
    """Delete what nobody else needs, then the namespaces, accounts and definitions that nobody uses any more."""
    own = _own_objects(session)
    pruning = Pruning(session)
    shareable = [manifest for manifest in pruning.left if manifest["kind"] in USERS]
    pruning.hand_over(shareable)
    own += shareable
    kept = needed_by_others(session, [*own, *pruning.left])
    pruning.hand_over(kept)
    leaving = [manifest for manifest in own if manifest not in kept]
    leaving += secrets_of(session, leaving)
    groups = list(reversed(ordered(leaving)))
    for group in groups:
        delete(session, [manifest for manifest in group if manifest["kind"] not in USERS], Action.DELETED)
    going = {identity(manifest) for manifest in [*leaving, *pruning.delete()]}
    for group in groups:
        unused = _unused(session, group, going)
        delete(session, unused, Action.DELETED)
    for orphan in _orphans(session):
        session.report.warnings.append(_told_orphan(orphan))


def _own_objects(session: Session) -> list[Manifest]:
    """Return the live objects of the bundle that may go. Those that are absent and those of others are noted."""
    manifests = session.options.manifests
    live = session.cluster.parallel(session.live, manifests)
    for manifest, now in zip(manifests, live, strict=True):
        if now is None:
            session.changes.add(Action.ABSENT, manifest)
    own = []
    for manifest, now in zip(manifests, live, strict=True):
        if now and session.may_write(manifest, now):
            own.append(now)
        elif now:
            keep(session, now, f"it belongs to {owner(now)}")
    return own


def _orphans(session: Session) -> Iterator[Manifest]:
    """Yield what a deletion without dependents has left of a workload: nothing else finds it, and its pods go on."""
    selectors: dict[str, list[dict[str, str]]] = {}
    for workload in session.options.manifests:
        if workload["kind"] in WORKLOADS:
            chosen = section(workload, "spec", "selector", "matchLabels")
            selectors.setdefault(workload["metadata"]["namespace"], []).append(chosen)
    for namespace in sorted(selectors):
        for resource in ORPHANS:
            for manifest in _listed(session, resource, namespace) or []:
                has_owner = bool(manifest["metadata"].get("ownerReferences"))
                if not has_owner and _is_selected(manifest, selectors[namespace]):
                    yield manifest


def _is_selected(manifest: Manifest, selectors: list[dict[str, str]]) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    return any(selector and selector.items() <= labels.items() for selector in selectors)


def _told_orphan(manifest: Manifest) -> str:
    namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
    command = f"kubectl -n {namespace} delete {manifest['kind'].lower()} {name}"
    return f"{ref(manifest)} runs on: its workload was deleted without its pods. Delete it with `{command}`"


def _unused(session: Session, group: list[Manifest], going: set[Identity]) -> list[Manifest]:
    """Return the objects of a group that others may use, and that nobody uses. Those in use are reported as kept."""
    unused = []
    for manifest in group:
        if manifest["kind"] not in USERS:
            continue
        reason = USERS[manifest["kind"]](session, manifest, going)
        if reason:
            keep(session, manifest, reason)
        else:
            unused.append(manifest)
    return unused


def _namespace_users(session: Session, namespace: Manifest, going: set[Identity]) -> str:
    """Return why a namespace stays, or an empty string: what it still holds, or that this cannot be known."""
    name = namespace["metadata"]["name"]
    try:
        resources = session.resources.of_namespaces()
    except ApiError as error:
        return f"which kinds of objects it may hold is unknown ({error.message})"
    lists = session.cluster.parallel(lambda resource: _held(session, resource, name), resources)
    unknown = _unlisted(resources, lists)
    if unknown:
        return f"this user may not see whether it still has {', '.join(unknown)}, or they cannot be read"
    return _told_refs(leftovers(_together(lists), going))


def _unlisted(resources: Sequence[ApiResource], lists: Sequence[list[Manifest] | None]) -> list[str]:
    """Return the kinds whose objects could not be listed."""
    return [resource.plural for resource, objects in zip(resources, lists, strict=True) if objects is None]


def _together(lists: Iterable[list[Manifest] | None]) -> Iterator[Manifest]:
    """Yield the objects of all lists."""
    for objects in lists:
        yield from objects or []


def _held(session: Session, resource: ApiResource, namespace: str) -> list[Manifest] | None:
    """Return the objects of a kind in a namespace, or nothing when they cannot be read."""
    accept = JSON if resource.kind == "Secret" else METADATA_LIST  # only a whole Secret has its type
    return _listed(session, resource, namespace, accept)


def _listed(session: Session, resource: ApiResource, namespace: str, accept: str = JSON) -> list[Manifest] | None:
    try:
        return listed(session, resource, namespace, {}, accept)
    except Problem:
        return None


def _account_users(session: Session, account: Manifest, going: set[Identity]) -> str:
    """Collectors share an account, also those of other inventories: what runs under it needs it to start again."""
    name = ref(account)
    try:
        served = {version: set(kinds) & session.resources.kinds(version) for version, kinds in EXTENSIONS.items()}
    except ApiError as error:
        return f"which kinds of objects may use it is unknown ({error.message})"
    resources: list[ApiResource] = []
    for version, kinds in {**BUILT_IN, **served}.items():
        resources += [ApiResource(version, kind, f"{kind.lower()}s", True) for kind in kinds]
    lists = session.cluster.parallel(lambda resource: _listed(session, resource, name.namespace), resources)
    denied = _unlisted(resources, lists)
    if denied:
        return f"this user may not see whether {', '.join(denied)} use it, or they cannot be read"
    return _told_refs(users_of_account(_together(lists), name, going), "it is used by")


def _definition_users(session: Session, definition: Manifest, going: set[Identity]) -> str:
    """Return why a definition of a kind stays, or an empty string: there are objects of it, or this is unknown."""
    spec, names = definition["spec"], definition["spec"]["names"]
    served_versions = [version["name"] for version in spec["versions"] if version.get("served")]
    if not served_versions:
        return "it serves no version, so whether it is used is unknown"
    api_version = f"{spec['group']}/{served_versions[0]}"
    resource = ApiResource(api_version, names["kind"], names["plural"], spec["scope"] != "Cluster")
    objects = _listed(session, resource, "", METADATA_LIST)
    if objects is None:
        return "this user may not see whether it is used"
    return _told_refs(leftovers(objects, going))


def _told_refs(left: list[Ref], words: str = "it still has") -> str:
    """Return some objects after these words, or an empty string for none."""
    return f"{words} {at_most(SHOWN, left)}" if left else ""


# Other owners may use these, so they stay while they are in use.
USERS: dict[str, Callable[[Session, Manifest, set[Identity]], str]] = {
    "Namespace": _namespace_users,
    "CustomResourceDefinition": _definition_users,
    "ServiceAccount": _account_users,
}
