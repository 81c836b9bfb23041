# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge the collectors downstream of a wave: those that get data of it, such as the gateway of agents. Private.

`_wave_downstream_plan.py` has planned which of them are read. Tasks have left the readings in variables. When the wave
ends, `_wave_figures.py` calls `judge_downstream_collectors`. For example, agents change and `gateway` on gw1 begins to
fail: `behind the wave, gateway on gw1: [exports_fail] exporters/otlp_grpc: 100 of 100 spans failed`.

A place is the host or cluster of a downstream collector, and a `Track` is all readings of one collector (see
wave_tracks.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..module_utils._waves.compared_readings import JudgeTools
from ..module_utils._waves.downstream_collectors import DownstreamReads
from ..module_utils._waves.downstream_verdict import DownstreamVerdict, judge_downstream, summarize_downstream
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_tracks import Track
from ._run_plan import TaskVariables


class ReadVariables(NamedTuple):
    """The variables in which tasks leave what they read downstream of a wave, before its change and after it."""

    before: str
    after: str


HOST_READ_VARIABLES = ReadVariables("__otel_behind_before", "__otel_behind_after")
CLUSTER_READ_VARIABLES = ReadVariables("__otel_behind_clusters_before", "__otel_behind_clusters_after")


@dataclass(frozen=True)
class _CollectorReading:
    """What was read of a collector downstream of a wave, before the change and after it."""

    name: str
    """Its name on a host, or NAMESPACE/NAME in a cluster."""
    place: str
    tracks_before: Sequence[Track]
    tracks_after: Sequence[Track]
    unread_reason: str = ""
    """Why its readings cannot be judged; empty if they can."""

    @property
    def joined_track(self) -> Track:
        """All of its readings as one."""
        polls = [poll for track in (*self.tracks_before, *self.tracks_after) for poll in track.polls]
        return replace(self.tracks_after[-1], polls=tuple(polls))


def judge_downstream_collectors(
    downstream_reads: DownstreamReads,
    judged_members: Collection[str],
    later_wave_tracks: Sequence[Track],
    variables: TaskVariables,
    tools: JudgeTools,
) -> DownstreamVerdict:
    """Return whether the collectors downstream of a wave do worse than before its change.

    `judged_members` are the members that the gate judges in the wave itself. `later_wave_tracks` are of collectors that
    have not changed.
    """
    whole_tracks: list[Track] = []
    tracks_before: list[Track] = []
    unread_lines: list[str] = []
    for reading in _list_all_readings(downstream_reads, variables):
        if reading.place in judged_members:
            continue
        if reading.unread_reason:
            unread_lines.append(f"{reading.name} on {reading.place} was not compared: {reading.unread_reason}")
        else:
            whole_tracks.append(reading.joined_track)
            tracks_before += reading.tracks_before
    judged_groups = judge_downstream(whole_tracks, tracks_before, later_wave_tracks, tools)
    return summarize_downstream(judged_groups, unread_lines, downstream_reads["left_out"])


def _list_all_readings(downstream_reads: DownstreamReads, variables: TaskVariables) -> Iterator[_CollectorReading]:
    """Yield the collectors downstream of a wave, of hosts and of clusters, with what tasks have read of them."""
    yield from _list_readings(downstream_reads["hosts"]["collectors"], HOST_READ_VARIABLES, variables)
    yield from _list_readings(downstream_reads["clusters"]["collectors"], CLUSTER_READ_VARIABLES, variables)


def _list_readings(
    names_by_place: Mapping[str, Sequence[str]], variable_names: ReadVariables, variables: TaskVariables
) -> Iterator[_CollectorReading]:
    """Yield the collectors of hosts, or those of clusters, with what tasks have read of them."""
    answers_before = _group_by_place(variables.get(variable_names.before))
    answers_after = _group_by_place(variables.get(variable_names.after))
    for place, names in names_by_place.items():
        for name in names:
            tracks_before = _find_tracks(name, answers_before.get(place, []))
            tracks_after = _find_tracks(name, answers_after.get(place, []))
            unread_reason = _explain_unread(name, tracks_before, tracks_after, answers_after.get(place, []))
            yield _CollectorReading(name, place, tracks_before, tracks_after, unread_reason)


def _group_by_place(loop_result: Mapping[str, Any] | None) -> dict[str, list[Mapping[str, Any]]]:
    """Return the answers of each place to a task with a loop over places, in the order of the readings.

    Ansible keeps the place of an answer under its key `item`.
    """
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for result in (loop_result or {}).get("results") or ():
        answers.setdefault(str(result.get("item")), []).append(result)
    return answers


def _find_tracks(name: str, answers: Sequence[Mapping[str, Any]]) -> list[Track]:
    """Return the readings of one collector of a place."""
    own_tracks: list[Track] = []
    for answer in answers:
        own_tracks += [track for track in read_tracks(str(answer.get("item")), answer) if track.name == name]
    return own_tracks


def _list_unread_reasons(name: str, answer: Mapping[str, Any]) -> list[str]:
    """Return why an answer has no reading of a collector: its place, or the collector alone, could not be read."""
    reasons = [str(answer["unread"])] if answer.get("unread") else []
    for unseen_row in answer.get("unseen") or ():
        if unseen_row["name"] == name:
            reasons.append(str(unseen_row["why"]))
    return reasons


def _explain_unread(
    name: str, tracks_before: Sequence[Track], tracks_after: Sequence[Track], answers: Sequence[Mapping[str, Any]]
) -> str:
    """Return why a collector downstream of a wave cannot be judged; empty if it can.

    `answers` are those of its place after the change. A collector that ran is in each of them.
    """
    reasons = [reason for answer in answers for reason in _list_unread_reasons(name, answer)]
    if reasons:
        return reasons[-1]
    is_missing_in_an_answer = len(tracks_after) < len(answers)
    if not answers or is_missing_in_an_answer:
        return "it does not run" if answers else "the watch did not run"
    releases = {track.collector_release for track in (*tracks_before, *tracks_after)}
    return "it has changed meanwhile" if len(releases) > 1 else ""
