# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What collectors counted in a wave, and what that says of the wave. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._waves.behind_verdict import BehindVerdict
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_data import JudgedGroup, JudgeTools, interleave_faults, judge_sides
from ..module_utils._waves.wave_plan import PASS
from ..module_utils._waves.wave_tracks import Track, group_sides
from ..module_utils._waves.wave_verdict import WaveData, WaveEnd
from ._diagnose import create_search
from ._otelcol import _builds
from ._wave_behind import judge_behind_wave
from ._wave_results import READ_AFTER, READ_BEFORE, RELEASE_OF_PODS, find_applied_releases

# What collectors of later waves counted at the start and the end of the watch: of hosts, and of clusters.
LATER_WAVE_VARIABLES = (
    ("__otel_rest_first", "__otel_rest_last"),
    ("__otel_rest_clusters_first", "__otel_rest_clusters_last"),
)


@dataclass(frozen=True)
class _WaveTracks:
    """What the collectors of a wave counted after the change and before it, and what those of later waves counted."""

    tracks_after: Sequence[Track]
    tracks_before: Sequence[Track]
    other_tracks: Sequence[Track]


def build_judge_tools() -> JudgeTools:
    """Return what the judge needs of the controller."""
    return JudgeTools(_builds.load_catalogue().listeners, create_search([]))


def judge_wave_data(
    planned: Mapping[str, Any], wave: Mapping[str, Any], end: WaveEnd, variables: Mapping[str, Any]
) -> WaveData:
    """Return what the data of a wave says: of the hosts that changed, or whose release has passed no wave yet."""
    hosts = [host for host in end.hosts if host in planned["samples"] and host not in end.reason_by_failed_host]
    tools = build_judge_tools()
    wave_tracks = _collect_tracks(hosts, end, variables)
    verdicts = [
        judge_sides(track_sides, tools)
        for track_sides in group_sides(wave_tracks.tracks_after, wave_tracks.tracks_before, wave_tracks.other_tracks)
    ]
    behind_judged = _judge_behind(wave, end, wave_tracks, variables, tools)
    missing_notes = list(_describe_uncompared(hosts, end, variables))
    # What lacks comes first, then the gateways: where members are many, not all are shown.
    verdict_lines = [verdict.verdict_line for verdict in verdicts]
    notes = [*missing_notes, *behind_judged.notes, *verdict_lines, *_describe_empty_members(planned, end)]
    return WaveData(
        passed_collectors=_group_passed(verdicts),
        worse_lines=(*interleave_faults(verdicts), *behind_judged.worse_lines),
        notes=tuple(notes or ["nothing changed, so nothing was compared"]),
        is_missing=bool(missing_notes) or behind_judged.is_missing or not all(verdict.is_whole for verdict in verdicts),
        may_be_missing=wave["without_data"] == PASS,
    )


def _judge_behind(
    wave: Mapping[str, Any], end: WaveEnd, wave_tracks: _WaveTracks, variables: Mapping[str, Any], tools: JudgeTools
) -> BehindVerdict:
    """Return what the collectors behind a wave say. Where nothing was watched, no change can have harmed them."""
    behind_plan = wave.get("behind") or {} if wave_tracks.tracks_after else {}
    return judge_behind_wave(
        behind_plan, {*end.changed_hosts, *end.reason_by_failed_host}, wave_tracks.other_tracks, variables, tools
    )


def _group_passed(verdicts: Iterable[JudgedGroup]) -> dict[str, list[dict[str, str]]]:
    """Return the collectors of each host that data has judged."""
    passed_by_member: dict[str, list[dict[str, str]]] = {}
    for verdict in verdicts:
        for track in verdict.passed_tracks:
            row = {"name": track.name, "release": track.release, "sum": track.sum}
            passed_by_member.setdefault(track.member, []).append(row)
    return passed_by_member


# ── What was counted ──


def _collect_tracks(hosts: Iterable[str], end: WaveEnd, variables: Mapping[str, Any]) -> _WaveTracks:
    hostvars = variables["hostvars"]
    tracks_after: list[Track] = []
    for host in hosts:
        tracks_after += _select_watched(host, hostvars[host], is_changed=host in end.changed_hosts)
    tracks_before: list[Track] = []
    for host in end.changed_hosts:
        tracks_before += _list_tracks(host, hostvars[host].get(READ_BEFORE))
    return _WaveTracks(tracks_after, tracks_before, _read_later_waves(variables))


def _select_watched(host: str, variables: Mapping[str, Any], *, is_changed: bool) -> list[Track]:
    """Return what the collectors of a host counted while they were watched, if they run what this run has applied.

    Of a host without changes, those that have passed a wave need no judgement.
    """
    releases = find_applied_releases(variables)
    watched_tracks: list[Track] = []
    for track in _list_tracks(host, variables.get(READ_AFTER)):
        is_applied = releases.get(track.name) in (track.release, RELEASE_OF_PODS)
        if is_applied and (is_changed or not track.has_passed):
            watched_tracks.append(track)
    return watched_tracks


def _list_tracks(host: str, answer: Any) -> list[Track]:
    return list(read_tracks(host, answer or {}))


class _Collector(NamedTuple):
    """A collector of a member, in one release."""

    member: str
    name: str
    release: str


def _read_later_waves(variables: Mapping[str, Any]) -> list[Track]:
    """Return what collectors of later waves counted: a reading at the start of the watch, and one at its end."""
    later_tracks: list[Track] = []
    for name_of_first, name_of_last in LATER_WAVE_VARIABLES:
        first_tracks = _group_by_collector(variables.get(name_of_first))
        last_tracks = _group_by_collector(variables.get(name_of_last))
        for collector, first_track in first_tracks.items():
            if collector in last_tracks:
                polls = (first_track.polls[0], last_tracks[collector].polls[-1])
                later_tracks.append(replace(first_track, polls=polls))
    return later_tracks


def _group_by_collector(registered: Any) -> dict[_Collector, Track]:
    """Return the collectors of a task with a loop over hosts."""
    track_by_collector: dict[_Collector, Track] = {}
    for result in (registered or {}).get("results") or ():
        for track in _list_tracks(str(result.get("item")), result):
            track_by_collector[_Collector(track.member, track.name, track.release)] = track
    return track_by_collector


# ── What was not counted ──


def _describe_uncompared(hosts: Iterable[str], end: WaveEnd, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the members whose data is missing: they failed, or cannot be read."""
    for host in end.reason_by_failed_host:
        yield f"{host} failed, so it was not compared"
    for host in hosts:
        yield from _describe_unread(host, variables["hostvars"][host])


def _describe_unread(host: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield why collectors that this run has applied to a member were not read."""
    releases = find_applied_releases(variables)
    answer = variables.get(READ_AFTER) or {"unread": "the watch did not run"}
    if not releases:
        return
    if answer.get("unread"):
        yield f"{host} was not read: {answer['unread']}"
        return
    track_by_name = {track.name: track for track in _list_tracks(host, answer)}
    taken_over = answer.get("taken") or ()
    for name in taken_over:
        yield f"{name} on {host} was changed by another run"
    yield from _describe_other_releases(host, releases, track_by_name)
    for name in releases:
        if name not in track_by_name and name not in taken_over:
            yield f"{name} on {host} does not run"


def _describe_other_releases(
    host: str, releases: Mapping[str, str], track_by_name: Mapping[str, Track]
) -> Iterator[str]:
    """Yield the collectors that run another release than this run has applied."""
    for name, track in track_by_name.items():
        release = releases.get(name, track.release)
        if release not in (track.release, RELEASE_OF_PODS):
            yield f"{name} on {host} runs release {track.release} of another run, and not {release}"


def _describe_empty_members(planned: Mapping[str, Any], end: WaveEnd) -> Iterator[str]:
    """Yield the changed members on which no collector is to run, so that nothing is missing."""
    for host in end.changed_hosts:
        if host not in planned["samples"] and host not in end.reason_by_failed_host:
            yield f"{host} has no collector to compare, by its `otel_host_state` or `otel_collector_state`"
