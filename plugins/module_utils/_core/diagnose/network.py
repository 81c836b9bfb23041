# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes says of the way to a pod: label selectors, ready endpoints, network policies. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..config.paths import at, items, section

Object = Mapping[str, Any]

_OPERATORS: dict[str, Callable[[list[Any], Any], bool]] = {
    "In": lambda values, value: value in values,
    "NotIn": lambda values, value: value not in values,
    "Exists": lambda _values, value: value is not None,
    "DoesNotExist": lambda _values, value: value is None,
}
_SERVICE_LABEL = "kubernetes.io/service-name"


def labels_of(item: Object) -> dict[str, str]:
    """Return the labels of an object."""
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
    """Return the EndpointSlices of a Service."""
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
        """Return the names of these policies."""
        return ", ".join(str(at(item, ("metadata", "name"))) for item in self.policies)

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
