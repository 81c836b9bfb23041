# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collectors one tier behind a wave: those of other hosts and clusters that get data of its members. Private.

A change of agents may harm the gateway alone: its backend refuses their larger requests, or its memory does not last,
while the gateway has told the agents that all is well. So the gateway is judged beside them, by the same checks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .._otelcol.errors import at_most
from .wave_data import Judged, Tools, judged
from .wave_run import MOST_REST
from .wave_tracks import Track, sides_of

# After the members of a wave, the places behind it share one more watch in so many rounds. Items of one reading fail
# together, so the judge counts readings, and each place is also read several times in a round.
ROUNDS = 3
_WHERE = "behind the wave"
_SHOWN = 5


class Sent(NamedTuple):
    """A member of a wave, and the collector of a place of the inventory, a host or a cluster, that gets its data.

    A collector of a cluster is named NAMESPACE/NAME.
    """

    member: str
    place: str
    collector: str


def sent_between(rendered: Mapping[str, Mapping[str, Any]], members: Iterable[str]) -> Iterator[Sent]:
    """Yield which collectors of other clusters get data of members, by names that lead into a cluster.

    `rendered` has the results of `otel_render` of all clusters. A name that leads to several collectors leads nowhere
    that is known.
    """
    reached: dict[str, list[tuple[str, str]]] = {}
    for place, result in rendered.items():
        for row in result.get("reached_at") or ():
            reached.setdefault(str(row["host"]), []).append((place, str(row["collector"])))
    for member in members:
        for row in (rendered.get(member) or {}).get("sends_outside") or ():
            ends = reached.get(str(row["host"]), [])
            if len(ends) == 1:
                yield Sent(member, *ends[0])


@dataclass
class _Places:
    """The places of one kind behind a wave, each with its collectors, and the collectors that are left out."""

    collectors: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, sent: Sent) -> None:
        """Add a collector once. Places beyond `MOST_REST` are left out."""
        if sent.place in self.collectors or len(self.collectors) < MOST_REST:
            known, name = self.collectors.setdefault(sent.place, []), sent.collector
        else:
            known, name = self.left_out, f"{sent.collector} on {sent.place}"
        if name not in known:
            known.append(name)


def places_behind(sent: Iterable[Sent], clusters: Collection[str], seconds: float) -> dict[str, Any]:
    """Return which places are read for a wave that is watched for so many seconds: `hosts`, and `clusters`.

    Each has the `collectors` of each place, those of clusters also as `targets`, the places to read `before` the change
    and `after` it, and the `seconds` of each of those. At most `MOST_REST` places of each kind are read, as of later
    waves. `left_out` says which collectors are not read for that reason.
    """
    hosts, of_clusters = _Places(), _Places()
    for one in sent:
        if one.place != one.member:
            (of_clusters if one.place in clusters else hosts).add(one)
    targets = {place: [_target(name) for name in names] for place, names in of_clusters.collectors.items()}
    return {
        "hosts": _read(hosts.collectors, seconds),
        "clusters": {**_read(of_clusters.collectors, seconds), "targets": targets},
        "left_out": [*_left_out(hosts, "hosts"), *_left_out(of_clusters, "clusters")],
    }


def _left_out(places: _Places, kind: str) -> Iterator[str]:
    """Yield in words which collectors are not read."""
    if places.left_out:
        yield f"at most {MOST_REST} {kind} are read, and these are not: {at_most(_SHOWN, places.left_out)}"


def _read(places: Mapping[str, list[str]], seconds: float) -> dict[str, Any]:
    """Return what tasks read of the places of one kind."""
    after = list(places) * ROUNDS
    return {"collectors": places, "before": list(places), "after": after, "seconds": seconds / max(len(after), 1)}


def _target(name: str) -> dict[str, str]:
    """Return a collector of a cluster as tasks name it."""
    namespace, _slash, own_name = name.rpartition("/")
    return {"namespace": namespace, "name": own_name}


@dataclass(frozen=True)
class BehindJudged:
    """What the gate says of the collectors behind a wave: how they were judged, what is worse, whether data lacks."""

    worse: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_missing: bool = False


def judged_behind(
    after: Sequence[Track], before: Sequence[Track], rest: Sequence[Track], tools: Tools
) -> tuple[Judged, ...]:
    """Return what is worse behind a wave than before its change, and than in collectors of the same name elsewhere."""
    own = {(track.member, track.name) for track in after}
    others = [track for track in rest if (track.member, track.name) not in own]
    return tuple(_named(judged(sides, tools)) for sides in sides_of(after, before, others))


def _named(found: Judged) -> Judged:
    """Return what was judged with words that say where. Silence of the wave shows at its own members."""
    worse = tuple(f"{_WHERE}, {line}" for line in found.worse)
    return replace(found, name=f"{_WHERE}, {found.name}", worse=worse, passed=(), short="")


def told(found: Sequence[Judged], unread: Sequence[str], left_out: Sequence[str]) -> BehindJudged:
    """Return what the gate says of what was judged, of what could not be read, and of what it does not read."""
    worse: list[str] = []
    for judged_collectors in found:
        worse += judged_collectors.worse
    notes = [judged_collectors.line for judged_collectors in found]
    notes += [f"{_WHERE}, {why}" for why in (*unread, *left_out)]
    are_whole = all(judged_collectors.is_whole for judged_collectors in found)
    return BehindJudged(tuple(worse), tuple(notes), is_missing=bool(unread) or not are_whole)
