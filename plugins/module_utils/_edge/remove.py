# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a bundle, and what an earlier version of it left behind. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core.bundle import OWNER, OWNER_LABEL, Manifest, Ref, leftovers, may_take, ordered, ref, stale
from .bundle import Options, Session, namespaces_of, refs
from .cluster import JSON, ApiError, Cluster
from .explain import explain
from .issuance import needed_by_others, secrets_of
from .kinds import Place, version_for

# Kinds that a bundle may have had and that can be made again. Never namespaces, definitions or volumes.
PRUNED = (
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress", "HTTPRoute", "GRPCRoute", "Route"),
    *("OpenTelemetryCollector", "TargetAllocator", "Instrumentation", "ServiceMonitor", "PodMonitor", "Certificate"),
    *("Issuer", "Deployment", "DaemonSet", "StatefulSet", "Service", "ConfigMap", "Secret"),
    *("RoleBinding", "ClusterRoleBinding", "Role", "ClusterRole", "ServiceAccount"),
)
# What may be left in a namespace when the bundle is gone, and then keeps the namespace.
LEFTOVER_KINDS = (
    *("Deployment", "DaemonSet", "StatefulSet", "Pod", "Service"),
    *("ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"),
)
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
NOT_ALLOWED, NOT_FOUND = 403, 404
SHOWN = 10


def remove_bundle(cluster: Cluster, options: Options) -> dict[str, Any]:
    """Delete the objects of the bundle in reverse order, then what its label still selects, then its namespaces."""
    session = Session(cluster, options)
    live = cluster.parallel(session.live, options.manifests)
    for manifest, found in zip(options.manifests, live, strict=True):
        if found is None:
            session.report.add("absent", manifest, None)
    there = [found for found in live if found]
    kept = needed_by_others(session, there)
    leaving = [found for found in there if found not in kept]
    made = secrets_of(session, leaving)
    groups = list(reversed(ordered([*leaving, *made])))
    for group in groups:
        delete(session, [found for found in group if found["kind"] not in USERS], "deleted")
    going = refs([*options.manifests, *made, *prune(session)]) - refs(kept)
    for group in groups:
        unused = [found for found in group if found["kind"] in USERS and not _kept(session, found, going)]
        delete(session, unused, "deleted")
    return session.report.result()


def delete(session: Session, found: list[Manifest], action: str) -> None:
    """Delete some objects and wait until they are gone: what is deleted later may be needed for that."""
    if found and not session.options.check:
        since = session.cluster.clock()
        session.cluster.parallel(session.delete, found)
        session.await_gone(found, since)
    for manifest in found:
        session.report.add(action, manifest, None)


def prune(session: Session) -> list[Manifest]:
    """Delete the labelled objects that the bundle does not have, in reverse order of making; return them."""
    if not session.options.prune_selector:
        return []
    namespaces = namespaces_of(session.options.manifests)
    places = [place for kind in PRUNED if (place := session.places.find(version_for(kind), kind))]
    wheres = [(place, name) for place in places for name in (namespaces if place.namespaced else [""])]
    found = session.cluster.parallel(lambda where: _labelled(session, *where), wheres)
    denied = sorted({place.plural for (place, _namespace), items in zip(wheres, found, strict=True) if items is None})
    if denied:
        session.report.warnings.append(f"Not pruned, since this user may not list them: {', '.join(denied)}")
    left = stale((item for items in found for item in items or []), refs(session.options.manifests))
    whole = [item for item in session.cluster.parallel(session.live, left) if item]
    whole += secrets_of(session, whole)
    for group in reversed(ordered(whole)):
        delete(session, group, "pruned")
    return whole


def _labelled(session: Session, place: Place, namespace: str) -> list[Manifest] | None:
    """Return the objects with the bundle's label, or nothing when the user may not see them."""
    query = {"labelSelector": session.options.prune_selector}
    return _listed(session, place, namespace, query, METADATA_ONLY)


def _listed(
    session: Session, place: Place, namespace: str, query: dict[str, Any], accept: str = JSON
) -> list[Manifest] | None:
    try:
        return session.listed(place, namespace, query, accept)
    except ApiError as error:
        if error.status == NOT_FOUND:  # the kind is not installed, so there is none of it
            return []
        if error.status == NOT_ALLOWED:
            return None
        raise explain(error, f"List {place.plural}") from error


def _kept(session: Session, found: Manifest, going: set[Ref]) -> bool:
    reason = USERS[found["kind"]](session, found, going)
    if reason:
        session.report.warnings.append(f"Kept {ref(found)}: {reason}")
        session.report.add("unchanged", found, found)
    return bool(reason)


def _namespace_users(session: Session, namespace: Manifest, going: set[Ref]) -> str:
    if not may_take(namespace):
        return f"it has no label {OWNER_LABEL}: {OWNER}, so somebody else made it"
    name = namespace["metadata"]["name"]
    places = [place for kind in LEFTOVER_KINDS if (place := session.places.find(version_for(kind), kind))]
    lists = session.cluster.parallel(lambda place: _listed(session, place, name, {}), places)
    denied = [place.plural for place, items in zip(places, lists, strict=True) if items is None]
    if denied:
        return f"this user may not see whether it still has {', '.join(denied)}"
    return _told(leftovers((item for items in lists for item in items or []), going))


def _definition_users(session: Session, definition: Manifest, going: set[Ref]) -> str:
    spec = definition["spec"]
    version = next(version["name"] for version in spec["versions"] if version.get("served"))
    names = spec["names"]
    place = Place(f"{spec['group']}/{version}", names["kind"], names["plural"], spec["scope"] != "Cluster")
    items = _listed(session, place, "", {}, METADATA_ONLY)
    return "this user may not see whether it is used" if items is None else _told(leftovers(items, going))


def _told(left: list[Ref]) -> str:
    if not left:
        return ""
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    return f"it still has {', '.join(map(str, left[:SHOWN]))}{more}"


# Deleting one of these deletes what others keep in it, so it stays as long as somebody uses it.
USERS: dict[str, Callable[[Session, Manifest, set[Ref]], str]] = {
    "Namespace": _namespace_users,
    "CustomResourceDefinition": _definition_users,
}
