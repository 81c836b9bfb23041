# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a wave by what its collectors count after the change: the part of module wave_gate for data. Private.

`_wave_gate.py` calls `judge_wave_data` when a wave ends. Three words in this file:

- A member is a host of the inventory: a Linux host, or a host that stands for a cluster. `web1`
- A collector is one service on a Linux host, or one workload of a cluster. A member may have several. `agent`
- A track is all readings of one collector over some time (see wave_tracks.py).

The tracks of changed collectors are compared with two others: their own before the change, and those of collectors of
later waves, which still run the earlier config. wave_judgement.py compares them. For example, `agent` changed on web1
and web2, its exporter fails on web1 since then, and web2 could not be read. web3 is of a later wave, and well. Then the
result is

    WaveData(
        passed_collectors={},  # with both well: {"web1": [{"name": "agent", "release": "000002", …}], …}
        worse_lines=("agent on web1: [exports_fail] exporters/otlp_grpc: 100 of 100 spans failed",),
        notes=("web2 was not read: the watch did not run", "agent on web1: compared with …"),
        is_missing=True,  # web2 has no data
        may_be_missing=True,  # option `without_data` is `pass`: the missing data alone would not make the wave fail
    )
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._waves.compared_readings import JudgeTools
from ..module_utils._waves.downstream_verdict import DownstreamVerdict
from ..module_utils._waves.judged_group import JudgedGroup, interleave_faults
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_gates import PASS
from ..module_utils._waves.wave_judgement import judge_sides
from ..module_utils._waves.wave_tracks import CollectorRelease, Track, group_sides
from ..module_utils._waves.wave_verdict import WaveData, WaveEnd
from ._diagnose import create_search
from ._otelcol import _builds
from ._run_plan import PlannedWaveRow, RunPlan, TaskVariables
from ._wave_downstream_verdict import judge_downstream_collectors
from ._wave_results import READ_AFTER, READ_BEFORE, RELEASE_OF_PODS, AppliedRelease, find_applied_releases


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
    """The tracks that are compared."""

    tracks_after: Sequence[Track]
    """Of collectors of the wave, after the change."""
    tracks_before: Sequence[Track]
    """Of the same collectors, before the change."""
    later_wave_tracks: Sequence[Track]
    """Of collectors of later waves."""


@dataclass(frozen=True)
class _Comparison:
    """What the comparisons of a wave say."""

    judged_groups: Sequence[JudgedGroup]
    """The collectors of the wave, in one group for each name and pipelines."""
    downstream_verdict: DownstreamVerdict
    """The collectors that get data of the wave, such as the gateway of its agents."""

    @property
    def worse_lines(self) -> tuple[str, ...]:
        """A line for each thing that is worse."""
        return (*interleave_faults(self.judged_groups), *self.downstream_verdict.worse_lines)

    @property
    def is_incomplete(self) -> bool:
        """Whether some collector had no data, or could not be compared."""
        has_incomplete_group = not all(group.is_whole for group in self.judged_groups)
        return self.downstream_verdict.is_missing or has_incomplete_group


def build_judge_tools() -> JudgeTools:
    """Return the catalogue and the search with JMESPath, which are on the controller alone."""
    # Nobody reads which checks do not fit the facts: such a check finds nothing.
    return JudgeTools(_builds.load_catalogue().listeners, create_search(unseen_facts=[]))


def judge_wave_data(run_plan: RunPlan, wave: PlannedWaveRow, end: WaveEnd, variables: TaskVariables) -> WaveData:
    """Return what the data of a wave says: of the members that changed, or whose release has passed no wave yet."""
    watched_members = _list_watched_members(run_plan, end)
    comparison = _compare(wave, end, _collect_tracks(watched_members, end, variables), variables)
    missing_notes = list(_describe_missing_data(watched_members, end, variables))
    notes = _join_notes(missing_notes, comparison, _describe_empty_members(run_plan, end))
    return WaveData(
        passed_collectors=_group_passed(comparison.judged_groups),
        worse_lines=comparison.worse_lines,
        notes=notes,
        is_missing=bool(missing_notes) or comparison.is_incomplete,
        may_be_missing=wave["without_data"] == PASS,
    )


def _list_watched_members(run_plan: RunPlan, end: WaveEnd) -> list[str]:
    """Return the members of a wave that were watched: those that have a collector to read, and did not fail."""
    return [member for member in end.hosts if _has_collector(run_plan, member) and _is_well(end, member)]


def _has_collector(run_plan: RunPlan, member: str) -> bool:
    """Whether the run deploys collectors on a member, which can be read then: `samples` of the plan has it."""
    return member in run_plan["samples"]


def _is_well(end: WaveEnd, member: str) -> bool:
    """Whether no task of a member failed in the wave."""
    return member not in end.reason_by_failed_host


# ── The comparison ──


def _compare(wave: PlannedWaveRow, end: WaveEnd, wave_tracks: _WaveTracks, variables: TaskVariables) -> _Comparison:
    """Return what the comparisons of the tracks of a wave say."""
    tools = build_judge_tools()
    compared_sides = group_sides(wave_tracks.tracks_after, wave_tracks.tracks_before, wave_tracks.later_wave_tracks)
    judged_groups = [judge_sides(sides, tools) for sides in compared_sides]
    return _Comparison(judged_groups, _judge_downstream(wave, end, wave_tracks, variables, tools))


def _judge_downstream(
    wave: PlannedWaveRow, end: WaveEnd, wave_tracks: _WaveTracks, variables: TaskVariables, tools: JudgeTools
) -> DownstreamVerdict:
    """Return the verdict on the collectors downstream of a wave: none is judged if the wave itself was not watched."""
    # The plan says under `behind` which collectors get data of the wave, and are read while it is watched.
    downstream_reads = wave.get("behind")
    if not downstream_reads or not wave_tracks.tracks_after:
        return DownstreamVerdict()
    judged_members = {*end.changed_hosts, *end.reason_by_failed_host}
    return judge_downstream_collectors(
        downstream_reads, judged_members, wave_tracks.later_wave_tracks, variables, tools
    )


# ── The result ──


def _join_notes(
    missing_notes: Iterable[str], comparison: _Comparison, empty_member_notes: Iterable[str]
) -> tuple[str, ...]:
    """Return how the data was judged, in lines.

    The message of a wave shows the first lines alone. So data that is missing comes first, and the downstream
    collectors come before the collectors of the wave, which may be many.
    """
    verdict_lines = [group.verdict_line for group in comparison.judged_groups]
    notes = (*missing_notes, *comparison.downstream_verdict.notes, *verdict_lines, *empty_member_notes)
    return notes or ("nothing changed, so nothing was compared",)


def _group_passed(judged_groups: Iterable[JudgedGroup]) -> dict[str, list[dict[str, str]]]:
    """Return the collectors of each member that data has judged, as module wave_gate returns them."""
    passed_by_member: dict[str, list[dict[str, str]]] = {}
    for group in judged_groups:
        for track in group.passed_tracks:
            row = {"name": track.name, "release": track.release, "written": track.written, "sum": track.sum}
            passed_by_member.setdefault(track.member, []).append(row)
    return passed_by_member


# ── What was counted ──


def _collect_tracks(members: Iterable[str], end: WaveEnd, variables: TaskVariables) -> _WaveTracks:
    """Return the tracks that are compared, from what tasks have left in the variables of these members."""
    hostvars = variables["hostvars"]
    tracks_after: list[Track] = []
    for member in members:
        tracks_after += _select_watched(member, hostvars[member], is_changed=member in end.changed_hosts)
    tracks_before: list[Track] = []
    for member in end.changed_hosts:
        tracks_before += _list_tracks(member, hostvars[member].get(READ_BEFORE))
    return _WaveTracks(tracks_after, tracks_before, _read_later_waves(variables))


def _select_watched(member: str, variables: Mapping[str, Any], *, is_changed: bool) -> list[Track]:
    """Return what the collectors of a member counted while they were watched, if they run what this run has applied.

    Of a member without changes, those that have passed a wave need no judgement.
    """
    releases = find_applied_releases(variables)
    watched_tracks: list[Track] = []
    for track in _list_tracks(member, variables.get(READ_AFTER)):
        if _has_applied_release(track, releases.get(track.name)) and (is_changed or not track.has_passed):
            watched_tracks.append(track)
    return watched_tracks


def _has_applied_release(track: Track, applied_release: AppliedRelease | None) -> bool:
    """Whether a collector was read in the release that this run has applied.

    This run does not know the release that it applied to a cluster: RELEASE_OF_PODS stands for any release. The task
    that read the cluster has left out the collectors that another run applied.
    """
    return applied_release in (AppliedRelease(track.release, track.written), RELEASE_OF_PODS)


def _list_tracks(member: str, task_result: Mapping[str, Any] | None) -> list[Track]:
    """Return the tracks in the result of a task that read a member; none if it did not run."""
    return list(read_tracks(member, task_result or {}))


def _read_later_waves(variables: TaskVariables) -> list[Track]:
    """Return what collectors of later waves counted: a reading at the start of the watch, and one at its end."""
    later_tracks: list[Track] = []
    for watch_variables in LATER_WAVE_VARIABLES:
        first_tracks = _group_by_collector(variables.get(watch_variables.first))
        last_tracks = _group_by_collector(variables.get(watch_variables.last))
        for collector, first_track in first_tracks.items():
            if collector in last_tracks:
                # Each of the two tasks has read once. Both readings together are a track over the time of the watch.
                polls = (first_track.polls[0], last_tracks[collector].polls[-1])
                later_tracks.append(replace(first_track, polls=polls))
    return later_tracks


def _group_by_collector(loop_result: Mapping[str, Any] | None) -> dict[CollectorRelease, Track]:
    """Return the track of each collector, from the result of a task with a loop over members.

    Ansible keeps the member of a result under its key `item`.
    """
    track_by_collector: dict[CollectorRelease, Track] = {}
    for result in (loop_result or {}).get("results") or ():
        for track in _list_tracks(str(result.get("item")), result):
            track_by_collector[track.collector_release] = track
    return track_by_collector


# ── What was not counted ──


def _describe_missing_data(members: Iterable[str], end: WaveEnd, variables: TaskVariables) -> Iterator[str]:
    """Yield the members whose data is missing: they failed, or cannot be read."""
    for member in end.reason_by_failed_host:
        yield f"{member} failed, so it was not compared"
    for member in members:
        yield from _describe_unread(member, variables["hostvars"][member])


def _describe_unread(member: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield why collectors that this run has applied to a member were not read."""
    releases = find_applied_releases(variables)
    answer = variables.get(READ_AFTER) or {"unread": "the watch did not run"}
    if not releases:
        return
    if answer.get("unread"):
        yield f"{member} was not read: {answer['unread']}"
        return
    track_by_name = {track.name: track for track in _list_tracks(member, answer)}
    # Collectors of a cluster that another run has applied since: that run judges them, so they have no readings here.
    taken_over = answer.get("taken") or ()
    for name in taken_over:
        yield f"{name} on {member} was changed by another run"
    yield from _describe_other_releases(member, releases, track_by_name)
    for name in releases:
        if name not in track_by_name and name not in taken_over:
            yield _describe_absent_collector(name, member, answer)


def _describe_absent_collector(name: str, member: str, answer: Mapping[str, Any]) -> str:
    """Return why a collector has no readings: it could not be seen, or it does not run."""
    for unseen_collector in answer.get("unseen") or ():
        if unseen_collector["name"] == name:
            return f"{name} on {member} was not read: {unseen_collector['why']}"
    return f"{name} on {member} does not run"


def _describe_other_releases(
    member: str, releases: Mapping[str, AppliedRelease], track_by_name: Mapping[str, Track]
) -> Iterator[str]:
    """Yield the collectors that run another release than this run has applied."""
    for name, track in track_by_name.items():
        applied_release = releases.get(name)
        # A collector that this run has not applied runs no wrong release.
        if applied_release is None or _has_applied_release(track, applied_release):
            continue
        if track.release == applied_release.number:
            yield f"{name} on {member} runs another release {track.release}, of another run"
        else:
            yield f"{name} on {member} runs release {track.release} of another run, and not {applied_release.number}"


def _describe_empty_members(run_plan: RunPlan, end: WaveEnd) -> Iterator[str]:
    """Yield the changed members on which no collector is to run, so that nothing is missing."""
    for member in end.changed_hosts:
        if not _has_collector(run_plan, member) and _is_well(end, member):
            yield f"{member} has no collector to compare, by its `otel_host_state` or `otel_collector_state`"
