# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a wave passed, in words: which hosts failed, and why. Private."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.config.paths import mappings, section
from .._otelcol.errors import Problem, at_most, cleaned

BEFORE = "it failed before the first wave, see its message above"
SILENT = "it did not answer, see its message above"
# So many hosts, reasons or notes are shown.
_SHOWN = 10
# Characters of a reason: the task of the host has printed it whole.
_REASON_LENGTH = 600
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


def failure_reason(failure: Mapping[str, Any]) -> str:
    """Return why a host failed: the task and its message, from what Ansible tells in a rescue."""
    task, result = str(failure.get("task") or ""), section(failure, "result")
    message = "; ".join(_messages(result)) or "see its message above"
    return str(cleaned(f"{task}: {message}" if task else message, _REASON_LENGTH))


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


def passed_line(wave: WaveEnd, check_mode: bool = False) -> str:
    """Return in one line how a wave passed.

    Raises Problem if more of its hosts failed than may, if its collectors do worse than before, or if it has no data
    and must have some. The facts of the Problem say what each host brings back.
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
    names = f" ({at_most(_SHOWN, wave.changed)})" if wave.changed else ""
    line = f"Wave {wave.name} passed: {_counted(wave.hosts)}, collectors {would} on {len(wave.changed)}{names}."
    if wave.failed:
        line += f" {_failed_hosts(wave)}, which max_failed allows: {_reasons(wave.failed)}."
    if wave.data.notes:
        line += f" Data: {_listed(wave.data.notes)}."
    return line


def _faults(wave: WaveEnd) -> Iterator[str]:
    """Yield why a wave fails."""
    data = wave.data
    if len(wave.failed) > wave.max_failed:
        yield f"{_failed_hosts(wave)}, and {wave.max_failed or 'none'} may: {_reasons(wave.failed)}"
    if data.worse:
        yield f"{_what_is_worse(wave)}: {_listed(line.rstrip('.') for line in data.worse)}"
    if data.is_missing and not data.may_be_missing:
        why = _listed(data.notes)
        yield "its data was not judged, which `without_data` makes a failure" + (f": {why}" if why else "")


def _what_is_worse(wave: WaveEnd) -> str:
    """Return whose data is bad. A release that passed no wave is watched also when this run has not changed it."""
    if wave.changed or wave.undecided:
        return "collectors do worse with the change"
    return "collectors do badly, which this run did not change"


def _other_waves(wave: WaveEnd) -> str:
    """Return which waves of this run have passed, and which did not begin."""
    passed_waves = f"Passed before: {at_most(_SHOWN, wave.passed_waves)}. " if wave.passed_waves else ""
    later = f"Later waves did not begin: {at_most(_SHOWN, wave.later)}. " if wave.later else ""
    return passed_waves + later


def refuse_failed_wave(failure: str, returned: Mapping[str, str], staying: Sequence[str] = ()) -> None:
    """Raise Problem for a wave that failed, with what became of each host that had changed.

    `failure` is the message of the wave, `returned` says how each host went back. `staying` are members of waves that
    go back which this run has not changed.
    """
    fix = f"The way back: {_reasons(returned)}." if returned else "No host went back."
    if staying:
        fix += f" Not changed by this run, so not taken back: {at_most(_SHOWN, staying)}."
    raise Problem(failure.rstrip("."), fix=fix)


def refuse_failed_hosts(failed: Mapping[str, str]) -> None:
    """Raise Problem if hosts failed in waves that passed nevertheless: the run must not end green.

    `failed` has the reason of each of these hosts.
    """
    if failed:
        wrong = f"all waves passed, but {_counted(failed)} failed: {_reasons(failed)}"
        raise Problem(wrong, asked="Change the fleet in waves", fix="Mend these hosts, then run the same command.")


def _failed_hosts(wave: WaveEnd) -> str:
    return f"{len(wave.failed)} of {_counted(wave.hosts)} failed"


def _counted(hosts: Collection[str]) -> str:
    return f"{len(hosts)} {'host' if len(hosts) == 1 else 'hosts'}"


def _reasons(reason_of_host: Mapping[str, str]) -> str:
    return _listed(f"{host}: {reason.rstrip('.')}" for host, reason in reason_of_host.items())


def _listed(texts: Iterable[str]) -> str:
    return at_most(_SHOWN, texts, between="; ", last="; ")
