# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readings of the collectors of a wave, and which collectors are compared with each other. Private.

A track is all readings of one collector. A poll is one reading, and a sample is what one pod, or the service of a host,
counted in it (see `PodSample` in _change/canary/readings.py). `sample_rows.py` reads a `Track` for each collector from
the results of tasks, `group_sides` groups them, and `compared_readings.py` compares the sides. For example, if `agent`
of web1 and web2 has changed, and that of web3 has not, there is one group:

    ComparedSides(tracks_after=(web1, web2), tracks_before=(web1, web2), other_tracks=(web3,))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._change.canary.readings import PodSample


@dataclass(frozen=True)
class TrackPoll:
    """One reading of a collector."""

    read_time: float
    """In seconds of Unix."""
    samples: tuple[PodSample, ...]
    """One for its service on a host, or one for each of its pods in a cluster."""


class CollectorRelease(NamedTuple):
    """A collector of a member in one release: readings of two releases are not compared.

    A release of a host is its number and the time of its writing, since the numbers begin anew after a removal.
    """

    member: str
    name: str
    release: str
    written: str


@dataclass(frozen=True)
class Track:
    """The readings of one collector."""

    member: str
    """The host or cluster with the collector."""
    name: str
    """Its name on a host, or NAMESPACE/NAME in a cluster."""
    release: str
    """What tells what it runs: the number of a release on a host, or a hash of the pods in a cluster."""
    has_passed: bool
    """Whether its release has passed a wave before."""
    config: Mapping[str, Any]
    polls: tuple[TrackPoll, ...]
    """The readings, the first one first."""
    sum: str = ""
    """A checksum of what the release is made from."""
    written: str = ""
    """When a release of a host was written, as module host_apply returns it; empty in a cluster."""

    @property
    def collector_release(self) -> CollectorRelease:
        """The collector in its release."""
        return CollectorRelease(self.member, self.name, self.release, self.written)

    @property
    def samples(self) -> tuple[PodSample, ...]:
        """The samples of all readings, one reading after the other."""
        return tuple(sample for poll in self.polls for sample in poll.samples)

    @property
    def watched_seconds(self) -> float:
        """The seconds between the first and the last reading."""
        if not self.polls:
            return 0.0
        return self.polls[-1].read_time - self.polls[0].read_time

    @property
    def shape(self) -> str:
        """The name and the pipelines as a text. Only collectors with the same text are compared together."""
        service = self.config.get("service")
        pipelines = service.get("pipelines") if isinstance(service, Mapping) else None
        # A config of YAML may have values that JSON does not know, such as dates.
        return json.dumps([self.name, pipelines], sort_keys=True, default=str)


@dataclass(frozen=True)
class ComparedSides:
    """The collectors of one name that are compared."""

    tracks_after: tuple[Track, ...]
    """Collectors that have changed in the wave."""
    tracks_before: tuple[Track, ...] = ()
    """The same collectors before the change."""
    other_tracks: tuple[Track, ...] = ()
    """Collectors that have not changed. They were read twice: at the start of the watch and at its end."""

    def select_one(self, changed_track: Track) -> ComparedSides:
        """Return the sides for one of the collectors that have changed."""
        own_tracks_before = tuple(track for track in self.tracks_before if track.member == changed_track.member)
        return ComparedSides((changed_track,), own_tracks_before, self.other_tracks)


def group_sides(
    tracks_after: Iterable[Track], tracks_before: Sequence[Track], unchanged_tracks: Sequence[Track]
) -> Iterator[ComparedSides]:
    """Yield the sides of each group of collectors of a wave.

    Collectors with the same name and pipelines are one group, as pods of one workload are. They are compared with the
    unchanged collectors of the same name.
    """
    tracks_by_shape: dict[str, list[Track]] = {}
    for track in tracks_after:
        tracks_by_shape.setdefault(track.shape, []).append(track)
    for changed_tracks in tracks_by_shape.values():
        name = changed_tracks[0].name
        changed_members = {track.member for track in changed_tracks}
        own_tracks_before = [track for track in tracks_before if track.name == name and track.member in changed_members]
        yield ComparedSides(
            tracks_after=tuple(changed_tracks),
            tracks_before=_select_first_shape(own_tracks_before),
            other_tracks=_select_first_shape(_select_by_name(name, unchanged_tracks)),
        )


def _select_by_name(name: str, unchanged_tracks: Sequence[Track]) -> list[Track]:
    """Return the unchanged collectors of a name.

    If the name is NAMESPACE/NAME and no such collector is there, return those of other namespaces with the same NAME.
    """
    namespace, _slash, own_name = name.rpartition("/")
    same_name = [track for track in unchanged_tracks if track.name == name]
    if same_name or not namespace:
        return same_name
    return [track for track in unchanged_tracks if track.name.endswith(f"/{own_name}")]


def _select_first_shape(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return the tracks with the pipelines of the first one. Counts are by component, so other pipelines do not fit."""
    return tuple(track for track in tracks if track.shape == tracks[0].shape)


class JoinedPoll(NamedTuple):
    """One reading of several collectors."""

    seconds: float
    """Since the first reading of the first of them."""
    samples: list[PodSample]


def replay_polls(tracks: Sequence[Track]) -> Iterator[JoinedPoll]:
    """Yield the first readings of all collectors, then the second ones, and so on.

    Each comes with its time, in seconds since the first reading. Hosts are read at about the same times, so the latest
    time counts for all of them. Tracks that were read at 100 and 103 s, and at 101 and 105 s, give the times 1 and 5.
    """
    start_time = min((track.polls[0].read_time for track in tracks if track.polls), default=0.0)
    most_polls = max((len(track.polls) for track in tracks), default=0)
    for poll_number in range(most_polls):
        polls = [track.polls[poll_number] for track in tracks if poll_number < len(track.polls)]
        samples: list[PodSample] = []
        for poll in polls:
            samples += poll.samples
        yield JoinedPoll(max(poll.read_time for poll in polls) - start_time, samples)
