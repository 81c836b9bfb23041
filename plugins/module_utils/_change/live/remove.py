# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a bundle, but not what others keep in it or need of it. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..._kube.bundle import ordered
from ..._kube.live.cluster import JSON, METADATA_LIST, ApiError, Cluster
from ..._kube.live.kinds import ApiResource
from ..._kube.ownership import owner
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem, at_most
from ..._otelcol.kube.objects import Identity, Manifest, Ref, identity, ref
from ..change_set import Action
from ..leftovers import leftovers, users_of_account
from ..replacement_order import WORKLOADS
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
    own = _own_objects(session)
    pruning = Pruning(session)
    own += pruning.handed([item for item in pruning.left if item["kind"] in USERS])
    kept = needed_by_others(session, [*own, *pruning.left])
    pruning.handed(kept)
    leaving = [found for found in own if found not in kept]
    made = secrets_of(session, leaving)
    groups = list(reversed(ordered([*leaving, *made])))
    for group in groups:
        delete(session, [found for found in group if found["kind"] not in USERS], Action.DELETED)
    going = {identity(item) for item in [*leaving, *made, *pruning.delete()]}
    for group in groups:
        unused = [found for found in group if found["kind"] in USERS and not _stays(session, found, going)]
        delete(session, unused, Action.DELETED)
    for orphan in _orphans(session):
        session.report.warnings.append(_orphan(orphan))


def _own_objects(session: Session) -> list[Manifest]:
    """Return the live objects of the bundle that may go. Those that are absent and those of others are noted."""
    manifests = session.options.manifests
    live = session.cluster.parallel(session.live, manifests)
    for manifest, found in zip(manifests, live, strict=True):
        if found is None:
            session.changes.add(Action.ABSENT, manifest)
    own = []
    for manifest, found in zip(manifests, live, strict=True):
        if found and session.may_write(manifest, found):
            own.append(found)
        elif found:
            keep(session, found, f"it belongs to {owner(found)}")
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
            for item in _listed(session, resource, namespace) or []:
                if not item["metadata"].get("ownerReferences") and _is_selected(item, selectors[namespace]):
                    yield item


def _is_selected(item: Manifest, selectors: list[dict[str, str]]) -> bool:
    labels = item["metadata"].get("labels") or {}
    return any(chosen and chosen.items() <= labels.items() for chosen in selectors)


def _orphan(item: Manifest) -> str:
    namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
    command = f"kubectl -n {namespace} delete {item['kind'].lower()} {name}"
    return f"{ref(item)} runs on: its workload was deleted without its pods. Delete it with `{command}`"


def _stays(session: Session, found: Manifest, going: set[Identity]) -> bool:
    reason = USERS[found["kind"]](session, found, going)
    if reason:
        keep(session, found, reason)
    return bool(reason)


def _namespace_users(session: Session, namespace: Manifest, going: set[Identity]) -> str:
    name = namespace["metadata"]["name"]
    try:
        resources = session.resources.of_namespaces()
    except ApiError as error:
        return f"which kinds of objects it may hold is unknown ({error.message})"
    lists = session.cluster.parallel(lambda resource: _held(session, resource, name), resources)
    unknown = [resource.plural for resource, items in zip(resources, lists, strict=True) if items is None]
    if unknown:
        return f"this user may not see whether it still has {', '.join(unknown)}, or they cannot be read"
    return _told(leftovers((item for items in lists for item in items or []), going))


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
    found = {**BUILT_IN, **served}
    resources = [ApiResource(version, kind, f"{kind.lower()}s", True) for version in found for kind in found[version]]
    lists = session.cluster.parallel(lambda resource: _listed(session, resource, name.namespace), resources)
    denied = [resource.plural for resource, items in zip(resources, lists, strict=True) if items is None]
    if denied:
        return f"this user may not see whether {', '.join(denied)} use it, or they cannot be read"
    users = users_of_account((item for items in lists for item in items or []), name, going)
    return _told(users, "it is used by")


def _definition_users(session: Session, definition: Manifest, going: set[Identity]) -> str:
    spec = definition["spec"]
    version = next((version["name"] for version in spec["versions"] if version.get("served")), "")
    if not version:
        return "it serves no version, so whether it is used is unknown"
    names = spec["names"]
    resource = ApiResource(f"{spec['group']}/{version}", names["kind"], names["plural"], spec["scope"] != "Cluster")
    items = _listed(session, resource, "", METADATA_LIST)
    return "this user may not see whether it is used" if items is None else _told(leftovers(items, going))


def _told(left: list[Ref], words: str = "it still has") -> str:
    return f"{words} {at_most(SHOWN, left)}" if left else ""


# Other owners may use these, so they stay while they are in use.
USERS: dict[str, Callable[[Session, Manifest, set[Identity]], str]] = {
    "Namespace": _namespace_users,
    "CustomResourceDefinition": _definition_users,
    "ServiceAccount": _account_users,
}
