# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the collectors one tier behind a wave do worse than before its change. Private.

`wave_behind` says which collectors these are. They are judged by the same checks as the members of the wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .wave_data import Judged, Tools, judged
from .wave_tracks import Track, sides_of

_WHERE = "behind the wave"


@dataclass(frozen=True)
class BehindJudged:
    """What the gate of a wave says of the collectors behind it."""

    worse: tuple[str, ...] = ()
    """What is worse, as lines. Without any, the wave has harmed nothing that was read."""
    notes: tuple[str, ...] = ()
    """How each collector was judged, and which could not be, as lines."""
    is_missing: bool = False
    """Whether some collector could not be read, had no data, or could be compared with nothing."""


def judged_behind(
    after: Sequence[Track], before: Sequence[Track], rest: Sequence[Track], tools: Tools
) -> tuple[Judged, ...]:
    """Return what is worse behind a wave than before its change, and than in collectors of the same name elsewhere.

    `after` has all readings of the collectors behind the wave, `before` those before the change, and `rest` the
    collectors that have not changed. Those behind the wave are in no comparison with themselves.
    """
    behind = {(track.member, track.name) for track in after}
    elsewhere = [track for track in rest if (track.member, track.name) not in behind]
    return tuple(_placed(judged(sides, tools)) for sides in sides_of(after, before, elsewhere))


def _placed(group: Judged) -> Judged:
    """Return a judged group whose words say that it is behind the wave.

    It passes no wave, and how long a watch must be is told at the members of the wave.
    """
    worse = tuple(f"{_WHERE}, {line}" for line in group.worse)
    return replace(group, name=f"{_WHERE}, {group.name}", worse=worse, passed=(), short="")


def summed_up(groups: Sequence[Judged], unread: Sequence[str], left_out: Sequence[str]) -> BehindJudged:
    """Return what the gate says of the judged groups.

    `unread` has lines about collectors that could not be read, `left_out` about those that nobody tried to read.
    """
    worse: list[str] = []
    for group in groups:
        worse += group.worse
    notes = [group.line for group in groups]
    notes += [f"{_WHERE}, {line}" for line in (*unread, *left_out)]
    are_whole = all(group.is_whole for group in groups)
    return BehindJudged(tuple(worse), tuple(notes), is_missing=bool(unread) or not are_whole)
