# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which one run changes collectors that send to each other. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._kube.operator_status import COLLECTOR
from .._kube.ownership import collector_of
from .._otelcol.config.paths import items
from .._otelcol.kube.names import of_operator
from .._otelcol.kube.objects import Manifest, Ref, ref
from .._otelcol.needs.peers import peers
from .applied_state import is_applied
from .change_precedence import Precedence
from .collector_change import Change, collectors

# Other collectors may run under the same account, and those of an earlier wave need it.
_SHARED = ("ServiceAccount",)
Port = tuple[str, int]


@dataclass(frozen=True)
class Flow:
    """Two collectors of one run, as namespace and name: one sends to the other."""

    sender: str
    receiver: str


@dataclass
class Wave:
    """Objects that are applied together, when the changed collectors of the wave before work.

    `collectors` have others before or after them, `later` are those of the waves after this one.
    """

    manifests: list[Manifest] = field(default_factory=list)
    collectors: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)


def order(
    manifests: Sequence[Manifest],
    live: Mapping[Ref, Manifest | None],
    flows: Iterable[Flow],
    manager: str,
    earlier: Iterable[Flow] = (),
) -> tuple[list[Wave], list[str]]:
    """Return the waves of a bundle, and warnings.

    Collectors that take part in no flow, or do not change, are in the first wave. Receivers change before their
    senders, so that a new port is open before anyone sends to it. A receiver that loses a port changes after its
    senders, also after those that send to it by their `earlier` config alone. Collectors that send to each other in a
    circle change together.
    """
    moving = _moving(manifests, live, manager)
    known_flows = _between_moving(flows, moving)
    precedence = Precedence()
    _receivers_first(precedence, known_flows, moving)
    _losing_ports_last(precedence, known_flows, moving)
    _past_senders_first(precedence, known_flows, earlier, moving)
    levels = precedence.levels()
    return _waves(manifests, moving, levels), _warnings(known_flows, moving)


@dataclass(frozen=True)
class _Moving:
    """A collector that this run creates or changes, with the ports that its change closes and opens."""

    change: Change
    is_new: bool
    closed: frozenset[Port] = frozenset()
    opened: frozenset[Port] = frozenset()

    @property
    def closes_only(self) -> bool:
        """Whether it closes a port and opens none, so that it may change after its senders."""
        return bool(self.closed) and not self.opened

    @property
    def swaps_ports(self) -> bool:
        """Whether it closes a port and opens another one: no order is safe for its senders."""
        return bool(self.closed and self.opened)


def _receivers_first(precedence: Precedence, flows: Iterable[Flow], moving: Mapping[str, _Moving]) -> None:
    """Let receivers change before their senders, so that a new port is open before anyone sends to it."""
    for flow in flows:
        if not moving[flow.receiver].closes_only:
            precedence.add(flow.receiver, flow.sender)


def _losing_ports_last(precedence: Precedence, flows: Iterable[Flow], moving: Mapping[str, _Moving]) -> None:
    """Let receivers that only close ports change after their senders."""
    for flow in flows:
        if moving[flow.receiver].closes_only:
            precedence.add(flow.sender, flow.receiver)


def _past_senders_first(
    precedence: Precedence, flows: set[Flow], earlier: Iterable[Flow], moving: Mapping[str, _Moving]
) -> None:
    """Let those that send by their earlier config alone change before a receiver closes a port."""
    for flow in _between_moving(earlier, moving):
        if flow not in flows and moving[flow.receiver].closed:
            precedence.add(flow.sender, flow.receiver)


def _moving(manifests: Sequence[Manifest], live: Mapping[Ref, Manifest | None], manager: str) -> dict[str, _Moving]:
    """Return the collectors that this run creates or changes, by name."""
    moving = {}
    for change in collectors(manifests, {}):
        if not any(live.get(ref(workload)) for workload in change.workloads):
            moving[change.name] = _Moving(change, is_new=True)
        elif _differs(change, live, manager):
            open_now, open_after = _ports_now(change, live), _ports_after(change)
            moving[change.name] = _Moving(
                change, is_new=False, closed=open_now - open_after, opened=open_after - open_now
            )
    return moving


def _between_moving(flows: Iterable[Flow], moving: Mapping[str, _Moving]) -> set[Flow]:
    """Return the flows from collectors that change to others that change or are new."""
    return {flow for flow in flows if _is_between_moving(flow, moving)}


def _is_between_moving(flow: Flow, moving: Mapping[str, _Moving]) -> bool:
    if flow.sender == flow.receiver or flow.receiver not in moving:
        return False
    return flow.sender in moving and not moving[flow.sender].is_new


def _waves(manifests: Sequence[Manifest], moving: Mapping[str, _Moving], levels: Mapping[str, int]) -> list[Wave]:
    """Return the waves of all manifests, given the number of the wave of each collector that has an order."""
    numbers = range(max(levels.values(), default=0) + 1)
    waves = [Wave(collectors=_at_level(levels, number), later=_above_level(levels, number)) for number in numbers]
    level_of_manifest: dict[int, int] = {}
    for name, level in levels.items():
        for manifest in _own_manifests(moving[name].change):
            level_of_manifest[id(manifest)] = level
    for manifest in manifests:
        waves[level_of_manifest.get(id(manifest), 0)].manifests.append(manifest)
    return waves


def _at_level(levels: Mapping[str, int], number: int) -> list[str]:
    return sorted(name for name, level in levels.items() if level == number)


def _above_level(levels: Mapping[str, int], number: int) -> list[str]:
    return sorted(name for name, level in levels.items() if level > number)


def _warnings(flows: Iterable[Flow], moving: Mapping[str, _Moving]) -> list[str]:
    """Return a warning for each receiver for whose ports no order is safe."""
    swapping = {flow.receiver for flow in flows if moving[flow.receiver].swaps_ports}
    return [_warning(name, moving[name]) for name in sorted(swapping)]


def earlier_flows(manifests: Iterable[Manifest], configs: Iterable[tuple[str, Any]]) -> list[Flow]:
    """Return which collectors send to Services of a bundle, given names of collectors and their earlier configs."""
    collector_of_service = _collectors_by_service(manifests)
    flows = []
    for sender, config in configs:
        namespace = sender.partition("/")[0]
        for peer in peers(config, namespace):
            receiver = collector_of_service.get((peer.namespace, peer.service))
            if receiver:
                flows.append(Flow(sender, receiver))
    return flows


def _collectors_by_service(manifests: Iterable[Manifest]) -> dict[tuple[str | None, str | None], str]:
    """Return the collectors of a bundle by the namespace and name of each of their Services."""
    collector_of_service: dict[tuple[str | None, str | None], str] = {}
    for manifest in manifests:
        collector = collector_of(manifest)
        if collector:
            for service in _services(manifest):
                collector_of_service[manifest["metadata"].get("namespace"), service] = collector
    return collector_of_service


def _services(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the Services that a manifest is, or that the operator makes for it."""
    name = manifest["metadata"]["name"]
    if manifest["kind"] == "Service":
        return (name,)
    if manifest["kind"] == COLLECTOR:
        return tuple(of_operator(name))
    return ()


def _differs(change: Change, live: Mapping[Ref, Manifest | None], manager: str) -> bool:
    """Return whether an apply would create or change an object of a collector."""
    for manifest in change.manifests:
        now = live.get(ref(manifest))
        if not now or not is_applied(manifest, now, manager):
            return True
    return False


def _own_manifests(change: Change) -> list[Manifest]:
    """Return the manifests of a collector that no other one needs."""
    return [item for item in change.manifests if item["kind"] not in _SHARED]


def _ports_now(change: Change, live: Mapping[Ref, Manifest | None]) -> frozenset[Port]:
    """Return the ports that a collector has open before its change."""
    ports: set[Port] = set()
    for manifest in change.manifests:
        ports.update(_open_ports(live.get(ref(manifest)) or {}))
    return frozenset(ports)


def _ports_after(change: Change) -> frozenset[Port]:
    """Return the ports that a collector has open after its change."""
    ports: set[Port] = set()
    for manifest in change.manifests:
        ports.update(_open_ports(manifest))
    return frozenset(ports)


def _open_ports(item: Manifest) -> Iterator[Port]:
    """Yield the ports of a Service, of the pods of a workload, or of a resource of the operator."""
    ports = items(item, "spec", "ports")
    for container in items(item, "spec", "template", "spec", "containers"):
        ports = [*ports, *items(container, "ports")]
    for port in ports:
        number = port.get("port") or port.get("containerPort")
        if isinstance(number, int):
            yield port.get("protocol") or "TCP", number


def _warning(name: str, moving: _Moving) -> str:
    return (
        f"{name} opens {_listed(moving.opened)} and closes {_listed(moving.closed)} in one run, so its senders may send"
        " to a closed port until they change. Open the new port in one run, and close the old one in the next."
    )


def _listed(ports: Iterable[Port]) -> str:
    return ", ".join(f"{number}/{protocol}" for protocol, number in sorted(ports))
