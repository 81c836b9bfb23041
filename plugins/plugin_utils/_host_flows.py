# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a Linux host by its variables alone, and where they send to. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._host.gateway_connections import GatewayConnection, describe_connections
from ..module_utils._host.host_options import HostCollector
from ._composed_collectors import ComposedCollector
from ._host_drafts import HostRequest, compose_host_collectors
from ._host_groups import InventoryGroups, build_unresolved_route
from ._inventory_addresses import list_inventory_hops
from ._recipe_layers import Route


def compose_host_alone(variables: Mapping[str, Any]) -> list[tuple[HostCollector, Mapping[str, Any]]]:
    """Return the collectors of a host with these variables, and their configs, in which groups are not resolved."""
    collectors_with_configs: list[tuple[HostCollector, Mapping[str, Any]]] = []
    for composed in _compose_by_variables(variables, build_unresolved_route):
        if isinstance(composed.collector, HostCollector):
            collectors_with_configs.append((composed.collector, composed.config))
    return collectors_with_configs


def describe_sent_data(variables: Mapping[str, Any], groups: InventoryGroups) -> list[dict[str, str]]:
    """Return the exporters of a host with these variables, and the collectors of the inventory that get their data.

    Raises Problem for a config that cannot be composed.
    """
    hops: list[GatewayConnection] = []
    for composed in _compose_by_variables(variables, groups.resolve_for_recipe):
        hops += list_inventory_hops(groups, composed.collector, composed.config)
    return describe_connections(hops)


def _compose_by_variables(variables: Mapping[str, Any], route: Route) -> list[ComposedCollector]:
    """Return the collectors of a host with these variables, each with its config; none if they name no collector."""
    request = HostRequest.from_variables(variables)
    return compose_host_collectors(request, route) if request.names_any else []
