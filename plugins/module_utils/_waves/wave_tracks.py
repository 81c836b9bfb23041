# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each collector of a wave has counted, and which collectors are compared with each other. Private."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._change.canary.readings import Sample


@dataclass(frozen=True)
class TrackPoll:
    """One reading of a collector, at seconds of Unix: its service on a host, or its pods in a cluster."""

    read_time: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Track:
    """What one collector of one member has counted, and whether its release has passed a wave before.

    `sum` is a checksum of what the release is made from.
    """

    member: str
    name: str
    release: str
    has_passed: bool
    config: Mapping[str, Any]
    polls: tuple[TrackPoll, ...]
    sum: str = ""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """What was read of it, one reading after the other."""
        return tuple(sample for poll in self.polls for sample in poll.samples)

    @property
    def watched_seconds(self) -> float:
        """For how many seconds it was watched."""
        return self.polls[-1].read_time - self.polls[0].read_time if self.polls else 0.0

    @property
    def shape(self) -> str:
        """What must be equal to compare two collectors: the name and the pipelines."""
        service = self.config.get("service")
        pipelines = service.get("pipelines") if isinstance(service, Mapping) else None
        return json.dumps([self.name, pipelines], sort_keys=True, default=str)


@dataclass(frozen=True)
class ComparedSides:
    """The collectors of one name: those that have changed, what they were before, and those that have not changed.

    Those that have not changed were read twice: at the start of the watch and at its end.
    """

    tracks_after: tuple[Track, ...]
    tracks_before: tuple[Track, ...] = ()
    other_tracks: tuple[Track, ...] = ()

    def select_one(self, changed_track: Track) -> ComparedSides:
        """Return the sides of one of the collectors that have changed."""
        return ComparedSides(
            (changed_track,),
            tuple(track for track in self.tracks_before if track.member == changed_track.member),
            self.other_tracks,
        )


def group_sides(
    tracks_after: Iterable[Track], tracks_before: Sequence[Track], unchanged_tracks: Sequence[Track]
) -> Iterator[ComparedSides]:
    """Yield the collectors of a wave that are compared together, each with the others of its name.

    Collectors with the same name and pipelines are one group, as pods of one workload are.
    """
    tracks_by_shape: dict[str, list[Track]] = {}
    for track in tracks_after:
        tracks_by_shape.setdefault(track.shape, []).append(track)
    for changed_tracks in tracks_by_shape.values():
        name, changed_members = changed_tracks[0].name, {track.member for track in changed_tracks}
        members_before = [track for track in tracks_before if track.name == name and track.member in changed_members]
        yield ComparedSides(
            tuple(changed_tracks),
            _select_first_shape(members_before),
            _select_first_shape(_select_by_name(name, unchanged_tracks)),
        )


def _select_by_name(name: str, unchanged_tracks: Sequence[Track]) -> list[Track]:
    """Return the collectors of a name; in clusters, without one in the same namespace, those in other namespaces."""
    namespace, _slash, own_name = name.rpartition("/")
    same_name = [track for track in unchanged_tracks if track.name == name]
    if same_name or not namespace:
        return same_name
    return [track for track in unchanged_tracks if track.name.endswith(f"/{own_name}")]


def _select_first_shape(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return those that have the pipelines of the first one: a reading is taken by the components of one config."""
    return tuple(track for track in tracks if track.shape == tracks[0].shape)
