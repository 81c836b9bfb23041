# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether clients and the kubelet reach the ports of a collector: its listeners, its Services and its probes. Private.

`live/diagnosed_collector.py` makes a `CollectorReach` of the objects that it has read, and the checks of
checks_connections.py search the rows that the functions here make of it. If Service `gateway` leads to port 14317, and
the receiver otlp listens on 4317, the row of the Service has `state: wrong_port` and `shut: 4317 → 14317`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.network_policies import Object, Policies, selects_labels
from .._otelcol.needs.listeners import Listener, are_ports_known, find_listeners
from .._otelcol.needs.started_components import list_started_components
from .service_endpoints import filter_endpoints, filter_slices, find_target_number, read_labels, read_protocol

# The kinds of probes by which the kubelet asks a port.
_PROBE_ACTIONS = ("httpGet", "tcpSocket", "grpc")
_COMPONENT_LABEL = "app.kubernetes.io/component"
# A Service with one of these labels of a collector is meant for it, whatever it selects: the label of this collection,
# and that of charts and operators.
_INSTANCE_LABELS = (COLLECTOR_LABEL, "app.kubernetes.io/instance")

PortAndProtocol = tuple[Any, str]
"""The number and the protocol of a port, such as `(4317, "TCP")`."""


class NamespaceObjects(NamedTuple):
    """The objects of a pod's namespace; None for those that this user may not see."""

    services: Sequence[Object] | None
    endpoint_slices: Sequence[Object] | None
    policies: Sequence[Object] | None


@dataclass(frozen=True)
class CollectorReach:
    """A collector with the ports that it opens, and the objects that lead clients to them or keep them away."""

    name: str
    pod: Object
    container: Object
    objects: NamespaceObjects
    receiver_listeners: Sequence[Listener]
    """The ports that its receivers listen on."""
    open_ports: frozenset[PortAndProtocol] | None
    """The ports of all its components that others can reach; None if the config does not tell all ports."""

    @classmethod
    def of(
        cls, name: str, config: Any, pod: Object, container: Object, objects: NamespaceObjects, *, table: Listeners
    ) -> CollectorReach:
        """Return the reach of a collector with a config. `table` has the ports that component types open.

        The ports are not known without a config, and if a variable sets one of them: `endpoint: 0.0.0.0:${env:PORT}`.
        """
        parts = list(list_started_components(config))
        all_listeners = list(find_listeners(config, parts, table))
        receiver_listeners = []
        for listener in all_listeners:
            if listener.part and listener.part.section == "receivers":
                receiver_listeners.append(listener)
        open_ports: frozenset[PortAndProtocol] | None = None
        if config and are_ports_known(config, parts, table):
            reachable_listeners = [listener for listener in all_listeners if not is_loopback(listener.host)]
            open_ports = frozenset(listener.port_and_protocol for listener in reachable_listeners)
        return cls(name, pod, container, objects, receiver_listeners, open_ports)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the pod."""
        return read_labels(self.pod)

    @property
    def container_ports(self) -> list[Any]:
        """The ports that the container declares."""
        return list_at(self.container, "ports")


# ── Probes ──


class ProbeRow(TypedDict):
    """A probe of the container that asks a port on which the collector does not listen."""

    about: str
    kind: str
    """`startup`, `readiness` or `liveness`."""
    port: int


def list_misdirected_probes(reach: CollectorReach) -> list[ProbeRow]:
    """Return a row for each probe that asks a port on which the collector does not listen."""
    if reach.open_ports is None:
        return []
    rows: list[ProbeRow] = []
    for kind in ("startup", "readiness", "liveness"):
        port = _find_probed_port(mapping_at(reach.container, f"{kind}Probe"), reach.container_ports)
        if port and (port, "TCP") not in reach.open_ports:
            rows.append({"about": "start", "kind": kind, "port": port})
    return rows


def _find_probed_port(probe: Object, container_ports: Sequence[Object]) -> int | None:
    """Return the number of the port that a probe asks; None if it asks none."""
    for action_name in _PROBE_ACTIONS:
        if probe.get(action_name):
            action = mapping_at(probe, action_name)
            # A probe names a port as a Service does: by its number, or by the name of a port of the container.
            return find_target_number({"targetPort": action.get("port")}, container_ports) if action else None
    return None


# ── Services ──


class ServicePortRow(TypedDict):
    """A port of a Service, and the number of the port of the pods that it leads to; None if no port has its name."""

    port: Any
    target: int | None
    protocol: str


class ServiceRow(TypedDict):
    """A Service that selects the collector's pods or is meant for them."""

    name: str
    namespace: Any
    ports: list[ServicePortRow]
    ready: int
    """How many endpoints take connections."""
    not_ready: int
    state: str
    """`ok`, `selects_nothing`, `not_ready`, `wrong_port`, or `other` if it leads to other pods.

    `not_ready` is also a Service whose selector fits, and that has no endpoint at all.
    """
    differs: str
    """How its selector differs from the labels of the pods, in words."""
    shut: str
    """The ports that lead to where no receiver listens, such as `4317 → 14317`."""
    listens: str
    """The numbers of the ports that receivers listen on."""
    about: str


def describe_services(reach: CollectorReach) -> list[ServiceRow] | None:
    """Return a row for each Service that selects the collector's pods or is meant for them; None if unseen."""
    if reach.objects.services is None or reach.objects.endpoint_slices is None:
        return None
    rows = []
    for service in reach.objects.services:
        row = _describe_service(reach, service, reach.objects.endpoint_slices)
        if row:
            rows.append(row)
    return rows


def _describe_service(reach: CollectorReach, service: Object, endpoint_slices: Sequence[Object]) -> ServiceRow | None:
    """Return the row of a Service; None for a Service that neither selects the pods nor is meant for them."""
    name = str(value_at(service, ("metadata", "name")))
    selector = mapping_at(service, "spec", "selector")
    if not selector:  # somebody else writes its endpoints
        return None
    selects_pods = selects_labels({"matchLabels": selector}, reach.labels)
    if not selects_pods and not _is_meant_for(reach, name, service):
        return None
    slices = filter_slices(name, endpoint_slices)
    ready_count = len(filter_endpoints(slices, ready=True))
    waiting_count = len(filter_endpoints(slices, ready=False))
    ports = list_at(service, "spec", "ports")
    shut_ports = [port for port in ports if selects_pods and _is_shut(reach, port)]
    return {
        "name": name,
        "namespace": value_at(service, ("metadata", "namespace")),
        "ports": [_describe_port(port, reach.container_ports) for port in ports],
        "ready": ready_count,
        "not_ready": waiting_count,
        "state": _judge_service(ready_count, waiting_count, selects_pods=selects_pods, has_shut_port=bool(shut_ports)),
        "differs": ", ".join(_list_label_differences(selector, reach.labels)),
        "shut": ", ".join(_describe_port_target(port) for port in shut_ports),
        "listens": ", ".join(str(listener.port) for listener in reach.receiver_listeners),
        "about": "in",
    }


def _is_meant_for(reach: CollectorReach, service_name: str, service: Object) -> bool:
    """Return whether a Service is meant for the collector, by its name or by the instance in its labels."""
    if service_name in (reach.name, f"{reach.name}-collector", f"{reach.name}-collector-headless"):
        return True
    labels = read_labels(service)
    if labels.get(_COMPONENT_LABEL) not in (None, reach.labels.get(_COMPONENT_LABEL)):
        return False  # a target allocator has the instance of its collector and another component
    for key in _INSTANCE_LABELS:
        if labels.get(key):
            # Collectors may share an instance: the first label that is there says whose it is.
            return bool(labels[key] == reach.labels.get(key))
    return False


def _is_shut(reach: CollectorReach, port: Object) -> bool:
    """Whether a port of a Service has the number of a receiver's port, and leads to where no receiver listens.

    The number tells what the port is for: another number may be that of an extension or of another container.
    """
    number, protocol = find_target_number(port, reach.container_ports), read_protocol(port)
    receiver_ports = {listener.port_and_protocol for listener in reach.receiver_listeners}
    return (port.get("port"), protocol) in receiver_ports and (number, protocol) not in receiver_ports


def _describe_port(port: Object, container_ports: Sequence[Object]) -> ServicePortRow:
    """Return the row of a port of a Service."""
    number = find_target_number(port, container_ports)
    return {"port": port.get("port"), "target": number, "protocol": read_protocol(port)}


def _judge_service(ready_count: int, waiting_count: int, *, selects_pods: bool, has_shut_port: bool) -> str:
    """Return the state of a Service, as `ServiceRow` lists them: what keeps all clients away comes first."""
    if not ready_count:
        # A pod without an IP address, such as one that no node has place for, is in no EndpointSlice.
        has_pods = bool(waiting_count) or selects_pods
        return "not_ready" if has_pods else "selects_nothing"
    if has_shut_port:
        return "wrong_port"
    return "ok" if selects_pods else "other"


def _list_label_differences(selector: Mapping[str, str], pod_labels: Mapping[str, str]) -> Iterator[str]:
    """Yield in words each label that a selector asks for and the pods do not have."""
    for key, value in selector.items():
        if pod_labels.get(key) != value:
            pod_label = f"{key}={pod_labels[key]}" if key in pod_labels else "no such label"
            yield f"it asks for {key}={value}, the pods have {pod_label}"


def _describe_port_target(port: Object) -> str:
    """Return where a port of a Service leads to, such as `4317 → 14317`."""
    return f"{port.get('port')} → {port.get('targetPort') or port.get('port')}"


# ── Listeners of receivers ──


class ReceiverPortRow(TypedDict):
    """A port that a receiver listens on."""

    receiver: str
    host: str
    port: int
    protocol: str
    state: str
    """`served`, `loopback`, `blocked` by a network policy, or `unserved` if no Service leads to it."""
    policies: str
    """The network policies that keep some clients away, or all."""
    about: str


def describe_listeners(reach: CollectorReach, services: Sequence[ServiceRow] | None) -> list[ReceiverPortRow]:
    """Return a row for each port that a receiver listens on. `services` are the rows of `describe_services`."""
    policies = Policies(reach.objects.policies or (), reach.labels, "Ingress")
    name_by_port = {_read_container_port(port): str(port.get("name") or "") for port in reach.container_ports}
    served_ports = _find_served_ports(reach, services)
    rows: list[ReceiverPortRow] = []
    for listener in reach.receiver_listeners:
        is_served = served_ports is None or listener.port_and_protocol in served_ports
        port_name = name_by_port.get(listener.port_and_protocol, "")
        admitted = policies.judge_admission([listener.port], listener.protocol, [port_name])
        rows.append(
            {
                "receiver": listener.part.id if listener.part else "",
                "host": listener.host,
                "port": listener.port,
                "protocol": listener.protocol,
                "state": _judge_listener(listener, admitted, is_served=is_served),
                "policies": policies.policy_names if admitted != "all" else "",
                "about": "in",
            }
        )
    return rows


def _judge_listener(listener: Listener, admitted: str, *, is_served: bool) -> str:
    """Return the state of a port, as `ReceiverPortRow` lists them: what keeps all clients away comes first."""
    if is_loopback(listener.host):
        return "loopback"
    if admitted == "none":
        return "blocked"
    return "served" if is_served else "unserved"


def _find_served_ports(reach: CollectorReach, services: Sequence[ServiceRow] | None) -> set[PortAndProtocol] | None:
    """Return the ports of the pods to which a Service with ready pods leads, or a port of the node.

    None if it may be any port: the Services are not known, or the pods have the network of their node.
    """
    if services is None or mapping_at(reach.pod, "spec").get("hostNetwork") is True:
        return None
    served_ports: set[PortAndProtocol] = set()
    for service in services:
        if service["ready"]:
            served_ports.update((port["target"], port["protocol"]) for port in service["ports"])
    served_ports.update(_read_container_port(port) for port in reach.container_ports if port.get("hostPort"))
    return served_ports


def _read_container_port(container_port: Object) -> PortAndProtocol:
    """Return the number and the protocol of a port of a container."""
    return container_port.get("containerPort"), read_protocol(container_port)
