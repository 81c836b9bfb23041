# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether senders reach the receivers of a collector: its listeners, the Services in front of them, its probes.

`live/diagnosed_collector.py` makes a `Reach` of the objects that it has read. Other files use the functions at the end
for labels, EndpointSlices and ports. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.network_policies import Object, Policies, selects_labels
from .._otelcol.needs.listeners import Listener, are_ports_known, started_parts
from .._otelcol.needs.listeners import find_listeners as open_ports

# The kinds of probes by which the kubelet asks a port.
_PROBE_ACTIONS = ("httpGet", "tcpSocket", "grpc")
_COMPONENT_LABEL = "app.kubernetes.io/component"
# A Service with one of these labels of a collector is meant for it, whatever it selects: the label of this collection,
# and that of charts and operators.
_INSTANCE_LABELS = (COLLECTOR_LABEL, "app.kubernetes.io/instance")


class Surroundings(NamedTuple):
    """The objects of a namespace around a pod; None for those that this user may not see."""

    services: Sequence[Object] | None
    endpoint_slices: Sequence[Object] | None
    policies: Sequence[Object] | None


class Reach:
    """One collector: the ports that it listens on, and the objects that lead to them.

    An end is the number and the protocol of a port, such as `(4317, "TCP")`.
    """

    def __init__(
        self, name: str, config: Any, pod: Object, container: Object, around: Surroundings, *, listeners: Listeners
    ) -> None:
        self.name, self.pod, self.container, self.surroundings = name, pod, container, around
        self.labels = read_labels(pod)
        parts = list(started_parts(config))
        all_listeners = list(open_ports(config, parts, listeners))
        self.open_listeners = [
            listener for listener in all_listeners if listener.part and listener.part.section == "receivers"
        ]
        # The ends that others can reach; None if the config does not tell all ports.
        self.ends: set[tuple[Any, str]] | None = None
        if config and are_ports_known(config, parts, listeners):
            self.ends = {listener.port_and_protocol for listener in all_listeners if not is_loopback(listener.host)}
        self.ports = list_at(container, "ports")

    def list_misdirected_probes(self) -> list[dict[str, Any]]:
        """Return the probes of the container that ask a port on which the collector does not listen."""
        if self.ends is None:
            return []
        rows = []
        for kind in ("startup", "readiness", "liveness"):
            port = self._find_probed_port(mapping_at(self.container, f"{kind}Probe"))
            if port and (port, "TCP") not in self.ends:
                rows.append({"about": "start", "kind": kind, "port": port})
        return rows

    def _find_probed_port(self, probe: Object) -> int | None:
        """Return the number of the port that a probe asks; None if it asks none."""
        for action_name in _PROBE_ACTIONS:
            if probe.get(action_name):
                action = mapping_at(probe, action_name)
                return find_target_number({"targetPort": action.get("port")}, self.ports) if action else None
        return None

    def describe_services(self) -> list[dict[str, Any]] | None:
        """Return a row for each Service that selects the collector's pods or is meant for them; None if unseen."""
        if self.surroundings.services is None or self.surroundings.endpoint_slices is None:
            return None
        rows = []
        for service in self.surroundings.services:
            row = self._describe_service(service)
            if row:
                rows.append(row)
        return rows

    def _describe_service(self, service: Object) -> dict[str, Any] | None:
        """Return the row of a Service; None for a Service that neither selects the pods nor is meant for them."""
        name = str(value_at(service, ("metadata", "name")))
        selector = mapping_at(service, "spec", "selector")
        if not selector:
            return None
        is_chosen = selects_labels({"matchLabels": selector}, self.labels)
        if not is_chosen and not self._is_intended(name, service):
            return None
        slices = filter_slices(name, self.surroundings.endpoint_slices or ())
        ready_count = len(filter_endpoints(slices, ready=True))
        waiting_count = len(filter_endpoints(slices, ready=False))
        ports = list_at(service, "spec", "ports")
        shut_ports = [port for port in ports if is_chosen and self._is_shut(port)]
        return {
            "name": name,
            "namespace": value_at(service, ("metadata", "namespace")),
            "ports": [self._describe_port(port) for port in ports],
            "ready": ready_count,
            "not_ready": waiting_count,
            "state": _judge_service(ready_count, waiting_count, selects_pods=is_chosen, has_shut_port=bool(shut_ports)),
            "differs": ", ".join(self._list_label_differences(selector)),
            "shut": ", ".join(_describe_port_target(port) for port in shut_ports),
            "listens": ", ".join(str(listener.port) for listener in self.open_listeners),
            "about": "in",
        }

    def _is_intended(self, name: str, service: Object) -> bool:
        """Return whether a Service is meant for the collector, by its name or by the instance in its labels."""
        if name in (self.name, f"{self.name}-collector", f"{self.name}-collector-headless"):
            return True
        labels = read_labels(service)
        if labels.get(_COMPONENT_LABEL) not in (None, self.labels.get(_COMPONENT_LABEL)):
            return False  # a target allocator has the instance of its collector and another component
        for key in _INSTANCE_LABELS:
            if labels.get(key):
                # Collectors may share an instance: the first label that is there says whose it is.
                return bool(labels[key] == self.labels.get(key))
        return False

    def _list_label_differences(self, selector: Mapping[str, str]) -> Iterator[str]:
        """Yield in words each label that a selector asks for and the pods do not have."""
        for key, value in selector.items():
            if self.labels.get(key) != value:
                pod_label = f"{key}={self.labels[key]}" if key in self.labels else "no such label"
                yield f"it asks for {key}={value}, the pods have {pod_label}"

    def _describe_port(self, port: Object) -> dict[str, Any]:
        """Return the row of a port of a Service, with the port of the pods that it leads to."""
        number = find_target_number(port, self.ports)
        return {"port": port.get("port"), "target": number, "protocol": _port_protocol(port)}

    def _is_shut(self, port: Object) -> bool:
        """Whether a port of a Service has the number of a receiver's port, and leads to where no receiver listens."""
        number, protocol = find_target_number(port, self.ports), _port_protocol(port)
        open_ends = {listener.port_and_protocol for listener in self.open_listeners}
        return (port.get("port"), protocol) in open_ends and (number, protocol) not in open_ends

    def describe_listeners(self) -> list[dict[str, Any]]:
        """Return a row for each port that a receiver listens on.

        `state` is `served`, `loopback`, `blocked` by a network policy, or `unserved` if no Service leads to it.
        """
        services = self.describe_services()
        is_offered = self._build_offer_test(services or ())
        policies = Policies(self.surroundings.policies or (), self.labels, "Ingress")
        name_of_end = {_container_port_end(port): str(port.get("name") or "") for port in self.ports}
        rows = []
        for listener in self.open_listeners:
            admitted = policies.judge_admission(
                [listener.port], listener.protocol, [name_of_end.get(listener.port_and_protocol, "")]
            )
            state = "served"
            if is_loopback(listener.host):
                state = "loopback"
            elif admitted == "none":
                state = "blocked"
            elif services is not None and not is_offered(listener):
                state = "unserved"
            rows.append(
                {
                    "receiver": listener.part.id if listener.part else "",
                    "host": listener.host,
                    "port": listener.port,
                    "protocol": listener.protocol,
                    "state": state,
                    "policies": policies.policy_names if admitted != "all" else "",
                    "about": "in",
                }
            )
        return rows

    def _build_offer_test(self, services: Iterable[Mapping[str, Any]]) -> Callable[[Listener], bool]:
        """Return a function that says whether a Service with ready pods, or the node, leads to a listener."""
        if mapping_at(self.pod, "spec").get("hostNetwork") is True:
            return lambda _listener: True
        served_ends = set[tuple[Any, str]]()
        for row in services:
            if row["ready"]:
                served_ends.update((port["target"], port["protocol"]) for port in row["ports"])
        served_ends.update(_container_port_end(port) for port in self.ports if port.get("hostPort"))
        return lambda listener: listener.port_and_protocol in served_ends


def _container_port_end(container_port: Object) -> tuple[Any, str]:
    """Return the number and the protocol of a port of a container."""
    return container_port.get("containerPort"), _port_protocol(container_port)


def _port_protocol(port: Object) -> str:
    """Return the protocol of a port of a container or a Service; TCP is the default of Kubernetes."""
    return str(port.get("protocol") or "TCP")


def _describe_port_target(port: Object) -> str:
    """Return where a port of a Service leads to."""
    return f"{port.get('port')} → {port.get('targetPort') or port.get('port')}"


def _judge_service(ready_count: int, waiting_count: int, *, selects_pods: bool, has_shut_port: bool) -> str:
    """Return the state of a Service: `selects_nothing`, `not_ready`, `wrong_port`, `ok`, or `other` pods selected."""
    if not ready_count:
        return "not_ready" if waiting_count else "selects_nothing"
    if has_shut_port:
        return "wrong_port"
    return "ok" if selects_pods else "other"


# ── Labels, EndpointSlices and ports ──

# The label of an EndpointSlice with the name of its Service. Source: "EndpointSlices" of Kubernetes' documentation.
_SERVICE_LABEL = "kubernetes.io/service-name"


def read_labels(manifest: Object) -> dict[str, str]:
    """Return the labels of an object."""
    return mapping_at(manifest, "metadata", "labels")


def filter_slices(service: str, slices: Iterable[Object]) -> list[Object]:
    """Return the EndpointSlices of a Service, out of those of its namespace."""
    return [endpoint_slice for endpoint_slice in slices if read_labels(endpoint_slice).get(_SERVICE_LABEL) == service]


def filter_endpoints(slices: Iterable[Object], *, ready: bool) -> list[Object]:
    """Return the endpoints that take connections, or those that do not yet."""
    matching_endpoints = []
    for endpoint_slice in slices:
        for endpoint in list_at(endpoint_slice, "endpoints"):
            is_ready = value_at(endpoint, ("conditions", "ready")) is not False
            if is_ready == ready:
                matching_endpoints.append(endpoint)
    return matching_endpoints


def find_target_number(port: Object, container_ports: Sequence[Object]) -> int | None:
    """Return the number of the port of the pod that a Service's port leads to."""
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    for container_port in container_ports:
        if container_port.get("name") == target:
            number = container_port.get("containerPort")
            return number if isinstance(number, int) else None
    return None
