# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the collectors downstream of a wave do worse than before its change. Private.

A collector is downstream of a wave if it gets data from collectors of the wave, such as the gateway of agents
(downstream_collectors.py). It is judged by the same checks as the collectors of the wave. Messages say `behind the
wave` for it, as in `behind the wave, gateway on gw1: [exports_fail] exporters/otlp: 100 of 100 spans failed`.

`_wave_downstream_verdict.py` of plugin_utils calls this file when a wave ends: first `judge_downstream`, then
`summarize_downstream`. A `Track` is all readings of one collector (see wave_tracks.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .compared_readings import JudgeTools
from .judged_group import JudgedGroup
from .wave_judgement import judge_sides
from .wave_tracks import Track, group_sides

# What lines about downstream collectors begin with.
_MESSAGE_PREFIX = "behind the wave"


@dataclass(frozen=True)
class DownstreamVerdict:
    """What the gate of a wave says of the collectors downstream of it."""

    worse_lines: tuple[str, ...] = ()
    """What is worse, as lines. Without any, the wave has harmed nothing that was read."""
    notes: tuple[str, ...] = ()
    """How each collector was judged, and which could not be, as lines."""
    is_missing: bool = False
    """Whether some collector could not be read, had no data, or could be compared with nothing."""


def judge_downstream(
    tracks_after: Sequence[Track], tracks_before: Sequence[Track], unchanged_tracks: Sequence[Track], tools: JudgeTools
) -> tuple[JudgedGroup, ...]:
    """Compare downstream collectors with themselves before the change, and with others of the same name.

    `tracks_after` has all readings of the downstream collectors, `tracks_before` those before the change.
    `unchanged_tracks` are of collectors that have not changed. A downstream collector may be among these, since its own
    config has not changed; it is not compared with itself.
    """
    downstream_collectors = {(track.member, track.name) for track in tracks_after}
    other_tracks = [track for track in unchanged_tracks if (track.member, track.name) not in downstream_collectors]
    return tuple(
        _mark_as_downstream(judge_sides(sides, tools))
        for sides in group_sides(tracks_after, tracks_before, other_tracks)
    )


def _mark_as_downstream(judged_group: JudgedGroup) -> JudgedGroup:
    """Return a judged group whose name and lines begin with `behind the wave, `.

    Its collectors are not those of the wave, so they pass no wave, and `passed_tracks` becomes empty. Whether the watch
    was too short is said of the collectors of the wave alone.
    """
    worse_lines = tuple(f"{_MESSAGE_PREFIX}, {line}" for line in judged_group.worse_lines)
    return replace(
        judged_group,
        name=f"{_MESSAGE_PREFIX}, {judged_group.name}",
        worse_lines=worse_lines,
        passed_tracks=(),
        shortness_note="",
    )


def summarize_downstream(
    judged_groups: Sequence[JudgedGroup], unread_lines: Sequence[str], left_out_lines: Sequence[str]
) -> DownstreamVerdict:
    """Return what the gate says of the judged groups.

    `unread_lines` are about collectors that could not be read, `left_out_lines` about those that nobody tried to read.
    """
    worse_lines: list[str] = []
    for judged_group in judged_groups:
        worse_lines += judged_group.worse_lines
    notes = [judged_group.verdict_line for judged_group in judged_groups]
    notes += [f"{_MESSAGE_PREFIX}, {line}" for line in (*unread_lines, *left_out_lines)]
    are_all_whole = all(judged_group.is_whole for judged_group in judged_groups)
    return DownstreamVerdict(tuple(worse_lines), tuple(notes), is_missing=bool(unread_lines) or not are_all_whole)
