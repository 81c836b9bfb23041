# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the collectors one tier behind a wave do worse than before its change. Private.

A collector is behind a wave if it gets data from collectors of the wave, such as the gateway of agents:
`wave_behind.py` finds them. They are judged by the same checks as the members of the wave. A `Track` is all readings of
one collector (see wave_tracks.py). `_wave_downstream_verdict.py` of plugin_utils calls this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .wave_data import JudgedGroup, JudgeTools, judge_sides
from .wave_tracks import Track, group_sides

_BEHIND_PREFIX = "behind the wave"


@dataclass(frozen=True)
class BehindVerdict:
    """What the gate of a wave says of the collectors behind it."""

    worse_lines: tuple[str, ...] = ()
    """What is worse, as lines. Without any, the wave has harmed nothing that was read."""
    notes: tuple[str, ...] = ()
    """How each collector was judged, and which could not be, as lines."""
    is_missing: bool = False
    """Whether some collector could not be read, had no data, or could be compared with nothing."""


def judge_behind(
    tracks_after: Sequence[Track], tracks_before: Sequence[Track], unchanged_tracks: Sequence[Track], tools: JudgeTools
) -> tuple[JudgedGroup, ...]:
    """Return what is worse behind a wave than before its change, and than in collectors of the same name elsewhere.

    `tracks_after` has all readings of the collectors behind the wave, `tracks_before` those before the change, and
    `unchanged_tracks` the collectors that have not changed. Those behind the wave are in no comparison with themselves.
    """
    tracks_behind = {(track.member, track.name) for track in tracks_after}
    elsewhere = [track for track in unchanged_tracks if (track.member, track.name) not in tracks_behind]
    return tuple(
        _mark_as_behind(judge_sides(sides, tools)) for sides in group_sides(tracks_after, tracks_before, elsewhere)
    )


def _mark_as_behind(judged_group: JudgedGroup) -> JudgedGroup:
    """Return a judged group whose words say that it is behind the wave.

    It passes no wave, and how long a watch must be is told at the members of the wave.
    """
    worse_lines = tuple(f"{_BEHIND_PREFIX}, {line}" for line in judged_group.worse_lines)
    return replace(
        judged_group,
        name=f"{_BEHIND_PREFIX}, {judged_group.name}",
        worse_lines=worse_lines,
        passed_tracks=(),
        shortness_note="",
    )


def summarize_behind(
    judged_groups: Sequence[JudgedGroup], unread_lines: Sequence[str], left_out_lines: Sequence[str]
) -> BehindVerdict:
    """Return what the gate says of the judged groups.

    `unread_lines` has lines about collectors that could not be read, `left_out_lines` about those that nobody tried to
    read.
    """
    worse_lines: list[str] = []
    for judged_group in judged_groups:
        worse_lines += judged_group.worse_lines
    notes = [judged_group.verdict_line for judged_group in judged_groups]
    notes += [f"{_BEHIND_PREFIX}, {line}" for line in (*unread_lines, *left_out_lines)]
    are_all_whole = all(judged_group.is_whole for judged_group in judged_groups)
    return BehindVerdict(tuple(worse_lines), tuple(notes), is_missing=bool(unread_lines) or not are_all_whole)
