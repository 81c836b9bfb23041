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

from .._change.canary.canary_facts import facts_of
from .._change.canary.chosen_checks import checks_of
from .._change.canary.judge import Judge, Verdict
from .._change.canary.readings import Revision
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.errors import at_most
from .watch_length import is_too_short, shortness
from .wave_comparisons import Comparison, accepted_items, comparisons_of, facts_before, replayed
from .wave_tracks import Sides, Track

_SHOWN = 5
# A member whose metrics cannot be read is one without data, which the inventory counts.
_UNREADABLE = "unreadable"
_SILENCE = "receiver_silent"


@dataclass(frozen=True)
class Tools:
    """What the judge needs: the ports of each type of component, and what searches facts by JMESPath."""

    listeners: Listeners
    search: Callable[[str, Any], Any]


@dataclass(frozen=True)
class Judged:
    """What the gate says of the collectors of one name. Without data, nothing but their restarts was judged."""

    name: str
    members: tuple[str, ...]
    beside: tuple[str, ...]
    """With what they were compared; empty if nothing else had data."""
    worse: tuple[str, ...]
    """What is worse, as lines."""
    unread: tuple[str, ...] = ()
    """Which could not be read, and why, as lines."""
    silent: tuple[str, ...] = ()
    """The members whose collector got no data."""
    passed: tuple[Track, ...] = ()
    """Those that data has judged well."""
    short: str = ""
    """How long a watch must be to see what is silent; empty if this one was long enough."""

    @property
    def has_data(self) -> bool:
        """Whether data came into one of them."""
        return len(self.silent) < len(self.members)

    @property
    def is_whole(self) -> bool:
        """Whether each of them had data, and was compared with something."""
        return bool(self.beside) and not (self.unread or self.silent or self.short)

    @property
    def line(self) -> str:
        """How they were judged, in words."""
        who = f"{self.name} on {at_most(_SHOWN, self.members)}"
        if self.unread:
            return f"{who}: {at_most(_SHOWN, self.unread)}"
        if not self.has_data:
            return f"{who}: no data came in, so only restarts were judged"
        beside = " and ".join(self.beside) or "nothing, since nothing else had data"
        missing = f"; no data came in on {at_most(_SHOWN, self.silent)}" if self.silent else ""
        short = f"; {self.short}" if self.short else ""
        return f"{who}: compared with {beside}{missing}{short}"


@dataclass(frozen=True)
class _Compared:
    """What the comparisons of some collectors say."""

    worse: tuple[Verdict, ...]
    """What is worse in all comparisons."""
    accepted: int
    """How many items came in."""
    beside: tuple[str, ...]
    """With what they were compared, in words."""

    @property
    def faults(self) -> frozenset[tuple[str, str]]:
        """What is worse, whatever the figures."""
        return frozenset(verdict.fault for verdict in self.worse)


@dataclass(frozen=True)
class _ComparedAlone:
    """What the comparisons of one collector say."""

    track: Track
    compared: _Compared


def judged(sides: Sides, tools: Tools) -> Judged:
    """Return what is worse in all comparisons, of all collectors together and of each alone.

    Hosts differ, as pods of one workload do not: among many, one that is broken would not show.
    """
    together = _compared(sides, tools)
    if len(sides.after) == 1:
        each_alone = [_ComparedAlone(sides.after[0], together)]
    else:
        each_alone = [_ComparedAlone(track, _compared(sides.of_one(track), tools)) for track in sides.after]
    lines = tuple(_worse_lines(sides.after, together, each_alone))
    with_data = [alone.track for alone in each_alone if alone.compared.accepted]
    return Judged(
        name=sides.after[0].name,
        members=tuple(track.member for track in sides.after),
        beside=together.beside,
        worse=lines,
        unread=tuple(_unread_lines(sides.after)),
        silent=tuple(alone.track.member for alone in each_alone if not alone.compared.accepted),
        passed=() if lines else tuple(track for track in with_data if not is_too_short(track)),
        short=shortness(sides.after),
    )


def _compared(sides: Sides, tools: Tools) -> _Compared:
    """Return what is worse in all comparisons, seen in two readings one after the other."""
    before = facts_before(sides, tools.listeners)
    comparisons = comparisons_of(sides, before, tools.listeners)
    left_out = [_UNREADABLE]
    if _was_silent(sides, before):
        left_out.append(_SILENCE)
    judges = [_ComparisonJudge(comparison, tools, left_out) for comparison in comparisons]
    revision = Revision(sides.after[0].config, tools.listeners, fresh=False)
    worse: list[Verdict] = []
    accepted = 0
    for at, samples in replayed(sides.after):
        revision.add(at, samples)
        accepted = accepted_items(revision.polls[-1].rows)
        if not worse:
            worse = _in_all([judge.verdicts(revision) for judge in judges])
    beside = tuple(comparison.words for comparison in comparisons if comparison.words)
    return _Compared(tuple(worse), accepted, beside)


def _was_silent(sides: Sides, before: Mapping[str, Any]) -> bool:
    """Return whether no data came in before the change either, so that silence says nothing."""
    is_read = any(sample.reading for track in sides.before for sample in track.samples)
    return is_read and not any(map(accepted_items, before["bases"]))


class _ComparisonJudge:
    """Judges the collectors of a wave beside one side, reading after reading."""

    def __init__(self, comparison: Comparison, tools: Tools, left_out: Sequence[str]) -> None:
        self._comparison = comparison
        self._judge = Judge(tools.search, checks_of(left_out), str)
        # What they are compared with was read before: no pod of it is read beside them.
        self._nobody = Revision(comparison.config, tools.listeners, fresh=False)

    def verdicts(self, revision: Revision) -> list[Verdict]:
        """Return what lasts after one more reading."""
        facts = facts_of(revision, self._nobody, "", str, self._comparison.facts)
        return self._judge.verdicts({**facts, "ways": []})


def _in_all(verdict_lists: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    """Return the verdicts of the first comparison that all others have too."""
    first, *others = verdict_lists
    faults_of_others = [{verdict.fault for verdict in verdicts} for verdicts in others]
    return [verdict for verdict in first if all(verdict.fault in faults for faults in faults_of_others)]


def _worse_lines(tracks: Sequence[Track], together: _Compared, each_alone: Sequence[_ComparedAlone]) -> Iterator[str]:
    """Yield the faults of all together, then the further ones of each alone.

    A fault of all together names the collectors that have it alone; all, if it is too small to show in one of them.
    """
    for verdict in together.worse:
        with_fault = [alone.track for alone in each_alone if verdict.fault in alone.compared.faults]
        yield _worse_line(with_fault or tracks, verdict)
    for alone in each_alone:
        for verdict in alone.compared.worse:
            if verdict.fault not in together.faults:
                yield _worse_line([alone.track], verdict)


def _worse_line(tracks: Sequence[Track], verdict: Verdict) -> str:
    """Return a line that says on which members a collector is worse, and in what."""
    members = at_most(_SHOWN, [track.member for track in tracks])
    return f"{tracks[0].name} on {members}: {verdict.line}"


def _unread_lines(tracks: Iterable[Track]) -> Iterator[str]:
    """Yield which collectors could not be read, and why."""
    for track in tracks:
        samples = track.samples
        if not samples:
            yield f"{track.member} cannot be read: none of its pods runs"
        elif all(sample.reading is None for sample in samples):
            yield f"{track.member} cannot be read: {samples[-1].why or 'it serves no counts'}"


def worse_lines(groups: Sequence[Judged]) -> list[str]:
    """Return what is worse in all groups: the first fault of each before further ones, since not all are shown."""
    most_lines = max((len(group.worse) for group in groups), default=0)
    lines: list[str] = []
    for number in range(most_lines):
        lines += [group.worse[number] for group in groups if number < len(group.worse)]
    return lines
