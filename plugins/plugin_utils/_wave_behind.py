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
from ..module_utils._waves.behind_verdict import BehindJudged, judged_behind, summed_up
from ..module_utils._waves.sample_rows import tracks
from ..module_utils._waves.wave_behind import Sent, places_behind, sent_between
from ..module_utils._waves.wave_data import Tools
from ..module_utils._waves.wave_tracks import Track
from ._inventory_groups import inventory_groups, sent_by_host
from ._wave_results import RENDERED, ReadOnce

# What tasks have read behind a wave, before its change and after it: of hosts, and of clusters.
BEHIND = {
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

    def behind(self, members: Iterable[str], seconds: float) -> dict[str, Any]:
        """Return what is read behind a wave with these members, see `places_behind`. Without a watch, nothing is."""
        senders = list(members) if seconds else []
        hosts = [member for member in senders if member in self._linux]
        clusters = [member for member in senders if member not in self._linux]
        sent = list(self._sent_by_hosts(hosts[:_MOST_SENDERS]))
        if clusters:
            sent += [*self._sent_to_hosts(clusters), *sent_between(self._rendered, clusters)]
        clusters_behind = {flow.place for flow in sent} - set(self._linux)
        behind = places_behind(sent, clusters_behind, seconds)
        return {**behind, "left_out": [*behind["left_out"], *_unasked(len(hosts))]}

    def _sent_by_hosts(self, members: Iterable[str]) -> Iterator[Sent]:
        """Yield which collectors get data of hosts. What cannot be composed fails when the host changes."""
        groups = inventory_groups(self._variables)
        for member in members:
            with suppress(Problem, AnsibleError):
                yield from _rows(member, sent_by_host(groups, member))

    def _sent_to_hosts(self, members: Iterable[str]) -> Iterator[Sent]:
        """Yield which collectors of hosts get data of clusters."""
        for member in members:
            yield from _rows(member, self._rendered[member].get("sends_to_hosts") or ())


def _rows(member: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Sent]:
    for row in rows:
        yield Sent(member, str(row["place"]), str(row["collector"]))


def _unasked(hosts: int) -> Iterator[str]:
    """Yield in words that some hosts of a wave are not asked what they send to."""
    if hosts > _MOST_SENDERS:
        yield f"only what the first {_MOST_SENDERS} of {hosts} hosts send to is read"


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
    whole: list[Track] = []
    before: list[Track] = []
    unread: list[str] = []
    for seen in _all_seen(planned, given):
        if seen.place in judged:
            continue
        if seen.why:
            unread.append(f"{seen.name} on {seen.place} was not compared: {seen.why}")
        else:
            whole.append(seen.track)
            before += seen.before
    return summed_up(judged_behind(whole, before, rest, tools), unread, planned.get("left_out") or ())


def _all_seen(planned: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[_Seen]:
    """Yield the collectors behind a wave, of hosts and of clusters."""
    for kind in BEHIND:
        if kind in planned:
            yield from _seen(planned[kind]["collectors"], kind, given)


def _seen(collectors: Mapping[str, Sequence[str]], kind: str, given: Mapping[str, Any]) -> Iterator[_Seen]:
    """Yield the collectors behind a wave of one kind, with what tasks have read of them."""
    name_of_before, name_of_after = BEHIND[kind]
    answers_before = _by_place(given.get(name_of_before))
    answers_after = _by_place(given.get(name_of_after))
    for place, names in collectors.items():
        for name in names:
            before = _tracks(name, answers_before.get(place, []))
            after = _tracks(name, answers_after.get(place, []))
            why = _why_unread(before, after, answers_after.get(place, []))
            yield _Seen(name, place, before, after, why)


def _by_place(registered: Any) -> dict[str, list[Mapping[str, Any]]]:
    """Return what each place has answered to a task with a loop over places, one reading after the other."""
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for result in (registered or {}).get("results") or ():
        answers.setdefault(str(result.get("item")), []).append(result)
    return answers


def _tracks(name: str, answers: Sequence[Mapping[str, Any]]) -> list[Track]:
    """Return the readings of one collector of a place."""
    found: list[Track] = []
    for answer in answers:
        found += [track for track in tracks(str(answer.get("item")), answer) if track.name == name]
    return found


def _why_unread(before: Sequence[Track], after: Sequence[Track], answers: Sequence[Mapping[str, Any]]) -> str:
    """Return why a collector behind a wave says nothing; empty if it does."""
    reasons = [str(answer["unread"]) for answer in answers if answer.get("unread")]
    if reasons:
        return reasons[-1]
    if len(after) < max(len(answers), 1):
        return "it does not run" if answers else "the watch did not run"
    releases = {track.release for track in (*before, *after)}
    return "it has changed meanwhile" if len(releases) > 1 else ""
