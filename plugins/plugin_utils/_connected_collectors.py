# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors that know which others of the run and of the inventory get their data. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    hops = [_hop(collector) for collector in collectors]
    routes = routes_between(hops)
    are_asked_for_pods = asked_for_pods(hops)
    arounds = Around.of_each(hops, routes)
    connected: list[ConnectedCollector] = []
    for index, collector in enumerate(collectors):
        drafted = collector.drafted
        if are_asked_for_pods[index]:
            drafted = _with_headless_service(drafted)
        receivers = {exporter: _places(collectors, others) for exporter, others in routes[index].items()}
        connected.append(ConnectedCollector(drafted, collector.composed, arounds[index], receivers))
    return connected


def _places(collectors: Sequence[ComposedCollector], indexes: Iterable[int]) -> list[str]:
    """Return some collectors of a run, by their indexes, as NAMESPACE/NAME."""
    chosen = [collectors[index].collector for index in sorted(indexes)]
    return [f"{collector.namespace}/{collector.name}" for collector in chosen]


def lone_collectors(collectors: Sequence[ComposedCollector]) -> list[ConnectedCollector]:
    """Return collectors of which none has to do with the others of the run."""
    return [ConnectedCollector(collector.drafted, collector.composed) for collector in collectors]


def follow_groups(
    collectors: Sequence[ConnectedCollector], groups: InventoryGroups, fixes: host_hops.TlsFixes
) -> list[ConnectedCollector]:
    """Return collectors whose rules know the places of the inventory that get their data, and that know their names.

    Raises Problem for TLS on one side alone; `fixes` say what to do about it.
    """
    followed: list[ConnectedCollector] = []
    for connected in collectors:
        with about(f"collector '{connected.collector.name}'"):
            followed.append(_followed(connected, groups, fixes))
    return followed


def _followed(connected: ConnectedCollector, groups: InventoryGroups, fixes: host_hops.TlsFixes) -> ConnectedCollector:
    """Return a collector with the places of the inventory that get its data. Raises Problem for TLS on one side."""
    hops = _inventory_addresses.hops_of(groups, connected.collector, connected.config)
    host_hops.check_hops(hops, fixes)
    around = replace(
        connected.around,
        receiving={**connected.around.receiving, **host_hops.receiving_by(hops)},
        unreceived={**connected.around.unreceived, **host_hops.unreceived_by(connected.config, hops)},
    )
    names = groups.names_for(connected.collector)
    return replace(connected, around=around, names=names, sends_to=host_hops.described(hops))


def _hop(composed: ComposedCollector) -> Hop:
    """Return a collector as one that others send to; the operator may make Services of its own."""
    collector = composed.collector
    services = {collector.name, kube_names.headless(collector.name)}
    if collector.backend == "operator":
        services.update(kube_names.of_operator(collector.name))
    return Hop(
        name=collector.name,
        namespace=collector.namespace,
        services=services,
        config=composed.config,
        logs=collector.logs,
        nodes=collector.nodes,
    )


def _with_headless_service(drafted: DraftedCollector) -> DraftedCollector:
    """Return a collector whose pods have addresses of their own, as others ask for; a sidecar has no Service."""
    collector = drafted.collector
    if collector.mode == "sidecar":
        return drafted
    return replace(drafted, collector=replace(collector, service={**collector.service, "headless": True}))
