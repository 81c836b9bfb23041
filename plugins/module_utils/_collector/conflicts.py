# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conflicts between collectors of one run: names, pods that two select, ports of a node, shared objects. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from .._otelcol.errors import Problem, at_most
from .._otelcol.kube import names
from .._otelcol.needs.needed_ports import Port
from .options import Collector

_MOST_SHOWN = 5


@dataclass(frozen=True)
class Member:
    """A collector and the ports that its config opens."""

    collector: Collector
    ports: tuple[Port, ...]


def check(members: Sequence[Member]) -> None:
    """Raise Problem if two collectors conflict. The message names both, and at most five conflicts about ports."""
    for one, two in combinations(members, 2):
        _check_names(one.collector, two.collector)
        _check_children(one.collector, two.collector)
        _check_children(two.collector, one.collector)
    clashes: list[str] = []
    for one, two in combinations(members, 2):
        clashes += _port_clashes(one, two)
    if clashes:
        wrong = at_most(_MOST_SHOWN, clashes, "; ", "; ")
        fix = "Change an endpoint, set `host_ports: false` for one, or give them different node_selectors."
        raise Problem(wrong, asked="two collectors cannot open the same port on one node", fix=fix)


def union(manifests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the manifests, each object once. Raises Problem if two collectors define an object differently."""
    result: dict[tuple[str, ...], dict[str, Any]] = {}
    for manifest in manifests:
        kind, metadata = manifest["kind"], manifest["metadata"]
        group = manifest.get("apiVersion", "").rpartition("/")[0]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        if result.setdefault((group, kind, namespace, name), manifest) != manifest:
            wrong = f"two collectors define {kind} '{name}' in namespace '{namespace}' differently"
            raise Problem(wrong, fix="Give both the same settings for the object, or different names.")
    return list(result.values())


def _check_names(one: Collector, two: Collector) -> None:
    if (one.namespace, one.name) == (two.namespace, two.name):
        raise Problem(f"two collectors are named '{one.name}' in namespace '{one.namespace}'", fix="Rename one.")
    if one.namespace == two.namespace and one.selector == two.selector:
        raise Problem(
            f"collectors '{one.name}' and '{two.name}' would select each other's pods: "
            f"both have instance '{one.instance}' and mode {one.mode}",
            fix="Give each its own `instance`.",
        )


def _check_children(one: Collector, two: Collector) -> None:
    """Raise Problem if the operator would give a child of one collector the name of another collector."""
    if one.backend == "operator" and one.namespace == two.namespace and two.name in names.of_operator(one.name):
        wrong = f"collector '{two.name}' has the name that the operator gives to a workload of collector '{one.name}'"
        raise Problem(wrong, fix="Rename one.")


def _port_clashes(one: Member, two: Member) -> Iterator[str]:
    if not _may_share_a_node(one.collector, two.collector):
        return
    for number, protocol in sorted(_ports_on_node(one) & _ports_on_node(two)):
        yield f"'{one.collector.name}' and '{two.collector.name}' both open {number}/{protocol} on the node"


def _ports_on_node(member: Member) -> set[tuple[int, str]]:
    """Return the numbers and protocols of the ports that a collector opens on its node."""
    collector = member.collector
    if collector.host_network:
        return {(port.number, port.protocol) for port in member.ports}
    if collector.uses_host_ports:
        return {(port.number, port.protocol) for port in member.ports if port.exposed}
    return set()


def _may_share_a_node(one: Collector, two: Collector) -> bool:
    """Two selectors with different values for one label never select the same node."""
    shared_keys = one.node_labels.keys() & two.node_labels.keys()
    return all(one.node_labels[key] == two.node_labels[key] for key in shared_keys)
