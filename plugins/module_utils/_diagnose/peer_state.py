# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an address that an exporter sends to, by what the cluster has there.

`live/peers_in_cluster.py` reads the Service and the objects around it, and calls `describe_peer`. The checks of
`checks_connections.py` say for each state what is wrong. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypedDict

from .._kube.service_kinds import is_external_name, is_headless
from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import list_at
from .._otelcol.kube.network_policies import Object, Policies, SendingPod
from .._otelcol.needs.peers import Peer
from .service_endpoints import filter_endpoints


class IngressOfPods(NamedTuple):
    """The network policies for the pods behind a Service, and the names of the ports that the Service calls there."""

    policies: Policies
    port_names: Sequence[str] = ()


class BehindAddress(NamedTuple):
    """What the cluster has behind the address of an exporter. The defaults say that there is nothing."""

    service: Object | None = None
    endpoint_slices: Sequence[Object] = ()
    """The EndpointSlices of the Service."""
    is_denied: bool = False
    """Whether this user may not read the Service or its EndpointSlices."""
    has_namespace: bool = False
    """Whether the namespace of the address exists; it is read only where the name may be one of DNS."""
    ingress: IngressOfPods | None = None


class PeerRow(TypedDict):
    """An address that an exporter sends to.

    `state` is one of these:

        no_scheme       a URL is wanted, and the endpoint is none
        loopback        the collector's own pod
        outside         an address outside of the cluster
        unseen          this user may not read the Service or its endpoints
        no_service      there is no such Service
        no_port         the Service lacks the port
        no_endpoints    no pod is behind the Service
        not_ready       no pod behind it is ready
        blocked         a network policy of the collector keeps the data in
        kept_out        a network policy of the backend keeps the data out
        ok              nothing is wrong
    """

    exporter: str
    endpoint: str
    host: str
    port: int
    path: str
    service: str
    """The Service as NAMESPACE/NAME; empty if the address is none."""
    policies: str
    """The network policies that keep data away."""
    has: str
    """The ports of the Service."""
    about: str
    state: str


def describe_peer(
    peer: Peer, behind_address: BehindAddress, egress: Policies, sending_pod: SendingPod | None = None
) -> PeerRow:
    """Return the row of an address, such as of a Service without the port of the endpoint:

        {exporter: otlp, endpoint: "jaeger.obs:9999", host: jaeger.obs, port: 9999, path: "", service: obs/jaeger,
         policies: "", has: "4317, 4318", about: exporters/otlp, state: no_port}

    `egress` are the network policies for what the collector's pod sends. `sending_pod` is that pod as the network
    policies of the backend see it; without it, they do not count.
    """
    ports = list_at(behind_address.service, "spec", "ports")
    state = _judge_address(peer, behind_address, ports)
    pod_ports = _list_pod_ports(behind_address.endpoint_slices)
    policy_names = ""
    # A policy is the fault only where the address would take the data otherwise. Those of the collector's own pods come
    # first.
    if state in ("ok", "outside") and egress.judge_admission([peer.port, *pod_ports], "TCP") == "none":
        state, policy_names = "blocked", egress.policy_names
    elif state == "ok" and sending_pod and behind_address.ingress:
        policies, port_names = behind_address.ingress
        if policies.is_surely_kept_out(sending_pod, pod_ports, port_names):
            state, policy_names = "kept_out", policies.policy_names
    return {
        "exporter": peer.exporter,
        "endpoint": peer.endpoint,
        "host": peer.host,
        "port": peer.port,
        "path": peer.path,
        "service": f"{peer.namespace}/{peer.service}" if peer.service else "",
        "policies": policy_names,
        "has": ", ".join(str(port.get("port")) for port in ports),
        "about": peer.component_path,
        "state": state,
    }


def _list_pod_ports(slices: Iterable[Object]) -> list[int]:
    """Return the numbers of the ports of the pods behind a Service."""
    numbers: set[int] = set()
    for endpoint_slice in slices:
        for port in list_at(endpoint_slice, "ports"):
            number = port.get("port")
            if isinstance(number, int):
                numbers.add(number)
    return list(numbers)


def _judge_address(peer: Peer, behind_address: BehindAddress, ports: Sequence[Object]) -> str:
    """Return the state of an address by its text, then by the Service behind it, whose ports are `ports`."""
    if peer.lacks_scheme:
        return "no_scheme"
    if is_loopback(peer.host):
        return "loopback"
    if not peer.service:
        return "outside"
    if behind_address.is_denied:
        return "unseen"
    if behind_address.service is None:
        # `gateway.obs` may also be a name of DNS outside of the cluster, unless there is a namespace `obs`.
        is_of_cluster = peer.is_certain or behind_address.has_namespace
        return "no_service" if is_of_cluster else "outside"
    return _judge_service(peer, behind_address.service, ports, behind_address.endpoint_slices)


def _judge_service(peer: Peer, service: Object, ports: Sequence[Object], slices: Sequence[Object]) -> str:
    """Return the state of an address that is a Service: by its port, then by the endpoints behind it."""
    if is_external_name(service):
        return "outside"
    port_numbers = [port.get("port") for port in ports]
    # The name of a headless Service leads to the pods themselves, whatever ports the Service names.
    if peer.port and not is_headless(service) and peer.port not in port_numbers:
        return "no_port"
    if filter_endpoints(slices, ready=True):
        return "ok"
    return "not_ready" if filter_endpoints(slices, ready=False) else "no_endpoints"
