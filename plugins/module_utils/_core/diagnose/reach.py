# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether senders reach the receivers: listeners, Services in front of them, network policies. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from ..collector.names import COLLECTOR_LABEL
from ..config.catalogue import Listeners
from ..config.paths import at, is_loopback, items, section
from ..needs.listeners import listeners as open_ports
from ..needs.listeners import started

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
        self.open = [
            item
            for item in open_ports(config, list(started(config)), listeners)
            if item.part and item.part.section == "receivers"
        ]
        self.ports = items(container, "ports")

    def services(self) -> list[dict[str, Any]] | None:
        """Return the Services that select the collector's pods, or that are meant to."""
        if self.around.services is None or self.around.slices is None:
            return None
        return [row for service in self.around.services if (row := self._service(service))]

    def _service(self, service: Object) -> dict[str, Any] | None:
        name = str(at(service, ("metadata", "name")))
        selector = section(service, "spec", "selector")
        chosen = bool(selector) and selects({"matchLabels": selector}, self.labels)
        if not selector or not (chosen or self._meant(name, service)):
            return None
        slices = slices_of(name, self.around.slices or ())
        ready, waiting = len(endpoints(slices, True)), len(endpoints(slices, False))
        wrong = [self._told(key, value) for key, value in selector.items() if self.labels.get(key) != value]
        shut = [port for port in items(service, "spec", "ports") if chosen and self._is_shut(port)]
        state = "ok" if ready else "not_ready" if waiting else "selects_nothing"
        return {
            "name": name,
            "namespace": at(service, ("metadata", "namespace")),
            "ports": [self._port(port) for port in items(service, "spec", "ports")],
            "ready": ready,
            "not_ready": waiting,
            "state": "wrong_port" if shut and state == "ok" else "other" if ready and not chosen else state,
            "differs": ", ".join(wrong),
            "shut": ", ".join(f"{port.get('port')} → {port.get('targetPort') or port.get('port')}" for port in shut),
            "listens": ", ".join(str(item.port) for item in self.open),
            "about": "in",
        }

    def _meant(self, name: str, service: Object) -> bool:
        labels = labels_of(service)
        # Collectors may share an instance: the first label that is there says whose it is.
        same = next((labels[key] == self.labels.get(key) for key in _BELONGS if labels.get(key)), False)
        # A target allocator has the instance of its collector, and another role.
        same = same and labels.get(_ROLE) in (None, self.labels.get(_ROLE))
        return name in (self.name, f"{self.name}-collector", f"{self.name}-collector-headless") or same

    def _told(self, key: str, value: str) -> str:
        return f"it asks for {key}={value}, the pods have " + (
            f"{key}={self.labels[key]}" if key in self.labels else "no such label"
        )

    def _port(self, port: Object) -> dict[str, Any]:
        number = target_number(port, self.ports)
        return {"port": port.get("port"), "target": number, "protocol": str(port.get("protocol") or "TCP")}

    def _is_shut(self, port: Object) -> bool:
        """Whether a port that is a receiver's by its number leads to where no receiver listens."""
        number, protocol = target_number(port, self.ports), str(port.get("protocol") or "TCP")
        ends = {item.end for item in self.open}
        return (port.get("port"), protocol) in ends and (number, protocol) not in ends

    def listeners(self) -> list[dict[str, Any]]:
        """Return what every receiver listens on, and whether others reach it."""
        return list(self._listeners())

    def _listeners(self) -> Iterator[dict[str, Any]]:
        services = self.services()
        served = {(port["target"], port["protocol"]) for row in services or () if row["ready"] for port in row["ports"]}
        policies = Policies(self.around.policies or (), self.labels, "Ingress")
        names = {item.get("containerPort"): item.get("name") for item in self.ports}
        on_node = section(self.pod, "spec").get("hostNetwork") is True
        host_ports = {item.get("containerPort") for item in self.ports if item.get("hostPort")}
        for item in self.open:
            admitted = policies.admits([item.port], item.protocol, [str(names.get(item.port) or "")])
            offered = item.end in served or on_node or item.port in host_ports
            state = "served" if offered or services is None else "unserved"
            state = "blocked" if admitted == "none" else state
            yield {
                "receiver": item.part.id if item.part else "",
                "host": item.host,
                "port": item.port,
                "protocol": item.protocol,
                "state": "loopback" if is_loopback(item.host) else state,
                "policies": policies.names if admitted != "all" else "",
                "about": "in",
            }


def policies_to(policies: Sequence[Object] | None, labels: Mapping[str, str]) -> Policies:
    """Return the network policies that limit where a pod sends to."""
    return Policies(policies or (), labels, "Egress")


Object = Mapping[str, Any]

_OPERATORS: dict[str, Callable[[list[Any], Any], bool]] = {
    "In": lambda values, value: value in values,
    "NotIn": lambda values, value: value not in values,
    "Exists": lambda _values, value: value is not None,
    "DoesNotExist": lambda _values, value: value is None,
}
_SERVICE_LABEL = "kubernetes.io/service-name"


def labels_of(item: Object) -> dict[str, str]:
    return section(item, "metadata", "labels")


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector selects these labels; an empty one selects all."""
    if not section(selector, "matchLabels").items() <= labels.items():
        return False
    return all(
        _OPERATORS.get(str(one.get("operator")), _OPERATORS["Exists"])(items(one, "values"), labels.get(one.get("key")))
        for one in items(selector, "matchExpressions")
    )


def slices_of(service: str, slices: Iterable[Object]) -> list[Object]:
    return [item for item in slices if labels_of(item).get(_SERVICE_LABEL) == service]


def endpoints(slices: Iterable[Object], ready: bool) -> list[Object]:
    """Return the endpoints that take connections, or those that do not yet."""
    found = [point for item in slices for point in items(item, "endpoints")]
    return [point for point in found if (at(point, ("conditions", "ready")) is not False) == ready]


def target_number(port: Object, container_ports: Sequence[Object]) -> int | None:
    """Return the number of the port of the pod that a Service's port leads to."""
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    found = next((item for item in container_ports if item.get("name") == target), {})
    number = found.get("containerPort")
    return number if isinstance(number, int) else None


class Sender(NamedTuple):
    """A pod that sends, as network policies see it; None for labels of its namespace that this user may not see."""

    namespace: str
    labels: Mapping[str, str]
    of_namespace: Mapping[str, str] | None
    addresses: tuple[str, ...]

    def surely_not(self, peer: Object, namespace: str) -> bool:
        """Return whether a peer of a policy in a namespace is surely not this pod."""
        if "ipBlock" in peer:
            return not any(_within(address, peer["ipBlock"]) for address in self.addresses) and bool(self.addresses)
        if "podSelector" in peer and not selects(section(peer, "podSelector"), self.labels):
            return True
        if "namespaceSelector" not in peer:
            return namespace != self.namespace
        known = {_NAME_LABEL: self.namespace, **(self.of_namespace or {})}
        unclear = self.of_namespace is None and section(peer, "namespaceSelector").keys() - {"matchLabels"}
        unclear = unclear or (
            self.of_namespace is None and section(peer, "namespaceSelector", "matchLabels").keys() - known
        )
        return not unclear and not selects(section(peer, "namespaceSelector"), known)


_NAME_LABEL = "kubernetes.io/metadata.name"


def _within(address: str, block: Object) -> bool:
    """Return whether an address is in a block; what cannot be read counts as within."""
    try:
        here = ip_address(address)
        left_out = [ip_network(str(one), strict=False) for one in items(block, "except")]
        return here in ip_network(str(block.get("cidr")), strict=False) and not any(here in one for one in left_out)
    except ValueError:
        return True


class Policies:
    """The network policies that select a pod, in one direction."""

    def __init__(self, policies: Iterable[Object], labels: Mapping[str, str], direction: str) -> None:
        self.rules_key, self.peers_key = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}[direction]
        self.policies = [
            item
            for item in policies
            if selects(section(item, "spec", "podSelector"), labels) and direction in _types(item)
        ]

    @property
    def names(self) -> str:
        return ", ".join(str(at(item, ("metadata", "name"))) for item in self.policies)

    def keeps_out(self, sender: Sender, ports: Iterable[int], names: Iterable[str]) -> bool:
        """Return whether surely no rule admits a sender to one of these ports."""
        wanted, called = set(ports), set(names)
        rules = [(item, rule) for item in self.policies for rule in items(item, "spec", self.rules_key)]
        fitting = [(item, rule) for item, rule in rules if _has_port(rule, wanted, "TCP", called)]
        return bool(self.policies) and all(
            items(rule, self.peers_key)
            and all(
                sender.surely_not(one, str(at(item, ("metadata", "namespace")))) for one in items(rule, self.peers_key)
            )
            for item, rule in fitting
        )

    def admits(self, ports: Iterable[int], protocol: str, names: Iterable[str] = ()) -> str:
        """Return `all`, `some` peers or `none` for connections to one of these ports."""
        if not self.policies:
            return "all"
        rules = [rule for item in self.policies for rule in items(item, "spec", self.rules_key)]
        fitting = [rule for rule in rules if _has_port(rule, set(ports), protocol, set(names))]
        if not fitting:
            return "none"
        return "all" if any(not items(rule, self.peers_key) for rule in fitting) else "some"


def _types(policy: Object) -> list[Any]:
    given = items(policy, "spec", "policyTypes")
    return given or ["Ingress", *(["Egress"] if "egress" in section(policy, "spec") else [])]


def _has_port(rule: Object, ports: set[int], protocol: str, names: set[str]) -> bool:
    listed = items(rule, "ports")
    return not listed or any(
        str(port.get("protocol") or "TCP") == protocol and _is_port(port, ports, names) for port in listed
    )


def _is_port(port: Object, ports: set[int], names: set[str]) -> bool:
    given = port.get("port")
    if given is None or given in names:
        return True
    last = port.get("endPort") or given
    return isinstance(given, int) and any(given <= number <= last for number in ports)
