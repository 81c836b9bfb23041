# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors, and what the network policies that select a pod admit. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from ..config.paths import at, items, mappings, section

Object = Mapping[str, Any]

_OPERATORS: dict[str, Callable[[list[Any], Any], bool]] = {
    "In": lambda values, value: value in values,
    "NotIn": lambda values, value: value not in values,
    "Exists": lambda _values, value: value is not None,
    "DoesNotExist": lambda _values, value: value is None,
}


def selector_selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector selects these labels; an empty one selects all."""
    if not section(selector, "matchLabels").items() <= labels.items():
        return False
    return all(
        _OPERATORS.get(str(one.get("operator")), _OPERATORS["Exists"])(
            items(one, "values"), labels.get(str(one.get("key")))
        )
        for one in mappings(selector, "matchExpressions")
    )


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
        if "podSelector" in peer and not selector_selects(section(peer, "podSelector"), self.labels):
            return True
        if "namespaceSelector" not in peer:
            return namespace != self.namespace
        known = {_NAME_LABEL: self.namespace, **(self.of_namespace or {})}
        unclear = self.of_namespace is None and section(peer, "namespaceSelector").keys() - {"matchLabels"}
        unclear = unclear or (
            self.of_namespace is None and section(peer, "namespaceSelector", "matchLabels").keys() - known
        )
        return not unclear and not selector_selects(section(peer, "namespaceSelector"), known)


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
            if selector_selects(section(item, "spec", "podSelector"), labels) and direction in _types(item)
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
        rules = [rule for item in self.policies for rule in mappings(item, "spec", self.rules_key)]
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
        str(port.get("protocol") or "TCP") == protocol and _is_port(port, ports, names)
        for port in mappings(rule, "ports")
    )


def _is_port(port: Object, ports: set[int], names: set[str]) -> bool:
    given = port.get("port")
    if given is None or str(given) in names:
        return True
    last = port.get("endPort") or given
    return isinstance(given, int) and isinstance(last, int) and any(given <= number <= last for number in ports)


def policies_to(policies: Sequence[Object] | None, labels: Mapping[str, str]) -> Policies:
    """Return the network policies that limit where a pod sends to."""
    return Policies(policies or (), labels, "Egress")
