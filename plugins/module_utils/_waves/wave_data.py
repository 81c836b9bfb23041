# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the collectors of a wave do worse than others that have not changed, and than themselves before. Private.

The gate of a wave calls `judge_sides` for all collectors of one name. The judge, its checks and their bounds are those
of the canary, see docs/change.md. There, the pods of a canary are compared with the rest of the pods. Here, the
collectors that have changed in the wave take the place of the canary. The rest are collectors of later waves in one
comparison, and the same collectors before the change in the other.

Only what is worse in both comparisons is a fault of the change. If a backend is down, the collectors of later waves
fail too; if a collector failed before the change, it still does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from .._change.canary.canary_facts import collect_facts
from .._change.canary.chosen_checks import choose_checks
from .._change.canary.judge import CanaryJudge, FailedCheck
from .._change.canary.revision import Revision
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.errors import join_at_most
from .watch_length import describe_short_watch, is_too_short
from .wave_comparisons import WaveComparison, collect_facts_before, count_accepted_items, list_comparisons, replay_polls
from .wave_tracks import ComparedSides, Track

# Members that are named in a line.
_SHOWN_MEMBERS = 5
# This check is not used: a member whose metrics cannot be read counts as one without data.
_UNREADABLE_CHECK = "unreadable"
# This check is not used if no data came in before the change either.
_SILENCE_CHECK = "receiver_silent"


@dataclass(frozen=True)
class JudgeTools:
    """What the judge needs."""

    listeners: Listeners
    """The ports that each type of component opens."""
    search_facts: Callable[[str, Any], Any]
    """Searches facts by JMESPath."""


@dataclass(frozen=True)
class JudgedGroup:
    """How the collectors of one name were judged. Of collectors without data, only the restarts were judged."""

    name: str
    members: tuple[str, ...]
    """The hosts and clusters with such a collector."""
    compared_with: tuple[str, ...]
    """The sides of the comparisons in words; empty if no other side had data."""
    worse_lines: tuple[str, ...]
    """A line for each thing that is worse; empty if the group has passed."""
    unread_members: tuple[str, ...] = ()
    """A line for each member whose collector could not be read, with the reason."""
    silent_members: tuple[str, ...] = ()
    """The members whose collector got no data."""
    passed_tracks: tuple[Track, ...] = ()
    """The collectors that have passed, with data and after a watch that was long enough."""
    shortness_note: str = ""
    """How long a watch must be to show a silent component; empty if this one was long enough."""

    @property
    def has_data(self) -> bool:
        """Whether one of the collectors got data."""
        return len(self.silent_members) < len(self.members)

    @property
    def is_whole(self) -> bool:
        """Whether every collector had data, and was compared with something for long enough."""
        return bool(self.compared_with) and not (self.unread_members or self.silent_members or self.shortness_note)

    @property
    def verdict_line(self) -> str:
        """How the collectors were judged, in one line."""
        collector_on_members = f"{self.name} on {join_at_most(_SHOWN_MEMBERS, self.members)}"
        if self.unread_members:
            return f"{collector_on_members}: {join_at_most(_SHOWN_MEMBERS, self.unread_members)}"
        if not self.has_data:
            return f"{collector_on_members}: no data came in, so only restarts were judged"
        parts = [f"compared with {' and '.join(self.compared_with) or 'nothing, since nothing else had data'}"]
        if self.silent_members:
            parts.append(f"no data came in on {join_at_most(_SHOWN_MEMBERS, self.silent_members)}")
        if self.shortness_note:
            parts.append(self.shortness_note)
        return f"{collector_on_members}: {'; '.join(parts)}"


@dataclass(frozen=True)
class _ComparisonResult:
    """How some collectors, or one of them, do in all comparisons."""

    worse_verdicts: tuple[FailedCheck, ...]
    """The verdicts on what is worse in all comparisons."""
    accepted_items: int
    """How many items came in at their receivers."""
    compared_with: tuple[str, ...]
    """The sides of the comparisons in words."""

    @property
    def faults(self) -> frozenset[tuple[str, str]]:
        """The keys of what is worse. Verdicts on the same fault with other figures have the same key."""
        return frozenset(verdict.fault_key for verdict in self.worse_verdicts)


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
    """
    judged_together = _compare_sides(sides, tools)
    if len(sides.tracks_after) == 1:
        each_alone = [_JudgedAlone(sides.tracks_after[0], judged_together)]
    else:
        each_alone = [
            _JudgedAlone(track, _compare_sides(sides.select_one(track), tools)) for track in sides.tracks_after
        ]
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
    """Compare collectors that have changed with the other sides, reading after reading.

    What counts is what is worse in all comparisons, in two readings one after the other. The first such faults stay.
    """
    facts_before_change = collect_facts_before(sides, tools.listeners)
    comparisons = list_comparisons(sides, facts_before_change, tools.listeners)
    unused_checks = [_UNREADABLE_CHECK]
    if _was_silent_before(sides, facts_before_change):
        unused_checks.append(_SILENCE_CHECK)
    judges = [_ComparisonJudge(comparison, tools, unused_checks) for comparison in comparisons]
    revision = Revision(sides.tracks_after[0].config, tools.listeners, began_with_change=False)
    worse_verdicts: list[FailedCheck] = []
    accepted_count = 0
    for poll_time, samples in replay_polls(sides.tracks_after):
        revision.add_reading(poll_time, samples)
        accepted_count = count_accepted_items(revision.readings[-1].count_rows)
        if not worse_verdicts:
            worse_verdicts = _select_common_verdicts([judge.find_lasting_verdicts(revision) for judge in judges])
    comparison_words = tuple(comparison.description for comparison in comparisons if comparison.description)
    return _ComparisonResult(tuple(worse_verdicts), accepted_count, comparison_words)


def _was_silent_before(sides: ComparedSides, facts_before_change: Mapping[str, Any]) -> bool:
    """Return whether the collectors got no data before the change either, so that their silence says nothing."""
    was_read = any(sample.reading for track in sides.tracks_before for sample in track.samples)
    return was_read and not any(map(count_accepted_items, facts_before_change["bases"]))


class _ComparisonJudge:
    """Compares the collectors of a wave with one other side, reading after reading."""

    def __init__(self, comparison: WaveComparison, tools: JudgeTools, unused_checks: Sequence[str]) -> None:
        self._comparison = comparison
        self._judge = CanaryJudge(tools.search_facts, choose_checks(unused_checks), str)
        # The facts of the other side are complete already, so no pod of it is read beside the collectors.
        self._empty_rest = Revision(comparison.config, tools.listeners, began_with_change=False)

    def find_lasting_verdicts(self, revision: Revision) -> list[FailedCheck]:
        """Return the verdicts that last after one more reading, which `revision` has."""
        facts = collect_facts(revision, self._empty_rest, "", str, self._comparison.facts)
        return self._judge.find_verdicts({**facts, "ways": []})


def _select_common_verdicts(verdict_lists: Sequence[Sequence[FailedCheck]]) -> list[FailedCheck]:
    """Return the verdicts of the first comparison whose faults all other comparisons have too."""
    first_verdicts, *other_lists = verdict_lists
    faults_of_others = [{verdict.fault_key for verdict in verdicts} for verdicts in other_lists]
    return [verdict for verdict in first_verdicts if all(verdict.fault_key in faults for faults in faults_of_others)]


def _list_fault_lines(
    tracks: Sequence[Track], judged_together: _ComparisonResult, each_alone: Sequence[_JudgedAlone]
) -> Iterator[str]:
    """Yield a line for each fault of all collectors together, then for each further fault of one collector.

    The line on a fault of all names the collectors that also have it alone. If it is too small to show in any of them,
    the line names all collectors.
    """
    for verdict in judged_together.worse_verdicts:
        tracks_with_fault = []
        for judged_alone in each_alone:
            if verdict.fault_key in judged_alone.comparison_result.faults:
                tracks_with_fault.append(judged_alone.track)
        yield _describe_fault(tracks_with_fault or tracks, verdict)
    for judged_alone in each_alone:
        for verdict in judged_alone.comparison_result.worse_verdicts:
            if verdict.fault_key not in judged_together.faults:
                yield _describe_fault([judged_alone.track], verdict)


def _describe_fault(tracks: Sequence[Track], verdict: FailedCheck) -> str:
    """Return a line such as `gateway on eu and us: fails to send 7 spans`."""
    members = join_at_most(_SHOWN_MEMBERS, [track.member for track in tracks])
    return f"{tracks[0].name} on {members}: {verdict.one_line_text}"


def _list_unread_collectors(tracks: Iterable[Track]) -> Iterator[str]:
    """Yield a line for each collector that could not be read, with the reason."""
    for track in tracks:
        samples = track.samples
        if not samples:
            yield f"{track.member} cannot be read: none of its pods runs"
        elif all(sample.reading is None for sample in samples):
            yield f"{track.member} cannot be read: {samples[-1].why or 'it serves no counts'}"


def interleave_faults(judged_groups: Sequence[JudgedGroup]) -> list[str]:
    """Return the fault lines of all groups: the first line of each group, then the second of each, and so on.

    Only the first lines of the result are shown, so each group has one of them.
    """
    lines: list[str] = []
    for lines_of_groups in zip_longest(*(judged_group.worse_lines for judged_group in judged_groups)):
        lines += [line for line in lines_of_groups if line is not None]
    return lines
