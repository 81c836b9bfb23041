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

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from .._change.canary.canary_facts import facts_of, rest_facts
from .._change.canary.hold_times import MARGIN, held
from .._change.canary.judge import Judge, Verdict, checks_of
from .._change.canary.readings import Revision, Sample
from .._otelcol.catalogue.port_rows import Listeners
from .._otelcol.config.paths import section
from .._otelcol.errors import at_most
from .._otelcol.traits import RECEIVERS, Trait, traits_of
from .._telemetry.metrics import UPTIME, interval

_SHOWN = 5
# A member whose metrics cannot be read is one without data, which the inventory counts.
_LEFT_OUT = ("unreadable",)
_SILENCE = "receiver_silent"


@dataclass(frozen=True)
class Poll:
    """One reading of a collector, at seconds of Unix: its service on a host, or its pods in a cluster."""

    at: float
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Track:
    """What one collector of one member has counted, and whether its release has passed a wave before."""

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


@dataclass(frozen=True)
class Judged:
    """What the gate says of the collectors of one name. Without data, nothing but their restarts was judged.

    `unread` says which could not be read and why, `silent` which got no data, and `passed` which data has judged well.
    `short` says how long a watch must be to see what is silent, if this one was shorter.
    """

    name: str
    members: tuple[str, ...]
    beside: tuple[str, ...]
    worse: tuple[str, ...]
    unread: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    passed: tuple[Track, ...] = ()
    short: str = ""

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
        missing = f"; no data came in on {at_most(_SHOWN, self.silent)}" if self.silent else ""
        missing += f"; {self.short}" if self.short else ""
        return f"{who}: compared with {' and '.join(self.beside) or 'nothing, since nothing else had data'}{missing}"


@dataclass(frozen=True)
class Tools:
    """What the judge needs: the ports of each type of component, and what searches facts by JMESPath."""

    listeners: Listeners
    search: Callable[[str, Any], Any]


def sides_of(after: Iterable[Track], before: Sequence[Track], rest: Sequence[Track]) -> Iterator[Sides]:
    """Yield the collectors of a wave that are compared together, each with the others of its name.

    Collectors with the same name and pipelines are one group, as pods of one workload are.
    """
    groups: dict[str, list[Track]] = {}
    for track in after:
        groups.setdefault(track.shape, []).append(track)
    for changed in groups.values():
        members = {track.member for track in changed}
        name = changed[0].name
        yield Sides(
            after=tuple(changed),
            before=_of_one_shape([one for one in before if one.name == name and one.member in members]),
            rest=_of_one_shape(_alike(name, rest)),
        )


def _alike(name: str, rest: Sequence[Track]) -> list[Track]:
    """Return collectors of a name: services of hosts, or those of clusters, at best in the same namespace."""
    namespace, _slash, bare = name.rpartition("/")
    same = [track for track in rest if track.name == name]
    elsewhere = [track for track in rest if namespace and track.name.endswith(f"/{bare}")]
    return same or elsewhere


def _of_one_shape(found: Sequence[Track]) -> tuple[Track, ...]:
    """Return those that have the pipelines of the first one: a reading is taken by the components of one config."""
    return tuple(one for one in found if one.shape == found[0].shape)


def judged(sides: Sides, tools: Tools) -> Judged:
    """Return what is worse in all comparisons, of all collectors together and of each alone.

    Hosts differ, as pods of one workload do not: among many, one that is broken would not show.
    """
    together = _found(sides, tools)
    is_one = len(sides.after) == 1
    alone = [(one, together if is_one else _found(_alone(sides, one), tools)) for one in sides.after]
    lines = list(_worse_lines(sides.after, together, alone))
    return Judged(
        name=sides.after[0].name,
        members=tuple(track.member for track in sides.after),
        beside=together.beside,
        worse=tuple(lines),
        unread=tuple(_unread(sides.after)),
        silent=tuple(track.member for track, found in alone if not found.came),
        passed=tuple(track for track, found in alone if found.came and not lines and not _is_short(track)),
        short=_shortness(sides.after),
    )


def worse_lines(found: Sequence[Judged]) -> list[str]:
    """Return what is worse in all groups: the first fault of each before further ones, since not all are shown."""
    lines: list[str] = []
    for number in range(max((len(group.worse) for group in found), default=0)):
        lines += [group.worse[number] for group in found if number < len(group.worse)]
    return lines


def _shortness(tracks: Sequence[Track]) -> str:
    """Return how long a watch must be to see a receiver or exporter that is silent; empty if this one was."""
    too_short = [track for track in tracks if _is_short(track)]
    if not too_short:
        return ""
    worst = max(too_short, key=_needed)
    needed, watched = ceil(_needed(worst)), _watched(worst)
    return f"a receiver or exporter that is silent shows after {needed} s, and it was watched for {watched:.0f} s"


def _is_short(track: Track) -> bool:
    return _watched(track) < _needed(track)


def _watched(track: Track) -> float:
    """Return for how many seconds a collector was watched."""
    return track.polls[-1].at - track.polls[0].at if track.polls else 0.0


def _needed(track: Track) -> float:
    """Return how many seconds a watch needs, with the bounds of the judge (_change/canary/shares.py).

    An exporter is silent if what came in was not sent after its components have held it and a margin has passed. A
    receiver is silent after three margins, and one that collects by itself after two of its intervals. A fault counts
    in two readings.
    """
    pause = _watched(track) / max(len(track.polls) - 1, 1)
    longest = max(_intervals(track.config), default=0.0)
    return max(longest + held(track.config) + MARGIN, 2 * longest, 3 * MARGIN) + 2 * pause


def _intervals(config: Mapping[str, Any]) -> Iterator[float]:
    """Yield how often each receiver that collects by itself does so, in seconds."""
    for name, settings in section(config, "receivers").items():
        if Trait.ALWAYS_COLLECTS in traits_of(RECEIVERS, str(name)):
            yield interval(settings if isinstance(settings, Mapping) else {})


def _alone(sides: Sides, track: Track) -> Sides:
    return Sides((track,), tuple(one for one in sides.before if one.member == track.member), sides.rest)


def _worse_lines(tracks: Sequence[Track], together: _Found, alone: Sequence[tuple[Track, _Found]]) -> Iterator[str]:
    """Yield the faults of all together, then the further ones of each alone.

    A fault of all together names the collectors that have it alone; all, if it is too small to show in one of them.
    """
    for verdict in together.worse:
        having = [track for track, found in alone if verdict.fault in found.faults]
        yield _line(having or tracks, verdict)
    for track, found in alone:
        yield from (_line([track], one) for one in found.worse if one.fault not in together.faults)


def _line(tracks: Sequence[Track], verdict: Verdict) -> str:
    members = at_most(_SHOWN, [track.member for track in tracks])
    return f"{tracks[0].name} on {members}: {verdict.line}"


@dataclass(frozen=True)
class _Found:
    """What is worse, seen in two readings one after the other; how much came in, and what was compared."""

    worse: tuple[Verdict, ...]
    came: int
    beside: tuple[str, ...]

    @property
    def faults(self) -> frozenset[tuple[str, str]]:
        """What is worse, whatever the figures."""
        return frozenset(one.fault for one in self.worse)


def _found(sides: Sides, tools: Tools) -> _Found:
    revision = Revision(sides.after[0].config, tools.listeners, fresh=False)
    before = _since_start(sides.before, tools)
    compared = list(_comparisons(sides, before, tools))
    left_out = [*_LEFT_OUT, *([_SILENCE] if _was_silent(sides, before) else [])]
    judges = [Judge(tools.search, checks_of(left_out), str) for _one in compared]
    nobodies = [Revision(one.config, tools.listeners, fresh=False) for one in compared]
    worse: list[Verdict] = []
    came = 0
    for at, samples in _replayed(sides.after):
        revision.add(at, samples)
        facts = []
        for one, nobody in zip(compared, nobodies, strict=True):
            facts.append({**facts_of(revision, nobody, "", str, one.facts), "ways": []})
        came = facts[0]["canary"]["received"]
        worse = worse or _in_all([judge.verdicts(one) for judge, one in zip(judges, facts, strict=True)])
    return _Found(tuple(worse), came, tuple(one.words for one in compared if one.words))


def _was_silent(sides: Sides, before: Mapping[str, Any]) -> bool:
    """Whether no data came in before the change either, so that silence says nothing."""
    is_read = any(sample.reading for track in sides.before for sample in track.samples)
    return is_read and not any(map(_accepted, before["bases"]))


def _unread(tracks: Iterable[Track]) -> Iterator[str]:
    for track in tracks:
        if all(sample.reading is None for sample in track.samples):
            reasons = [sample.why for sample in track.samples]
            why = reasons[-1] or "it serves no counts" if reasons else "none of its pods runs"
            yield f"{track.member} cannot be read: {why}"


@dataclass(frozen=True)
class _Comparison:
    """What the collectors of a wave are compared with, in words and as facts, and its config."""

    words: str
    facts: Mapping[str, Any]
    config: Mapping[str, Any]


def _comparisons(sides: Sides, before: Mapping[str, Any], tools: Tools) -> Iterator[_Comparison]:
    """Yield the comparisons that have data; without any, one with nothing."""
    rest = _while_watched(sides.rest, tools)
    who = at_most(_SHOWN, [track.member for track in sides.rest])
    found = [
        _Comparison(who, rest, _config_of(sides.rest)),
        _Comparison("the readings before the change", before, _config_of(sides.before)),
    ]
    with_data = [one for one in found if any(_accepted(base) for base in one.facts["bases"])]
    config = sides.after[0].config
    nothing = Revision(config, tools.listeners, fresh=False)
    yield from with_data or [_Comparison("", rest_facts(nothing, "", str), config)]


def _config_of(tracks: Sequence[Track]) -> Mapping[str, Any]:
    return tracks[0].config if tracks else {}


def _accepted(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    return sum(row["accepted"] for row in rows["receives"])


def _while_watched(tracks: Sequence[Track], tools: Tools) -> dict[str, Any]:
    """Return the facts of collectors that have not changed, in the time of the watch and since their start."""
    revision = Revision(_config_of(tracks), tools.listeners, fresh=False)
    for at, samples in _replayed(tracks):
        revision.add(at, samples)
    return _with_rates(rest_facts(revision, "", str))


def _since_start(tracks: Sequence[Track], tools: Tools) -> dict[str, Any]:
    """Return the facts of collectors before their change: all that they had counted since their start."""
    revision = Revision(_config_of(tracks), tools.listeners, fresh=True)
    samples = [sample for track in tracks if track.polls for sample in track.polls[-1].samples]
    revision.add(0.0, ())
    revision.add(max((one.reading[UPTIME] for one in samples if one.reading), default=0.0), samples)
    return _with_rates(rest_facts(revision, "", str))


def _with_rates(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts in which the rate of each signal that came in says what is due: two readings show no steadiness."""
    return {**facts, "steady": sorted({row["signal"] for row in facts["receives"] if row["accepted"]})}


def _replayed(tracks: Sequence[Track]) -> Iterator[tuple[float, list[Sample]]]:
    """Yield the readings of all collectors one after the other. Hosts are read at about the same times."""
    most = max((len(track.polls) for track in tracks), default=0)
    start = min((track.polls[0].at for track in tracks if track.polls), default=0.0)
    for number in range(most):
        polls = [track.polls[number] for track in tracks if number < len(track.polls)]
        yield max(poll.at for poll in polls) - start, [sample for poll in polls for sample in poll.samples]


def _in_all(found: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    """Return the verdicts of the first comparison that all others have too."""
    known = [{one.fault for one in verdicts} for verdicts in found]
    return [one for one in found[0] if all(one.fault in others for others in known)]
