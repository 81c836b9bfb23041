# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order the removal of collectors of hosts: a sender is removed before the collectors that receive from it. Private.

Otherwise the sender could not send the rest of its data. The controller plans the stages of a run, and each host reads
its own part of the plan.
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


@dataclass(frozen=True)
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

    `receivers` is the part of the plan for this host: for each collector that others send to, `stage` and `senders`.
    """
    row = receivers.get(collector) or {}
    return Removal(int(row.get("stage", 0)), tuple(row.get("senders", ())))


def check_senders(collector: str, senders: Iterable[str], removed_hosts: Collection[str]) -> None:
    """Raise Problem if a host that sends to a collector is not among the hosts whose collectors were removed."""
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
    senders_by_place: Mapping[InventoryCollector, Set[InventoryCollector]],
) -> list[list[InventoryCollector]]:
    """Return the collectors in stages: each collector comes in a later stage than its senders.

    `senders_by_place` has the senders of a collector; collectors that occur as senders alone are ordered too.
    Collectors that send to each other in a circle have no order, so they do not wait for each other.
    """
    places = set(senders_by_place).union(*senders_by_place.values())
    waiting_for = {place: set(senders_by_place.get(place, ())) for place in places}
    while edges := find_circle(waiting_for):
        circle_members = {place for place, _sender in edges}
        for place in circle_members:
            waiting_for[place] -= circle_members
    sorter = TopologicalSorter(waiting_for)
    sorter.prepare()
    stages = []
    while sorter.is_active():
        ready_places = sorter.get_ready()
        stages.append(list(ready_places))
        sorter.done(*ready_places)
    return stages
