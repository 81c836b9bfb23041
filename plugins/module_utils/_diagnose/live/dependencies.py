# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a collector depends on: a change under way, its rights, its backends, and the objects that it mounts.

`diagnosed_collector.py` calls these functions for the facts of a diagnosis; the canary calls `describe_peers` too.
Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from ..._kube.live.cluster import ApiError
from ..._kube.ownership import is_own_object, read_collector_name, read_release_label
from ..._kube.rights import Right
from ..._otelcol.config.paths import list_at, value_at
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.network_policies import Policies, SendingPod
from ..._otelcol.kube.pod_sources import PodSource
from ..._otelcol.kube.reference_remedies import find_missing_keys
from ..._otelcol.needs.peers import Peer
from ..._rollout.change_record import build_record_reference, describe_standing, is_record
from ..._rollout.wave_note import build_empty_note, compute_pods_release, read_passed_wave, select_own_note
from ..needed_rights import find_missing_rights, list_needed_rights
from ..peer_state import BehindAddress, IngressOfPods, PeerRow, describe_peer
from ..service_endpoints import filter_endpoints, filter_slices, read_labels
from .reader import PLURALS, ClusterReader, Notes, Object

ACCESS_REVIEWS_PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


# ── Notes of runs ──


class OpenChangeRow(TypedDict):
    """A change that a run has begun and not ended: the ConfigMap that records it, and what it says."""

    record: str
    what: str


def find_change_under_way(reader: ClusterReader, workload: Object | None, notes: Notes) -> OpenChangeRow | None:
    """Return the change of a collector that a run has begun and not ended; None without one."""
    if not workload or not read_collector_name(workload):
        return None
    expected_record = build_record_reference(workload)
    metadata = expected_record["metadata"]
    config_map = reader.read_object("configmaps", metadata["namespace"], metadata["name"], notes).value
    record = {**(config_map or {"metadata": {}}), "kind": "ConfigMap"}
    if is_record(record) and is_own_object(record, {read_release_label(expected_record)}, OWNER):
        return {"record": metadata["name"], "what": describe_standing(record)}
    return None


def find_passed_wave(
    reader: ClusterReader, collector: Object | None, workload: Object | None, notes: Notes
) -> dict[str, str]:
    """Return the record of the wave that the pods of a collector have passed; empty if they have passed none.

    `collector` is the object with the labels of the collector: a custom resource, or the workload itself.
    """
    if not workload or not collector or not read_collector_name(collector):
        return {}
    note_reference = build_empty_note(collector)["metadata"]
    config_map = reader.read_object("configmaps", note_reference["namespace"], note_reference["name"], notes).value
    return read_passed_wave(select_own_note(config_map, collector), compute_pods_release(workload))


# ── Rights ──


class _Account(NamedTuple):
    """The ServiceAccount of a pod."""

    namespace: str
    name: str


def find_lacking_rights(
    reader: ClusterReader, config: Any, pod: Object, namespace: str, notes: Notes
) -> list[dict[str, Any]] | None:
    """Return the rights that the collector's account lacks, by component; None if this user may not ask."""
    rights_by_component = list_needed_rights(config)
    account_name = value_at(pod, ("spec", "serviceAccountName")) or value_at(pod, ("spec", "serviceAccount"))
    account = _Account(namespace, str(account_name or "default"))
    needed_rights: dict[Right, None] = {}
    for component_rights in rights_by_component.values():
        needed_rights.update(dict.fromkeys(component_rights))
    try:
        scope_by_right = _find_scopes_of_denied(reader, account, list(needed_rights))
    except ApiError as error:
        notes.note_unseen("rights of its ServiceAccount", error.message)
        return None
    return find_missing_rights(rights_by_component, scope_by_right, account.name, namespace)


def _find_scopes_of_denied(reader: ClusterReader, account: _Account, rights: Sequence[Right]) -> dict[Right, str]:
    """Return the rights that an account does not have in the whole cluster.

    Each has `namespace` if the account has it in its own namespace, and `none` if it has it nowhere. Raises ApiError if
    this user may not ask.
    """

    def is_allowed_everywhere(right: Right) -> bool:
        return _is_allowed(reader, account, right, "")

    def is_allowed_in_namespace(right: Right) -> bool:
        # A path of the API server is in no namespace.
        return not right.path and _is_allowed(reader, account, right, account.namespace)

    allowed_everywhere = reader.cluster.call_in_parallel(is_allowed_everywhere, rights)
    denied = [right for right, is_granted in zip(rights, allowed_everywhere, strict=True) if not is_granted]
    allowed_in_namespace = reader.cluster.call_in_parallel(is_allowed_in_namespace, denied)
    scope_by_right = {}
    for right, is_granted in zip(denied, allowed_in_namespace, strict=True):
        scope_by_right[right] = "namespace" if is_granted else "none"
    return scope_by_right


def _is_allowed(reader: ClusterReader, account: _Account, right: Right, scope: str) -> bool:
    """Ask the API server whether an account has a right in a namespace, the `scope`; an empty one is the cluster."""
    namespace = account.namespace
    user = f"system:serviceaccount:{namespace}:{account.name}"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, **right.build_attributes(scope)},
    }
    review = reader.cluster.request("POST", ACCESS_REVIEWS_PATH, body=body)
    return bool(value_at(review, ("status", "allowed")))


# ── Backends ──


def read_peers_ahead(reader: ClusterReader, peers: Iterable[Peer]) -> None:
    """Read the Services at the addresses of exporters, and the objects around them, many at a time."""
    lists, services = [], []
    for peer in peers:
        if peer.service:
            services.append(("services", peer.namespace, peer.service))
            lists += [("endpointslices", peer.namespace), ("networkpolicies", peer.namespace)]
    reader.read_ahead(lists, services)


def describe_peers(
    reader: ClusterReader, peers: Sequence[Peer], pod: Object, egress: Policies, notes: Notes
) -> list[PeerRow]:
    """Return the row of each address that the exporters of a pod send to: what the cluster has there, and its state.

    `egress` are the network policies for what the pod sends.
    """
    sender = _describe_sender(reader, pod) if any(peer.service for peer in peers) else None
    return [describe_peer(peer, _look_behind_address(reader, peer, notes), egress, sender) for peer in peers]


def _describe_sender(reader: ClusterReader, pod: Object) -> SendingPod | None:
    """Return what network policies see of a sending pod; None for a pod with the node's network.

    To such a pod, network policies rarely apply.
    """
    namespace = str(value_at(pod, ("metadata", "namespace")) or "")
    if not namespace or value_at(pod, ("spec", "hostNetwork")) is True:
        return None
    try:
        namespace_labels = read_labels(reader.cluster.get(f"/api/v1/namespaces/{namespace}") or {})
    except ApiError:
        namespace_labels = None
    addresses = tuple(str(address.get("ip")) for address in list_at(pod, "status", "podIPs"))
    return SendingPod(namespace, read_labels(pod), namespace_labels, addresses)


def _look_behind_address(reader: ClusterReader, peer: Peer, notes: Notes) -> BehindAddress:
    """Return what the cluster has behind the address of an exporter; nothing if the address is no Service."""
    if not peer.service:
        return BehindAddress()
    service = reader.read_object("services", peer.namespace, peer.service, notes)
    listed_slices = reader.list_objects("endpointslices", peer.namespace, notes)
    is_no_service = service.value is None and not service.unread_reason
    slices = filter_slices(peer.service, listed_slices or [])
    return BehindAddress(
        service=service.value,
        endpoint_slices=slices,
        is_denied=bool(service.unread_reason) or listed_slices is None,
        has_namespace=is_no_service and not peer.is_certain and _namespace_exists(reader, peer.namespace),
        ingress=_ingress_of_pods(reader, peer, slices),
    )


def _namespace_exists(reader: ClusterReader, namespace: str) -> bool:
    """Return whether the cluster surely has a namespace.

    Without the right to read namespaces, nobody knows whether `gateway.obs` is a Service or a name of DNS.
    """
    try:
        return reader.cluster.get(f"/api/v1/namespaces/{namespace}") is not None
    except ApiError:
        return False


def _ingress_of_pods(reader: ClusterReader, peer: Peer, slices: Sequence[Mapping[str, Any]]) -> IngressOfPods | None:
    """Return the network policies for the pods behind a Service; None without policies, or without a ready pod.

    The first ready pod stands for all of them.
    """
    policies = reader.list_objects("networkpolicies", peer.namespace, Notes())
    pod_names = [value_at(endpoint, ("targetRef", "name")) for endpoint in filter_endpoints(slices, ready=True)]
    if not policies or not pod_names or not pod_names[0]:
        return None
    pod = reader.read_object("pods", peer.namespace, pod_names[0], Notes()).value
    if not pod:
        return None
    return IngressOfPods(Policies(policies, read_labels(pod), "Ingress"), _called_port_names(pod, slices))


def _called_port_names(pod: Object, slices: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the ports of a pod to which the EndpointSlices of a Service lead."""
    called_ports: set[Any] = set()
    for endpoint_slice in slices:
        called_ports.update(port.get("port") for port in list_at(endpoint_slice, "ports"))
    called_names = []
    for container in list_at(pod, "spec", "containers"):
        for port in list_at(container, "ports"):
            if port.get("containerPort") in called_ports:
                called_names.append(str(port.get("name")))
    return called_names


# ── What it mounts ──


class ReferenceRow(TypedDict):
    """A Secret or ConfigMap that pods need. `state` is `ok`, `missing`, `no_key`, or `unseen` if it cannot be read."""

    kind: str
    namespace: str
    name: str
    key: str
    """The keys that it lacks."""
    state: str


def check_references(
    reader: ClusterReader, namespaces: Sequence[str], sources: Sequence[PodSource], notes: Notes
) -> list[ReferenceRow]:
    """Return the Secrets and ConfigMaps that pods in these namespaces need, each once.

    `sources` are the references of the container, without those that it can do without.
    """
    needed_sources = [(namespace, source) for namespace in namespaces for source in sources if not source.optional]
    reader.read_ahead([], [(PLURALS[source.kind], namespace, source.name) for namespace, source in needed_sources])
    rows: dict[tuple[object, ...], ReferenceRow] = {}
    for namespace, source in needed_sources:
        row = _check_reference(reader, namespace, source, notes)
        rows[tuple(row.values())] = row
    return list(rows.values())


def _check_reference(reader: ClusterReader, namespace: str, source: PodSource, notes: Notes) -> ReferenceRow:
    """Return the row of a Secret or ConfigMap, for the keys that one reference needs of it."""
    answer = reader.read_object(PLURALS[source.kind], namespace, source.name, notes)
    state, lacking_keys = "ok", ""
    if answer.unread_reason:
        state = "unseen"
    elif answer.value is None:
        state = "missing"
    else:
        needed_keys = [source.key, *(key for _path, key in source.files)]
        missing_keys = find_missing_keys([key for key in needed_keys if key], answer.value)
        if missing_keys:
            state, lacking_keys = "no_key", ", ".join(missing_keys)
    return {"kind": source.kind, "namespace": namespace, "name": source.name, "key": lacking_keys, "state": state}
