# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan which collectors are read downstream of a wave: those that get data of its collectors. Private.

A change of agents may harm their gateway alone. For example, `agent` of web1 sends to `gateway` of gw1, and web1 is in
wave `canary`. Then the gateway is downstream of that wave (messages and the plan say `behind`), and it is read before
web1 changes and after it.

`_wave_planning.py` calls this file before the first wave. `_wave_downstream_verdict.py` judges the readings when the
wave ends. A member is a host of a wave: a Linux host, or one that stands for a cluster. A place is the host or cluster
of a downstream collector.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._otelcol.errors import Problem
from ..module_utils._waves.downstream_collectors import DownstreamReads, SentData, find_sent_data, select_reads
from ._inventory_groups import build_inventory_groups, describe_data_sent_by_host
from ._run_plan import TaskVariables
from ._wave_results import RENDERED, ReadOnce

# To compose the configs of a host takes tens of milliseconds. Hosts of one wave mostly send to the same gateways.
_MOST_SENDERS = 50


class ReceiverFinder:
    """Finds the collectors that get data of members of waves, as the inventory and the objects of all clusters tell."""

    def __init__(self, readable_members: Iterable[str], linux_hosts: Collection[str], variables: TaskVariables) -> None:
        """Take the members of the run whose collectors can be read, and all Linux hosts of the inventory."""
        self._linux_hosts = linux_hosts
        self._variables = variables
        self._clusters = [member for member in readable_members if member not in linux_hosts]

    def plan_reads(self, members: Iterable[str], watch_seconds: float) -> DownstreamReads:
        """Return what is read downstream of a wave with these members. Without a watch (0 seconds), nothing is read."""
        senders = list(members) if watch_seconds else []
        hosts = [member for member in senders if member in self._linux_hosts]
        clusters = [member for member in senders if member not in self._linux_hosts]
        sent_data = list(self._list_data_of_hosts(hosts[:_MOST_SENDERS]))
        if clusters:
            sent_data += [
                *self._list_data_sent_to_hosts(clusters),
                *find_sent_data(self._rendered_clusters, clusters),
            ]
        downstream_clusters = {sent.receiving_member for sent in sent_data} - set(self._linux_hosts)
        places = select_reads(sent_data, downstream_clusters, watch_seconds)
        left_out_lines = [*places["left_out"], *_describe_unread_hosts(len(hosts))]
        return {"hosts": places["hosts"], "clusters": places["clusters"], "left_out": left_out_lines}

    @cached_property
    def _rendered_clusters(self) -> dict[str, Mapping[str, Any]]:
        """What was rendered for each cluster before the first wave. To read its variables takes milliseconds."""
        hostvars = ReadOnce(self._variables["hostvars"])
        return {cluster: hostvars[cluster].get(RENDERED) or {} for cluster in self._clusters}

    def _list_data_of_hosts(self, hosts: Iterable[str]) -> Iterator[SentData]:
        """Yield which collectors get data of hosts. What cannot be composed fails when the host changes."""
        groups = build_inventory_groups(self._variables)
        for host in hosts:
            with suppress(Problem, AnsibleError):
                yield from _read_rows(host, describe_data_sent_by_host(groups, host))

    def _list_data_sent_to_hosts(self, clusters: Iterable[str]) -> Iterator[SentData]:
        """Yield which collectors of hosts get data of clusters."""
        for cluster in clusters:
            yield from _read_rows(cluster, self._rendered_clusters[cluster].get("sends_to_hosts") or ())


def _read_rows(member: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[SentData]:
    """Yield the data that a member sends. Each row has the keys `place` and `collector` of a receiver."""
    for row in rows:
        yield SentData(member, str(row["place"]), str(row["collector"]))


def _describe_unread_hosts(host_count: int) -> Iterator[str]:
    """Yield the line that says that what some hosts of a wave send to is not read, since they are many."""
    if host_count > _MOST_SENDERS:
        yield f"only what the first {_MOST_SENDERS} of {host_count} hosts send to is read"
