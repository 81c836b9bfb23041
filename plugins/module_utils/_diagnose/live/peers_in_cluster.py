# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the cluster has at the addresses that exporters send to: Services, endpoints and network policies.

`diagnosed_collector.py` and the canary call `describe_peers`; `peer_state.py` judges what was read. For example, of an
exporter that sends to a Service without pods, the row has

    {"exporter": "otlp", "host": "gateway.obs", "service": "obs/gateway", "state": "no_endpoints", …}

Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._kube.live.cluster import ApiError
from ..._otelcol.config.paths import list_at, value_at
from ..._otelcol.kube.network_policies import Policies, SendingPod
from ..._otelcol.needs.peers import Peer
from ..peer_state import BehindAddress, IngressOfPods, PeerRow, describe_peer
from ..service_endpoints import filter_endpoints, filter_slices, read_labels
from .reader import ClusterReader, Notes, Object, ReadResult


def read_peers_ahead(reader: ClusterReader, peers: Iterable[Peer]) -> None:
    """Read the Services at the addresses of exporters, and the objects around them, many at a time."""
    services: list[tuple[str, str, str]] = []
    lists_around: list[tuple[str, str]] = []
    for peer in peers:
        if peer.service:
            services.append(("services", peer.namespace, peer.service))
            lists_around += [("endpointslices", peer.namespace), ("networkpolicies", peer.namespace)]
    reader.read_ahead(lists_around, services)


def describe_peers(
    reader: ClusterReader, peers: Sequence[Peer], pod: Object, egress: Policies, notes: Notes
) -> list[PeerRow]:
    """Return the row of each address that the exporters of a pod send to: what the cluster has there, and its state.

    `egress` are the network policies for what the pod sends.
    """
    # Only the policies behind a Service see the sending pod. Without a Service, the request for its namespace is saved.
    sending_pod = _describe_sending_pod(reader, pod) if any(peer.service for peer in peers) else None
    return [describe_peer(peer, _look_behind_address(reader, peer, notes), egress, sending_pod) for peer in peers]


def read_first_ready_pod(
    reader: ClusterReader, namespace: str, slices: Sequence[Mapping[str, Any]], notes: Notes
) -> Object | None:
    """Return the first ready pod in the EndpointSlices of a Service; None without one that can be read."""
    ready_endpoints = filter_endpoints(slices, ready=True)
    pod_name = value_at(ready_endpoints[0], ("targetRef", "name")) if ready_endpoints else None
    if not pod_name:  # an endpoint may also be an address outside of the cluster
        return None
    pod: Object | None = reader.read_object("pods", namespace, pod_name, notes).value
    return pod


def _describe_sending_pod(reader: ClusterReader, pod: Object) -> SendingPod | None:
    """Return what network policies see of a sending pod; None for a pod with the node's network.

    To such a pod, network policies rarely apply.
    """
    namespace = str(value_at(pod, ("metadata", "namespace")) or "")
    if not namespace or value_at(pod, ("spec", "hostNetwork")) is True:
        return None
    try:
        namespace_labels = read_labels(_read_namespace(reader, namespace) or {})
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
    slices = filter_slices(peer.service, listed_slices or [])
    return BehindAddress(
        service=service.value,
        endpoint_slices=slices,
        is_denied=bool(service.unread_reason) or listed_slices is None,
        has_namespace=_has_namespace_without_service(reader, peer, service),
        ingress=_read_ingress_of_pods(reader, peer, slices),
    )


def _has_namespace_without_service(reader: ClusterReader, peer: Peer, service: ReadResult) -> bool:
    """Return whether an unclear address surely means a Service that is missing, since its namespace is there.

    | Service of the address | the address can mean nothing else | result |
    |---|---|---|
    | it is there, or cannot be read | yes or no | no |
    | missing | yes | no: nothing is unclear |
    | missing | no, such as `gateway.obs` | whether namespace `obs` is there |
    """
    is_missing = service.value is None and not service.unread_reason
    if not is_missing or peer.is_certain:
        return False
    try:
        return _read_namespace(reader, peer.namespace) is not None
    except ApiError:  # without the right to read namespaces, nobody knows whether `gateway.obs` is a name of DNS
        return False


def _read_ingress_of_pods(
    reader: ClusterReader, peer: Peer, slices: Sequence[Mapping[str, Any]]
) -> IngressOfPods | None:
    """Return the network policies for the pods behind a Service; None without policies, or without a ready pod.

    The first ready pod stands for all of them. What cannot be read is not noted: without it, nothing is said about
    policies.
    """
    unused_notes = Notes()
    policies = reader.list_objects("networkpolicies", peer.namespace, unused_notes)
    pod = read_first_ready_pod(reader, peer.namespace, slices, unused_notes) if policies else None
    if not policies or not pod:
        return None
    return IngressOfPods(Policies(policies, read_labels(pod), "Ingress"), _list_called_port_names(pod, slices))


def _list_called_port_names(pod: Object, slices: Sequence[Mapping[str, Any]]) -> list[str]:
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


def _read_namespace(reader: ClusterReader, name: str) -> Object | None:
    """Return a namespace; None if there is none. Raises ApiError if it cannot be read."""
    return reader.cluster.get(f"/api/v1/namespaces/{name}")
