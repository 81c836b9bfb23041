# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors, and what the network policies that select a pod admit.

A policy selects pods by their labels. Its rules name peers and ports:

    spec:
      podSelector: {matchLabels: {app: gateway}}
      ingress:
        - from: [{namespaceSelector: {matchLabels: {team: obs}}}]
          ports: [{port: 4317}]

`judge_admission` asks about ports alone, and answers `some` here for 4317: some peers, but not all. What is admitted by
one policy is admitted. `is_surely_kept_out` asks about one sending pod. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from ..config.paths import list_at, mapping_at, mappings_at, value_at

Object = Mapping[str, Any]
"""An object of Kubernetes, or a part of one."""
# The label that each namespace has with its own name.
_NAME_LABEL = "kubernetes.io/metadata.name"

# Whether a label of a pod meets an expression, by its operator; the value is None without the label.
_OPERATORS: dict[str, Callable[[list[Any], Any], bool]] = {
    "In": lambda values, value: value in values,
    "NotIn": lambda values, value: value not in values,
    "Exists": lambda _values, value: value is not None,
    "DoesNotExist": lambda _values, value: value is None,
}


def selects_labels(selector: Object, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector selects these labels; an empty one selects all."""
    if not mapping_at(selector, "matchLabels").items() <= labels.items():
        return False
    return all(_meets_expression(expression, labels) for expression in mappings_at(selector, "matchExpressions"))


def _meets_expression(expression: Object, labels: Mapping[str, str]) -> bool:
    """Whether labels meet an expression of a selector.

    An operator that is not in the table is taken for `Exists`: an API server accepts none, but a file may have it.
    """
    operator = _OPERATORS.get(str(expression.get("operator")), _OPERATORS["Exists"])
    return operator(list_at(expression, "values"), labels.get(str(expression.get("key"))))


class SendingPod(NamedTuple):
    """A pod that sends, as network policies see it.

    `namespace_labels` are None if this user may not see them. `addresses` are empty if they are not known.
    """

    namespace: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str] | None
    addresses: tuple[str, ...]

    def is_surely_not(self, peer: Object, namespace: str) -> bool:
        """Return whether a peer of a policy in a namespace is surely not this pod."""
        if "ipBlock" in peer:
            block = mapping_at(peer, "ipBlock")
            is_known = bool(self.addresses)
            return is_known and not any(_is_in_block(address, block) for address in self.addresses)
        if "podSelector" in peer and not selects_labels(mapping_at(peer, "podSelector"), self.labels):
            return True
        if "namespaceSelector" not in peer:
            return namespace != self.namespace
        selector = mapping_at(peer, "namespaceSelector")
        known_labels = {_NAME_LABEL: self.namespace, **(self.namespace_labels or {})}
        if self.namespace_labels is None and not _asks_only_for(selector, known_labels):
            return False
        return not selects_labels(selector, known_labels)


def _asks_only_for(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a selector asks for the values of these labels, and for nothing else."""
    return selector.keys() <= {"matchLabels"} and mapping_at(selector, "matchLabels").keys() <= labels.keys()


def _is_in_block(address: str, block: Object) -> bool:
    """Return whether an address is in a block; what cannot be read counts as within."""
    try:
        ip = ip_address(address)
        excluded_networks = [ip_network(str(network), strict=False) for network in list_at(block, "except")]
        is_in_block = ip in ip_network(str(block.get("cidr")), strict=False)
    except ValueError:
        return True
    return is_in_block and not any(ip in network for network in excluded_networks)


class Policies:
    """The network policies that select a pod with some labels, in one `direction`: `Ingress` or `Egress`."""

    def __init__(self, policies: Iterable[Object], labels: Mapping[str, str], direction: str) -> None:
        self.rules_key = {"Ingress": "ingress", "Egress": "egress"}[direction]
        self.peers_key = {"Ingress": "from", "Egress": "to"}[direction]
        self.policies = []
        for policy in policies:
            selects_pod = selects_labels(mapping_at(policy, "spec", "podSelector"), labels)
            if selects_pod and direction in _list_directions(policy):
                self.policies.append(policy)

    @property
    def policy_names(self) -> str:
        """The names of the policies in a message."""
        return ", ".join(str(value_at(policy, ("metadata", "name"))) for policy in self.policies)

    def is_surely_kept_out(self, sending_pod: SendingPod, ports: Iterable[int], names: Iterable[str]) -> bool:
        """Return whether surely no rule admits a pod to one of these ports, by their numbers or names."""
        port_numbers, port_names = set(ports), set(names)
        for policy in self.policies:
            namespace = str(value_at(policy, ("metadata", "namespace")))
            for rule in list_at(policy, "spec", self.rules_key):  # one that is no mapping may admit anything
                has_port = _has_port(rule, port_numbers, "TCP", port_names)
                if has_port and self._may_admit(rule, sending_pod, namespace):
                    return False
        return bool(self.policies)

    def _may_admit(self, rule: Object, sending_pod: SendingPod, namespace: str) -> bool:
        """Return whether a rule admits a pod, or may; one without peers, or with one that is no mapping, admits all."""
        rule_peers = list_at(rule, self.peers_key)
        if not rule_peers:
            return True
        return any(not isinstance(peer, dict) or not sending_pod.is_surely_not(peer, namespace) for peer in rule_peers)

    def judge_admission(self, ports: Iterable[int], protocol: str, names: Iterable[str] = ()) -> str:
        """Return `all`, `some` peers or `none` for connections to one of these ports."""
        if not self.policies:
            return "all"
        port_numbers, port_names = set(ports), set(names)
        admitted = "none"
        for policy in self.policies:
            for rule in mappings_at(policy, "spec", self.rules_key):
                if not _has_port(rule, port_numbers, protocol, port_names):
                    continue
                if not list_at(rule, self.peers_key):
                    return "all"
                admitted = "some"
        return admitted


def _list_directions(policy: Object) -> list[Any]:
    """Return the directions that a policy limits; without them, by what Kubernetes fills in.

    Source: SetDefaults_NetworkPolicy of Kubernetes, for which an empty list of rules is none.
    """
    policy_types = list_at(policy, "spec", "policyTypes")
    if policy_types:
        return policy_types
    return ["Ingress", "Egress"] if list_at(policy, "spec", "egress") else ["Ingress"]


def _has_port(rule: Object, ports: set[int], protocol: str, names: set[str]) -> bool:
    """Whether a rule is about one of these ports, by number or name; one without ports is about all."""
    if not list_at(rule, "ports"):
        return True
    for port in mappings_at(rule, "ports"):
        if str(port.get("protocol") or "TCP") == protocol and _covers_port(port, ports, names):
            return True
    return False


def _covers_port(port: Object, ports: set[int], names: set[str]) -> bool:
    """Whether a port of a rule, or its range, has one of these."""
    first_port = port.get("port")
    if first_port is None or str(first_port) in names:
        return True
    last_port = port.get("endPort") or first_port
    if not isinstance(first_port, int) or not isinstance(last_port, int):
        return False
    return any(first_port <= number <= last_port for number in ports)


def find_egress_policies(policies: Sequence[Object] | None, labels: Mapping[str, str]) -> Policies:
    """Return the network policies that limit where a pod sends to."""
    return Policies(policies or (), labels, "Egress")
