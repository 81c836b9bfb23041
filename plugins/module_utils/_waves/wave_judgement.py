# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether the collectors of a wave do worse than others that have not changed, and than before. Private.

`_wave_figures.py` of plugin_utils calls `judge_sides` for all collectors of one name when a wave ends. The judge, its
checks and their bounds are those of the canary, see docs/change.md: there, a few new pods (the canary) are compared
with the rest of the pods. Here, the collectors that have changed in the wave take the place of the canary, and there
are two comparisons: with collectors of later waves, and with the same collectors before the change.

Only what is worse in both comparisons is a fault of the change. If a backend is down, the collectors of later waves
fail too; if a collector failed before the change, it still does.

The words of this file: a track is one collector with its readings (wave_tracks.py), a side is some tracks that are
compared with others, and a check looks for one thing that may be worse, such as `exports_fail`.

For example, collector `agent` of web1 fails to send 50 of 50 spans. In web2, which has not changed, no span fails, and
none failed in web1 before. So the change is at fault, and the result has the line `agent on web1: [exports_fail] …`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._change.canary.canary_facts import collect_facts
from .._change.canary.chosen_checks import choose_checks
from .._change.canary.judge import CanaryJudge, FailedCheck
from .._change.canary.revision import Revision
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.errors import join_at_most
from .judged_group import JudgedGroup
from .watch_length import describe_short_watch, is_too_short
from .wave_comparisons import (
    NO_TIME,
    WaveComparison,
    build_comparisons,
    count_accepted_items,
    mask_nothing,
)
from .wave_tracks import ComparedSides, Track, replay_polls

# How many members a line names.
_SHOWN_MEMBERS = 5
# This check of the canary is not used: a member whose metrics cannot be read counts as one without data.
_UNREADABLE_CHECK = "unreadable"
# This check of the canary is not used if no data came in before the change either.
_SILENCE_CHECK = "receiver_silent"


@dataclass(frozen=True)
class JudgeTools:
    """What the judge needs beside the readings."""

    listeners: Listeners
    """The ports that each type of component opens."""
    search_facts: Callable[[str, Any], Any]
    """Searches facts by JMESPath."""


@dataclass(frozen=True)
class _ComparisonResult:
    """How some collectors, or one of them, do in all comparisons."""

    worse_checks: tuple[FailedCheck, ...]
    """The checks that fail in all comparisons."""
    accepted_items: int
    """How many items came in at their receivers."""
    compared_with: tuple[str, ...]
    """The sides of the comparisons in words."""

    @property
    def faults(self) -> frozenset[tuple[str, str]]:
        """The keys of what is worse. A check that fails again with other figures has the same key."""
        return frozenset(check.fault_key for check in self.worse_checks)


@dataclass(frozen=True)
class _JudgedAlone:
    """One collector, and how it does in all comparisons."""

    track: Track
    comparison_result: _ComparisonResult

    @property
    def has_data(self) -> bool:
        """Whether the collector got data."""
        return bool(self.comparison_result.accepted_items)


def judge_sides(sides: ComparedSides, tools: JudgeTools) -> JudgedGroup:
    """Judge the collectors of one name that have changed, all together and each alone.

    Pods of one workload are alike, but hosts differ. Among many hosts, a broken one would not show in the sum of all.
    Conversely, a fault may be too small to count on each host, and large enough in the sum.
    """
    judged_together = _compare_sides(sides, tools)
    each_alone: list[_JudgedAlone] = []
    for track in sides.tracks_after:
        is_only_one = len(sides.tracks_after) == 1
        result = judged_together if is_only_one else _compare_sides(sides.select_one(track), tools)
        each_alone.append(_JudgedAlone(track, result))
    fault_lines = tuple(_list_fault_lines(sides.tracks_after, judged_together, each_alone))
    tracks_with_data = [judged_alone.track for judged_alone in each_alone if judged_alone.has_data]
    passed_tracks: tuple[Track, ...] = ()
    if not fault_lines:
        passed_tracks = tuple(track for track in tracks_with_data if not is_too_short(track))
    return JudgedGroup(
        name=sides.tracks_after[0].name,
        members=tuple(track.member for track in sides.tracks_after),
        compared_with=judged_together.compared_with,
        worse_lines=fault_lines,
        unread_members=tuple(_list_unread_collectors(sides.tracks_after)),
        silent_members=tuple(judged_alone.track.member for judged_alone in each_alone if not judged_alone.has_data),
        passed_tracks=passed_tracks,
        shortness_note=describe_short_watch(sides.tracks_after),
    )


def _compare_sides(sides: ComparedSides, tools: JudgeTools) -> _ComparisonResult:
    """Compare collectors that have changed with the other sides."""
    comparisons = build_comparisons(sides, tools.listeners)
    unused_checks = [_UNREADABLE_CHECK]
    if _was_silent_before(sides, comparisons.before_change):
        unused_checks.append(_SILENCE_CHECK)
    judges = [_ComparisonJudge(comparison, tools, unused_checks) for comparison in comparisons.chosen]
    judged_readings = _judge_readings(sides.tracks_after, judges, tools)
    return _ComparisonResult(
        worse_checks=tuple(judged_readings.worse_checks),
        accepted_items=judged_readings.accepted_items,
        compared_with=tuple(comparison.description for comparison in comparisons.sides_with_data),
    )


class _JudgedReadings(NamedTuple):
    """What the readings of collectors show."""

    worse_checks: list[FailedCheck]
    """The checks that fail in all comparisons."""
    accepted_items: int
    """How many items came in from the first reading to the last."""


def _judge_readings(tracks: Sequence[Track], judges: Sequence[_ComparisonJudge], tools: JudgeTools) -> _JudgedReadings:
    """Let each judge compare reading after reading, as it would have while the collectors were watched.

    What counts is what is worse in all comparisons, in two readings one after the other. The first such faults stay,
    and later readings are only read for how much data came in.
    """
    revision = Revision(tracks[0].config, tools.listeners, began_with_change=False)
    worse_checks: list[FailedCheck] = []
    accepted_items = 0
    for poll in replay_polls(tracks):
        revision.add_reading(poll.seconds, poll.samples)
        accepted_items = count_accepted_items(revision.readings[-1].count_rows)
        if not worse_checks:
            worse_checks = _select_common_checks([judge.find_lasting_checks(revision) for judge in judges])
    return _JudgedReadings(worse_checks, accepted_items)


def _was_silent_before(sides: ComparedSides, before_change: WaveComparison) -> bool:
    """Return whether the collectors got no data before the change either, so that their silence says nothing."""
    was_read = any(sample.reading for track in sides.tracks_before for sample in track.samples)
    return was_read and not before_change.has_data


class _ComparisonJudge:
    """Compares the collectors of a wave with one other side, reading after reading."""

    def __init__(self, comparison: WaveComparison, tools: JudgeTools, unused_checks: Sequence[str]) -> None:
        self._comparison = comparison
        self._judge = CanaryJudge(tools.search_facts, choose_checks(unused_checks), mask_nothing)
        # A rest without readings counts as one of which no pod is left. So `collect_facts` compares with the facts of
        # the comparison, which it would otherwise use only then, and not with those of the rest.
        self._empty_rest = Revision(comparison.config, tools.listeners, began_with_change=False)

    def find_lasting_checks(self, revision: Revision) -> list[FailedCheck]:
        """Return the checks that fail now and failed one reading ago. `revision` has the readings so far.

        To be called once for each reading: the judge remembers what failed in the last call.
        """
        facts = collect_facts(
            canary=revision,
            rest=self._empty_rest,
            now=NO_TIME,
            mask=mask_nothing,
            baseline=self._comparison.facts,
        )
        # Key `ways` has where a canary sends to, which is compared with its other pods. Collectors of a wave may send
        # elsewhere than others do.
        return self._judge.find_verdicts({**facts, "ways": []})


def _select_common_checks(checks_by_comparison: Sequence[Sequence[FailedCheck]]) -> list[FailedCheck]:
    """Return the failed checks of the first comparison whose faults all other comparisons have too.

    There is always a first one: without data of others, the collectors are compared with nothing. The figures in the
    texts are those of the first comparison.
    """
    first_checks, *other_comparisons = checks_by_comparison
    common_checks = list(first_checks)
    for failed_checks in other_comparisons:
        fault_keys = {check.fault_key for check in failed_checks}
        common_checks = [check for check in common_checks if check.fault_key in fault_keys]
    return common_checks


def _list_fault_lines(
    tracks: Sequence[Track], judged_together: _ComparisonResult, each_alone: Sequence[_JudgedAlone]
) -> Iterator[str]:
    """Yield a line for each fault of all collectors together, then for each further fault of one collector.

    The line on a fault of all names the collectors that also have it alone. If it is too small to show in any of them,
    the line names all collectors.
    """
    for check in judged_together.worse_checks:
        tracks_with_fault = []
        for judged_alone in each_alone:
            if check.fault_key in judged_alone.comparison_result.faults:
                tracks_with_fault.append(judged_alone.track)
        yield _describe_fault(tracks_with_fault or tracks, check)
    for judged_alone in each_alone:
        for check in judged_alone.comparison_result.worse_checks:
            if check.fault_key not in judged_together.faults:
                yield _describe_fault([judged_alone.track], check)


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
