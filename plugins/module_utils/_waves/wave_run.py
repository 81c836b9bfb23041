# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waves of one run: those of the plan, without the hosts that --limit leaves out. Private.

Ansible runs each wave as one batch of a play (`serial`). A host that failed before the first wave is in no batch, since
Ansible does nothing more with it. It counts as a failed host of its wave.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.errors import Problem, at_most
from .wave_plan import ASKED, ROLL_BACK, ROLL_BACK_ALL, STOP, Gate, Wave

_SHOWN = 10
# With so many hosts that have not changed, those of a wave are compared. Each is asked twice, one after the other.
MOST_REST = 5


@dataclass(frozen=True)
class RunWave:
    """A wave of a run: the hosts that it changes, those that failed before, and those that --limit leaves out."""

    name: str
    hosts: tuple[str, ...]
    lost: tuple[str, ...]
    left_out: tuple[str, ...]
    gate: Gate


def run_waves(waves: Sequence[Wave], selected: Collection[str], lost: Collection[str]) -> tuple[RunWave, ...]:
    """Return the waves of a run, also those without hosts.

    `selected` are the hosts of the run, `lost` those of them that failed before the first wave. Raises Problem for a
    wave that has lost all of its hosts, and so cannot pass.
    """
    found = tuple(_run_wave(wave, frozenset(selected), frozenset(lost)) for wave in waves)
    for wave in found:
        if not wave.hosts and len(wave.lost) > wave.gate.max_failed:
            wrong = f"all hosts of wave '{wave.name}' failed before the first wave: {at_most(_SHOWN, wave.lost)}"
            fix = "Mend what the messages of these hosts name, or leave the hosts out by --limit. No host was changed."
            raise Problem(wrong, asked=ASKED, fix=fix)
    return found


def _run_wave(wave: Wave, selected: Collection[str], lost: Collection[str]) -> RunWave:
    """Return a wave with its hosts told apart."""
    lost_hosts = [host for host in wave.members if host in selected and host in lost]
    hosts = [host for host in wave.members if host in selected and host not in lost]
    left_out = [host for host in wave.members if host not in selected]
    return RunWave(wave.name, tuple(hosts), tuple(lost_hosts), tuple(left_out), wave.gate)


def batches(waves: Sequence[RunWave]) -> dict[str, Any]:
    """Return the hosts in the order of their waves, the size of each batch, and the wave of each host by its name."""
    hosts: list[str] = []
    sizes: list[int] = []
    wave_of: dict[str, str] = {}
    for wave in waves:
        if wave.hosts:
            hosts += wave.hosts
            sizes.append(len(wave.hosts))
            wave_of |= dict.fromkeys(wave.hosts, wave.name)
    return {"hosts": hosts, "sizes": sizes, "wave_of": wave_of}


class WayBack(NamedTuple):
    """What a run does about the way back of a wave.

    `keeps` says whether its members keep what they would go back to. If the wave fails, the members of the waves
    `goes_back` go back. Once it has passed, the changes of the waves `settles` stay.
    """

    keeps: bool
    goes_back: tuple[str, ...]
    settles: tuple[str, ...]


def ways_back(waves: Sequence[RunWave]) -> list[WayBack]:
    """Return the way back of each wave of a run.

    Waves before one that brings all back wait for it. A wave without hosts never runs, so none waits for it.
    """
    last = _last_taking_all(waves)
    rows: list[WayBack] = []
    waiting: list[str] = []
    for number, wave in enumerate(waves):
        keeps = number <= last or wave.gate.on_failure != STOP
        if keeps:
            waiting.append(wave.name)
        settles: tuple[str, ...] = ()
        if number >= last:
            settles, waiting = tuple(waiting), []
        rows.append(WayBack(keeps, _going_back(waves, number), settles))
    return rows


def _last_taking_all(waves: Sequence[RunWave]) -> int:
    """Return the number of the last wave that brings all others back if it fails; -1 if none does."""
    found = -1
    for number, wave in enumerate(waves):
        if wave.hosts and wave.gate.on_failure == ROLL_BACK_ALL:
            found = number
    return found


def tolerant_end(waves: Sequence[RunWave]) -> str:
    """Return the last wave with hosts, if hosts of the run may fail; otherwise no name.

    After that wave, the run tells the hosts that failed. Without such hosts, each failure ends its wave.
    """
    may_fail = any(wave.gate.max_failed for wave in waves)
    filled = [wave.name for wave in waves if wave.hosts]
    return filled[-1] if filled and may_fail else ""


def _going_back(waves: Sequence[RunWave], number: int) -> tuple[str, ...]:
    """Return the waves whose members go back if this one fails."""
    first = {STOP: number + 1, ROLL_BACK: number, ROLL_BACK_ALL: 0}[waves[number].gate.on_failure]
    return tuple(wave.name for wave in waves[first : number + 1])


def rest_of(waves: Sequence[Wave], number: int, samples: Collection[str]) -> list[str]:
    """Return some hosts of the waves after this one, as they are in order: they have not changed yet.

    `samples` are the hosts whose collectors can be read. A few say the same as all.
    """
    later: list[str] = []
    for wave in waves[number + 1 :]:
        later += [host for host in wave.members if host in samples]
    return later[:MOST_REST]


def plan_lines(waves: Sequence[RunWave], planned: int) -> Iterator[str]:
    """Yield a line for each wave: its hosts, how many may fail, and who is left out. `planned` counts all waves."""
    for number, wave in enumerate(waves):
        yield f"Wave {wave.name} ({number + 1} of {planned}): {_members_and_terms(wave)}"
        if wave.lost:
            yield f"  {at_most(_SHOWN, wave.lost)} failed before the first wave: not changed, and counted as failed."
        if wave.left_out:
            yield f"  --limit leaves out {at_most(_SHOWN, wave.left_out)}."
    if len(waves) < planned:
        yield f"The run ends after wave {waves[-1].name}."


def _members_and_terms(wave: RunWave) -> str:
    """Return the hosts of a wave, and when it passes, in words."""
    if not wave.hosts:
        return "no host."
    hosts = f"{len(wave.hosts)} {_host_noun(len(wave.hosts))}: {at_most(_SHOWN, wave.hosts)}."
    return " ".join([hosts, *_terms(wave.gate)])


def _terms(gate: Gate) -> Iterator[str]:
    """Yield in words when the wave begins, and when it passes."""
    yield f"{gate.max_failed or 'No'} {_host_noun(gate.max_failed or 1)} may fail."
    if gate.watch_seconds:
        yield f"Its data is compared for {gate.watch_seconds:g} s."
    if gate.on_failure == ROLL_BACK:
        yield "If it fails, its hosts go back."
    if gate.on_failure == ROLL_BACK_ALL:
        yield "If it fails, its hosts and those of earlier waves go back."
    if gate.approval:
        yield "A person lets it begin."


def _host_noun(count: int) -> str:
    return "host" if count == 1 else "hosts"
