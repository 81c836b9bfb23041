# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a wave passed, in words: which hosts failed, and why. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.config.paths import mappings, section
from .._otelcol.errors import Problem, at_most, cleaned

BEFORE = "it failed before the first wave, see its message above"
SILENT = "it did not answer, see its message above"
_SHOWN = 10
_LONGEST = 600  # characters of a reason; the task of the host has printed it whole
# Ansible's own words for a task with a loop, whose items have the reason.
_OF_LOOPS = ("One or more items failed", "All items completed")


@dataclass(frozen=True)
class WaveData:
    """What the data of a wave says: what is worse, how it was judged, and whether any came in.

    A wave whose data nobody watched has no notes. `passed` has the collectors of each host that were judged by data.
    """

    worse: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    passed: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    is_missing: bool = False
    may_be_missing: bool = True


@dataclass(frozen=True)
class WaveEnd:
    """How a wave ended: its hosts that changed, those that failed with the reason, its data, and the way back.

    `shares` has what each host of the wave brings back if it failed. `passed_waves` are those of this run that came
    before it. `undecided` are hosts with a change that no gate has judged, also of a killed run.
    """

    name: str
    hosts: tuple[str, ...]
    changed: tuple[str, ...]
    failed: Mapping[str, str]
    max_failed: int
    later: tuple[str, ...] = ()
    passed_waves: tuple[str, ...] = ()
    data: WaveData = WaveData()
    shares: Mapping[str, Any] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()


def reason(failure: Mapping[str, Any]) -> str:
    """Return why a host failed: the task and its message, from what Ansible tells in a rescue."""
    task, result = str(failure.get("task") or ""), section(failure, "result")
    said = "; ".join(_messages(result)) or "see its message above"
    return str(cleaned(f"{task}: {said}" if task else said, _LONGEST))


def _messages(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the message of a task, or those of the failed items of its loop."""
    failed_items = [item for item in mappings(result, "results") if item.get("failed")]
    message = str(result.get("msg") or "")
    is_of_loop = not message or message.startswith(_OF_LOOPS)
    if failed_items and is_of_loop:
        for item in failed_items:
            if item.get("msg"):
                yield str(item["msg"])
    elif message:
        yield message


def passed(wave: WaveEnd, check_mode: bool = False) -> str:
    """Return how a wave went, in one line.

    Raises Problem if more of its hosts failed than may, if its collectors do worse than before, or if it has no data
    and must have some. Its facts say what each host brings back.
    """
    faults = list(_faults(wave))
    if faults:
        raise Problem(
            "; ".join(faults),
            asked=f"Wave {wave.name}",
            fix=f"{_other_waves(wave)}Mend what the messages name, then run the same command: "
            "it continues, since hosts that have the change stay unchanged.",
            facts={"shares": dict(wave.shares)},
        )
    would = "would change" if check_mode else "changed"
    changed = f"collectors {would} on {len(wave.changed)}{_named(wave.changed)}"
    failed = f" {_failures(wave)}, which max_failed allows: {_reasons(wave.failed)}." if wave.failed else ""
    data = f" Data: {at_most(_SHOWN, wave.data.notes, between='; ', last='; ')}." if wave.data.notes else ""
    return f"Wave {wave.name} passed: {len(wave.hosts)} {_hosts(len(wave.hosts))}, {changed}.{failed}{data}"


def _faults(wave: WaveEnd) -> Iterator[str]:
    """Yield why a wave fails."""
    if len(wave.failed) > wave.max_failed:
        yield f"{_failures(wave)}, and {wave.max_failed or 'none'} may: {_reasons(wave.failed)}"
    if wave.data.worse:
        worse = at_most(_SHOWN, [one.rstrip(".") for one in wave.data.worse], between="; ", last="; ")
        # A release that passed no wave is watched also when this run has not changed it.
        who = (
            "collectors do worse with the change"
            if wave.changed or wave.undecided
            else "collectors do badly, which this run did not change"
        )
        yield f"{who}: {worse}"
    if wave.data.is_missing and not wave.data.may_be_missing:
        why = at_most(_SHOWN, wave.data.notes, between="; ", last="; ")
        yield "its data was not judged, which `without_data` makes a failure" + (f": {why}" if why else "")


def failed_back(said: str, returned: Mapping[str, str], staying: Sequence[str] = ()) -> None:
    """Raise Problem for a wave that failed, with what became of each host that had changed.

    `staying` are members of waves that go back which this run has not changed.
    """
    told = at_most(_SHOWN, [f"{host}: {what.rstrip('.')}" for host, what in returned.items()], between="; ", last="; ")
    fix = f"The way back: {told}." if told else "No host went back."
    stays = f" Not changed by this run, so not taken back: {at_most(_SHOWN, staying)}." if staying else ""
    raise Problem(said.rstrip("."), fix=fix + stays)


def all_passed(failed: Mapping[str, str]) -> None:
    """Raise Problem if hosts failed in waves that passed nevertheless: the run must not end green."""
    if failed:
        count = len(failed)
        wrong = f"all waves passed, but {count} {_hosts(count)} failed: {_reasons(failed)}"
        raise Problem(wrong, asked="Change the fleet in waves", fix="Mend these hosts, then run the same command.")


def _failures(wave: WaveEnd) -> str:
    count = len(wave.failed)
    return f"{count} of {len(wave.hosts)} {_hosts(len(wave.hosts))} failed"


def _hosts(count: int) -> str:
    return "host" if count == 1 else "hosts"


def _named(hosts: Sequence[str]) -> str:
    return f" ({at_most(_SHOWN, hosts)})" if hosts else ""


def _reasons(failed: Mapping[str, str]) -> str:
    return at_most(_SHOWN, [f"{host}: {why.rstrip('.')}" for host, why in failed.items()], between="; ", last="; ")


def _other_waves(wave: WaveEnd) -> str:
    """Return which waves of this run have passed, and which did not begin."""
    passed_waves = f"Passed before: {at_most(_SHOWN, wave.passed_waves)}. " if wave.passed_waves else ""
    later = f"Later waves did not begin: {at_most(_SHOWN, wave.later)}. " if wave.later else ""
    return passed_waves + later
