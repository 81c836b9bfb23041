# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors that know which others of the run and of the inventory get their data. Private.

`_render.py` and `_host_render.py` call this file with composed collectors (see `_drafted.py`). A hop of data_flow.py is
a collector as others reach it, by the names of its Services; its routes say which hops each of its exporters reaches,
by their indexes in the list of hops. A `GroupHop` of host_hops.py is one exporter with one collector of the inventory
that gets its data. All lists here have the order of the collectors, so an index means the same collector in each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..module_utils._collector.options import Collector
from ..module_utils._host import host_hops
from ..module_utils._otelcol.config.layers import ComposedConfig
from ..module_utils._otelcol.errors import prefix_problems
from ..module_utils._otelcol.kube import names as kube_names
from ..module_utils._otelcol.rules.data_flow import find_asked_for_pods, find_routes
from ..module_utils._otelcol.rules.flow_collectors import FlowCollector
from . import _inventory_addresses
from ._around import CollectorSurroundings
from ._composed_collectors import ComposedCollector
from ._drafted import DraftedCollector
from ._host_groups import InventoryGroups


@dataclass(frozen=True)
class ConnectedCollector:
    """A collector with its config and with what is around it."""

    draft: DraftedCollector
    composed_config: ComposedConfig
    surroundings: CollectorSurroundings = field(default_factory=CollectorSurroundings)
    """What the rules know of its neighbours, see `_around.py`."""
    receivers_by_exporter: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The collectors of the run that each of its exporters sends to, as NAMESPACE/NAME."""
    reachable_names: Sequence[str] = ()
    """Lines for its file of hosts, such as `10.0.0.7 NAME`, by which it finds all gateways of a group at one name."""
    sends_to: Sequence[Mapping[str, str]] = ()
    """The collectors of other places that get its data, each with the keys `exporter`, `place` and `collector`."""

    @property
    def collector(self) -> Collector:
        """The options of the collector."""
        return self.draft.collector

    @property
    def config(self) -> dict[str, Any]:
        """The config of the collector."""
        return self.composed_config.config


def connect_collectors(collectors: Sequence[ComposedCollector]) -> list[ConnectedCollector]:
    """Return the collectors of a run with what each has to do with the others of the run.

    The rules judge that, and a change follows the flow of data. A collector to whose pods others send one by one gets
    a headless Service. `connect_to_inventory` adds the collectors of other hosts and clusters.
    """
    hops = [_describe_as_hop(collector) for collector in collectors]
    routes = find_routes(hops)
    are_asked_for_pods = find_asked_for_pods(hops)
    surroundings = CollectorSurroundings.describe_each(hops, routes)
    connected_list: list[ConnectedCollector] = []
    for index, collector in enumerate(collectors):
        draft = collector.draft
        if are_asked_for_pods[index]:
            draft = _add_headless_service(draft)
        receivers = {
            exporter: _list_qualified_names(collectors, receiver_indexes)
            for exporter, receiver_indexes in routes[index].items()
        }
        connected_list.append(ConnectedCollector(draft, collector.composed_config, surroundings[index], receivers))
    return connected_list


def _list_qualified_names(collectors: Sequence[ComposedCollector], indexes: Iterable[int]) -> list[str]:
    """Return some collectors of a run, by their indexes, as NAMESPACE/NAME."""
    chosen_collectors = [collectors[index].collector for index in sorted(indexes)]
    return [f"{collector.namespace}/{collector.name}" for collector in chosen_collectors]


def leave_unconnected(collectors: Sequence[ComposedCollector]) -> list[ConnectedCollector]:
    """Return the collectors of a Linux host: none has to do with the others of the run."""
    return [ConnectedCollector(collector.draft, collector.composed_config) for collector in collectors]


def connect_to_inventory(
    collectors: Sequence[ConnectedCollector], groups: InventoryGroups, fixes: host_hops.TlsFixes
) -> list[ConnectedCollector]:
    """Return collectors with the collectors of other hosts and clusters that get their data.

    Raises Problem if one side of a connection uses TLS and the other does not; `fixes` say what to do about it.
    """
    connected_list: list[ConnectedCollector] = []
    for connected in collectors:
        with prefix_problems(f"collector '{connected.collector.name}'"):
            connected_list.append(_connect_to_inventory(connected, groups, fixes))
    return connected_list


def _connect_to_inventory(
    connected: ConnectedCollector, groups: InventoryGroups, fixes: host_hops.TlsFixes
) -> ConnectedCollector:
    """Return one collector of `connect_to_inventory`. Raises Problem for TLS on one side alone."""
    inventory_hops = _inventory_addresses.list_inventory_hops(groups, connected.collector, connected.config)
    host_hops.check_hops(inventory_hops, fixes)
    surroundings = replace(
        connected.surroundings,
        receiving={**connected.surroundings.receiving, **host_hops.map_receiving_gateways(inventory_hops)},
        unreceived={**connected.surroundings.unreceived, **host_hops.unreceived_by(connected.config, inventory_hops)},
    )
    address_names = groups.list_hosts_file_lines(connected.collector)
    return replace(
        connected,
        surroundings=surroundings,
        reachable_names=address_names,
        sends_to=host_hops.describe_hops(inventory_hops),
    )


def _describe_as_hop(composed: ComposedCollector) -> FlowCollector:
    """Return a collector as others reach it; the operator may make Services of its own, with other names."""
    collector = composed.collector
    service_names = {collector.name, kube_names.headless_service_name(collector.name)}
    if collector.backend == "operator":
        service_names.update(kube_names.list_operator_names(collector.name))
    return FlowCollector(
        name=collector.name,
        namespace=collector.namespace,
        services=service_names,
        config=composed.config,
        pod_logs=collector.logs,
        nodes=collector.nodes,
    )


def _add_headless_service(draft: DraftedCollector) -> DraftedCollector:
    """Return a draft with option `service.headless`, so that DNS has the address of each pod. A sidecar stays as is."""
    collector = draft.collector
    if collector.mode == "sidecar":
        return draft
    return replace(draft, collector=replace(collector, service={**collector.service, "headless": True}))
