# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configs of the collectors of a Linux host. Controller only; contacts no host. Private.

`_host_render.py` renders the host of a task, and begins with `configure_host_collectors`. `_inventory_groups.py` asks
about other hosts, of which it knows the variables alone. A recipe of such a host may send to a group of the inventory:

| function | what is asked | the group |
|---|---|---|
| `list_host_configs` | where the collectors receive | has a stand-in, so that no further host is looked at |
| `describe_sent_data` | where the collectors send to | is found in the inventory |

For example, a host has `otel_host_collectors: [{name: agent, recipes: [otlp_ingest, {otlp_forward: {to: gateways}}]}]`.
In what `list_host_configs` returns, `agent` receives OTLP on its ports, and sends to `gateways.internal:4317`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._host.gateway_connections import GatewayConnection, describe_connections
from ..module_utils._host.host_options import HostCollector
from . import _role_files
from ._configured_collectors import ConfiguredCollector, configure_collectors
from ._host_groups import InventoryGroups, stand_in_for_group
from ._host_options import resolve_host_collectors
from ._host_request import HostRequest
from ._inventory_addresses import list_inventory_connections
from ._inventory_hosts import HostConfig
from ._recipe_facts import GroupResolver


def configure_host_collectors(request: HostRequest, resolve_group: GroupResolver) -> list[ConfiguredCollector]:
    """Return the collectors of a host with their configs. `resolve_group` finds the groups that their recipes name.

    Raises Problem for options that cannot be used, and for a config that cannot be composed.
    """
    recipes = _find_recipes(request.recipe_paths)
    return configure_collectors(resolve_host_collectors(request), recipes, resolve_group)


def _find_recipes(user_folders: Sequence[str]) -> dict[str, Path]:
    """Return the path of each recipe by its name. Folders of the user come first, then those of the roles."""
    host_recipes = _role_files.ROLE.with_name("otel_host") / "recipes"
    return _role_files.find_recipes([*user_folders, str(host_recipes)])


# ── Another host, by its variables ──


def list_host_configs(variables: Mapping[str, Any]) -> list[HostConfig]:
    """Return the collectors of a host with these variables, and their configs, of which only the receivers are right.

    Raises Problem for a config that cannot be composed.
    """
    host_configs: list[HostConfig] = []
    for configured in _configure_by_variables(variables, stand_in_for_group):
        if isinstance(configured.collector, HostCollector):
            host_configs.append(HostConfig(configured.collector, configured.config))
    return host_configs


def describe_sent_data(variables: Mapping[str, Any], groups: InventoryGroups) -> list[dict[str, str]]:
    """Return which collectors of the inventory get data of a host with these variables.

    Raises Problem for a config that cannot be composed. A row is such as
    `{exporter: otlp_grpc/gateway, place: gw1, collector: gateway}`.
    """
    connections: list[GatewayConnection] = []
    for configured in _configure_by_variables(variables, groups.resolve_for_recipe):
        connections += list_inventory_connections(groups, configured.collector, configured.config)
    return describe_connections(connections)


def _configure_by_variables(variables: Mapping[str, Any], resolve_group: GroupResolver) -> list[ConfiguredCollector]:
    """Return the collectors of a host with these variables, each with its config; none if they name no collector."""
    request = HostRequest.from_variables(variables)
    return configure_host_collectors(request, resolve_group) if request.names_any else []
