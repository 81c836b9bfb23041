# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors that know which others of the run and of the inventory get their data. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..module_utils._collector.options import Collector
from ..module_utils._host import host_hops
from ..module_utils._otelcol.config.layers import Composed
from ..module_utils._otelcol.errors import about
from ..module_utils._otelcol.kube import names as kube_names
from ..module_utils._otelcol.rules.data_flow import Hop, asked_for_pods, routes_between
from . import _inventory_addresses
from ._around import Around
from ._composed_collectors import ComposedCollector
from ._drafted import DraftedCollector
from ._host_groups import InventoryGroups


@dataclass(frozen=True)
class ConnectedCollector:
    """A collector with its config and with what is around it.

    `receivers` are the collectors of the run that each of its exporters sends to, as NAMESPACE/NAME; `sends_to` those
    of other places. `names` are those by which other places reach it.
    """

    drafted: DraftedCollector
    composed: Composed
    around: Around = field(default_factory=Around)
    receivers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    names: Sequence[str] = ()
    sends_to: Sequence[Mapping[str, str]] = ()

    @property
    def collector(self) -> Collector:
        """The options of the collector."""
        return self.drafted.collector

    @property
    def config(self) -> dict[str, Any]:
        """The config of the collector."""
        return self.composed.config


def connected_collectors(collectors: Sequence[ComposedCollector]) -> list[ConnectedCollector]:
    """Return the collectors of a run with what each has to do with the others.

    The rules judge that, and a change follows the flow of data.
    """
    hops = [_hop(item) for item in collectors]
    routes = routes_between(hops)
    places = [f"{item.collector.namespace}/{item.collector.name}" for item in collectors]
    facts = zip(collectors, asked_for_pods(hops), Around.of_each(hops, routes), routes, strict=True)
    connected: list[ConnectedCollector] = []
    for item, is_asked_for_pods, around, route in facts:
        drafted = _with_headless_service(item.drafted) if is_asked_for_pods else item.drafted
        receivers = {exporter: [places[index] for index in sorted(indexes)] for exporter, indexes in route.items()}
        connected.append(ConnectedCollector(drafted, item.composed, around, receivers))
    return connected


def lone_collectors(collectors: Sequence[ComposedCollector]) -> list[ConnectedCollector]:
    """Return collectors of which none has to do with the others of the run."""
    return [ConnectedCollector(item.drafted, item.composed) for item in collectors]


def follow_groups(
    collectors: Sequence[ConnectedCollector], groups: InventoryGroups, fixes: host_hops.TlsFixes
) -> list[ConnectedCollector]:
    """Return collectors whose rules know the places of the inventory that get their data, and that know their names.

    Raises Problem for TLS on one side alone; `fixes` say what to do about it.
    """
    followed: list[ConnectedCollector] = []
    for item in collectors:
        with about(f"collector '{item.collector.name}'"):
            followed.append(_followed(item, groups, fixes))
    return followed


def _followed(item: ConnectedCollector, groups: InventoryGroups, fixes: host_hops.TlsFixes) -> ConnectedCollector:
    """Return a collector with the places of the inventory that get its data."""
    hops = _inventory_addresses.hops_of(groups, item.collector, item.config)
    host_hops.check_hops(hops, fixes)
    unreceived = host_hops.unreceived_by(item.config, hops)
    around = replace(
        item.around,
        receiving={**item.around.receiving, **host_hops.receiving_by(hops)},
        unreceived={**item.around.unreceived, **unreceived},
    )
    return replace(item, around=around, names=groups.names_for(item.collector), sends_to=host_hops.described(hops))


def _hop(item: ComposedCollector) -> Hop:
    """Return a collector as one that others send to; the operator may make Services of its own."""
    collector = item.collector
    of_operator = kube_names.of_operator(collector.name) if collector.backend == "operator" else ()
    services = {collector.name, kube_names.headless(collector.name), *of_operator}
    return Hop(collector.name, collector.namespace, services, item.config, collector.logs, collector.nodes)


def _with_headless_service(drafted: DraftedCollector) -> DraftedCollector:
    """Return a collector whose pods have addresses of their own, as others ask for; a sidecar has no Service."""
    collector = drafted.collector
    if collector.mode == "sidecar":
        return drafted
    return replace(drafted, collector=replace(collector, service={**collector.service, "headless": True}))
