# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a wave by what its collectors count after the change: the part of module wave_gate for data. Private.

A track is all readings of one collector over some time (see wave_tracks.py). The tracks of changed collectors are
compared with two others: their own before the change, and those of collectors of later waves, which still run the
earlier config. For example, the wave fails by `agent on web1: [exports_fail] exporters/otlp_grpc: 100 of 100 spans
failed`, unless the agent failed before too, or the agents of later waves do. The comparison is in wave_judgement.py.

`_wave_gate.py` calls `judge_wave_data` when a wave ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._waves.downstream_verdict import DownstreamVerdict
from ..module_utils._waves.judged_group import JudgedGroup, interleave_faults
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_gates import PASS
from ..module_utils._waves.wave_judgement import JudgeTools, judge_sides
from ..module_utils._waves.wave_tracks import Track, group_sides
from ..module_utils._waves.wave_verdict import WaveData, WaveEnd
from ._diagnose import create_search
from ._otelcol import _builds
from ._run_plan import PlannedWaveRow, RunPlan, TaskVariables
from ._wave_downstream_verdict import judge_downstream_collectors
from ._wave_results import READ_AFTER, READ_BEFORE, RELEASE_OF_PODS, find_applied_releases


class WatchVariables(NamedTuple):
    """The variables in which tasks leave what collectors counted at the start of the watch, and at its end."""

    first: str
    last: str


# The same for collectors of later waves: of Linux hosts, and of clusters.
LATER_WAVE_VARIABLES = (
    WatchVariables("__otel_rest_first", "__otel_rest_last"),
    WatchVariables("__otel_rest_clusters_first", "__otel_rest_clusters_last"),
)


@dataclass(frozen=True)
class _WaveTracks:
    """The tracks of the collectors of a wave after the change and before it, and those of collectors of later waves."""

    tracks_after: Sequence[Track]
    tracks_before: Sequence[Track]
    later_wave_tracks: Sequence[Track]


def build_judge_tools() -> JudgeTools:
    """Return the catalogue and the search with JMESPath, which are on the controller alone."""
    # Nobody reads which checks do not fit the facts: such a check finds nothing.
    return JudgeTools(_builds.load_catalogue().listeners, create_search(unseen_facts=[]))


def judge_wave_data(run_plan: RunPlan, wave: PlannedWaveRow, end: WaveEnd, variables: TaskVariables) -> WaveData:
    """Return what the data of a wave says: of the hosts that changed, or whose release has passed no wave yet."""
    hosts = [host for host in end.hosts if host in run_plan["samples"] and host not in end.reason_by_failed_host]
    tools = build_judge_tools()
    wave_tracks = _collect_tracks(hosts, end, variables)
    compared_sides = group_sides(wave_tracks.tracks_after, wave_tracks.tracks_before, wave_tracks.later_wave_tracks)
    verdicts = [judge_sides(sides, tools) for sides in compared_sides]
    downstream_verdict = _judge_downstream(wave, end, wave_tracks, variables, tools)
    missing_notes = list(_describe_uncompared(hosts, end, variables))
    verdict_lines = [verdict.verdict_line for verdict in verdicts]
    # What is missing comes first, then the gateways: where members are many, not all notes are shown.
    notes = [*missing_notes, *downstream_verdict.notes, *verdict_lines, *_describe_empty_members(run_plan, end)]
    has_partial_verdict = not all(verdict.is_whole for verdict in verdicts)
    return WaveData(
        passed_collectors=_group_passed(verdicts),
        worse_lines=(*interleave_faults(verdicts), *downstream_verdict.worse_lines),
        notes=tuple(notes or ["nothing changed, so nothing was compared"]),
        is_missing=bool(missing_notes) or downstream_verdict.is_missing or has_partial_verdict,
        may_be_missing=wave["without_data"] == PASS,
    )


def _judge_downstream(
    wave: PlannedWaveRow, end: WaveEnd, wave_tracks: _WaveTracks, variables: TaskVariables, tools: JudgeTools
) -> DownstreamVerdict:
    """Return the verdict on the collectors downstream of a wave: none is judged if the wave itself was not watched."""
    downstream_reads = wave.get("behind")
    if not downstream_reads or not wave_tracks.tracks_after:
        return DownstreamVerdict()
    judged_members = {*end.changed_hosts, *end.reason_by_failed_host}
    return judge_downstream_collectors(
        downstream_reads, judged_members, wave_tracks.later_wave_tracks, variables, tools
    )


def _group_passed(verdicts: Iterable[JudgedGroup]) -> dict[str, list[dict[str, str]]]:
    """Return the collectors of each host that data has judged, as module wave_gate returns them."""
    passed_by_member: dict[str, list[dict[str, str]]] = {}
    for verdict in verdicts:
        for track in verdict.passed_tracks:
            row = {"name": track.name, "release": track.release, "sum": track.sum}
            passed_by_member.setdefault(track.member, []).append(row)
    return passed_by_member


# ── What was counted ──


def _collect_tracks(hosts: Iterable[str], end: WaveEnd, variables: TaskVariables) -> _WaveTracks:
    """Return the tracks that are compared, from what tasks have left in the variables of these hosts."""
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


def _list_tracks(host: str, task_result: Mapping[str, Any] | None) -> list[Track]:
    """Return the tracks in the result of a task that read a host; none if it did not run."""
    return list(read_tracks(host, task_result or {}))


class _CollectorRelease(NamedTuple):
    """A collector of a member in one release: readings of two releases are not compared."""

    member: str
    name: str
    release: str


def _read_later_waves(variables: TaskVariables) -> list[Track]:
    """Return what collectors of later waves counted: a reading at the start of the watch, and one at its end."""
    later_tracks: list[Track] = []
    for watch_variables in LATER_WAVE_VARIABLES:
        first_tracks = _group_by_collector(variables.get(watch_variables.first))
        last_tracks = _group_by_collector(variables.get(watch_variables.last))
        for collector, first_track in first_tracks.items():
            if collector in last_tracks:
                polls = (first_track.polls[0], last_tracks[collector].polls[-1])
                later_tracks.append(replace(first_track, polls=polls))
    return later_tracks


def _group_by_collector(loop_result: Mapping[str, Any] | None) -> dict[_CollectorRelease, Track]:
    """Return the track of each collector, from the result of a task with a loop over hosts.

    Ansible keeps the host of a result under its key `item`.
    """
    track_by_collector: dict[_CollectorRelease, Track] = {}
    for result in (loop_result or {}).get("results") or ():
        for track in _list_tracks(str(result.get("item")), result):
            track_by_collector[_CollectorRelease(track.member, track.name, track.release)] = track
    return track_by_collector


# ── What was not counted ──


def _describe_uncompared(hosts: Iterable[str], end: WaveEnd, variables: TaskVariables) -> Iterator[str]:
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


def _describe_empty_members(run_plan: RunPlan, end: WaveEnd) -> Iterator[str]:
    """Yield the changed members on which no collector is to run, so that nothing is missing."""
    for host in end.changed_hosts:
        if host not in run_plan["samples"] and host not in end.reason_by_failed_host:
            yield f"{host} has no collector to compare, by its `otel_host_state` or `otel_collector_state`"
