# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conflicts between collectors of one run: names, pods that two select, ports of a node, shared objects. Private.

A child is an object that the operator makes for a collector, whose name may be that of another collector (see
_kube/operator_children.py). Example: two DaemonSets `agent` and `logs` whose receivers both open port 4317 of their
node give `'agent' and 'logs' both open 4317/TCP on the node`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from .._otelcol.errors import Problem, join_at_most
from .._otelcol.kube.operator_names import list_operator_names
from .._otelcol.needs.needed_ports import CollectorPort
from .options import Collector

_MOST_SHOWN = 5


@dataclass(frozen=True)
class PortOwner:
    """A collector and the ports that its config opens."""

    collector: Collector
    ports: tuple[CollectorPort, ...]


def check_conflicts(port_owners: Sequence[PortOwner]) -> None:
    """Raise Problem if two collectors conflict. The message names both, and at most five conflicts about ports."""
    for first, second in combinations(port_owners, 2):
        _check_names(first.collector, second.collector)
        _check_children(first.collector, second.collector)
        _check_children(second.collector, first.collector)
    clashes: list[str] = []
    for first, second in combinations(port_owners, 2):
        clashes += _find_port_clashes(first, second)
    if clashes:
        wrong = join_at_most(_MOST_SHOWN, clashes, "; ", "; ")
        fix = "Change an endpoint, set `host_ports: false` for one, or give them different node_selectors."
        raise Problem(wrong, asked="two collectors cannot open the same port on one node", fix=fix)


def merge_manifests(manifests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the manifests, each object once. Raises Problem if two collectors define an object differently."""
    manifest_by_identity: dict[tuple[str, ...], dict[str, Any]] = {}
    for manifest in manifests:
        kind, metadata = manifest["kind"], manifest["metadata"]
        group = manifest.get("apiVersion", "").rpartition("/")[0]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        first_manifest = manifest_by_identity.setdefault((group, kind, namespace, name), manifest)
        if first_manifest != manifest:
            wrong = f"two collectors define {kind} '{name}' in namespace '{namespace}' differently"
            raise Problem(wrong, fix="Give both the same settings for the object, or different names.")
    return list(manifest_by_identity.values())


def _check_names(first: Collector, second: Collector) -> None:
    """Raise Problem if two collectors have one name, or one selector: each workload would count the other's pods."""
    if (first.namespace, first.name) == (second.namespace, second.name):
        raise Problem(f"two collectors are named '{first.name}' in namespace '{first.namespace}'", fix="Rename one.")
    if first.namespace == second.namespace and first.selector == second.selector:
        raise Problem(
            f"collectors '{first.name}' and '{second.name}' would select each other's pods: "
            f"both have instance '{first.instance}' and mode {first.mode}",
            fix="Give each its own `instance`.",
        )


def _check_children(first: Collector, second: Collector) -> None:
    """Raise Problem if the operator would give a child of one collector the name of another collector."""
    if (
        first.backend == "operator"
        and first.namespace == second.namespace
        and second.name in list_operator_names(first.name)
    ):
        wrong = (
            f"collector '{second.name}' has the name that the operator gives to a workload of collector '{first.name}'"
        )
        raise Problem(wrong, fix="Rename one.")


def _find_port_clashes(first: PortOwner, second: PortOwner) -> Iterator[str]:
    """Yield each port that two collectors open on a node that both may be on."""
    if not _may_share_node(first.collector, second.collector):
        return
    for port_number, protocol in sorted(_list_node_ports(first) & _list_node_ports(second)):
        yield f"'{first.collector.name}' and '{second.collector.name}' both open {port_number}/{protocol} on the node"


class _NodePort(NamedTuple):
    """A port of a node."""

    number: int
    protocol: str


def _list_node_ports(port_owner: PortOwner) -> set[_NodePort]:
    """Return the ports that a collector opens on its node.

    In the network of the node, these are all of its ports. Otherwise they are those that clients connect to.
    """
    collector = port_owner.collector
    if collector.host_network:
        return {_NodePort(port.number, port.protocol) for port in port_owner.ports}
    if collector.uses_host_ports:
        return {_NodePort(port.number, port.protocol) for port in port_owner.ports if port.is_exposed}
    return set()


def _may_share_node(first: Collector, second: Collector) -> bool:
    """Return whether a node may have pods of both collectors.

    Two selectors with different values for one label never select the same node. Taints, affinities and the number of
    pods are not looked at, since nobody knows the nodes here.
    """
    shared_keys = first.node_labels.keys() & second.node_labels.keys()
    return all(first.node_labels[key] == second.node_labels[key] for key in shared_keys)
