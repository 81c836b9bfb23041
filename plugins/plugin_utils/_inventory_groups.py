# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of the inventory, as a task sees them. Controller only.

Most clusters send to no Linux host, so what renders the collectors of hosts is imported when one is asked for. Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._collector.options import Collector, list_option_names
from ..module_utils._host.host_options import HostCollector
from . import _render
from ._host_groups import InventoryGroups, stand_in_for_group
from ._render_request import RenderRequest

_PREFIX = "otel_collector_"


def build_inventory_groups(variables: Mapping[str, Any]) -> InventoryGroups:
    """Return the groups of the inventory as a host with these variables of a task sees them."""
    return InventoryGroups(
        host=str(variables.get("inventory_hostname") or ""),
        hosts_by_group=variables.get("groups") or {},
        variables_by_host=variables.get("hostvars") or {},
        configure_collectors=_compose_host,
        compose_cluster=_compose_cluster,
    )


def _compose_cluster(variables: Mapping[str, Any]) -> list[tuple[Collector, Mapping[str, Any]]]:
    """Return the collectors of a cluster with these variables, and their configs, in which groups are not resolved."""
    option_prefix = _PREFIX
    defaults = {
        name: variables[option_prefix + name] for name in list_option_names() if option_prefix + name in variables
    }
    request = RenderRequest(
        variables.get("otel_collectors") or [],
        defaults,
        recipe_paths=variables.get(f"{option_prefix}recipe_paths") or [],
        platform_paths=variables.get(f"{option_prefix}platform_paths") or [],
    )
    return _render.list_cluster_configs(request, stand_in_for_group) if request.names_any else []


def _compose_host(variables: Mapping[str, Any]) -> Sequence[tuple[HostCollector, Mapping[str, Any]]]:
    """Return the collectors of a Linux host with these variables, and their configs."""
    from . import _host_configs  # noqa: PLC0415 - a tenth of all that a run over clusters imports

    return _host_configs.list_host_configs(variables)


def describe_data_sent_by_host(groups: InventoryGroups, host: str) -> list[dict[str, str]]:
    """Return the exporters of a Linux host, each with the collector of the inventory that gets its data.

    Raises Problem for a config that cannot be composed. What is known of other hosts stays known.
    """
    from . import _host_configs  # noqa: PLC0415 - a run over clusters imports nothing that renders hosts

    return _host_configs.describe_sent_data(
        groups.variables_by_host[host], replace(groups, host=host, routes_by_sender={})
    )
