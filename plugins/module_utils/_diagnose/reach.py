# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether senders reach the receivers: listeners, Services in front of them. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.config.addresses import is_loopback
from .._otelcol.config.paths import at, items, section
from .._otelcol.kube.names import COLLECTOR_LABEL
from .._otelcol.kube.network_policies import Object, Policies, selector_selects
from .._otelcol.needs.listeners import Listener, ports_are_known, started_parts
from .._otelcol.needs.listeners import listeners as open_ports

# How the kubelet asks a port.
_WAYS = ("httpGet", "tcpSocket", "grpc")
_ROLE = "app.kubernetes.io/component"
# Labels by which a Service belongs to a collector, whatever it selects: ours, and those of charts and operators.
_BELONGS = (COLLECTOR_LABEL, "app.kubernetes.io/instance")


class Around(NamedTuple):
    """What a namespace holds around a pod; None for what this user may not see."""

    services: Sequence[Object] | None
    slices: Sequence[Object] | None
    policies: Sequence[Object] | None


class Reach:
    """One collector: what it listens on, and how that is reached."""

    def __init__(
        self, name: str, config: Any, pod: Object, container: Object, around: Around, *, listeners: Listeners
    ) -> None:
        self.name, self.pod, self.container, self.around = name, pod, container, around
        self.labels = labels_of(pod)
        parts = list(started_parts(config))
        every = list(open_ports(config, parts, listeners))
        self.open = [listener for listener in every if listener.part and listener.part.section == "receivers"]
        self.ends: set[tuple[Any, str]] | None = None  # unknown
        if config and ports_are_known(config, parts, listeners):
            self.ends = {listener.end for listener in every if not is_loopback(listener.host)}
        self.ports = items(container, "ports")

    def probes(self) -> list[dict[str, Any]]:
        """Return the probes of the container whose port no component of the config listens on for others."""
        if self.ends is None:
            return []
        rows = []
        for kind in ("startup", "readiness", "liveness"):
            port = self._probed_port(section(self.container, f"{kind}Probe"))
            if port and (port, "TCP") not in self.ends:
                rows.append({"about": "start", "kind": kind, "port": port})
        return rows

    def _probed_port(self, probe: Object) -> int | None:
        """Return the number of the port that a probe asks; None if it asks none."""
        for way in _WAYS:
            if probe.get(way):
                asked = section(probe, way)
                return target_number({"targetPort": asked.get("port")}, self.ports) if asked else None
        return None

    def services(self) -> list[dict[str, Any]] | None:
        """Return the Services that select the collector's pods, or that are meant to."""
        if self.around.services is None or self.around.slices is None:
            return None
        rows = []
        for service in self.around.services:
            row = self._service(service)
            if row:
                rows.append(row)
        return rows

    def _service(self, service: Object) -> dict[str, Any] | None:
        """Return the row of a Service; None for one that neither selects the pods nor is meant to."""
        name = str(at(service, ("metadata", "name")))
        selector = section(service, "spec", "selector")
        if not selector:
            return None
        is_chosen = selector_selects({"matchLabels": selector}, self.labels)
        if not is_chosen and not self._meant(name, service):
            return None
        slices = slices_of(name, self.around.slices or ())
        ready, waiting = len(endpoints(slices, True)), len(endpoints(slices, False))
        ports = items(service, "spec", "ports")
        shut_ports = [port for port in ports if is_chosen and self._is_shut(port)]
        return {
            "name": name,
            "namespace": at(service, ("metadata", "namespace")),
            "ports": [self._port(port) for port in ports],
            "ready": ready,
            "not_ready": waiting,
            "state": _state_of_service(ready, waiting, chosen=is_chosen, shut=bool(shut_ports)),
            "differs": ", ".join(self._differences(selector)),
            "shut": ", ".join(_port_text(port) for port in shut_ports),
            "listens": ", ".join(str(listener.port) for listener in self.open),
            "about": "in",
        }

    def _meant(self, name: str, service: Object) -> bool:
        """Return whether a Service is meant for the collector, by its name or by the instance in its labels."""
        if name in (self.name, f"{self.name}-collector", f"{self.name}-collector-headless"):
            return True
        labels = labels_of(service)
        if labels.get(_ROLE) not in (None, self.labels.get(_ROLE)):
            return False  # a target allocator has the instance of its collector, and another role
        for key in _BELONGS:
            if labels.get(key):
                # Collectors may share an instance: the first label that is there says whose it is.
                return bool(labels[key] == self.labels.get(key))
        return False

    def _differences(self, selector: Mapping[str, str]) -> Iterator[str]:
        """Yield which labels a selector asks for that the pods do not have."""
        for key, value in selector.items():
            if self.labels.get(key) != value:
                own = f"{key}={self.labels[key]}" if key in self.labels else "no such label"
                yield f"it asks for {key}={value}, the pods have {own}"

    def _port(self, port: Object) -> dict[str, Any]:
        """Return the row of a port of a Service, with the port of the pods that it leads to."""
        number = target_number(port, self.ports)
        return {"port": port.get("port"), "target": number, "protocol": _protocol(port)}

    def _is_shut(self, port: Object) -> bool:
        """Whether a port that is a receiver's by its number leads to where no receiver listens."""
        number, protocol = target_number(port, self.ports), _protocol(port)
        open_ends = {listener.end for listener in self.open}
        return (port.get("port"), protocol) in open_ends and (number, protocol) not in open_ends

    def listeners(self) -> list[dict[str, Any]]:
        """Return what every receiver listens on, and whether others reach it."""
        services = self.services()
        is_offered = self._offered(services or ())
        policies = Policies(self.around.policies or (), self.labels, "Ingress")
        name_of_end = {_end_of(port): str(port.get("name") or "") for port in self.ports}
        rows = []
        for listener in self.open:
            admitted = policies.admits([listener.port], listener.protocol, [name_of_end.get(listener.end, "")])
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
                    "policies": policies.names if admitted != "all" else "",
                    "about": "in",
                }
            )
        return rows

    def _offered(self, services: Iterable[Mapping[str, Any]]) -> Callable[[Listener], bool]:
        """Return the question whether a Service with ready pods or the node offers a port of the pods."""
        if section(self.pod, "spec").get("hostNetwork") is True:
            return lambda _listener: True
        served_ends = set[tuple[Any, str]]()
        for row in services:
            if row["ready"]:
                served_ends.update((port["target"], port["protocol"]) for port in row["ports"])
        served_ends.update(_end_of(port) for port in self.ports if port.get("hostPort"))
        return lambda listener: listener.end in served_ends


def _end_of(container_port: Object) -> tuple[Any, str]:
    """Return the number and the protocol of a port of a container."""
    return container_port.get("containerPort"), _protocol(container_port)


def _protocol(port: Object) -> str:
    """Return the protocol of a port of a container or a Service; TCP is the default of Kubernetes."""
    return str(port.get("protocol") or "TCP")


def _port_text(port: Object) -> str:
    """Return where a port of a Service leads to."""
    return f"{port.get('port')} → {port.get('targetPort') or port.get('port')}"


def _state_of_service(ready: int, waiting: int, *, chosen: bool, shut: bool) -> str:
    """Return the state of a Service, given its endpoints, and whether it selects the pods and has a wrong port."""
    if not ready:
        return "not_ready" if waiting else "selects_nothing"
    if shut:
        return "wrong_port"
    return "ok" if chosen else "other"


_SERVICE_LABEL = "kubernetes.io/service-name"


def labels_of(manifest: Object) -> dict[str, str]:
    """Return the labels of an object."""
    return section(manifest, "metadata", "labels")


def slices_of(service: str, slices: Iterable[Object]) -> list[Object]:
    """Return the EndpointSlices of a Service of their namespace."""
    return [endpoint_slice for endpoint_slice in slices if labels_of(endpoint_slice).get(_SERVICE_LABEL) == service]


def endpoints(slices: Iterable[Object], ready: bool) -> list[Object]:
    """Return the endpoints that take connections, or those that do not yet."""
    chosen = []
    for endpoint_slice in slices:
        for endpoint in items(endpoint_slice, "endpoints"):
            is_ready = at(endpoint, ("conditions", "ready")) is not False
            if is_ready == ready:
                chosen.append(endpoint)
    return chosen


def target_number(port: Object, container_ports: Sequence[Object]) -> int | None:
    """Return the number of the port of the pod that a Service's port leads to."""
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    for container_port in container_ports:
        if container_port.get("name") == target:
            number = container_port.get("containerPort")
            return number if isinstance(number, int) else None
    return None
