# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors of other hosts of the inventory: their configs as these hosts render them. Controller only.

Everything follows from variables of the inventory, so no host is contacted. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible.errors import AnsibleError

from ..module_utils._collector.options import Collector
from ..module_utils._collector.recipes import uses
from ..module_utils._host.host_groups import (
    KEYS,
    Gateway,
    Ingest,
    Member,
    Route,
    Wanted,
    alias_of,
    facts,
    gateways_of,
    ingests,
    route,
)
from ..module_utils._host.host_hops import GroupHop, exporters_to
from ..module_utils._host.host_options import HostCollector
from ..module_utils._host.host_tls import SERVER_NAME
from ..module_utils._otelcol.errors import Problem, at_most, near
from ..module_utils._otelcol.needs.listeners import listeners, started_parts
from ._otelcol import _builds

PREFIX, ITEMS = "otel_host_", "otel_host_collectors"
# What makes a host of the inventory a cluster.
_OF_CLUSTERS = ("otel_collectors", "otel_collector_recipes", "otel_collector_config", "otel_collector_config_files")
_SIDECAR = "sidecar"
LINUX = "otel_linux"
_SHOWN = 5


@dataclass(frozen=True)
class OtherCollector:
    """A collector of a host of the inventory, with its composed config."""

    host: str
    collector: HostCollector
    config: Mapping[str, Any]

    @property
    def ingests(self) -> Iterator[Ingest]:
        """The ports on which it receives OTLP."""
        opened = listeners(self.config, started_parts(self.config), _builds.tables().listeners)
        return ingests(self.collector.name, self.collector.address, opened)


class _Stop(NamedTuple):
    """A collector that data passes."""

    host: str
    collector: str


class _Way(NamedTuple):
    """A gateway, and the collectors that data has passed before it."""

    gateway: Gateway
    stops: tuple[_Stop, ...]


Compose = Callable[[Mapping[str, Any]], Sequence[tuple[HostCollector, Mapping[str, Any]]]]
ComposeCluster = Callable[[Mapping[str, Any]], Sequence[tuple[Collector, Mapping[str, Any]]]]


@dataclass
class InventoryGroups:
    """The groups of the inventory, as collectors of `host` send to them: a Linux host or a cluster.

    `compose` returns the collectors of a host and their configs for the variables of this host, and `compose_cluster`
    those of a cluster. `routes` has what each collector of this host has asked for, `addresses` those of hosts that
    were asked for.
    """

    host: str
    groups: Mapping[str, Sequence[str]]
    variables: Mapping[str, Mapping[str, Any]]
    compose: Compose
    compose_cluster: ComposeCluster = lambda _variables: ()
    routes: dict[str, list[Route]] = field(default_factory=dict)
    addresses: dict[str, set[str]] = field(default_factory=dict)
    _known: dict[str, list[OtherCollector]] = field(default_factory=dict)

    def for_recipe(self, sender: Collector, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return how a collector reaches the group that a recipe names. Raises Problem for a group that cannot be."""
        asked, place = wanted(options), _place_of(sender)
        to_group = route(asked, self._gateways(asked), f"{self.host}/{place}")
        if to_group.alias and sender.mode == _SIDECAR:
            number = len(to_group.gateways)
            wrong = f"group '{asked.group}' has {number} gateways, and a sidecar cannot give them one name"
            raise Problem(wrong, fix="Set `spread: senders`.")
        self._check_loop(place, to_group)
        self.routes.setdefault(place, []).append(to_group)
        return {**facts(to_group), "server_name": self._server_name(to_group)}

    def _server_name(self, to_group: Route) -> str:
        """Return the one name that certificates of all these gateways have, as their own options say; else empty."""
        receivers = [self._other(gateway).collector for gateway in to_group.gateways]
        names = {str(receiver.tls.get(SERVER_NAME) or "") for receiver in receivers}
        return names.pop() if len(names) == 1 else ""

    def hops(self, collector: Collector, config: Mapping[str, Any]) -> list[GroupHop]:
        """Return the exporters of a collector of this host, each with a gateway of a group that gets its data."""
        hops: dict[tuple[str, Gateway], GroupHop] = {}
        for to_group in self.routes.get(_place_of(collector), ()):
            for exporter, settings, gateway in exporters_to(config, to_group):
                hops[exporter, gateway] = GroupHop(exporter, settings, gateway, self._other(gateway).config)
        return list(hops.values())

    def clusters(self) -> list[str]:
        """Return the hosts of the inventory that stand for clusters."""
        linux = set(self.groups.get(LINUX) or ())
        return [name for name in self.groups.get("all") or () if name not in linux]

    def _other(self, gateway: Gateway) -> OtherCollector:
        """Return the collector that is a gateway."""
        by_name = {other.collector.name: other for other in self.collectors(gateway.host)}
        return by_name[gateway.collector]

    def _gateways(self, asked: Wanted) -> tuple[Gateway, ...]:
        """Return the gateways of a group. Raises Problem for a group that cannot be."""
        return gateways_of(asked, [self._member(asked.group, host) for host in self._hosts(asked.group)])

    def names_for(self, collector: Collector) -> tuple[str, ...]:
        """Return the lines of the file of hosts of a collector of this host, each once."""
        routes = self.routes.get(_place_of(collector), ())
        return tuple(dict.fromkeys(line for to_group in routes for line in to_group.lines))

    def _hosts(self, group: str) -> Sequence[str]:
        """Return the hosts of a group. Raises Problem for a group that the inventory lacks, or without hosts."""
        if group not in self.groups:
            known = sorted(set(self.groups) - {"all", "ungrouped"})
            wrong = f"the inventory has no group '{group}'{near(group, known)}"
            raise Problem(wrong, fix=f"Groups: {at_most(_SHOWN, known) or 'none'}.")
        if not self.groups[group]:
            raise Problem(f"group '{group}' of the inventory has no host", fix="Add the hosts with the gateways.")
        return self.groups[group]

    def _member(self, group: str, host: str) -> Member:
        """Return a host with the ports on which its collectors receive OTLP. Raises Problem for a cluster."""
        variables = self.variables[host]
        ports: list[Ingest] = []
        for other in self.collectors(host):
            ports += other.ingests
        if not ports and any(variables.get(name) for name in _OF_CLUSTERS):
            wrong = f"'{host}' of group '{group}' is a cluster, and `to` names Linux hosts"
            raise Problem(wrong, fix="Set `endpoint` to the address of its gateway.")
        return Member(host, str(variables.get("ansible_host") or host), tuple(ports))

    def collectors(self, host: str) -> list[OtherCollector]:
        """Return the collectors of a host with their configs, in which groups are not resolved."""
        if host not in self._known:
            self._known[host] = [OtherCollector(host, *one) for one in self._composed(host)]
        return self._known[host]

    def _composed(self, host: str) -> Sequence[tuple[HostCollector, Mapping[str, Any]]]:
        """Return the collectors of a host with their configs. Raises Problem that names the host."""
        try:
            return self.compose(self.variables[host])
        except Problem as problem:
            asked = f"{problem.asked}: " if problem.asked else ""
            raise Problem(f"host '{host}': {asked}{problem.wrong}", where=problem.where, fix=problem.fix) from problem
        except AnsibleError as error:
            wrong = f"host '{host}': its variables cannot be read: {error}"
            raise Problem(wrong, fix="Correct what the message names.") from error

    def _check_loop(self, sender: str, first: Route) -> None:
        """Raise Problem if data of a collector comes back to it by way of groups."""
        start = _Stop(self.host, sender)
        seen: set[_Stop] = set()
        todo = [_Way(gateway, (start,)) for gateway in first.gateways]
        while todo:
            gateway, stops = todo.pop()
            here = _Stop(gateway.host, gateway.collector)
            if here == start:
                loop = " → ".join(f"{stop.collector} on {stop.host}" for stop in (*stops, here))
                raise Problem(f"data would go round in a loop: {loop}", fix="Send to another group.")
            if here not in seen:
                seen.add(here)
                todo += [_Way(further, (*stops, here)) for further in self.sent_to_by(self._other(gateway).collector)]

    def sent_to_by(self, sender: Collector) -> Iterator[Gateway]:
        """Yield the gateways of groups that a collector sends to by its recipes. Raises Problem for a bad group."""
        for use in uses(sender.recipes):
            if use.options.get("to"):
                yield from self._gateways(wanted(use.options))


def _place_of(collector: Collector) -> str:
    """Return the name of a collector among those of its host, or of its cluster."""
    return collector.name if isinstance(collector, HostCollector) else f"{collector.namespace}/{collector.name}"


def unresolved(_collector: HostCollector, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for a route in a config of which only the receivers count."""
    endpoint = f"{alias_of(str(options['to']))}:4317"
    return {"endpoint": endpoint, "endpoints": [endpoint], "is_balanced": False, "server_name": ""}


def wanted(options: Mapping[str, Any]) -> Wanted:
    """Return what the options of a recipe ask of a group."""
    return Wanted(
        group=str(options["to"]),
        protocol=str(options.get("protocol") or Wanted.protocol),
        collector=str(options.get("collector") or ""),
        spread=str(options["spread"] or "") if "spread" in options else KEYS,
    )
