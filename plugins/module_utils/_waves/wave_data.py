# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the collectors of a wave do worse than those that have not changed, and than before. Private.

The judge, its checks and their bounds are those of the canary, see docs/change.md: here the canary are the collectors
that have changed in the wave, and the rest are those of later waves, or the same collectors before the change. What
fails in both comparisons is a fault of the change. A backend that is down fails everywhere, and a collector that failed
before still does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._change.canary.canary_facts import collect_facts
from .._change.canary.chosen_checks import choose_checks
from .._change.canary.judge import Judge, Verdict
from .._change.canary.readings import Revision
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.errors import join_at_most
from .watch_length import describe_short_watch, is_too_short
from .wave_comparisons import Comparison, collect_facts_before, count_accepted_items, list_comparisons, replay_polls
from .wave_tracks import ComparedSides, Track

_SHOWN_MEMBERS = 5
# A member whose metrics cannot be read is one without data, which the inventory counts.
_UNREADABLE_CHECK = "unreadable"
_SILENCE_CHECK = "receiver_silent"


@dataclass(frozen=True)
class JudgeTools:
    """What the judge needs: the ports of each type of component, and what searches facts by JMESPath."""

    listeners: Listeners
    search_facts: Callable[[str, Any], Any]


@dataclass(frozen=True)
class JudgedGroup:
    """What the gate says of the collectors of one name. Without data, nothing but their restarts was judged."""

    name: str
    members: tuple[str, ...]
    compared_with: tuple[str, ...]
    """With what they were compared; empty if nothing else had data."""
    worse_lines: tuple[str, ...]
    """What is worse, as lines."""
    unread_members: tuple[str, ...] = ()
    """Which could not be read, and why, as lines."""
    silent_members: tuple[str, ...] = ()
    """The members whose collector got no data."""
    passed_tracks: tuple[Track, ...] = ()
    """Those that data has judged well."""
    shortness_note: str = ""
    """How long a watch must be to see what is silent; empty if this one was long enough."""

    @property
    def has_data(self) -> bool:
        """Whether data came into one of them."""
        return len(self.silent_members) < len(self.members)

    @property
    def is_whole(self) -> bool:
        """Whether each of them had data, and was compared with something."""
        return bool(self.compared_with) and not (self.unread_members or self.silent_members or self.shortness_note)

    @property
    def verdict_line(self) -> str:
        """How they were judged, in words."""
        collector_on_members = f"{self.name} on {join_at_most(_SHOWN_MEMBERS, self.members)}"
        if self.unread_members:
            return f"{collector_on_members}: {join_at_most(_SHOWN_MEMBERS, self.unread_members)}"
        if not self.has_data:
            return f"{collector_on_members}: no data came in, so only restarts were judged"
        comparison_words = " and ".join(self.compared_with) or "nothing, since nothing else had data"
        silence_note = (
            f"; no data came in on {join_at_most(_SHOWN_MEMBERS, self.silent_members)}" if self.silent_members else ""
        )
        shortness_note = f"; {self.shortness_note}" if self.shortness_note else ""
        return f"{collector_on_members}: compared with {comparison_words}{silence_note}{shortness_note}"


@dataclass(frozen=True)
class _ComparisonResult:
    """What the comparisons of some collectors say."""

    worse_verdicts: tuple[Verdict, ...]
    """What is worse in all comparisons."""
    accepted_items: int
    """How many items came in."""
    compared_with: tuple[str, ...]
    """With what they were compared, in words."""

    @property
    def faults(self) -> frozenset[tuple[str, str]]:
        """What is worse, whatever the figures."""
        return frozenset(verdict.fault_key for verdict in self.worse_verdicts)


@dataclass(frozen=True)
class _JudgedAlone:
    """What the comparisons of one collector say."""

    track: Track
    comparison_result: _ComparisonResult


def judge_sides(sides: ComparedSides, tools: JudgeTools) -> JudgedGroup:
    """Return what is worse in all comparisons, of all collectors together and of each alone.

    Hosts differ, as pods of one workload do not: among many, one that is broken would not show.
    """
    judged_together = _compare_sides(sides, tools)
    if len(sides.tracks_after) == 1:
        each_alone = [_JudgedAlone(sides.tracks_after[0], judged_together)]
    else:
        each_alone = [
            _JudgedAlone(track, _compare_sides(sides.select_one(track), tools)) for track in sides.tracks_after
        ]
    fault_lines = tuple(_list_fault_lines(sides.tracks_after, judged_together, each_alone))
    tracks_with_data = [
        judged_alone.track for judged_alone in each_alone if judged_alone.comparison_result.accepted_items
    ]
    return JudgedGroup(
        name=sides.tracks_after[0].name,
        members=tuple(track.member for track in sides.tracks_after),
        compared_with=judged_together.compared_with,
        worse_lines=fault_lines,
        unread_members=tuple(_list_unread_collectors(sides.tracks_after)),
        silent_members=tuple(
            judged_alone.track.member
            for judged_alone in each_alone
            if not judged_alone.comparison_result.accepted_items
        ),
        passed_tracks=() if fault_lines else tuple(track for track in tracks_with_data if not is_too_short(track)),
        shortness_note=describe_short_watch(sides.tracks_after),
    )


def _compare_sides(sides: ComparedSides, tools: JudgeTools) -> _ComparisonResult:
    """Return what is worse in all comparisons, seen in two readings one after the other."""
    facts_before_change = collect_facts_before(sides, tools.listeners)
    comparisons = list_comparisons(sides, facts_before_change, tools.listeners)
    unused_checks = [_UNREADABLE_CHECK]
    if _was_silent_before(sides, facts_before_change):
        unused_checks.append(_SILENCE_CHECK)
    judges = [_ComparisonJudge(comparison, tools, unused_checks) for comparison in comparisons]
    revision = Revision(sides.tracks_after[0].config, tools.listeners, fresh=False)
    worse_verdicts: list[Verdict] = []
    accepted_count = 0
    for poll_time, samples in replay_polls(sides.tracks_after):
        revision.add_reading(poll_time, samples)
        accepted_count = count_accepted_items(revision.polls[-1].count_rows)
        if not worse_verdicts:
            worse_verdicts = _select_common_verdicts([judge.find_lasting_verdicts(revision) for judge in judges])
    comparison_words = tuple(comparison.description for comparison in comparisons if comparison.description)
    return _ComparisonResult(tuple(worse_verdicts), accepted_count, comparison_words)


def _was_silent_before(sides: ComparedSides, facts_before_change: Mapping[str, Any]) -> bool:
    """Return whether no data came in before the change either, so that silence says nothing."""
    was_read = any(sample.reading for track in sides.tracks_before for sample in track.samples)
    return was_read and not any(map(count_accepted_items, facts_before_change["bases"]))


class _ComparisonJudge:
    """Judges the collectors of a wave beside one side, reading after reading."""

    def __init__(self, comparison: Comparison, tools: JudgeTools, unused_checks: Sequence[str]) -> None:
        self._comparison = comparison
        self._judge = Judge(tools.search_facts, choose_checks(unused_checks), str)
        # What they are compared with was read before: no pod of it is read beside them.
        self._nobody = Revision(comparison.config, tools.listeners, fresh=False)

    def find_lasting_verdicts(self, revision: Revision) -> list[Verdict]:
        """Return what lasts after one more reading."""
        facts = collect_facts(revision, self._nobody, "", str, self._comparison.facts)
        return self._judge.find_verdicts({**facts, "ways": []})


def _select_common_verdicts(verdict_lists: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    """Return the verdicts of the first comparison that all others have too."""
    first_verdicts, *other_lists = verdict_lists
    faults_of_others = [{verdict.fault_key for verdict in verdicts} for verdicts in other_lists]
    return [verdict for verdict in first_verdicts if all(verdict.fault_key in faults for faults in faults_of_others)]


def _list_fault_lines(
    tracks: Sequence[Track], judged_together: _ComparisonResult, each_alone: Sequence[_JudgedAlone]
) -> Iterator[str]:
    """Yield the faults of all together, then the further ones of each alone.

    A fault of all together names the collectors that have it alone; all, if it is too small to show in one of them.
    """
    for verdict in judged_together.worse_verdicts:
        tracks_with_fault = [
            judged_alone.track
            for judged_alone in each_alone
            if verdict.fault_key in judged_alone.comparison_result.faults
        ]
        yield _describe_fault(tracks_with_fault or tracks, verdict)
    for judged_alone in each_alone:
        for verdict in judged_alone.comparison_result.worse_verdicts:
            if verdict.fault_key not in judged_together.faults:
                yield _describe_fault([judged_alone.track], verdict)


def _describe_fault(tracks: Sequence[Track], verdict: Verdict) -> str:
    """Return a line that says on which members a collector is worse, and in what."""
    members = join_at_most(_SHOWN_MEMBERS, [track.member for track in tracks])
    return f"{tracks[0].name} on {members}: {verdict.one_line_text}"


def _list_unread_collectors(tracks: Iterable[Track]) -> Iterator[str]:
    """Yield which collectors could not be read, and why."""
    for track in tracks:
        samples = track.samples
        if not samples:
            yield f"{track.member} cannot be read: none of its pods runs"
        elif all(sample.reading is None for sample in samples):
            yield f"{track.member} cannot be read: {samples[-1].why or 'it serves no counts'}"


def interleave_faults(judged_groups: Sequence[JudgedGroup]) -> list[str]:
    """Return what is worse in all groups: the first fault of each before further ones, since not all are shown."""
    most_lines = max((len(judged_group.worse_lines) for judged_group in judged_groups), default=0)
    lines: list[str] = []
    for index in range(most_lines):
        lines += [
            judged_group.worse_lines[index] for judged_group in judged_groups if index < len(judged_group.worse_lines)
        ]
    return lines
