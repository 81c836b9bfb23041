# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors that a run creates or changes, with the ports that this opens and closes. Private.

dependency_order.py asks this, because a receiver and its senders must agree on a port all the time. For example, a
Service with the port 4317 that gets the port 4318 in its place:

    ChangingCollector(…, is_new=False, closed_ports={Port("TCP", 4317)}, opened_ports={Port("TCP", 4318)})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .._otelcol.config.paths import list_at
from .._otelcol.kube.objects import Manifest, ObjectRef, ref
from .applied_state import is_applied
from .collector_change import CollectorChange, group_by_collector


class Port(NamedTuple):
    """A port on which a collector receives."""

    protocol: str
    """`TCP` or `UDP`."""
    number: int

    def __str__(self) -> str:
        """Return the port as messages name it, such as `4317/TCP`."""
        return f"{self.number}/{self.protocol}"


@dataclass(frozen=True)
class ChangingCollector:
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


def find_changing_collectors(
    manifests: Sequence[Manifest], live_objects: Mapping[ObjectRef, Manifest | None], manager: str
) -> dict[str, ChangingCollector]:
    """Return the collectors that a run creates or changes, by their `namespace/name`."""
    changing_collectors = {}
    for change in group_by_collector(manifests, options={}):  # the order asks for no option of a change
        if not any(live_objects.get(ref(workload)) for workload in change.workloads):
            changing_collectors[change.name] = ChangingCollector(change, is_new=True)
        elif _would_change(change, live_objects, manager):
            live_manifests = [live_objects.get(ref(manifest)) or {} for manifest in change.manifests]
            ports_before = _list_open_ports(live_manifests)
            ports_after = _list_open_ports(change.manifests)
            changing_collectors[change.name] = ChangingCollector(
                change, is_new=False, closed_ports=ports_before - ports_after, opened_ports=ports_after - ports_before
            )
    return changing_collectors


def _would_change(change: CollectorChange, live_objects: Mapping[ObjectRef, Manifest | None], manager: str) -> bool:
    """Return whether an apply would create or change an object of a collector."""
    for manifest in change.manifests:
        live_object = live_objects.get(ref(manifest))
        if not live_object or not is_applied(manifest, live_object, manager):
            return True
    return False


def _list_open_ports(manifests: Iterable[Manifest]) -> frozenset[Port]:
    """Return the ports that the objects of a collector open."""
    ports: set[Port] = set()
    for manifest in manifests:
        ports.update(_find_ports(manifest))
    return frozenset(ports)


def _find_ports(manifest: Manifest) -> Iterator[Port]:
    """Yield the ports of a Service, of the pods of a workload, or of a resource of the operator.

    All of them count alike, because this collection gives a port the same number everywhere: `port` of a Service and of
    a resource of the operator, `containerPort` of a pod.
    """
    port_specs = list_at(manifest, "spec", "ports")
    for container in list_at(manifest, "spec", "template", "spec", "containers"):
        port_specs = [*port_specs, *list_at(container, "ports")]
    for port_spec in port_specs:
        number = port_spec.get("port") or port_spec.get("containerPort")
        if isinstance(number, int):
            yield Port(port_spec.get("protocol") or "TCP", number)
