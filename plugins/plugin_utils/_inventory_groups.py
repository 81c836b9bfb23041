# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the `InventoryGroups` of a task: what it has to know of other hosts and clusters of its inventory. Private.

The modules otel_render and host_render call `build_inventory_groups`, and so do plans of waves and of removals. This
file knows how the collectors of a cluster and of a Linux host are rendered, and passes both on as functions. Most
clusters send to no Linux host, so what renders hosts is imported when one is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._collector.options import list_option_names
from . import _render
from ._host_groups import InventoryGroups, stand_in_for_group
from ._inventory_hosts import ClusterConfig, HostConfig, InventoryHosts
from ._render_request import RenderRequest

_CLUSTER_PREFIX = "otel_collector_"


def build_inventory_groups(variables: Mapping[str, Any]) -> InventoryGroups:
    """Return the groups of the inventory as a host with these variables of a task sees them."""
    inventory = InventoryHosts(
        hosts_by_group=variables.get("groups") or {},
        variables_by_host=variables.get("hostvars") or {},
        render_host_configs=_render_host_configs,
        render_cluster_configs=_render_cluster_configs,
    )
    return InventoryGroups(str(variables.get("inventory_hostname") or ""), inventory)


def _render_cluster_configs(variables: Mapping[str, Any]) -> Sequence[ClusterConfig]:
    """Return the collectors of a cluster with these variables, and their configs, with a stand-in for each group."""
    defaults: dict[str, Any] = {}
    for name in list_option_names():
        if _CLUSTER_PREFIX + name in variables:
            defaults[name] = variables[_CLUSTER_PREFIX + name]
    request = RenderRequest(
        collectors=variables.get("otel_collectors") or [],
        defaults=defaults,
        recipe_paths=variables.get(f"{_CLUSTER_PREFIX}recipe_paths") or [],
        platform_paths=variables.get(f"{_CLUSTER_PREFIX}platform_paths") or [],
    )
    return _render.list_cluster_configs(request, stand_in_for_group) if request.names_any else []


def _render_host_configs(variables: Mapping[str, Any]) -> Sequence[HostConfig]:
    """Return the collectors of a Linux host with these variables, and their configs, with a stand-in for each group."""
    from . import _host_configs  # noqa: PLC0415 - a tenth of all that a run over clusters imports

    return _host_configs.list_host_configs(variables)


def describe_data_sent_by_host(groups: InventoryGroups, host: str) -> list[dict[str, str]]:
    """Return the exporters of a Linux host, each with the collector of the inventory that gets its data.

    For example, `[{"exporter": "otlp_grpc/gateway", "place": "gw1", "collector": "gateway"}]`. Raises Problem for a
    config that cannot be composed. What was read of other hosts stays known to `groups`.
    """
    from . import _host_configs  # noqa: PLC0415 - a run over clusters imports nothing that renders hosts

    groups_of_host = replace(groups, host=host, routes_by_sender={})
    return _host_configs.describe_sent_data(groups.inventory.variables_by_host[host], groups_of_host)
