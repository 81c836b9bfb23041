# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors are read one tier behind a wave: those of other hosts and clusters that get data of its members.

A change of agents may harm the gateway alone: its backend refuses their larger requests, or its memory does not last,
while the gateway has told the agents that all is well. So the gateway is read too, and `behind_verdict` judges it.
Private.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import at_most
from .wave_run import MOST_REST

# How many visits to each place a run makes after the members of a wave. Each visit has several readings, since what
# fails in one reading may be one event.
ROUNDS = 3
_SHOWN = 5


@dataclass(frozen=True)
class Sent:
    """A member of a wave sends data to a collector of another, or of the same, host or cluster of the inventory."""

    member: str
    place: str
    """The host or cluster of the collector."""
    collector: str
    """The name of the collector on a host, or NAMESPACE/NAME in a cluster."""


@dataclass(frozen=True)
class _End:
    """A collector of a cluster to which a host name leads."""

    place: str
    collector: str


def sent_between(rendered: Mapping[str, Mapping[str, Any]], members: Iterable[str]) -> Iterator[Sent]:
    """Yield which collectors of clusters get data of members, by host names that lead into a cluster.

    `rendered` has the results of `otel_render` of all clusters, by the names of the clusters. If a host name leads to
    several collectors, nobody knows which one gets the data, so none is yielded.
    """
    ends_by_host = _ends_by_host(rendered)
    for member in members:
        result = rendered.get(member) or {}
        for row in result.get("sends_outside") or ():
            ends = ends_by_host.get(str(row["host"]), [])
            if len(ends) == 1:
                yield Sent(member, ends[0].place, ends[0].collector)


def _ends_by_host(rendered: Mapping[str, Mapping[str, Any]]) -> dict[str, list[_End]]:
    """Return the collectors to which each host name leads."""
    ends: dict[str, list[_End]] = {}
    for place, result in rendered.items():
        for row in result.get("reached_at") or ():
            ends.setdefault(str(row["host"]), []).append(_End(place, str(row["collector"])))
    return ends


@dataclass
class _Places:
    """The places of one kind behind a wave: hosts, or clusters."""

    collectors: dict[str, list[str]] = field(default_factory=dict)
    """The collectors of each place that is read."""
    left_out: list[str] = field(default_factory=list)
    """The collectors of further places, which are not read."""

    def add(self, sent: Sent) -> None:
        """Add a collector once. At most `MOST_REST` places are read."""
        if sent.place in self.collectors:
            _add_once(self.collectors[sent.place], sent.collector)
        elif len(self.collectors) < MOST_REST:
            self.collectors[sent.place] = [sent.collector]
        else:
            _add_once(self.left_out, f"{sent.collector} on {sent.place}")

    def for_tasks(self, seconds: float) -> dict[str, Any]:
        """Return what tasks read in so many seconds, in the form of `places_behind`."""
        after = list(self.collectors) * ROUNDS
        return {
            "collectors": self.collectors,
            "before": list(self.collectors),
            "after": after,
            "seconds": seconds / max(len(after), 1),
        }

    def targets(self) -> dict[str, list[dict[str, str]]]:
        """Return the collectors of each cluster as tasks name them."""
        return {place: [_target(name) for name in names] for place, names in self.collectors.items()}

    def left_out_lines(self, kind: str) -> Iterator[str]:
        """Yield the line that says which collectors are not read; `kind` names the places."""
        if self.left_out:
            yield f"at most {MOST_REST} {kind} are read, and these are not: {at_most(_SHOWN, self.left_out)}"


def _add_once(names: list[str], name: str) -> None:
    """Add a name to a list that does not have it."""
    if name not in names:
        names.append(name)


def _target(name: str) -> dict[str, str]:
    """Return a collector, whose name is NAMESPACE/NAME, as tasks name it."""
    namespace, _slash, own_name = name.rpartition("/")
    return {"namespace": namespace, "name": own_name}


def places_behind(sent: Iterable[Sent], clusters: Collection[str], seconds: float) -> dict[str, Any]:
    """Return which places are read for a wave that is watched for so many seconds.

    `clusters` says which places are clusters; the others are hosts. The keys of the result:

    - `hosts` and `clusters` each have the names of the `collectors` of each place, the places to read `before` the
      change and `after` it, and for how many `seconds` each of the latter is read. At most `MOST_REST` places of a kind
      are read, as of later waves. `clusters` has the collectors also as `targets` of tasks.
    - `left_out` has lines that say which collectors are not read for that reason.
    """
    on_hosts, in_clusters = _Places(), _Places()
    for flow in sent:
        if flow.place == flow.member:  # the member is watched itself
            continue
        places = in_clusters if flow.place in clusters else on_hosts
        places.add(flow)
    return {
        "hosts": on_hosts.for_tasks(seconds),
        "clusters": {**in_clusters.for_tasks(seconds), "targets": in_clusters.targets()},
        "left_out": [*on_hosts.left_out_lines("hosts"), *in_clusters.left_out_lines("clusters")],
    }
