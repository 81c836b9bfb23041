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
    return all(_is_met(expression, labels) for expression in mappings(selector, "matchExpressions"))


def _is_met(expression: Object, labels: Mapping[str, str]) -> bool:
    """Whether labels meet an expression of a selector; an operator that nobody knows is taken for `Exists`."""
    operator = _OPERATORS.get(str(expression.get("operator")), _OPERATORS["Exists"])
    return operator(items(expression, "values"), labels.get(str(expression.get("key"))))


class Sender(NamedTuple):
    """A pod that sends, as network policies see it; None for labels of its namespace that this user may not see."""

    namespace: str
    labels: Mapping[str, str]
    of_namespace: Mapping[str, str] | None
    addresses: tuple[str, ...]

    def surely_not(self, peer: Object, namespace: str) -> bool:
        """Return whether a peer of a policy in a namespace is surely not this pod."""
        if "ipBlock" in peer:
            is_known = bool(self.addresses)
            return is_known and not any(_within(address, peer["ipBlock"]) for address in self.addresses)
        if "podSelector" in peer and not selector_selects(section(peer, "podSelector"), self.labels):
            return True
        if "namespaceSelector" not in peer:
            return namespace != self.namespace
        selector = section(peer, "namespaceSelector")
        known_labels = {_NAME_LABEL: self.namespace, **(self.of_namespace or {})}
        if self.of_namespace is None and not _asks_only(selector, known_labels):
            return False
        return not selector_selects(selector, known_labels)


def _asks_only(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a selector asks for the values of these labels, and for nothing else."""
    return selector.keys() <= {"matchLabels"} and section(selector, "matchLabels").keys() <= labels.keys()


_NAME_LABEL = "kubernetes.io/metadata.name"


def _within(address: str, block: Object) -> bool:
    """Return whether an address is in a block; what cannot be read counts as within."""
    try:
        ip = ip_address(address)
        left_out = [ip_network(str(network), strict=False) for network in items(block, "except")]
        is_in_block = ip in ip_network(str(block.get("cidr")), strict=False)
    except ValueError:
        return True
    return is_in_block and not any(ip in network for network in left_out)


class Policies:
    """The network policies that select a pod, in one direction."""

    def __init__(self, policies: Iterable[Object], labels: Mapping[str, str], direction: str) -> None:
        self.rules_key, self.peers_key = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}[direction]
        self.policies = []
        for policy in policies:
            selects_pod = selector_selects(section(policy, "spec", "podSelector"), labels)
            if selects_pod and direction in _types(policy):
                self.policies.append(policy)

    @property
    def names(self) -> str:
        """The names of the policies in a message."""
        return ", ".join(str(at(policy, ("metadata", "name"))) for policy in self.policies)

    def keeps_out(self, sender: Sender, ports: Iterable[int], names: Iterable[str]) -> bool:
        """Return whether surely no rule admits a sender to one of these ports."""
        asked_ports, asked_names = set(ports), set(names)
        for policy in self.policies:
            namespace = str(at(policy, ("metadata", "namespace")))
            for rule in items(policy, "spec", self.rules_key):
                has_port = _has_port(rule, asked_ports, "TCP", asked_names)
                if has_port and self._may_admit(rule, sender, namespace):
                    return False
        return bool(self.policies)

    def _may_admit(self, rule: Object, sender: Sender, namespace: str) -> bool:
        """Return whether a rule admits a sender, or may; one without peers admits all."""
        rule_peers = items(rule, self.peers_key)
        return not rule_peers or not all(sender.surely_not(peer, namespace) for peer in rule_peers)

    def admits(self, ports: Iterable[int], protocol: str, names: Iterable[str] = ()) -> str:
        """Return `all`, `some` peers or `none` for connections to one of these ports."""
        if not self.policies:
            return "all"
        asked_ports, asked_names = set(ports), set(names)
        admitted = "none"
        for policy in self.policies:
            for rule in mappings(policy, "spec", self.rules_key):
                if not _has_port(rule, asked_ports, protocol, asked_names):
                    continue
                if not items(rule, self.peers_key):
                    return "all"
                admitted = "some"
        return admitted


def _types(policy: Object) -> list[Any]:
    """Return the directions that a policy limits; without them, by what Kubernetes fills in.

    Source: SetDefaults_NetworkPolicy of Kubernetes, for which an empty list of rules is none.
    """
    given = items(policy, "spec", "policyTypes")
    if given:
        return given
    return ["Ingress", "Egress"] if items(policy, "spec", "egress") else ["Ingress"]


def _has_port(rule: Object, ports: set[int], protocol: str, names: set[str]) -> bool:
    """Whether a rule is about one of these ports, by number or name; one without ports is about all."""
    if not items(rule, "ports"):
        return True
    for port in mappings(rule, "ports"):
        if str(port.get("protocol") or "TCP") == protocol and _is_port(port, ports, names):
            return True
    return False


def _is_port(port: Object, ports: set[int], names: set[str]) -> bool:
    """Whether a port of a rule, or its range, has one of these."""
    first = port.get("port")
    if first is None or str(first) in names:
        return True
    last = port.get("endPort") or first
    if not isinstance(first, int) or not isinstance(last, int):
        return False
    return any(first <= number <= last for number in ports)


def policies_to(policies: Sequence[Object] | None, labels: Mapping[str, str]) -> Policies:
    """Return the network policies that limit where a pod sends to."""
    return Policies(policies or (), labels, "Egress")
