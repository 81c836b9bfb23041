# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors are read downstream of a wave: those that get data from collectors of the wave. Private.

A change of agents may harm their gateway, and nothing else shows it: the gateway tells the agents that all is well,
but its backend refuses their larger requests, or its memory does not suffice. So the gate of a wave reads the gateway
too, and `downstream_verdict.py` judges it. Messages and the plan of a run say `behind` the wave for downstream.

`_wave_downstream_plan.py` of plugin_utils calls this file when a run is planned. A member is a host of the inventory: a
Linux host, or one that stands for a cluster. For example, if member web1 of a wave sends to collector `gateway` on gw1,
`select_reads` returns the key `hosts` with:

    {"collectors": {"gw1": ["gateway"]}, "before": ["gw1"], "after": ["gw1", "gw1", "gw1"], "seconds": 20.0}
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from .._otelcol.errors import join_at_most
from .wave_run import MOST_COMPARED_HOSTS

# How often a run reads each downstream member after the members of the wave have changed. Each time has several
# readings, since what fails in one reading may be one event.
READS_AFTER = 3
_SHOWN_COLLECTORS = 5


@dataclass(frozen=True)
class SentData:
    """A member of a wave sends data to a collector. The collector may run on the same member, or on another."""

    sending_member: str
    """The member of the wave."""
    receiving_member: str
    """The member on which the collector runs."""
    collector: str
    """The name of the collector on a host, or NAMESPACE/NAME in a cluster."""


class MemberReads(TypedDict):
    """Which members of one kind are read, either Linux hosts or clusters, and which of their collectors."""

    collectors: Mapping[str, Sequence[str]]
    """The names of the collectors by member."""
    before: Sequence[str]
    """The members that are read before the change."""
    after: Sequence[str]
    """The members that are read after it, in this order; each stands there once for each time."""
    seconds: float
    """For how long each of `after` is read."""


class ClusterReads(MemberReads):
    """Which clusters are read, and which of their collectors."""

    targets: Mapping[str, Sequence[Mapping[str, str]]]
    """The collectors of each member as tasks name them, with `namespace` and `name`."""


class DownstreamReads(TypedDict):
    """What is read downstream of one wave."""

    hosts: MemberReads
    clusters: ClusterReads
    left_out: Sequence[str]
    """Lines about collectors that are not read, since there are too many."""


# ── What a cluster sends to another ──


@dataclass(frozen=True)
class _ClusterCollector:
    """A collector of a cluster, to which a host name leads."""

    member: str
    collector: str


def find_sent_data(rendered: Mapping[str, Mapping[str, Any]], members: Iterable[str]) -> Iterator[SentData]:
    """Yield the collectors of clusters that get data of these members, by the host names that lead into a cluster.

    `rendered` has the results of `otel_render` of all clusters, by member. If dev has the row `{"host":
    "otlp.example.com"}` in `sends_outside`, and eu has that host with `"collector": "obs/gateway"` in `reached_at`,
    this yields `SentData("dev", "eu", "obs/gateway")`. If a host name leads to several collectors, nobody knows which
    one gets the data, so none is yielded.
    """
    collectors_by_host = _group_collectors_by_host(rendered)
    for member in members:
        cluster_result = rendered.get(member) or {}
        for row in cluster_result.get("sends_outside") or ():
            reached_collectors = collectors_by_host.get(str(row["host"]), [])
            if len(reached_collectors) == 1:
                yield SentData(member, reached_collectors[0].member, reached_collectors[0].collector)


def _group_collectors_by_host(rendered: Mapping[str, Mapping[str, Any]]) -> dict[str, list[_ClusterCollector]]:
    """Return the collectors to which each host name leads."""
    collectors_by_host: dict[str, list[_ClusterCollector]] = {}
    for member, cluster_result in rendered.items():
        for row in cluster_result.get("reached_at") or ():
            reached_collector = _ClusterCollector(member, str(row["collector"]))
            collectors_by_host.setdefault(str(row["host"]), []).append(reached_collector)
    return collectors_by_host


# ── What is read ──


def select_reads(sent_data: Iterable[SentData], clusters: Collection[str], seconds: float) -> DownstreamReads:
    """Return what is read downstream of a wave that is watched for so many seconds.

    `clusters` says which members stand for clusters; the others are Linux hosts. At most `MOST_COMPARED_HOSTS` members
    of a kind are read, as of later waves. What a member sends to itself is left out: the wave watches that member.
    """
    to_hosts: list[SentData] = []
    to_clusters: list[SentData] = []
    for sent in sent_data:
        if sent.receiving_member == sent.sending_member:
            continue
        if sent.receiving_member in clusters:
            to_clusters.append(sent)
        else:
            to_hosts.append(sent)
    return {
        "hosts": _build_member_reads(to_hosts, seconds),
        "clusters": _build_cluster_reads(to_clusters, seconds),
        "left_out": [*_describe_left_out(to_hosts, "hosts"), *_describe_left_out(to_clusters, "clusters")],
    }


def _list_read_members(sent_data: Iterable[SentData]) -> list[str]:
    """Return the members that are read: the first ones that get data."""
    receiving_members = list(dict.fromkeys(sent.receiving_member for sent in sent_data))
    return receiving_members[:MOST_COMPARED_HOSTS]


def _build_member_reads(sent_data: Sequence[SentData], seconds: float) -> MemberReads:
    """Return what is read of the members that get this data, all of one kind.

    For example, a wave is watched for 60 seconds, and one member gets its data: it is read 3 times, 20 seconds each.
    """
    collectors_by_member: dict[str, list[str]] = {member: [] for member in _list_read_members(sent_data)}
    for sent in sent_data:
        names = collectors_by_member.get(sent.receiving_member)
        if names is not None and sent.collector not in names:
            names.append(sent.collector)
    members_after = list(collectors_by_member) * READS_AFTER
    return {
        "collectors": collectors_by_member,
        "before": list(collectors_by_member),
        "after": members_after,
        "seconds": seconds / max(len(members_after), 1),
    }


def _build_cluster_reads(sent_data: Sequence[SentData], seconds: float) -> ClusterReads:
    """Return what is read of the clusters that get this data."""
    reads = _build_member_reads(sent_data, seconds)
    targets = {member: [_build_task_target(name) for name in names] for member, names in reads["collectors"].items()}
    return {**reads, "targets": targets}


def _describe_left_out(sent_data: Sequence[SentData], kind: str) -> Iterator[str]:
    """Yield the line that says which collectors are not read, if there are any. `kind` is `hosts` or `clusters`."""
    read_members = _list_read_members(sent_data)
    left_out_collectors: list[str] = []
    for sent in sent_data:
        if sent.receiving_member not in read_members:
            left_out_collectors.append(f"{sent.collector} on {sent.receiving_member}")
    if left_out_collectors:
        shown_collectors = join_at_most(_SHOWN_COLLECTORS, list(dict.fromkeys(left_out_collectors)))
        yield f"at most {MOST_COMPARED_HOSTS} {kind} are read, and these are not: {shown_collectors}"


def _build_task_target(name: str) -> dict[str, str]:
    """Return a collector as tasks name it: `{"namespace": "obs", "name": "gateway"}` for `obs/gateway`."""
    namespace, _slash, own_name = name.rpartition("/")
    return {"namespace": namespace, "name": own_name}
