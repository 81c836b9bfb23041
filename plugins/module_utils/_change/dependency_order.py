# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which one run changes collectors that send to each other. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._kube.managed_fields import is_applied
from .._kube.operator_status import COLLECTOR
from .._kube.ownership import collector_of
from .._otelcol.config.paths import items
from .._otelcol.kube.names import of_operator
from .._otelcol.kube.objects import Manifest, Ref, ref
from .._otelcol.needs.peers import peers
from .._rollout.change_record import Change, collectors

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
    found = {one.name: one for one in collectors(manifests, {})}
    new = {name for name, one in found.items() if not any(live.get(ref(item)) for item in one.workloads)}
    moving = {name for name, one in found.items() if name not in new and _differs(one, live, manager)}
    pairs = {(one.sender, one.receiver) for one in flows if one.sender != one.receiver and one.sender in moving}
    between = sorted((sender, receiver) for sender, receiver in pairs if receiver in moving | new)
    lost, added = ({name: _ports(found[name], live, lost=side) for name in moving} for side in (True, False))
    first = [
        (sender, receiver) if lost.get(receiver) and not added.get(receiver) else (receiver, sender)
        for sender, receiver in between
    ]
    past = {(one.sender, one.receiver) for one in earlier if one.sender in moving and lost.get(one.receiver)}
    levels = _levels([*first, *sorted(pair for pair in past - pairs if pair[0] != pair[1])])
    held = {id(item): level for name, level in levels.items() for item in _held(found[name])}
    waves = [
        Wave(
            collectors=sorted(name for name, level in levels.items() if level == number),
            later=sorted(name for name, level in levels.items() if level > number),
        )
        for number in range(max(levels.values(), default=0) + 1)
    ]
    for item in manifests:
        waves[held.get(id(item), 0)].manifests.append(item)
    both = sorted({receiver for _sender, receiver in between if lost.get(receiver) and added.get(receiver)})
    return waves, [_unsafe(name, lost[name], added[name]) for name in both]


def earlier_flows(manifests: Iterable[Manifest], configs: Iterable[tuple[str, Any]]) -> list[Flow]:
    """Return which collectors send to Services of a bundle, given names of collectors and their earlier configs."""
    services = {
        (item["metadata"].get("namespace"), name): collector_of(item)
        for item in manifests
        for name in _services(item)
        if collector_of(item)
    }
    return [
        Flow(sender, services[peer.namespace, peer.service])
        for sender, config in configs
        for peer in peers(config, sender.partition("/")[0])
        if (peer.namespace, peer.service) in services
    ]


def _services(item: Manifest) -> tuple[str, ...]:
    """Return the names of the Services that a manifest is, or that the operator makes for it."""
    name = item["metadata"]["name"]
    return (name,) if item["kind"] == "Service" else tuple(of_operator(name)) if item["kind"] == COLLECTOR else ()


def _differs(change: Change, live: Mapping[Ref, Manifest | None], manager: str) -> bool:
    return any(not (now := live.get(ref(item))) or not is_applied(item, now, manager) for item in change.manifests)


def _held(change: Change) -> list[Manifest]:
    return [item for item in change.manifests if item["kind"] not in _SHARED]


def _ports(change: Change, live: Mapping[Ref, Manifest | None], *, lost: bool) -> set[Port]:
    """Return the ports that a collector loses or gains."""
    new = {port for item in change.manifests for port in _open(item)}
    old = {port for item in change.manifests for port in _open(live.get(ref(item)) or {})}
    return old - new if lost else new - old


def _open(item: Manifest) -> Iterator[Port]:
    """Yield the ports of a Service, of the pods of a workload, or of a resource of the operator."""
    pod = (((item.get("spec") or {}).get("template") or {}).get("spec")) or {}
    containers = [port for container in items(pod, "containers") for port in items(container, "ports")]
    for port in [*items(item, "spec", "ports"), *containers]:
        number = port.get("port") or port.get("containerPort")
        if isinstance(number, int):
            yield port.get("protocol") or "TCP", number


def _levels(first: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return the wave of each collector, given pairs of which one comes before the other. A circle is one wave."""
    after: dict[str, set[str]] = {}
    for one, then in first:
        after.setdefault(one, set()).add(then)
        after.setdefault(then, set())
    for between, then_too in after.items():
        for ahead in after.values():
            if between in ahead:
                ahead.update(then_too)
    before = {name: {one for one in after if name in after[one] and one not in after[name]} for name in after}
    # A collector comes after all that lead to it, so the longest chain of them is its wave.
    levels: dict[str, int] = {}
    for name in sorted(after, key=lambda one: (len(before[one]), one)):
        levels[name] = max((levels[one] + 1 for one in before[name]), default=0)
    return levels


def _unsafe(name: str, lost: set[Port], added: set[Port]) -> str:
    gone, new = (", ".join(f"{number}/{protocol}" for protocol, number in sorted(ports)) for ports in (lost, added))
    return (
        f"{name} opens {new} and closes {gone} in one run, so its senders may send to a closed port until they change."
        " Open the new port in one run, and close the old one in the next."
    )
