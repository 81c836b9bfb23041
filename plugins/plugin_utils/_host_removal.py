# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan in which order the collectors of Linux hosts are removed: a sender before those that get its data. Private.

Otherwise the sender could not send what it still has. Module host_removal_plan calls `plan_removal` once for a play,
and the play then removes stage by stage. For example, `agent` of web1 sends to `gateway` of gw1, and both hosts are in
the play:

    {"stages": [0, 1], "receivers": {"gw1": {"gateway": {"stage": 1, "senders": ["web1"]}}}}

Everything follows from variables of the inventory. A host whose variables or configs cannot be read must be removable
too: its collectors have no order, which a warning says. Controller only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._host.host_groups import Gateway
from ..module_utils._host.removal_stages import InventoryCollector, order_in_stages
from ..module_utils._otelcol.errors import Problem
from ._host_groups import InventoryGroups
from ._inventory_addresses import list_inventory_connections
from ._inventory_groups import build_inventory_groups
from ._inventory_hosts import CollectorOnHost

Warn = Callable[[str], None]


def plan_removal(variables: Mapping[str, Any], warn: Warn) -> dict[str, Any]:
    """Return the stages of a removal from the variables of a task in a play of all of its hosts.

    `receivers` has for each host those collectors that wait for others; every other collector is of stage 0.
    """
    senders_by_receiver = _find_senders(build_inventory_groups(variables), variables["ansible_play_hosts_all"], warn)
    stages = order_in_stages(senders_by_receiver)
    receivers: dict[str, dict[str, Any]] = {}
    for stage_number, collectors in enumerate(stages):
        if stage_number == 0:
            continue
        for receiver in collectors:
            sender_hosts = {sender.host for sender in senders_by_receiver[receiver]}
            row = {"stage": stage_number, "senders": sorted(sender_hosts - {receiver.host})}
            receivers.setdefault(receiver.host, {})[receiver.collector] = row
    stage_count = max(1, len(stages))
    return {"stages": list(range(stage_count)), "receivers": receivers}


def _find_senders(
    groups: InventoryGroups, hosts: Iterable[str], warn: Warn
) -> dict[InventoryCollector, set[InventoryCollector]]:
    """Return the collectors of hosts that get data of others of these hosts, each with those that send to it."""
    host_names = set(hosts)
    senders_by_receiver: dict[InventoryCollector, set[InventoryCollector]] = {}
    for host in sorted(host_names):
        groups_of_host = replace(groups, host=host)
        for sender in _list_collectors(groups_of_host, warn):
            for gateway in _find_receivers(groups_of_host, sender):
                if gateway.host in host_names:
                    receiver = InventoryCollector(gateway.host, gateway.collector)
                    senders_by_receiver.setdefault(receiver, set()).add(InventoryCollector(host, sender.collector.name))
    return senders_by_receiver


def _list_collectors(groups_of_host: InventoryGroups, warn: Warn) -> Iterable[CollectorOnHost]:
    """Return the collectors of a host; none, with a warning, if they cannot be rendered."""
    host = groups_of_host.host
    try:
        return groups_of_host.inventory.list_collectors(host)
    except (Problem, AnsibleError):
        # The message of the error may show a value of the inventory; `preflight` and `render` say what is wrong.
        warn(f"the configs of {host} cannot be composed, so nothing waits until its collectors are removed")
        return ()


def _find_receivers(groups_of_host: InventoryGroups, sender: CollectorOnHost) -> Iterator[Gateway]:
    """Yield the collectors of the inventory that a collector of a host sends to, by groups and by plain endpoints."""
    # Each by itself, so that a group that cannot be resolved does not hide the endpoints. What is not found only makes
    # the order worse, and no fault of the inventory may keep a collector from being removed.
    with suppress(Problem, AnsibleError):
        yield from groups_of_host.list_receiving_gateways(sender.collector)
    with suppress(Problem, AnsibleError):
        for connection in list_inventory_connections(groups_of_host, sender.collector, sender.config):
            yield connection.gateway
