# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the inventory and their collectors, as the variables of each host describe them. Controller only.

A collector sends to collectors of other hosts and clusters. To check and render it, one has to know these: where they
listen, and with which certificates. Everything follows from variables, so no host is contacted. For example, of a host
`gw1` with `otel_host_collectors: [{name: gateway, recipes: [otlp_ingest]}]`, `list_collectors("gw1")` returns the
collector `gateway` and its config, with receiver `otlp`.

`_inventory_groups.py` makes the `InventoryHosts` of a task. `_host_groups.py` asks it for the hosts of a group, and
`_inventory_addresses.py` for those at an address. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible.errors import AnsibleError

from ..module_utils._collector.options import Collector
from ..module_utils._host.host_groups import OtlpPort, list_otlp_ports
from ..module_utils._host.host_options import HostCollector
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.listeners import find_listeners
from ..module_utils._otelcol.needs.started_components import list_started_components
from ._otelcol import _builds

# How the variables of role otel_host begin.
PREFIX = "otel_host_"
# The variable with the list of collectors of a Linux host.
COLLECTORS_VARIABLE = "otel_host_collectors"
# The group with all Linux hosts. Every other host of the inventory stands for a cluster.
LINUX_GROUP = "otel_linux"

# The variables of a host. Ansible gathers them when they are read, which takes milliseconds and may raise AnsibleError.
HostVariables = Mapping[str, Any]


class HostConfig(NamedTuple):
    """A collector of a Linux host, and its config."""

    collector: HostCollector
    config: Mapping[str, Any]


class ClusterConfig(NamedTuple):
    """A collector of a cluster, and its config."""

    collector: Collector
    config: Mapping[str, Any]


@dataclass(frozen=True)
class CollectorOnHost:
    """A collector of a Linux host of the inventory, with its config. Groups that it sends to have a stand-in there."""

    host: str
    collector: HostCollector
    config: Mapping[str, Any]

    @property
    def otlp_ports(self) -> Iterator[OtlpPort]:
        """The ports on which it receives OTLP."""
        open_listeners = find_listeners(
            self.config, list_started_components(self.config), _builds.load_catalogue().listeners
        )
        return list_otlp_ports(self.collector.name, self.collector.address, open_listeners)


class InventoryHosts:
    """The hosts of the inventory. What was read or rendered of one is kept, since many collectors ask for it."""

    def __init__(
        self,
        hosts_by_group: Mapping[str, Sequence[str]],
        variables_by_host: Mapping[str, HostVariables],
        render_host_configs: Callable[[HostVariables], Sequence[HostConfig]],
        render_cluster_configs: Callable[[HostVariables], Sequence[ClusterConfig]],
    ) -> None:
        """Both functions return the collectors of a host, or of a cluster, with these variables and their configs."""
        self.hosts_by_group = hosts_by_group
        self.variables_by_host = variables_by_host
        self._render_host_configs = render_host_configs
        self._render_cluster_configs = render_cluster_configs
        self._collectors_by_host: dict[str, list[CollectorOnHost]] = {}
        self._addresses_by_host: dict[str, set[str]] = {}

    @property
    def linux_hosts(self) -> Sequence[str]:
        """The Linux hosts."""
        return self.hosts_by_group.get(LINUX_GROUP) or ()

    @property
    def cluster_hosts(self) -> list[str]:
        """The hosts that stand for clusters."""
        linux_hosts = set(self.linux_hosts)
        return [name for name in self.hosts_by_group.get("all") or () if name not in linux_hosts]

    def list_collectors(self, host: str) -> list[CollectorOnHost]:
        """Return the collectors of a Linux host. Raises Problem, which names the host, if they cannot be rendered."""
        if host not in self._collectors_by_host:
            self._collectors_by_host[host] = self._render_collectors(host)
        return self._collectors_by_host[host]

    def _render_collectors(self, host: str) -> list[CollectorOnHost]:
        """Return the collectors of a host as its variables describe them. A Problem names the host."""
        try:
            configs = self._render_host_configs(self.variables_by_host[host])
        except Problem as problem:
            action_prefix = f"{problem.asked}: " if problem.asked else ""
            wrong = f"host '{host}': {action_prefix}{problem.wrong}"
            raise Problem(wrong, where=problem.where, fix=problem.fix) from problem
        except AnsibleError as error:
            wrong = f"host '{host}': its variables cannot be read: {error}"
            raise Problem(wrong, fix="Correct what the message names.") from error
        return [CollectorOnHost(host, collector, config) for collector, config in configs]

    def list_cluster_configs(self, cluster: str) -> Sequence[ClusterConfig]:
        """Return the collectors of a cluster and their configs. Raises Problem or AnsibleError if they cannot be."""
        return self._render_cluster_configs(self.variables_by_host[cluster])

    def list_addresses(self, host: str) -> set[str]:
        """Return the addresses that the variables of a Linux host give, such as its `ansible_host`.

        Variables that cannot be read give none.
        """
        if host not in self._addresses_by_host:
            self._addresses_by_host[host] = set()
            with suppress(AnsibleError):
                self._addresses_by_host[host] = _read_addresses(self.variables_by_host[host])
        return self._addresses_by_host[host]


def _read_addresses(host_variables: HostVariables) -> set[str]:
    """Return the addresses that the variables of a host have for the host itself and for its collectors."""
    addresses = [host_variables.get("ansible_host"), host_variables.get(f"{PREFIX}address")]
    for collector in host_variables.get(COLLECTORS_VARIABLE) or ():
        if isinstance(collector, Mapping):
            addresses.append(collector.get("address"))
    return {str(address) for address in addresses if address}
