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
class Poll:
    """One reading of a collector, at seconds of Unix: its service on a host, or its pods in a cluster."""

    at: float
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
    polls: tuple[Poll, ...]
    sum: str = ""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """What was read of it, one reading after the other."""
        return tuple(sample for poll in self.polls for sample in poll.samples)

    @property
    def watched_seconds(self) -> float:
        """For how many seconds it was watched."""
        return self.polls[-1].at - self.polls[0].at if self.polls else 0.0

    @property
    def shape(self) -> str:
        """What must be equal to compare two collectors: the name and the pipelines."""
        service = self.config.get("service")
        pipelines = service.get("pipelines") if isinstance(service, Mapping) else None
        return json.dumps([self.name, pipelines], sort_keys=True, default=str)


@dataclass(frozen=True)
class Sides:
    """The collectors of one name: those that have changed, what they were before, and those that have not changed.

    Those that have not changed were read twice: at the start of the watch and at its end.
    """

    after: tuple[Track, ...]
    before: tuple[Track, ...] = ()
    rest: tuple[Track, ...] = ()

    def of_one(self, changed: Track) -> Sides:
        """Return the sides of one of the collectors that have changed."""
        return Sides((changed,), tuple(track for track in self.before if track.member == changed.member), self.rest)


def sides_of(after: Iterable[Track], before: Sequence[Track], rest: Sequence[Track]) -> Iterator[Sides]:
    """Yield the collectors of a wave that are compared together, each with the others of its name.

    Collectors with the same name and pipelines are one group, as pods of one workload are.
    """
    groups: dict[str, list[Track]] = {}
    for track in after:
        groups.setdefault(track.shape, []).append(track)
    for changed in groups.values():
        name, members = changed[0].name, {track.member for track in changed}
        own_before = [track for track in before if track.name == name and track.member in members]
        yield Sides(tuple(changed), _of_first_shape(own_before), _of_first_shape(_of_name(name, rest)))


def _of_name(name: str, rest: Sequence[Track]) -> list[Track]:
    """Return the collectors of a name; in clusters, without one in the same namespace, those in other namespaces."""
    namespace, _slash, own_name = name.rpartition("/")
    same = [track for track in rest if track.name == name]
    if same or not namespace:
        return same
    return [track for track in rest if track.name.endswith(f"/{own_name}")]


def _of_first_shape(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return those that have the pipelines of the first one: a reading is taken by the components of one config."""
    return tuple(track for track in tracks if track.shape == tracks[0].shape)
