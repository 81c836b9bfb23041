# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors one tier behind a wave are read, and what their readings say. Controller only. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._otelcol.errors import Problem
from ..module_utils._waves.sample_rows import tracks
from ..module_utils._waves.wave_behind import BehindJudged, Sent, judged_behind, places_behind, told
from ..module_utils._waves.wave_data import Tools, Track
from ._inventory_groups import inventory_groups, sent_by_host
from ._wave_results import RENDERED

# What tasks have read behind a wave, before its change and after it: of hosts, and of clusters.
BEHIND = {
    "hosts": ("__otel_behind_before", "__otel_behind_after"),
    "clusters": ("__otel_behind_clusters_before", "__otel_behind_clusters_after"),
}
# To compose the configs of a host takes tens of milliseconds. Hosts of one wave mostly send to the same gateways.
_MOST_SENDERS = 50


def behind(
    members: Sequence[str], linux: Collection[str], seconds: float, variables: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return what is read behind a wave with these members, see `places_behind`. Without a watch, nothing is."""
    senders = members[:_MOST_SENDERS] if seconds else ()
    sent = list(_sent(senders, linux, variables))
    return places_behind(sent, [one.place for one in sent if one.place not in linux], seconds)


def _sent(members: Sequence[str], linux: Collection[str], variables: Mapping[str, Any]) -> Iterator[Sent]:
    """Yield which collectors get data of members. What cannot be composed fails when the member changes."""
    groups = inventory_groups(variables)
    for member in members:
        with suppress(Problem, AnsibleError):
            rows = sent_by_host(groups, member) if member in linux else _sent_by_cluster(member, variables)
            yield from (Sent(member, str(row["place"]), str(row["collector"])) for row in rows)


def _sent_by_cluster(member: str, variables: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return which collectors of hosts get data of a cluster, whose objects were rendered before the first wave."""
    rendered = variables["hostvars"][member].get(RENDERED) or {}
    return rendered.get("sends_to_hosts") or ()


# ── The gate ──


@dataclass(frozen=True)
class _Seen:
    """What was read of a collector behind a wave, before the change and after it; `why` says why it says nothing."""

    name: str
    place: str
    before: Sequence[Track]
    after: Sequence[Track]
    why: str = ""

    @property
    def track(self) -> Track:
        """All of its readings as one."""
        polls = [poll for track in (*self.before, *self.after) for poll in track.polls]
        return replace(self.after[-1], polls=tuple(polls))


def behind_wave(
    planned: Mapping[str, Any], judged: Collection[str], rest: Sequence[Track], given: Mapping[str, Any], tools: Tools
) -> BehindJudged:
    """Return what the collectors behind a wave say; `judged` are the members that the gate judges in the wave."""
    seen = [one for kind in BEHIND if kind in planned for one in _seen(planned[kind]["collectors"], kind, given)]
    others = [one for one in seen if one.place not in judged]
    read = [one for one in others if not one.why]
    before = [track for one in read for track in one.before]
    unread = [f"{one.name} on {one.place} was not compared: {one.why}" for one in others if one.why]
    return told(judged_behind([one.track for one in read], before, rest, tools), unread)


def _seen(collectors: Mapping[str, Sequence[str]], kind: str, given: Mapping[str, Any]) -> Iterator[_Seen]:
    """Yield the collectors behind a wave, with what tasks have read of them."""
    before, after = (_by_place(given.get(name)) for name in BEHIND[kind])
    for place, names in collectors.items():
        first, last = before.get(place, []), after.get(place, [])
        for name in names:
            earlier, later = _tracks(name, first), _tracks(name, last)
            yield _Seen(name, place, earlier, later, _unread(earlier, later, last))


def _by_place(registered: Any) -> dict[str, list[Mapping[str, Any]]]:
    """Return what each place has answered to a task with a loop over places, one reading after the other."""
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for result in (registered or {}).get("results") or ():
        answers.setdefault(str(result.get("item")), []).append(result)
    return answers


def _tracks(name: str, answers: Sequence[Mapping[str, Any]]) -> list[Track]:
    """Return the readings of one collector of a place."""
    members = [track for answer in answers for track in tracks(str(answer.get("item")), answer)]
    return [track for track in members if track.name == name]


def _unread(before: Sequence[Track], after: Sequence[Track], answers: Sequence[Mapping[str, Any]]) -> str:
    """Return why a collector behind a wave says nothing; empty if it does."""
    reasons = [str(answer["unread"]) for answer in answers if answer.get("unread")]
    if reasons:
        return reasons[-1]
    if len(after) < max(len(answers), 1):
        return "it does not run" if answers else "the watch did not run"
    releases = {track.release for track in (*before, *after)}
    return "it has changed meanwhile" if len(releases) > 1 else ""
