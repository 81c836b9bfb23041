# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which one run changes collectors that send to each other. Private.

A wave in this file is a group of objects of one bundle that are applied together. It is not a wave of docs/waves.md,
which is a group of clusters or hosts. A collector moves if this run creates or changes it. A flow is two collectors of
the bundle, of which one sends to the other; an earlier flow is one by the configs that run now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._kube.operator_status import COLLECTOR
from .._kube.ownership import read_collector_name
from .._otelcol.config.paths import list_at
from .._otelcol.kube.names import list_operator_names
from .._otelcol.kube.objects import Manifest, ObjectRef, ref
from .._otelcol.needs.peers import find_peers
from .applied_state import is_applied
from .change_precedence import Precedence
from .collector_change import CollectorChange, group_by_collector

# Other collectors may run under the same account, and those of an earlier wave need it.
_SHARED_KINDS = ("ServiceAccount",)
# The protocol and the number of a port.
Port = tuple[str, int]


@dataclass(frozen=True)
class Flow:
    """Two collectors of one run, as namespace and name: one sends to the other."""

    sender: str
    receiver: str


@dataclass
class ApplyWave:
    """Objects that are applied together, when the changed collectors of the wave before work.

    Collectors are named `namespace/name`.
    """

    manifests: list[Manifest] = field(default_factory=list)
    ordered_collectors: list[str] = field(default_factory=list)
    """Those of this wave that have others before or after them."""
    later_collectors: list[str] = field(default_factory=list)
    """Those of the waves after this one; empty for the last wave."""


def order_waves(
    manifests: Sequence[Manifest],
    live_objects: Mapping[ObjectRef, Manifest | None],
    flows: Iterable[Flow],
    manager: str,
    earlier: Iterable[Flow] = (),
) -> tuple[list[ApplyWave], list[str]]:
    """Return the waves of a bundle, and warnings.

    Collectors that take part in no flow, or do not change, are in the first wave. Receivers change before their
    senders, so that a new port is open before anyone sends to it. A receiver that loses a port changes after its
    senders, also after those that send to it by their `earlier` config alone. Collectors that send to each other in a
    circle change together.
    """
    moving_collectors = _find_moving_collectors(manifests, live_objects, manager)
    known_flows = _select_moving_flows(flows, moving_collectors)
    precedence = Precedence()
    _put_receivers_first(precedence, known_flows, moving_collectors)
    _put_port_losers_last(precedence, known_flows, moving_collectors)
    _put_past_senders_first(precedence, known_flows, earlier, moving_collectors)
    levels = precedence.number_waves()
    return _build_waves(manifests, moving_collectors, levels), _warn_of_port_swaps(known_flows, moving_collectors)


@dataclass(frozen=True)
class _MovingCollector:
    """A collector that this run creates or changes, with the ports that its change closes and opens."""

    change: CollectorChange
    is_new: bool
    closed_ports: frozenset[Port] = frozenset()
    opened_ports: frozenset[Port] = frozenset()

    @property
    def only_closes_ports(self) -> bool:
        """Whether it closes a port and opens none, so that it may change after its senders."""
        return bool(self.closed_ports) and not self.opened_ports

    @property
    def swaps_ports(self) -> bool:
        """Whether it closes a port and opens another one: no order is safe for its senders."""
        return bool(self.closed_ports and self.opened_ports)


def _put_receivers_first(
    precedence: Precedence, flows: Iterable[Flow], moving_collectors: Mapping[str, _MovingCollector]
) -> None:
    """Let receivers change before their senders, so that a new port is open before anyone sends to it."""
    for flow in flows:
        if not moving_collectors[flow.receiver].only_closes_ports:
            precedence.add_pair(flow.receiver, flow.sender)


def _put_port_losers_last(
    precedence: Precedence, flows: Iterable[Flow], moving_collectors: Mapping[str, _MovingCollector]
) -> None:
    """Let receivers that only close ports change after their senders."""
    for flow in flows:
        if moving_collectors[flow.receiver].only_closes_ports:
            precedence.add_pair(flow.sender, flow.receiver)


def _put_past_senders_first(
    precedence: Precedence, flows: set[Flow], earlier: Iterable[Flow], moving_collectors: Mapping[str, _MovingCollector]
) -> None:
    """Let those that send by their earlier config alone change before a receiver closes a port."""
    for flow in _select_moving_flows(earlier, moving_collectors):
        if flow not in flows and moving_collectors[flow.receiver].closed_ports:
            precedence.add_pair(flow.sender, flow.receiver)


def _find_moving_collectors(
    manifests: Sequence[Manifest], live_objects: Mapping[ObjectRef, Manifest | None], manager: str
) -> dict[str, _MovingCollector]:
    """Return the collectors that this run creates or changes, by name."""
    moving_collectors = {}
    for change in group_by_collector(manifests, {}):
        if not any(live_objects.get(ref(workload)) for workload in change.workloads):
            moving_collectors[change.name] = _MovingCollector(change, is_new=True)
        elif _would_change(change, live_objects, manager):
            ports_before, ports_after = _list_ports_before(change, live_objects), _list_ports_after(change)
            moving_collectors[change.name] = _MovingCollector(
                change, is_new=False, closed_ports=ports_before - ports_after, opened_ports=ports_after - ports_before
            )
    return moving_collectors


def _select_moving_flows(flows: Iterable[Flow], moving_collectors: Mapping[str, _MovingCollector]) -> set[Flow]:
    """Return the flows from collectors that change to others that change or are new."""
    return {flow for flow in flows if _is_between_moving(flow, moving_collectors)}


def _is_between_moving(flow: Flow, moving_collectors: Mapping[str, _MovingCollector]) -> bool:
    if flow.sender == flow.receiver or flow.receiver not in moving_collectors:
        return False
    return flow.sender in moving_collectors and not moving_collectors[flow.sender].is_new


def _build_waves(
    manifests: Sequence[Manifest], moving_collectors: Mapping[str, _MovingCollector], levels: Mapping[str, int]
) -> list[ApplyWave]:
    """Return the waves of all manifests, given the number of the wave of each collector that has an order."""
    level_numbers = range(max(levels.values(), default=0) + 1)
    waves = [
        ApplyWave(
            ordered_collectors=_list_names_at_level(levels, level_number),
            later_collectors=_list_names_above_level(levels, level_number),
        )
        for level_number in level_numbers
    ]
    level_of_manifest: dict[int, int] = {}
    for name, level in levels.items():
        for manifest in _list_own_manifests(moving_collectors[name].change):
            level_of_manifest[id(manifest)] = level
    for manifest in manifests:
        waves[level_of_manifest.get(id(manifest), 0)].manifests.append(manifest)
    return waves


def _list_names_at_level(levels: Mapping[str, int], level_number: int) -> list[str]:
    return sorted(name for name, level in levels.items() if level == level_number)


def _list_names_above_level(levels: Mapping[str, int], level_number: int) -> list[str]:
    return sorted(name for name, level in levels.items() if level > level_number)


def _warn_of_port_swaps(flows: Iterable[Flow], moving_collectors: Mapping[str, _MovingCollector]) -> list[str]:
    """Return a warning for each receiver for whose ports no order is safe."""
    swapping_names = {flow.receiver for flow in flows if moving_collectors[flow.receiver].swaps_ports}
    return [_describe_port_swap(name, moving_collectors[name]) for name in sorted(swapping_names)]


def find_earlier_flows(manifests: Iterable[Manifest], configs: Iterable[tuple[str, Any]]) -> list[Flow]:
    """Return which collectors send to Services of a bundle, given names of collectors and their earlier configs."""
    collector_of_service = _map_services_to_collectors(manifests)
    flows = []
    for sender, config in configs:
        namespace = sender.partition("/")[0]
        for peer in find_peers(config, namespace):
            receiver = collector_of_service.get((peer.namespace, peer.service))
            if receiver:
                flows.append(Flow(sender, receiver))
    return flows


def _map_services_to_collectors(manifests: Iterable[Manifest]) -> dict[tuple[str | None, str | None], str]:
    """Return the collectors of a bundle by the namespace and name of each of their Services."""
    collector_of_service: dict[tuple[str | None, str | None], str] = {}
    for manifest in manifests:
        collector = read_collector_name(manifest)
        if collector:
            for service in _list_service_names(manifest):
                collector_of_service[manifest["metadata"].get("namespace"), service] = collector
    return collector_of_service


def _list_service_names(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the Services that a manifest is, or that the operator makes for it."""
    name = manifest["metadata"]["name"]
    if manifest["kind"] == "Service":
        return (name,)
    if manifest["kind"] == COLLECTOR:
        return tuple(list_operator_names(name))
    return ()


def _would_change(change: CollectorChange, live_objects: Mapping[ObjectRef, Manifest | None], manager: str) -> bool:
    """Return whether an apply would create or change an object of a collector."""
    for manifest in change.manifests:
        live_object = live_objects.get(ref(manifest))
        if not live_object or not is_applied(manifest, live_object, manager):
            return True
    return False


def _list_own_manifests(change: CollectorChange) -> list[Manifest]:
    """Return the manifests of a collector that no other one needs."""
    return [manifest for manifest in change.manifests if manifest["kind"] not in _SHARED_KINDS]


def _list_ports_before(change: CollectorChange, live_objects: Mapping[ObjectRef, Manifest | None]) -> frozenset[Port]:
    """Return the ports that a collector has open before its change."""
    ports: set[Port] = set()
    for manifest in change.manifests:
        ports.update(_find_open_ports(live_objects.get(ref(manifest)) or {}))
    return frozenset(ports)


def _list_ports_after(change: CollectorChange) -> frozenset[Port]:
    """Return the ports that a collector has open after its change."""
    ports: set[Port] = set()
    for manifest in change.manifests:
        ports.update(_find_open_ports(manifest))
    return frozenset(ports)


def _find_open_ports(manifest: Manifest) -> Iterator[Port]:
    """Yield the ports of a Service, of the pods of a workload, or of a resource of the operator."""
    ports = list_at(manifest, "spec", "ports")
    for container in list_at(manifest, "spec", "template", "spec", "containers"):
        ports = [*ports, *list_at(container, "ports")]
    for port in ports:
        port_number = port.get("port") or port.get("containerPort")
        if isinstance(port_number, int):
            yield port.get("protocol") or "TCP", port_number


def _describe_port_swap(name: str, moving_collector: _MovingCollector) -> str:
    """Return the warning about a collector that opens and closes ports in one run."""
    return (
        f"{name} opens {_join_ports(moving_collector.opened_ports)} and closes"
        f" {_join_ports(moving_collector.closed_ports)} in one run, so its senders may send to a closed port until they"
        " change. Open the new port in one run, and close the old one in the next."
    )


def _join_ports(ports: Iterable[Port]) -> str:
    return ", ".join(f"{port_number}/{protocol}" for protocol, port_number in sorted(ports))
