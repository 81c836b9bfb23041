# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors one tier behind a wave are read, and what their readings say. Controller only. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._otelcol.errors import Problem
from ..module_utils._waves.behind_verdict import BehindVerdict, judge_behind, summarize_behind
from ..module_utils._waves.sample_rows import read_tracks
from ..module_utils._waves.wave_behind import SentData, find_sent_data, select_places_behind
from ..module_utils._waves.wave_data import JudgeTools
from ..module_utils._waves.wave_tracks import Track
from ._inventory_groups import build_inventory_groups, describe_data_sent_by_host
from ._wave_results import RENDERED, ReadOnce

# What tasks have read behind a wave, before its change and after it: of hosts, and of clusters.
BEHIND_VARIABLES = {
    "hosts": ("__otel_behind_before", "__otel_behind_after"),
    "clusters": ("__otel_behind_clusters_before", "__otel_behind_clusters_after"),
}
# To compose the configs of a host takes tens of milliseconds. Hosts of one wave mostly send to the same gateways.
_MOST_SENDERS = 50


class Flows:
    """Which collectors get data of members of waves, as the inventory and the objects of all clusters tell.

    `members` are those of the run whose collectors can be read, `linux` the hosts among them.
    """

    def __init__(self, members: Iterable[str], linux: Collection[str], variables: Mapping[str, Any]) -> None:
        self._linux, self._variables = linux, variables
        self._clusters = [member for member in members if member not in linux]

    @cached_property
    def _rendered(self) -> dict[str, Mapping[str, Any]]:
        """What was rendered for each cluster before the first wave. To read its variables takes milliseconds."""
        hostvars = ReadOnce(self._variables["hostvars"])
        return {member: hostvars[member].get(RENDERED) or {} for member in self._clusters}

    def plan_reads_behind(self, members: Iterable[str], seconds: float) -> dict[str, Any]:
        """Return what is read behind a wave with these members, see `select_places_behind`.

        Without a watch, nothing is.
        """
        senders = list(members) if seconds else []
        hosts = [member for member in senders if member in self._linux]
        clusters = [member for member in senders if member not in self._linux]
        sent_flows = list(self._sent_by_hosts(hosts[:_MOST_SENDERS]))
        if clusters:
            sent_flows += [*self._sent_to_hosts(clusters), *find_sent_data(self._rendered, clusters)]
        clusters_behind = {flow.place for flow in sent_flows} - set(self._linux)
        places = select_places_behind(sent_flows, clusters_behind, seconds)
        return {**places, "left_out": [*places["left_out"], *_describe_unread_hosts(len(hosts))]}

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
    for row in rows:
        yield SentData(member, str(row["place"]), str(row["collector"]))


def _describe_unread_hosts(hosts: int) -> Iterator[str]:
    """Yield in words that some hosts of a wave are not asked what they send to."""
    if hosts > _MOST_SENDERS:
        yield f"only what the first {_MOST_SENDERS} of {hosts} hosts send to is read"


# ── The gate ──


@dataclass(frozen=True)
class _CollectorReading:
    """What was read of a collector behind a wave, before the change and after it; `reason` says why it says nothing."""

    name: str
    place: str
    tracks_before: Sequence[Track]
    tracks_after: Sequence[Track]
    reason: str = ""

    @property
    def joined_track(self) -> Track:
        """All of its readings as one."""
        polls = [poll for track in (*self.tracks_before, *self.tracks_after) for poll in track.polls]
        return replace(self.tracks_after[-1], polls=tuple(polls))


def judge_behind_wave(
    planned: Mapping[str, Any],
    judged_members: Collection[str],
    later_tracks: Sequence[Track],
    variables: Mapping[str, Any],
    tools: JudgeTools,
) -> BehindVerdict:
    """Return what the collectors behind a wave say;

    `judged_members` are the members that the gate judges in the wave.
    """
    whole_tracks: list[Track] = []
    tracks_before: list[Track] = []
    unread_notes: list[str] = []
    for reading in _iter_all_readings(planned, variables):
        if reading.place in judged_members:
            continue
        if reading.reason:
            unread_notes.append(f"{reading.name} on {reading.place} was not compared: {reading.reason}")
        else:
            whole_tracks.append(reading.joined_track)
            tracks_before += reading.tracks_before
    return summarize_behind(
        judge_behind(whole_tracks, tracks_before, later_tracks, tools), unread_notes, planned.get("left_out") or ()
    )


def _iter_all_readings(planned: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[_CollectorReading]:
    """Yield the collectors behind a wave, of hosts and of clusters."""
    for kind in BEHIND_VARIABLES:
        if kind in planned:
            yield from _iter_readings(planned[kind]["collectors"], kind, variables)


def _iter_readings(
    collectors: Mapping[str, Sequence[str]], kind: str, variables: Mapping[str, Any]
) -> Iterator[_CollectorReading]:
    """Yield the collectors behind a wave of one kind, with what tasks have read of them."""
    name_of_before, name_of_after = BEHIND_VARIABLES[kind]
    answers_before = _group_by_place(variables.get(name_of_before))
    answers_after = _group_by_place(variables.get(name_of_after))
    for place, names in collectors.items():
        for name in names:
            tracks_before = _find_tracks(name, answers_before.get(place, []))
            tracks_after = _find_tracks(name, answers_after.get(place, []))
            reason = _describe_unread(tracks_before, tracks_after, answers_after.get(place, []))
            yield _CollectorReading(name, place, tracks_before, tracks_after, reason)


def _group_by_place(registered: Any) -> dict[str, list[Mapping[str, Any]]]:
    """Return what each place has answered to a task with a loop over places, one reading after the other."""
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for result in (registered or {}).get("results") or ():
        answers.setdefault(str(result.get("item")), []).append(result)
    return answers


def _find_tracks(name: str, answers: Sequence[Mapping[str, Any]]) -> list[Track]:
    """Return the readings of one collector of a place."""
    own_tracks: list[Track] = []
    for answer in answers:
        own_tracks += [track for track in read_tracks(str(answer.get("item")), answer) if track.name == name]
    return own_tracks


def _describe_unread(
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
