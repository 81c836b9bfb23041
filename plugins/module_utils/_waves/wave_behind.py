# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors are read one tier behind a wave: those that get data from collectors of the wave.

A change of agents may harm only their gateway. The gateway tells the agents that all is well, but its backend refuses
their larger requests, or its memory does not suffice. So the gate of a wave reads the gateway too, and
`behind_verdict.py` judges it. A member is a host or cluster of the wave, and a place is a host or cluster that is read
behind it. `_wave_downstream_plan.py` of plugin_utils calls this file. Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import join_at_most
from .wave_run import MOST_COMPARED_HOSTS

# How many visits to each place a run makes after the members of a wave. Each visit has several readings, since what
# fails in one reading may be one event.
VISITS_AFTER = 3
_SHOWN_COLLECTORS = 5


@dataclass(frozen=True)
class SentData:
    """A member of a wave sends data to a collector. The collector may be of the same host or cluster, or of another."""

    member: str
    """The host or cluster of the wave."""
    place: str
    """The host or cluster of the collector."""
    collector: str
    """The name of the collector on a host, or NAMESPACE/NAME in a cluster."""


@dataclass(frozen=True)
class _ReachedCollector:
    """A collector of a cluster to which a host name leads."""

    place: str
    collector: str


def find_sent_data(rendered: Mapping[str, Mapping[str, Any]], members: Iterable[str]) -> Iterator[SentData]:
    """Yield the collectors of clusters that get data of members, by the host names that lead into a cluster.

    `rendered` has the results of `otel_render` of all clusters, by the names of the clusters. If a host name leads to
    several collectors, nobody knows which one gets the data, so none is yielded.
    """
    ends_by_host = _group_ends_by_host(rendered)
    for member in members:
        cluster_result = rendered.get(member) or {}
        for row in cluster_result.get("sends_outside") or ():
            host_ends = ends_by_host.get(str(row["host"]), [])
            if len(host_ends) == 1:
                yield SentData(member, host_ends[0].place, host_ends[0].collector)


def _group_ends_by_host(rendered: Mapping[str, Mapping[str, Any]]) -> dict[str, list[_ReachedCollector]]:
    """Return the collectors to which each host name leads."""
    ends_of_hosts: dict[str, list[_ReachedCollector]] = {}
    for place, result in rendered.items():
        for row in result.get("reached_at") or ():
            ends_of_hosts.setdefault(str(row["host"]), []).append(_ReachedCollector(place, str(row["collector"])))
    return ends_of_hosts


@dataclass
class _PlacesBehind:
    """The places of one kind behind a wave, either hosts or clusters, with their collectors."""

    collectors_by_place: dict[str, list[str]] = field(default_factory=dict)
    """The collectors of each place that is read."""
    left_out_collectors: list[str] = field(default_factory=list)
    """The collectors of further places, which are not read."""

    def add_collector(self, sent_data: SentData) -> None:
        """Add a collector once. At most `MOST_COMPARED_HOSTS` places are read."""
        if sent_data.place in self.collectors_by_place:
            _add_once(self.collectors_by_place[sent_data.place], sent_data.collector)
        elif len(self.collectors_by_place) < MOST_COMPARED_HOSTS:
            self.collectors_by_place[sent_data.place] = [sent_data.collector]
        else:
            _add_once(self.left_out_collectors, f"{sent_data.collector} on {sent_data.place}")

    def describe_for_tasks(self, seconds: float) -> dict[str, Any]:
        """Return which places tasks read, and how long, with the keys that `select_places_behind` lists."""
        places_after = list(self.collectors_by_place) * VISITS_AFTER
        return {
            "collectors": self.collectors_by_place,
            "before": list(self.collectors_by_place),
            "after": places_after,
            "seconds": seconds / max(len(places_after), 1),
        }

    def map_targets(self) -> dict[str, list[dict[str, str]]]:
        """Return the collectors of each cluster as tasks name them."""
        return {
            place: [_build_task_target(name) for name in names] for place, names in self.collectors_by_place.items()
        }

    def describe_left_out(self, kind: str) -> Iterator[str]:
        """Yield the line that says which collectors are not read; `kind` names the places."""
        if self.left_out_collectors:
            yield (
                f"at most {MOST_COMPARED_HOSTS} {kind} are read, and these are not:"
                f" {join_at_most(_SHOWN_COLLECTORS, self.left_out_collectors)}"
            )


def _add_once(names: list[str], name: str) -> None:
    """Add a name to a list that does not have it."""
    if name not in names:
        names.append(name)


def _build_task_target(name: str) -> dict[str, str]:
    """Return a collector, whose name is NAMESPACE/NAME, as tasks name it."""
    namespace, _slash, own_name = name.rpartition("/")
    return {"namespace": namespace, "name": own_name}


def select_places_behind(sent_data: Iterable[SentData], clusters: Collection[str], seconds: float) -> dict[str, Any]:
    """Return which places are read for a wave that is watched for so many seconds.

    `clusters` says which places are clusters; the others are hosts. The keys of the result:

    - `hosts` and `clusters` each have four keys: `collectors` has the names of the collectors of each place, `before`
      the places to read before the change, `after` the visits to make after it, in order, and `seconds` the time of
      each visit. At most `MOST_COMPARED_HOSTS` places of a kind are read, as of later waves.
    - `clusters` also has `targets`, the collectors as tasks name them.
    - `left_out` has lines that say which collectors are not read, because there are more places.
    """
    on_hosts, in_clusters = _PlacesBehind(), _PlacesBehind()
    for sent_flow in sent_data:
        if sent_flow.place == sent_flow.member:  # the member is watched itself
            continue
        places = in_clusters if sent_flow.place in clusters else on_hosts
        places.add_collector(sent_flow)
    return {
        "hosts": on_hosts.describe_for_tasks(seconds),
        "clusters": {**in_clusters.describe_for_tasks(seconds), "targets": in_clusters.map_targets()},
        "left_out": [*on_hosts.describe_left_out("hosts"), *in_clusters.describe_left_out("clusters")],
    }
