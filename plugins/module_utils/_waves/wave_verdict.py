# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a wave passed, in words: which hosts failed, and why. Private.

A wave is a group of hosts that change together (wave_plan.py). The gate of a wave calls this file when the wave ends
(`_wave_gate.py` of plugin_utils), and after the hosts of a failed wave were rolled back, which means that they went
back to what they ran before (`_wave_rollback.py`). For example, `describe_passed_wave` returns

    Wave canary passed: 2 hosts, collectors changed on 2 (web1, web2). Data: agent on web1 and web2: compared with web3.

or raises a Problem that says: `1 of 2 hosts failed, and none may: web2: Deploy: the disk is full`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.errors import Problem, join_at_most

# The reason of a host that failed before the first wave, and that of one that does not answer any more.
FAILED_BEFORE_WAVES = "it failed before the first wave, see its message above"
DID_NOT_ANSWER = "it did not answer, see its message above"
# How many hosts, reasons or notes a message shows.
_MOST_SHOWN = 10


@dataclass(frozen=True)
class WaveData:
    """What the data of a wave says: what is worse, how it was judged, and whether any came in."""

    worse_lines: tuple[str, ...] = ()
    """A line for each thing that is worse; each makes the wave fail."""
    notes: tuple[str, ...] = ()
    """How the data was judged, in lines; empty if nobody watched the wave."""
    passed_collectors: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    """The collectors of each host that passed by data, each with the keys `name`, `release` and `sum`."""
    is_missing: bool = False
    """Whether some collector had no data, or could not be compared."""
    may_be_missing: bool = True
    """Whether the wave passes all the same if data is missing, by option `without_data`."""


@dataclass(frozen=True)
class WaveEnd:
    """How a wave ended: which of its hosts changed, which failed and why, and what its data says."""

    name: str
    hosts: tuple[str, ...]
    """All hosts of the wave in this run, also those that failed before the first wave."""
    changed_hosts: tuple[str, ...]
    """The hosts that this run has changed."""
    reason_by_failed_host: Mapping[str, str]
    max_failed: int
    """So many hosts may fail."""
    later_waves: tuple[str, ...] = ()
    """The waves that do not begin if this one fails."""
    passed_waves: tuple[str, ...] = ()
    """The waves of this run that passed before this one."""
    wave_data: WaveData = WaveData()
    shares: Mapping[str, Any] = field(default_factory=dict)
    """What each host of the wave has to roll back if the wave fails: a `HostShare` of `_wave_rollback.py` by host."""
    undecided_hosts: tuple[str, ...] = ()
    """The hosts with a change that no gate has judged yet, also one that an earlier, killed run left."""


def describe_passed_wave(wave: WaveEnd, check_mode: bool = False) -> str:
    """Return in one line how a wave passed.

    Raises Problem for a wave that failed: more of its hosts failed than may, its collectors do worse than before, or it
    has no data and must have some. The facts of the Problem say what each host has to roll back.
    """
    faults = list(_list_faults(wave))
    if faults:
        raise Problem(
            "; ".join(faults),
            asked=f"Wave {wave.name}",
            fix=f"{_describe_other_waves(wave)}Mend what the messages name, then run the same command: "
            "it continues, since hosts that have the change stay unchanged.",
            facts={"shares": dict(wave.shares)},
        )
    verb = "would change" if check_mode else "changed"
    changed_names = f" ({join_at_most(_MOST_SHOWN, wave.changed_hosts)})" if wave.changed_hosts else ""
    line = (
        f"Wave {wave.name} passed: {_count_hosts(wave.hosts)}, collectors {verb} on"
        f" {len(wave.changed_hosts)}{changed_names}."
    )
    if wave.reason_by_failed_host:
        line += f" {_count_failed_hosts(wave)}, which max_failed allows: {_join_reasons(wave.reason_by_failed_host)}."
    if wave.wave_data.notes:
        line += f" Data: {_join_texts(wave.wave_data.notes)}."
    return line


def _list_faults(wave: WaveEnd) -> Iterator[str]:
    """Yield why a wave fails."""
    data = wave.wave_data
    if len(wave.reason_by_failed_host) > wave.max_failed:
        yield (
            f"{_count_failed_hosts(wave)}, and {wave.max_failed or 'none'} may:"
            f" {_join_reasons(wave.reason_by_failed_host)}"
        )
    if data.worse_lines:
        yield f"{_describe_worse_data(wave)}: {_join_texts(line.rstrip('.') for line in data.worse_lines)}"
    if data.is_missing and not data.may_be_missing:
        notes = _join_texts(data.notes)
        yield "its data was not judged, which `without_data` makes a failure" + (f": {notes}" if notes else "")


def _describe_worse_data(wave: WaveEnd) -> str:
    """Return whose data is bad. A release that passed no wave is watched also when this run has not changed it."""
    if wave.changed_hosts or wave.undecided_hosts:
        return "collectors do worse with the change"
    return "collectors do badly, which this run did not change"


def _describe_other_waves(wave: WaveEnd) -> str:
    """Return which waves of this run have passed, and which did not begin."""
    passed_note = f"Passed before: {join_at_most(_MOST_SHOWN, wave.passed_waves)}. " if wave.passed_waves else ""
    later_note = (
        f"Later waves did not begin: {join_at_most(_MOST_SHOWN, wave.later_waves)}. " if wave.later_waves else ""
    )
    return passed_note + later_note


def refuse_failed_wave(
    failure: str, results_of_hosts: Mapping[str, str], unchanged_members: Sequence[str] = ()
) -> None:
    """Raise Problem for a wave that failed, after the rollback. It says what became of each host that had changed.

    `failure` is the message of the wave. `results_of_hosts` has what the rollback did, by host. `unchanged_members` are
    members that this run has not changed, so they were not rolled back.
    """
    fix = f"The way back: {_join_reasons(results_of_hosts)}." if results_of_hosts else "No host went back."
    if unchanged_members:
        fix += f" Not changed by this run, so not taken back: {join_at_most(_MOST_SHOWN, unchanged_members)}."
    raise Problem(failure.rstrip("."), fix=fix)


def refuse_failed_hosts(reasons_of_hosts: Mapping[str, str]) -> None:
    """Raise Problem if hosts failed in waves that passed nevertheless: the run must not end green.

    `reasons_of_hosts` has the reason of each of these hosts.
    """
    if reasons_of_hosts:
        wrong = f"all waves passed, but {_count_hosts(reasons_of_hosts)} failed: {_join_reasons(reasons_of_hosts)}"
        raise Problem(wrong, asked="Change the fleet in waves", fix="Mend these hosts, then run the same command.")


def _count_failed_hosts(wave: WaveEnd) -> str:
    return f"{len(wave.reason_by_failed_host)} of {_count_hosts(wave.hosts)} failed"


def _count_hosts(hosts: Collection[str]) -> str:
    return f"{len(hosts)} {'host' if len(hosts) == 1 else 'hosts'}"


def _join_reasons(reasons_of_hosts: Mapping[str, str]) -> str:
    return _join_texts(f"{host}: {reason.rstrip('.')}" for host, reason in reasons_of_hosts.items())


def _join_texts(texts: Iterable[str]) -> str:
    return join_at_most(_MOST_SHOWN, texts, between="; ", last="; ")
