# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waves of one run: those of the plan, without the hosts that --limit leaves out. Private.

`_wave_planning.py` of plugin_utils calls this file. A wave is a group of hosts that change together, and its gate says
when it passes (see `RolloutWave` and `Gate` in wave_plan.py). The way back of a wave is the return of its hosts to what
they ran before, if the wave fails (see `plan_ways_back`).

Ansible runs each wave as one batch of a play (`serial`). A host that failed before the first wave is in no batch, since
Ansible does nothing more with it. Such a host is called lost. It counts as a failed host of its wave.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.errors import Problem, join_at_most
from .wave_plan import ACTION, ROLL_BACK, ROLL_BACK_ALL, STOP, Gate, RolloutWave

_SHOWN_HOSTS = 10
# The hosts of a wave are compared with so many hosts that have not changed. Each of these is read twice, one host after
# the other.
MOST_COMPARED_HOSTS = 5


@dataclass(frozen=True)
class RunWave:
    """A wave of a run, with its hosts told apart."""

    name: str
    hosts: tuple[str, ...]
    """The hosts that this run changes."""
    failed_hosts: tuple[str, ...]
    """The hosts that failed before the first wave."""
    left_out_hosts: tuple[str, ...]
    """The hosts that --limit leaves out."""
    gate: Gate


def select_run_waves(
    waves: Sequence[RolloutWave], selected_hosts: Collection[str], lost_hosts: Collection[str]
) -> tuple[RunWave, ...]:
    """Return the waves of a run, also those without hosts.

    `selected_hosts` are the hosts of the run, `lost_hosts` those of them that failed before the first wave. Raises
    Problem for a wave that has lost all of its hosts, and so cannot pass.
    """
    waves_of_run = tuple(_build_run_wave(wave, frozenset(selected_hosts), frozenset(lost_hosts)) for wave in waves)
    for wave in waves_of_run:
        if not wave.hosts and len(wave.failed_hosts) > wave.gate.max_failed:
            wrong = (
                f"all hosts of wave '{wave.name}' failed before the first wave:"
                f" {join_at_most(_SHOWN_HOSTS, wave.failed_hosts)}"
            )
            fix = "Mend what the messages of these hosts name, or leave the hosts out by --limit. No host was changed."
            raise Problem(wrong, asked=ACTION, fix=fix)
    return waves_of_run


def _build_run_wave(wave: RolloutWave, selected_hosts: Collection[str], lost_in_run: Collection[str]) -> RunWave:
    """Return a wave with its hosts told apart."""
    lost_hosts = [host for host in wave.members if host in selected_hosts and host in lost_in_run]
    hosts = [host for host in wave.members if host in selected_hosts and host not in lost_in_run]
    left_out = [host for host in wave.members if host not in selected_hosts]
    return RunWave(wave.name, tuple(hosts), tuple(lost_hosts), tuple(left_out), wave.gate)


def arrange_batches(waves: Sequence[RunWave]) -> dict[str, Any]:
    """Return the batches of the play, under three keys of the plan (`RunPlan` in _run_plan.py).

    `hosts` has the hosts in the order of their waves, `sizes` the size of each batch, and `wave_of` the wave of each
    host. A wave without hosts has no batch.
    """
    hosts: list[str] = []
    batch_sizes: list[int] = []
    waves_of_hosts: dict[str, str] = {}
    for wave in waves:
        if wave.hosts:
            hosts += wave.hosts
            batch_sizes.append(len(wave.hosts))
            waves_of_hosts |= dict.fromkeys(wave.hosts, wave.name)
    return {"hosts": hosts, "sizes": batch_sizes, "wave_of": waves_of_hosts}


class WayBack(NamedTuple):
    """What a run does about the way back of a wave."""

    keeps: bool
    """Whether the members of the wave keep what they would go back to, until a wave settles their change."""
    goes_back: tuple[str, ...]
    """The names of the waves whose members go back if this wave fails."""
    settles: tuple[str, ...]
    """The names of the waves whose changes become final once this wave has passed: nothing undoes them any more."""


def plan_ways_back(waves: Sequence[RunWave]) -> list[WayBack]:
    """Return the way back of each wave of a run.

    A wave with `on_failure: roll_back_all` undoes the earlier waves too, so these wait: the last such wave settles them
    all when it passes. Waves after it, and all waves of a run without such a wave, settle themselves. A wave keeps what
    it goes back to if it waits, or if it goes back by itself. A wave without hosts never runs, so none waits for it.

    For example, of waves a (`stop`), b (`roll_back_all`) and c (`stop`), a and b keep, b settles both, and c does
    neither.
    """
    last_taking_all = _find_last_taking_all(waves)
    ways: list[WayBack] = []
    waiting_waves: list[str] = []
    for index, wave in enumerate(waves):
        keeps = index <= last_taking_all or wave.gate.on_failure != STOP
        if keeps:
            waiting_waves.append(wave.name)
        settles: tuple[str, ...] = ()
        if index >= last_taking_all:
            settles, waiting_waves = tuple(waiting_waves), []
        ways.append(WayBack(keeps, _list_waves_going_back(waves, index), settles))
    return ways


def _find_last_taking_all(waves: Sequence[RunWave]) -> int:
    """Return the index of the last wave with hosts and `on_failure: roll_back_all`; -1 if there is none."""
    last_index = -1
    for index, wave in enumerate(waves):
        if wave.hosts and wave.gate.on_failure == ROLL_BACK_ALL:
            last_index = index
    return last_index


def find_tolerant_end(waves: Sequence[RunWave]) -> str:
    """Return the name of the last wave with hosts, if a gate allows that hosts fail; otherwise an empty text.

    After that wave, the run names the hosts that failed. If no gate allows it, each failure ends the run at its wave.
    """
    may_fail = any(wave.gate.max_failed for wave in waves)
    waves_with_hosts = [wave.name for wave in waves if wave.hosts]
    return waves_with_hosts[-1] if waves_with_hosts and may_fail else ""


def _list_waves_going_back(waves: Sequence[RunWave], index: int) -> tuple[str, ...]:
    """Return the waves whose members go back if the wave of this index fails."""
    first_index = {STOP: index + 1, ROLL_BACK: index, ROLL_BACK_ALL: 0}[waves[index].gate.on_failure]
    return tuple(wave.name for wave in waves[first_index : index + 1])


def select_unchanged_hosts(waves: Sequence[RolloutWave], index: int, readable_hosts: Collection[str]) -> list[str]:
    """Return some hosts of the waves after the one of this index, in the order of the waves.

    These hosts have not changed yet, so those of the wave are compared with them: the plan calls them the rest.
    `readable_hosts` are the hosts whose collectors can be read. A few hosts say the same as all.
    """
    later_hosts: list[str] = []
    for wave in waves[index + 1 :]:
        later_hosts += [host for host in wave.members if host in readable_hosts]
    return later_hosts[:MOST_COMPARED_HOSTS]


def describe_plan(waves: Sequence[RunWave], planned_count: int) -> Iterator[str]:
    """Yield a line for each wave: its hosts, how many may fail, and who is left out.

    `planned_count` is the number of all waves of the inventory. The run has fewer if it ends after a named wave.
    """
    for index, wave in enumerate(waves):
        yield f"Wave {wave.name} ({index + 1} of {planned_count}): {_describe_members_and_terms(wave)}"
        if wave.failed_hosts:
            yield (
                f"  {join_at_most(_SHOWN_HOSTS, wave.failed_hosts)} failed before the first wave: not changed, and"
                " counted as failed."
            )
        if wave.left_out_hosts:
            yield f"  --limit leaves out {join_at_most(_SHOWN_HOSTS, wave.left_out_hosts)}."
    if len(waves) < planned_count:
        yield f"The run ends after wave {waves[-1].name}."


def _describe_members_and_terms(wave: RunWave) -> str:
    """Return the hosts of a wave, and when it passes, in words."""
    if not wave.hosts:
        return "no host."
    hosts = f"{len(wave.hosts)} {_host_noun(len(wave.hosts))}: {join_at_most(_SHOWN_HOSTS, wave.hosts)}."
    return " ".join([hosts, *_describe_terms(wave.gate)])


def _describe_terms(gate: Gate) -> Iterator[str]:
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
