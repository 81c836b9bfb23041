# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order the removal of collectors of hosts: a sender is removed before the collectors that receive from it. Private.

Otherwise the sender could not send the rest of its data. `_host_removal.py` of plugin_utils plans the stages of a run
with `order_in_stages`, and each host reads its own part of the plan with `read_removal`. For example, if the agents of
web1 and web2 send to the gateway of gw1, the stages are `[[agent on web1, agent on web2], [gateway on gw1]]`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from .._otelcol.errors import Problem, join_at_most
from .._otelcol.graphs import find_circle

# How many hosts a message names.
_SHOWN = 5


@dataclass(frozen=True, order=True)
class InventoryCollector:
    """A collector of a host of the inventory."""

    host: str
    collector: str


@dataclass(frozen=True)
class Removal:
    """When a collector is removed."""

    stage: int = 0
    """The stages are removed one after another, from 0 on."""
    senders: tuple[str, ...] = ()
    """The other hosts of the run whose collectors send to it, sorted."""


def read_removal(collector: str, receivers: Mapping[str, Any]) -> Removal:
    """Return when a collector of a host is removed.

    `receivers` is the part of the plan for this host: for each collector that others send to, `stage` and `senders`,
    such as `{"gateway": {"stage": 1, "senders": ["web1", "web2"]}}`.
    """
    row = receivers.get(collector) or {}
    return Removal(int(row.get("stage", 0)), tuple(row.get("senders", ())))


def check_senders(collector: str, senders: Iterable[str], removed_hosts: Collection[str]) -> None:
    """Raise Problem if a host that sends to a collector is not among the hosts whose collectors were removed.

    The collector stays then, so that those senders do not lose their data.
    """
    staying_hosts = [host for host in senders if host not in removed_hosts]
    if staying_hosts:
        wrong = (
            f"collector {collector} gets data of {join_at_most(_SHOWN, staying_hosts)}, where this run could not remove"
            " them"
        )
        fix = (
            "Correct what failed there and run the same command again; or leave those hosts out by `--limit`; or set "
            "`otel_host_discard_unsent: true`."
        )
        raise Problem(f"{wrong}; it runs on", asked="Remove the collectors", fix=fix)


def order_in_stages(
    senders_by_collector: Mapping[InventoryCollector, Set[InventoryCollector]],
) -> list[list[InventoryCollector]]:
    """Return the collectors in stages: each collector comes in a later stage than its senders.

    `senders_by_collector` has the senders of a collector; collectors that occur as senders alone are ordered too.
    Collectors that send to each other in a circle have no order, so they do not wait for each other.
    """
    waiting_for = _drop_circles(senders_by_collector)
    sorter = TopologicalSorter(waiting_for)
    sorter.prepare()
    stages = []
    while sorter.is_active():
        ready_collectors = sorter.get_ready()
        stages.append(list(ready_collectors))
        sorter.done(*ready_collectors)
    return stages


def _drop_circles(
    senders_by_collector: Mapping[InventoryCollector, Set[InventoryCollector]],
) -> dict[InventoryCollector, set[InventoryCollector]]:
    """Return the senders that each collector waits for. Collectors in a circle do not wait for each other."""
    collectors = sorted(set(senders_by_collector).union(*senders_by_collector.values()))
    waiting_for = {collector: set(senders_by_collector.get(collector, ())) for collector in collectors}
    # An edge leads from a collector to the sender that it waits for. Each member of a circle begins one of its edges.
    # The order makes the circle that is found the same in each run.
    while edges := find_circle({collector: sorted(senders) for collector, senders in waiting_for.items()}):
        circle_members = {collector for collector, _sender in edges}
        for collector in circle_members:
            waiting_for[collector] -= circle_members
    return waiting_for
