# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of a Linux host by its variables alone, and where they send to. Controller only. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._host.host_hops import GroupHop, described
from ..module_utils._host.host_options import HostCollector
from ._composed_collectors import ComposedCollector
from ._host_drafts import HostRequest, composed_host
from ._host_groups import InventoryGroups, unresolved
from ._inventory_addresses import hops_of
from ._recipe_layers import Route


def composed_alone(variables: Mapping[str, Any]) -> list[tuple[HostCollector, Mapping[str, Any]]]:
    """Return the collectors of a host with these variables, and their configs, in which groups are not resolved."""
    found: list[tuple[HostCollector, Mapping[str, Any]]] = []
    for item in _composed_by(variables, unresolved):
        if isinstance(item.collector, HostCollector):
            found.append((item.collector, item.config))
    return found


def sent_by(variables: Mapping[str, Any], groups: InventoryGroups) -> list[dict[str, str]]:
    """Return the exporters of a host with these variables, and the collectors of the inventory that get their data.

    Raises Problem for a config that cannot be composed.
    """
    hops: list[GroupHop] = []
    for item in _composed_by(variables, groups.for_recipe):
        hops += hops_of(groups, item.collector, item.config)
    return described(hops)


def _composed_by(variables: Mapping[str, Any], route: Route) -> list[ComposedCollector]:
    """Return the collectors of a host with these variables, each with its config; none if they name no collector."""
    request = HostRequest.from_variables(variables)
    return composed_host(request, route) if request.names_any else []
