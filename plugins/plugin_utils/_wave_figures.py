# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What collectors counted in a wave, and what that says of the wave. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._waves.behind_verdict import BehindJudged
from ..module_utils._waves.sample_rows import tracks
from ..module_utils._waves.wave_data import Judged, Tools, judged, worse_lines
from ..module_utils._waves.wave_plan import PASS
from ..module_utils._waves.wave_tracks import Track, sides_of
from ..module_utils._waves.wave_verdict import WaveData, WaveEnd
from ._diagnose import searching
from ._otelcol import _builds
from ._wave_behind import behind_wave
from ._wave_results import OF_ITS_PODS, READ_AFTER, READ_BEFORE, applied_releases

# What collectors of later waves counted at the start and the end of the watch: of hosts, and of clusters.
REST = (
    ("__otel_rest_first", "__otel_rest_last"),
    ("__otel_rest_clusters_first", "__otel_rest_clusters_last"),
)


@dataclass(frozen=True)
class _Counted:
    """What the collectors of a wave counted after the change and before it, and what those of later waves counted."""

    after: Sequence[Track]
    before: Sequence[Track]
    rest: Sequence[Track]


def judge_tools() -> Tools:
    """Return what the judge needs of the controller."""
    return Tools(_builds.tables().listeners, searching([]))


def wave_data(
    planned: Mapping[str, Any], wave: Mapping[str, Any], end: WaveEnd, variables: Mapping[str, Any]
) -> WaveData:
    """Return what the data of a wave says: of the hosts that changed, or whose release has passed no wave yet."""
    hosts = [host for host in end.hosts if host in planned["samples"] and host not in end.failed]
    tools = judge_tools()
    counted = _counted(hosts, end, variables)
    verdicts = [judged(sides, tools) for sides in sides_of(counted.after, counted.before, counted.rest)]
    beyond = _beyond(wave, end, counted, variables, tools)
    uncompared = list(_uncompared(hosts, end, variables))
    # What lacks comes first, then the gateways: where members are many, not all are shown.
    verdict_lines = [verdict.line for verdict in verdicts]
    notes = [*uncompared, *beyond.notes, *verdict_lines, *_without_collectors(planned, end)]
    return WaveData(
        passed=_passed(verdicts),
        worse=(*worse_lines(verdicts), *beyond.worse),
        notes=tuple(notes or ["nothing changed, so nothing was compared"]),
        is_missing=bool(uncompared) or beyond.is_missing or not all(verdict.is_whole for verdict in verdicts),
        may_be_missing=wave["without_data"] == PASS,
    )


def _beyond(
    wave: Mapping[str, Any], end: WaveEnd, counted: _Counted, variables: Mapping[str, Any], tools: Tools
) -> BehindJudged:
    """Return what the collectors behind a wave say. Where nothing was watched, no change can have harmed them."""
    read = wave.get("behind") or {} if counted.after else {}
    return behind_wave(read, {*end.changed, *end.failed}, counted.rest, variables, tools)


def _passed(verdicts: Iterable[Judged]) -> dict[str, list[dict[str, str]]]:
    """Return the collectors of each host that data has judged."""
    rows: dict[str, list[dict[str, str]]] = {}
    for verdict in verdicts:
        for track in verdict.passed:
            row = {"name": track.name, "release": track.release, "sum": track.sum}
            rows.setdefault(track.member, []).append(row)
    return rows


# ── What was counted ──


def _counted(hosts: Iterable[str], end: WaveEnd, variables: Mapping[str, Any]) -> _Counted:
    hostvars = variables["hostvars"]
    after: list[Track] = []
    for host in hosts:
        after += _watched(host, hostvars[host], is_changed=host in end.changed)
    before: list[Track] = []
    for host in end.changed:
        before += _tracks(host, hostvars[host].get(READ_BEFORE))
    return _Counted(after, before, _rest(variables))


def _watched(host: str, variables: Mapping[str, Any], *, is_changed: bool) -> list[Track]:
    """Return what the collectors of a host counted while they were watched, if they run what this run has applied.

    Of a host without changes, those that have passed a wave need no judgement.
    """
    releases = applied_releases(variables)
    watched: list[Track] = []
    for track in _tracks(host, variables.get(READ_AFTER)):
        is_applied = releases.get(track.name) in (track.release, OF_ITS_PODS)
        if is_applied and (is_changed or not track.has_passed):
            watched.append(track)
    return watched


def _tracks(host: str, answer: Any) -> list[Track]:
    return list(tracks(host, answer or {}))


class _Collector(NamedTuple):
    """A collector of a member, in one release."""

    member: str
    name: str
    release: str


def _rest(variables: Mapping[str, Any]) -> list[Track]:
    """Return what collectors of later waves counted: a reading at the start of the watch, and one at its end."""
    tracks_of_rest: list[Track] = []
    for name_of_first, name_of_last in REST:
        firsts = _by_collector(variables.get(name_of_first))
        lasts = _by_collector(variables.get(name_of_last))
        for collector, first in firsts.items():
            if collector in lasts:
                polls = (first.polls[0], lasts[collector].polls[-1])
                tracks_of_rest.append(replace(first, polls=polls))
    return tracks_of_rest


def _by_collector(registered: Any) -> dict[_Collector, Track]:
    """Return the collectors of a task with a loop over hosts."""
    found: dict[_Collector, Track] = {}
    for result in (registered or {}).get("results") or ():
        for track in _tracks(str(result.get("item")), result):
            found[_Collector(track.member, track.name, track.release)] = track
    return found


# ── What was not counted ──


def _uncompared(hosts: Iterable[str], end: WaveEnd, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the members whose data is missing: they failed, or cannot be read."""
    for host in end.failed:
        yield f"{host} failed, so it was not compared"
    for host in hosts:
        yield from _unread(host, variables["hostvars"][host])


def _unread(host: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield why collectors that this run has applied to a member were not read."""
    releases = applied_releases(variables)
    read = variables.get(READ_AFTER) or {"unread": "the watch did not run"}
    if not releases:
        return
    if read.get("unread"):
        yield f"{host} was not read: {read['unread']}"
        return
    found = {track.name: track for track in _tracks(host, read)}
    taken = read.get("taken") or ()
    for name in taken:
        yield f"{name} on {host} was changed by another run"
    yield from _unlike(host, releases, found)
    for name in releases:
        if name not in found and name not in taken:
            yield f"{name} on {host} does not run"


def _unlike(host: str, releases: Mapping[str, str], found: Mapping[str, Track]) -> Iterator[str]:
    """Yield the collectors that run another release than this run has applied."""
    for name, track in found.items():
        release = releases.get(name, track.release)
        if release not in (track.release, OF_ITS_PODS):
            yield f"{name} on {host} runs release {track.release} of another run, and not {release}"


def _without_collectors(planned: Mapping[str, Any], end: WaveEnd) -> Iterator[str]:
    """Yield the changed members on which no collector is to run, so that nothing is missing."""
    for host in end.changed:
        if host not in planned["samples"] and host not in end.failed:
            yield f"{host} has no collector to compare, by its `otel_host_state` or `otel_collector_state`"
