# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether the collectors of a wave do worse than others that have not changed, and than before. Private.

`_wave_figures.py` of plugin_utils calls `judge_sides` for all collectors of one name when a wave ends. The checks and
their bounds are those of the canary, see docs/change.md: there, a few new pods (the canary) are compared with the rest
of the pods. Here, the collectors that have changed in the wave take the place of the canary, and there are two
comparisons: with collectors of later waves, and with the same collectors before the change.

Only what is worse in both comparisons is a fault of the change. If a backend is down, the collectors of later waves
fail too; if a collector failed before the change, it still does.

The words of this file: a track is one collector with its readings (wave_tracks.py), a side is some tracks that are
compared with others, and a check looks for one thing that may be worse, such as `exports_fail`. Each step has a verb:

| verb | what it does | file |
|---|---|---|
| judge | says of the collectors of one name what is worse, and which have passed | this one |
| compare | finds the checks that fail against every side, in some reading | compared_readings.py |
| collect | makes the facts of one reading and one side, which the checks read | compared_readings.py |

For example, collector `agent` of web1 fails to send 50 of 50 spans. In web2, which has not changed, no span fails, and
none failed in web1 before. So the change is at fault, and the result has the line `agent on web1: [exports_fail] …`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .._change.canary.judge import FailedCheck
from .._otelcol.errors import join_at_most
from .compared_readings import ComparisonResult, JudgeTools, compare_collectors
from .judged_group import JudgedGroup
from .watch_length import describe_short_watch, is_too_short
from .wave_tracks import ComparedSides, Track

# How many members a line names.
_SHOWN_MEMBERS = 5


@dataclass(frozen=True)
class _ComparedAlone:
    """One collector, and how it does in all comparisons."""

    track: Track
    result: ComparisonResult

    @property
    def has_data(self) -> bool:
        """Whether the collector got data."""
        return bool(self.result.accepted_items)

    @property
    def can_pass(self) -> bool:
        """Whether the collector got data, and was watched for long enough, so that it passes if nothing is worse."""
        return self.has_data and not is_too_short(self.track)


def judge_sides(sides: ComparedSides, tools: JudgeTools) -> JudgedGroup:
    """Judge the collectors of one name that have changed, all together and each alone.

    Pods of one workload are alike, but hosts differ. Among many hosts, a broken one would not show in the sum of all.
    Conversely, a fault may be too small to count on each host, and large enough in the sum.
    """
    tracks = sides.tracks_after
    result_together = compare_collectors(sides, tools)
    compared_alone = _compare_each_alone(sides, result_together, tools)
    worse_lines = tuple(_list_fault_lines(tracks, result_together, compared_alone))
    tracks_that_can_pass = tuple(compared.track for compared in compared_alone if compared.can_pass)
    return JudgedGroup(
        name=tracks[0].name,
        members=tuple(track.member for track in tracks),
        compared_with=result_together.compared_with,
        worse_lines=worse_lines,
        unread_members=tuple(_list_unread_collectors(tracks)),
        silent_members=tuple(compared.track.member for compared in compared_alone if not compared.has_data),
        passed_tracks=() if worse_lines else tracks_that_can_pass,
        shortness_note=describe_short_watch(tracks),
    )


def _compare_each_alone(
    sides: ComparedSides, result_together: ComparisonResult, tools: JudgeTools
) -> list[_ComparedAlone]:
    """Compare each collector that has changed with the other sides. A single one has been compared already."""
    if len(sides.tracks_after) == 1:
        return [_ComparedAlone(sides.tracks_after[0], result_together)]
    compared_alone: list[_ComparedAlone] = []
    for track in sides.tracks_after:
        compared_alone.append(_ComparedAlone(track, compare_collectors(sides.select_one(track), tools)))
    return compared_alone


def _list_fault_lines(
    tracks: Sequence[Track], result_together: ComparisonResult, compared_alone: Sequence[_ComparedAlone]
) -> Iterator[str]:
    """Yield a line for each fault of all collectors together, then for each further fault of one collector.

    The line on a fault of all names the collectors that also have it alone. If it is too small to show in any of them,
    the line names all collectors.
    """
    for check in result_together.worse_checks:
        tracks_with_fault: list[Track] = []
        for compared in compared_alone:
            if check.fault_key in compared.result.faults:
                tracks_with_fault.append(compared.track)
        yield _describe_fault(tracks_with_fault or tracks, check)
    for compared in compared_alone:
        for check in compared.result.worse_checks:
            if check.fault_key not in result_together.faults:
                yield _describe_fault([compared.track], check)


def _describe_fault(tracks: Sequence[Track], check: FailedCheck) -> str:
    """Return a line such as `gateway on eu and us: fails to send 7 spans`."""
    members = join_at_most(_SHOWN_MEMBERS, [track.member for track in tracks])
    return f"{tracks[0].name} on {members}: {check.one_line_text}"


def _list_unread_collectors(tracks: Iterable[Track]) -> Iterator[str]:
    """Yield a line for each collector that could not be read, with the reason."""
    for track in tracks:
        samples = track.samples
        if not samples:
            yield f"{track.member} cannot be read: none of its pods runs"
        elif all(sample.reading is None for sample in samples):
            yield f"{track.member} cannot be read: {samples[-1].why or 'it serves no counts'}"
