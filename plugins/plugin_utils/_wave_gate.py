# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a wave passed, from what the tasks of its members have left in their variables. Private."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..module_utils._waves.plan_differences import change_lines
from ..module_utils._waves.sample_rows import tracks
from ..module_utils._waves.wave_behind import BehindJudged
from ..module_utils._waves.wave_data import Judged, Tools, judged, worse_lines
from ..module_utils._waves.wave_plan import PASS
from ..module_utils._waves.wave_tracks import Track, sides_of
from ..module_utils._waves.wave_verdict import (
    BEFORE,
    SILENT,
    WaveData,
    WaveEnd,
    failure_reason,
    passed_line,
    refuse_failed_hosts,
)
from ._diagnose import searching
from ._otelcol import _builds
from ._wave_back import shares
from ._wave_behind import behind_wave
from ._wave_results import (
    FAILURE,
    OF_ITS_PODS,
    READ_AFTER,
    READ_BEFORE,
    ReadOnce,
    applied_releases,
    cluster_change,
    host_change,
    is_changed,
    is_undecided,
)

# What collectors of later waves counted at the start and the end of the watch: of hosts, and of clusters.
REST = (
    ("__otel_rest_first", "__otel_rest_last"),
    ("__otel_rest_clusters_first", "__otel_rest_clusters_last"),
)


def gate(planned: Mapping[str, Any], name: str, given: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return how a wave went. Raises Problem if it failed."""
    variables = {**given, "hostvars": ReadOnce(given["hostvars"])}
    names = [wave["name"] for wave in planned["waves"]]
    ends = _ends(planned, variables["hostvars"], frozenset(variables["ansible_play_hosts"]))
    number = names.index(name)
    wave = planned["waves"][number]
    with_hosts = frozenset(planned["wave_of"].values())
    passed_waves = tuple(one for one in names[:number] if one in with_hosts)
    end = replace(ends(wave, names[number + 1 :]), passed_waves=passed_waves)
    if wave["watch_seconds"] and not check_mode:
        end = replace(end, data=_data(planned, wave, end, variables))
    doers = [host for host in variables["ansible_play_hosts"] if planned["wave_of"].get(host) == name]
    said = passed_line(replace(end, shares=shares(planned, wave["goes_back"], doers, variables)), check_mode)
    told = {"would_change": _planned_changes(end, variables)} if check_mode else {}
    settled = shares(planned, wave["settles"], doers, variables)
    return {"msg": said, "passed": dict(end.data.passed), "shares": settled, **told}


def ended(planned: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return that all waves passed, after the changes of the last one stay. Raises Problem if any host failed."""
    ends = _ends(planned, ReadOnce(given["hostvars"]), frozenset(given["ansible_play_hosts"]))
    failed: dict[str, str] = {}
    for wave in planned["waves"]:
        failed.update(ends(wave, []).failed)
    refuse_failed_hosts(failed)
    return {"msg": "All waves passed, and no host failed."}


def _planned_changes(end: WaveEnd, variables: Mapping[str, Any]) -> list[str]:
    """Return what the members of a wave would change, in lines: equal differences once."""
    lines: list[str] = []
    for noun, change_of in (("cluster", cluster_change), ("host", host_change)):
        found = [change_of(member, variables["hostvars"][member]) for member in end.changed]
        lines += change_lines([one for one in found if one], noun, whole=bool(variables.get("ansible_diff_mode")))
    return lines


def _ends(
    planned: Mapping[str, Any], hostvars: Mapping[str, Any], answering: Collection[str]
) -> Callable[[Mapping[str, Any], Sequence[str]], WaveEnd]:
    """Return what tells how a wave of the plan ended, given the names of later waves."""

    def end(wave: Mapping[str, Any], later: Sequence[str]) -> WaveEnd:
        begun = [host for host, its_wave in planned["wave_of"].items() if its_wave == wave["name"]]
        failures = {host: failure_reason(hostvars[host][FAILURE]) for host in begun if FAILURE in hostvars[host]}
        silent = [host for host in begun if host not in answering]
        return WaveEnd(
            name=wave["name"],
            hosts=(*begun, *wave["lost"]),
            changed=tuple(host for host in begun if is_changed(hostvars[host])),
            failed=failures | dict.fromkeys(silent, SILENT) | dict.fromkeys(wave["lost"], BEFORE),
            max_failed=wave["max_failed"],
            undecided=tuple(host for host in begun if is_undecided(hostvars[host])),
            later=tuple(later),
        )

    return end


# ── Data ──


@dataclass(frozen=True)
class _Counted:
    """What the collectors of a wave counted after the change and before it, and what those of later waves counted."""

    after: Sequence[Track]
    before: Sequence[Track]
    rest: Sequence[Track]


def _data(planned: Mapping[str, Any], wave: Mapping[str, Any], end: WaveEnd, variables: Mapping[str, Any]) -> WaveData:
    """Return what the data of a wave says: of the hosts that changed, or whose release has passed no wave yet."""
    hosts = [host for host in end.hosts if host in planned["samples"] and host not in end.failed]
    counted, tools = _counted(hosts, end, variables), judge_tools()
    found = [judged(sides, tools) for sides in sides_of(counted.after, counted.before, counted.rest)]
    beyond = _beyond(wave, end, counted, variables, tools)
    uncompared = list(_uncompared(hosts, end, variables))
    # What lacks comes first, then the gateways: where members are many, not all are shown.
    notes = [*uncompared, *beyond.notes, *(one.line for one in found), *_without_collectors(planned, end)]
    return WaveData(
        passed=_passed(found),
        worse=(*worse_lines(found), *beyond.worse),
        notes=tuple(notes or ["nothing changed, so nothing was compared"]),
        is_missing=bool(uncompared) or beyond.is_missing or not all(one.is_whole for one in found),
        may_be_missing=wave["without_data"] == PASS,
    )


def _counted(hosts: Iterable[str], end: WaveEnd, variables: Mapping[str, Any]) -> _Counted:
    hostvars = variables["hostvars"]
    after = [one for host in hosts for one in _watched(host, hostvars, changed=host in end.changed)]
    before = [one for host in end.changed for one in _tracks(host, hostvars[host].get(READ_BEFORE))]
    return _Counted(after, before, _rest(variables))


def _beyond(
    wave: Mapping[str, Any], end: WaveEnd, counted: _Counted, variables: Mapping[str, Any], tools: Tools
) -> BehindJudged:
    """Return what the collectors behind a wave say. Where nothing was watched, no change can have harmed them."""
    read = wave.get("behind") or {} if counted.after else {}
    return behind_wave(read, {*end.changed, *end.failed}, counted.rest, variables, tools)


def _passed(found: Iterable[Judged]) -> dict[str, list[dict[str, str]]]:
    """Return the collectors of each host that data has judged."""
    rows: dict[str, list[dict[str, str]]] = {}
    for track in (track for one in found for track in one.passed):
        row = {"name": track.name, "release": track.release, "sum": track.sum}
        rows.setdefault(track.member, []).append(row)
    return rows


def judge_tools() -> Tools:
    """Return what the judge needs of the controller."""
    return Tools(_builds.tables().listeners, searching([]))


def _tracks(host: str, answer: Any) -> list[Track]:
    return list(tracks(host, answer or {}))


def _watched(host: str, hostvars: Mapping[str, Any], *, changed: bool) -> list[Track]:
    """Return what the collectors of a host counted while they were watched, if they run what this run has applied."""
    releases = applied_releases(hostvars[host])
    found = _tracks(host, hostvars[host].get(READ_AFTER))
    ours = [track for track in found if releases.get(track.name) in (track.release, OF_ITS_PODS)]
    return [track for track in ours if changed or not track.has_passed]


def _uncompared(hosts: Iterable[str], end: WaveEnd, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the members whose data is missing: they failed, or cannot be read."""
    yield from (f"{host} failed, so it was not compared" for host in end.failed)
    for host in hosts:
        yield from _unread(host, variables["hostvars"][host])


def _unread(host: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield why collectors that this run has applied to a member were not read."""
    releases, read = applied_releases(variables), variables.get(READ_AFTER) or {"unread": "the watch did not run"}
    if releases and read.get("unread"):
        yield f"{host} was not read: {read['unread']}"
    elif releases:
        found = {track.name: track for track in _tracks(host, read)}
        taken = read.get("taken") or ()
        yield from (f"{name} on {host} was changed by another run" for name in taken)
        yield from _unlike(host, releases, found)
        absent = [name for name in releases if name not in found and name not in taken]
        yield from (f"{name} on {host} does not run" for name in absent)


def _unlike(host: str, releases: Mapping[str, str], found: Mapping[str, Track]) -> Iterator[str]:
    """Yield the collectors that run another release than this run has applied."""
    for name, track in found.items():
        release = releases.get(name, track.release)
        if release not in (track.release, OF_ITS_PODS):
            yield f"{name} on {host} runs release {track.release} of another run, and not {release}"


def _without_collectors(planned: Mapping[str, Any], end: WaveEnd) -> Iterator[str]:
    """Yield the changed members on which no collector is to run, so that nothing is missing."""
    for host in _elsewhere(planned, end):
        yield f"{host} has no collector to compare, by its `otel_host_state` or `otel_collector_state`"


def _elsewhere(planned: Mapping[str, Any], end: WaveEnd) -> list[str]:
    return [host for host in end.changed if host not in planned["samples"] and host not in end.failed]


def _rest(variables: Mapping[str, Any]) -> list[Track]:
    """Return what collectors of later waves counted: a reading at the start of the watch, and one at its end."""
    tracks_of_rest: list[Track] = []
    for names in REST:
        first, last = (_by_collector(variables.get(name)) for name in names)
        for key in (one for one in first if one in last):
            begun, ended = first[key], last[key]
            tracks_of_rest.append(replace(begun, polls=(begun.polls[0], ended.polls[-1])))
    return tracks_of_rest


def _by_collector(registered: Any) -> dict[tuple[str, str, str], Track]:
    """Return the collectors of a task with a loop over hosts, by host, name and release."""
    results = (registered or {}).get("results") or ()
    found = [one for result in results for one in _tracks(str(result.get("item")), result)]
    return {(one.member, one.name, one.release): one for one in found}
