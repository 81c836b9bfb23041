# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collectors one tier behind a wave, such as the gateway of its agents: which are read, and what they say. Private.

`_plan_of_waves.py` plans the reads with `Flows` before the first wave. `_wave_figures.py` judges the readings with
`judge_behind_wave` when a wave ends. A collector is behind a wave if it gets data from collectors of the wave. A place
is the host or cluster where it runs, and a `Track` is all readings of one collector (see wave_tracks.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from ansible.errors import AnsibleError

from ..module_utils._otelcol.errors import Problem
from ..module_utils._waves.downstream_collectors import DownstreamReads, SentData, find_sent_data, select_reads
from ..module_utils._waves.downstream_verdict import DownstreamVerdict, judge_downstream, summarize_downstream
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_judgement import JudgeTools
from ..module_utils._waves.wave_tracks import Track
from ._inventory_groups import build_inventory_groups, describe_data_sent_by_host
from ._run_plan import TaskVariables
from ._wave_results import RENDERED, ReadOnce


class ReadVariables(NamedTuple):
    """The variables in which tasks leave what they read behind a wave, before its change and after it."""

    before: str
    after: str


BEHIND_VARIABLES = {
    "hosts": ReadVariables("__otel_behind_before", "__otel_behind_after"),
    "clusters": ReadVariables("__otel_behind_clusters_before", "__otel_behind_clusters_after"),
}
# To compose the configs of a host takes tens of milliseconds. Hosts of one wave mostly send to the same gateways.
_MOST_SENDERS = 50


class Flows:
    """Which collectors get data of members of waves, as the inventory and the objects of all clusters tell.

    `members` are those of the run whose collectors can be read, `linux_hosts` all Linux hosts of the inventory.
    """

    def __init__(self, members: Iterable[str], linux_hosts: Collection[str], variables: TaskVariables) -> None:
        self._linux_hosts = linux_hosts
        self._variables = variables
        self._clusters = [member for member in members if member not in linux_hosts]

    @cached_property
    def _rendered(self) -> dict[str, Mapping[str, Any]]:
        """What was rendered for each cluster before the first wave. To read its variables takes milliseconds."""
        hostvars = ReadOnce(self._variables["hostvars"])
        return {member: hostvars[member].get(RENDERED) or {} for member in self._clusters}

    def plan_reads_behind(self, members: Iterable[str], seconds: float) -> DownstreamReads:
        """Return what is read behind a wave with these members, which is watched for so many seconds.

        Without a watch, nothing is read.
        """
        senders = list(members) if seconds else []
        hosts = [member for member in senders if member in self._linux_hosts]
        clusters = [member for member in senders if member not in self._linux_hosts]
        sent_flows = list(self._sent_by_hosts(hosts[:_MOST_SENDERS]))
        if clusters:
            sent_flows += [*self._sent_to_hosts(clusters), *find_sent_data(self._rendered, clusters)]
        clusters_behind = {flow.receiving_member for flow in sent_flows} - set(self._linux_hosts)
        places = select_reads(sent_flows, clusters_behind, seconds)
        left_out_lines = [*places["left_out"], *_describe_unread_hosts(len(hosts))]
        return {"hosts": places["hosts"], "clusters": places["clusters"], "left_out": left_out_lines}

    def _sent_by_hosts(self, members: Iterable[str]) -> Iterator[SentData]:
        """Yield which collectors get data of hosts. What cannot be composed fails when the host changes."""
        groups = build_inventory_groups(self._variables)
        for member in members:
            with suppress(Problem, AnsibleError):
                yield from _iter_sent(member, describe_data_sent_by_host(groups, member))

    def _sent_to_hosts(self, members: Iterable[str]) -> Iterator[SentData]:
        """Yield which collectors of hosts get data of clusters."""
        for member in members:
            yield from _iter_sent(member, self._rendered[member].get("sends_to_hosts") or ())


def _iter_sent(member: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[SentData]:
    """Yield the rows of `sends_to_hosts` of a rendered cluster or host: each names a collector that gets data."""
    for row in rows:
        yield SentData(member, str(row["place"]), str(row["collector"]))


def _describe_unread_hosts(host_count: int) -> Iterator[str]:
    """Yield the line that says that what some hosts of a wave send to is not read, since they are many."""
    if host_count > _MOST_SENDERS:
        yield f"only what the first {_MOST_SENDERS} of {host_count} hosts send to is read"


# ── The gate ──


@dataclass(frozen=True)
class _CollectorReading:
    """What was read of a collector behind a wave, before the change and after it."""

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


def judge_behind_wave(
    behind_plan: DownstreamReads | None,
    judged_members: Collection[str],
    later_wave_tracks: Sequence[Track],
    variables: TaskVariables,
    tools: JudgeTools,
) -> DownstreamVerdict:
    """Return what the collectors behind a wave say; without a plan, that none was read.

    `judged_members` are the members that the gate judges in the wave itself. `later_wave_tracks` are of collectors that
    have not changed.
    """
    whole_tracks: list[Track] = []
    tracks_before: list[Track] = []
    unread_notes: list[str] = []
    for reading in _iter_all_readings(behind_plan, variables) if behind_plan else ():
        if reading.place in judged_members:
            continue
        if reading.unread_reason:
            unread_notes.append(f"{reading.name} on {reading.place} was not compared: {reading.unread_reason}")
        else:
            whole_tracks.append(reading.joined_track)
            tracks_before += reading.tracks_before
    judged_groups = judge_downstream(whole_tracks, tracks_before, later_wave_tracks, tools)
    return summarize_downstream(judged_groups, unread_notes, behind_plan["left_out"] if behind_plan else ())


def _iter_all_readings(behind_plan: DownstreamReads, variables: TaskVariables) -> Iterator[_CollectorReading]:
    """Yield the collectors behind a wave, of hosts and of clusters, with what tasks have read of them."""
    yield from _iter_readings(behind_plan["hosts"]["collectors"], BEHIND_VARIABLES["hosts"], variables)
    yield from _iter_readings(behind_plan["clusters"]["collectors"], BEHIND_VARIABLES["clusters"], variables)


def _iter_readings(
    names_by_place: Mapping[str, Sequence[str]], variable_names: ReadVariables, variables: TaskVariables
) -> Iterator[_CollectorReading]:
    """Yield the collectors of hosts, or those of clusters, with what tasks have read of them."""
    answers_before = _group_by_place(variables.get(variable_names.before))
    answers_after = _group_by_place(variables.get(variable_names.after))
    for place, names in names_by_place.items():
        for name in names:
            tracks_before = _find_tracks(name, answers_before.get(place, []))
            tracks_after = _find_tracks(name, answers_after.get(place, []))
            unread_reason = _explain_unread(tracks_before, tracks_after, answers_after.get(place, []))
            yield _CollectorReading(name, place, tracks_before, tracks_after, unread_reason)


def _group_by_place(loop_result: Mapping[str, Any] | None) -> dict[str, list[Mapping[str, Any]]]:
    """Return the answers of each place to a task with a loop over places, in the order of the readings."""
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


def _explain_unread(
    tracks_before: Sequence[Track], tracks_after: Sequence[Track], answers: Sequence[Mapping[str, Any]]
) -> str:
    """Return why a collector behind a wave says nothing; empty if it does."""
    reasons = [str(answer["unread"]) for answer in answers if answer.get("unread")]
    if reasons:
        return reasons[-1]
    if len(tracks_after) < max(len(answers), 1):
        return "it does not run" if answers else "the watch did not run"
    releases = {track.release for track in (*tracks_before, *tracks_after)}
    return "it has changed meanwhile" if len(releases) > 1 else ""
