# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waves of one run: those of the inventory, without the hosts that --limit leaves out. Private.

A wave is a group of hosts that change together, and its gate says when it passes (`RolloutWave` in
wave_plan.py, `Gate` in wave_gates.py). `_wave_planning.py` of plugin_utils calls this file before the first host
changes.

Ansible runs each wave as one batch of a play (`serial`). A host that failed before the first wave is in no batch, since
Ansible does nothing more with it; it counts as a failed host of its wave. For example, with wave `first` of the hosts
dev, test and eu, with `--limit dev,test`, and with dev failed already, the wave of the run is
`RunWave("first", hosts=("test",), failed_hosts=("dev",), left_out_hosts=("eu",), gate=…)`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypedDict

from .._otelcol.errors import Problem, join_at_most
from .wave_gates import ACTION, Gate
from .wave_plan import RolloutWave

# How many hosts a line names.
_SHOWN_HOSTS = 10
# The hosts of a wave are compared with so many hosts that have not changed. Each of these is read twice, one host after
# the other.
MOST_COMPARED_HOSTS = 5


@dataclass(frozen=True)
class RunWave:
    """A wave of a run. Each of its hosts is in one of three lists."""

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
    waves_of_run = tuple(_sort_hosts(wave, frozenset(selected_hosts), frozenset(lost_hosts)) for wave in waves)
    for wave in waves_of_run:
        if not wave.hosts and len(wave.failed_hosts) > wave.gate.max_failed:
            wrong = (
                f"all hosts of wave '{wave.name}' failed before the first wave:"
                f" {join_at_most(_SHOWN_HOSTS, wave.failed_hosts)}"
            )
            fix = "Mend what the messages of these hosts name, or leave the hosts out by --limit. No host was changed."
            raise Problem(wrong, asked=ACTION, fix=fix)
    return waves_of_run


def _sort_hosts(wave: RolloutWave, selected_hosts: Collection[str], lost_hosts: Collection[str]) -> RunWave:
    """Return a wave of the inventory as a wave of the run: each host is changed, failed or left out."""
    hosts: list[str] = []
    failed_hosts: list[str] = []
    left_out_hosts: list[str] = []
    for host in wave.members:
        if host not in selected_hosts:
            left_out_hosts.append(host)
        elif host in lost_hosts:
            failed_hosts.append(host)
        else:
            hosts.append(host)
    return RunWave(wave.name, tuple(hosts), tuple(failed_hosts), tuple(left_out_hosts), wave.gate)


class Batches(TypedDict):
    """The batches of the play that changes the hosts, as the plan has them (`RunPlan` in _run_plan.py)."""

    hosts: list[str]
    """The hosts in the order of their waves."""
    sizes: list[int]
    """The size of each batch."""
    wave_of: dict[str, str]
    """The wave of each host."""


def arrange_batches(waves: Sequence[RunWave]) -> Batches:
    """Return a batch for each wave that has hosts.

    Waves `first` (dev, test) and `last` (eu) give `{"hosts": ["dev", "test", "eu"], "sizes": [2, 1], "wave_of":
    {"dev": "first", "test": "first", "eu": "last"}}`.
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


def find_tolerant_end(waves: Sequence[RunWave]) -> str:
    """Return the name of the last wave with hosts, if a gate allows that hosts fail; otherwise an empty text.

    After that wave, the run names the hosts that failed. If no gate allows it, each failure ends the run at its wave.
    """
    may_fail = any(wave.gate.max_failed for wave in waves)
    waves_with_hosts = [wave.name for wave in waves if wave.hosts]
    return waves_with_hosts[-1] if waves_with_hosts and may_fail else ""


def select_unchanged_hosts(waves: Sequence[RolloutWave], index: int, readable_hosts: Collection[str]) -> list[str]:
    """Return some hosts of the waves after the one of this index, in the order of the waves.

    These hosts have not changed yet, so those of the wave are compared with them: the plan calls them `rest`.
    `readable_hosts` are the hosts whose collectors can be read. A few hosts say the same as all.
    """
    later_hosts: list[str] = []
    for wave in waves[index + 1 :]:
        later_hosts += [host for host in wave.members if host in readable_hosts]
    return later_hosts[:MOST_COMPARED_HOSTS]
