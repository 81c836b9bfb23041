# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the dependencies of a collector: a change under way, permissions, backends, and what it mounts. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._kube.live.cluster import ApiError
from ..._kube.ownership import collector_of, is_ours, release_of
from ..._kube.rights import Right
from ..._otelcol.config.paths import at, items
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.network_policies import Policies, Sender
from ..._otelcol.kube.pod_references import Source, missing_keys
from ..._otelcol.needs.peers import Peer
from ..._rollout.change_record import is_record, record_reference, standing
from ..._rollout.wave_note import note_name, own_note, passed_wave, pods_release
from ..checks_start import missing, needed
from ..peer_state import BehindAddress, IngressOfPods, peer_row
from ..reach import endpoints, labels_of, slices_of
from .reader import PLURALS, ClusterReader, Notes, Object

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


def change_under_way(reader: ClusterReader, workload: Object | None, notes: Notes) -> dict[str, Any] | None:
    """Return the record of a change that a run has begun and not completed, and what it says."""
    if not workload or not collector_of(workload):
        return None
    expected = record_reference(workload)
    metadata = expected["metadata"]
    config_map = reader.one("configmaps", metadata["namespace"], metadata["name"], notes).value
    record = {**(config_map or {"metadata": {}}), "kind": "ConfigMap"}
    if is_record(record) and is_ours(record, {release_of(expected)}, OWNER):
        return {"record": metadata["name"], "what": standing(record)}
    return None


def wave_that_passed(
    reader: ClusterReader, collector: Object | None, workload: Object | None, notes: Notes
) -> dict[str, str]:
    """Return the wave that the pods of a collector have passed, by its note; empty if they have passed none.

    `collector` is the object with the labels of the collector: a custom resource, or the workload itself.
    """
    if not workload or not collector or not collector_of(collector):
        return {}
    wanted = note_name(collector)["metadata"]
    found = reader.one("configmaps", wanted["namespace"], wanted["name"], notes).value
    return passed_wave(own_note(found, collector), pods_release(workload))


def rights(
    reader: ClusterReader, config: Any, pod: Object, namespace: str, notes: Notes
) -> list[dict[str, Any]] | None:
    """Return the rights that the collector's account lacks; None when this user may not ask."""
    needs = needed(config)
    account = str(at(pod, ("spec", "serviceAccountName")) or at(pod, ("spec", "serviceAccount")) or "default")
    needed_rights = list(dict.fromkeys(right for component_rights in needs.values() for right in component_rights))

    def is_allowed(right: Right, scope: str) -> bool:
        user = f"system:serviceaccount:{namespace}:{account}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, **right.attributes(scope)},
        }
        return bool(at(reader.cluster.request("POST", REVIEWS, body=body), ("status", "allowed")))

    def is_allowed_in_namespace(right: Right) -> bool:
        return not right.path and is_allowed(right, namespace)

    try:
        everywhere = reader.cluster.parallel(lambda right: is_allowed(right, ""), needed_rights)
        denied = [right for right, is_granted in zip(needed_rights, everywhere, strict=True) if not is_granted]
        in_namespace = reader.cluster.parallel(is_allowed_in_namespace, denied)
    except ApiError as error:
        notes.add("rights of its ServiceAccount", error.message)
        return None
    scopes = {}
    for right, is_granted in zip(denied, in_namespace, strict=True):
        scopes[right] = "namespace" if is_granted else "none"
    return missing(needs, scopes, account, namespace)


def read_peers(reader: ClusterReader, peers: Iterable[Peer]) -> None:
    """Read ahead what stands behind the addresses of exporters."""
    lists, services = [], []
    for peer in peers:
        if peer.service:
            services.append(("services", peer.namespace, peer.service))
            lists += [("endpointslices", peer.namespace), ("networkpolicies", peer.namespace)]
    reader.read_ahead(lists, services)


def peer_facts(
    reader: ClusterReader, peers: Sequence[Peer], pod: Object, egress: Policies, notes: Notes
) -> list[dict[str, Any]]:
    """Return what the cluster has at the address of each exporter of a pod."""
    sender = _sender(reader, pod) if any(peer.service for peer in peers) else None
    return [peer_row(peer, _behind_address(reader, peer, notes), egress, sender) for peer in peers]


def _sender(reader: ClusterReader, pod: Object) -> Sender | None:
    """Return what network policies know of a pod; None for one of the node's network, where they rarely apply."""
    namespace = str(at(pod, ("metadata", "namespace")) or "")
    if not namespace or at(pod, ("spec", "hostNetwork")) is True:
        return None
    try:
        of_namespace = labels_of(reader.cluster.get(f"/api/v1/namespaces/{namespace}") or {})
    except ApiError:
        of_namespace = None
    addresses = tuple(str(address.get("ip")) for address in items(pod, "status", "podIPs"))
    return Sender(namespace, labels_of(pod), of_namespace, addresses)


def _behind_address(reader: ClusterReader, peer: Peer, notes: Notes) -> BehindAddress:
    """Return what stands behind the address of an exporter; nothing for one that is no Service."""
    if not peer.service:
        return BehindAddress()
    service = reader.one("services", peer.namespace, peer.service, notes)
    listed_slices = reader.listed("endpointslices", peer.namespace, notes)
    is_no_service = service.value is None and not service.why
    slices = slices_of(peer.service, listed_slices or [])
    return BehindAddress(
        service=service.value,
        slices=slices,
        is_denied=bool(service.why) or listed_slices is None,
        has_namespace=is_no_service and not peer.certain and _namespace_exists(reader, peer.namespace),
        ingress=_ingress_of_pods(reader, peer, slices),
    )


def _namespace_exists(reader: ClusterReader, namespace: str) -> bool:
    """Return whether the cluster surely has a namespace: without the right to read it, a name may be one of DNS."""
    try:
        return reader.cluster.get(f"/api/v1/namespaces/{namespace}") is not None
    except ApiError:
        return False


def _ingress_of_pods(reader: ClusterReader, peer: Peer, slices: Sequence[Mapping[str, Any]]) -> IngressOfPods | None:
    """Return the network policies for the pods behind a Service; None without policies, or without a ready pod.

    The first ready pod stands for all of them.
    """
    policies = reader.listed("networkpolicies", peer.namespace, Notes())
    pod_names = [at(point, ("targetRef", "name")) for point in endpoints(slices, True)]
    if not policies or not pod_names or not pod_names[0]:
        return None
    pod = reader.one("pods", peer.namespace, pod_names[0], Notes()).value
    if not pod:
        return None
    return IngressOfPods(Policies(policies, labels_of(pod), "Ingress"), _called_port_names(pod, slices))


def _called_port_names(pod: Object, slices: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the ports of a pod to which the EndpointSlices of a Service lead."""
    called_ports = {port.get("port") for item in slices for port in items(item, "ports")}
    called_names = []
    for container in items(pod, "spec", "containers"):
        for port in items(container, "ports"):
            if port.get("containerPort") in called_ports:
                called_names.append(str(port.get("name")))
    return called_names


def references(
    reader: ClusterReader, namespaces: Sequence[str], found: Sequence[Source], notes: Notes
) -> list[dict[str, Any]]:
    """Return the Secrets and ConfigMaps that pods in these namespaces need, and whether they have their keys."""
    needed_sources = [(namespace, source) for namespace in namespaces for source in found if not source.optional]
    reader.read_ahead([], [(PLURALS[source.kind], namespace, source.name) for namespace, source in needed_sources])
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for namespace, source in needed_sources:
        state, lacking_keys = _reference_state(reader, namespace, source, notes)
        row = {"kind": source.kind, "namespace": namespace, "name": source.name, "key": lacking_keys, "state": state}
        rows[tuple(row.values())] = row
    return list(rows.values())


def _reference_state(reader: ClusterReader, namespace: str, source: Source, notes: Notes) -> tuple[str, str]:
    """Return whether a Secret or ConfigMap is there with its keys, and the keys that it lacks."""
    answer = reader.one(PLURALS[source.kind], namespace, source.name, notes)
    if answer.why:
        return "unseen", ""
    if answer.value is None:
        return "missing", ""
    wanted_keys = [source.key, *(key for _path, key in source.files)]
    lacking_keys = missing_keys([key for key in wanted_keys if key], answer.value)
    return ("no_key", ", ".join(lacking_keys)) if lacking_keys else ("ok", "")
