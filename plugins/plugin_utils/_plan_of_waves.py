# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module wave_plan: make the plan of a run with waves, before playbook site changes the first host. Private.

The waves are those of the option otel_waves, without the hosts that `--limit` leaves out. A wave is a group of hosts
that change together (see wave_plan.py). If it fails, its members may go back to what they ran before, see
wave_rollbacks.py.
`_run_plan.py` describes each key of the plan, such as `lost`, `rest`, `behind` and `settles`. A member is a host of the
inventory: a Linux host, or one that stands for a cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._otelcol.errors import Problem, join_at_most, suggest_word
from ..module_utils._waves.plan_summary import describe_plan
from ..module_utils._waves.wave_gates import ACTION, STOP, WAVES_VARIABLE
from ..module_utils._waves.wave_plan import (
    LAST_WAVE_VARIABLE,
    RolloutWave,
    plan_waves,
    select_waves_until,
)
from ..module_utils._waves.wave_rollbacks import WaveRollback, plan_rollbacks
from ..module_utils._waves.wave_run import (
    RunWave,
    arrange_batches,
    find_tolerant_end,
    select_run_waves,
    select_unchanged_hosts,
)
from ._run_plan import PlannedWaveRow, RunPlan, TaskVariables
from ._wave_behind import Flows
from ._wave_fleet import build_fleet, check_all_have_waves, list_linux_hosts

KEEP_VARIABLE = "otel_host_keep"
HOST_STATE, CLUSTER_STATE, PRESENT = "otel_host_state", "otel_collector_state", "present"
APPROVED_VARIABLE = "otel_wave_approved"
_MOST_NAMED_HOSTS = 5


@dataclass(frozen=True)
class Person:
    """Who runs the playbook."""

    is_there: bool
    """Whether somebody at its terminal can answer a question."""
    approved_waves: Collection[str]
    """The waves that somebody has approved before the run, by `otel_wave_approved`."""
    name: str
    """The user name, for the notes of who let a wave pass."""


@dataclass(frozen=True)
class _Run:
    """The waves of a run, and all that the rows of the plan are made of."""

    waves: Sequence[RunWave]
    """The waves that this run changes, up to the last one that is asked for."""
    all_waves: Sequence[RolloutWave]
    """All waves of the inventory, also those after the last one of this run. They have the hosts that `--limit` leaves
    out."""
    rollbacks: Sequence[WaveRollback]
    """The rollback of each of `waves`."""
    asked_waves: Collection[str]
    """The names of the waves that a person has to let begin."""
    sampled_members: Sequence[str]
    """The members whose collectors can be read while a wave is watched."""
    linux_hosts: Collection[str]
    """All Linux hosts of the inventory. Every other host stands for a cluster."""
    flows: Flows
    """What finds the collectors behind a wave: those that get data of it."""


def plan(waves_option: Any, last_wave: str, variables: TaskVariables, person: Person) -> RunPlan:
    """Return the waves of a run, from the variables of a task in a play of all of its hosts. May raise Problem.

    `waves_option` is the variable otel_waves, `last_wave` the wave after which the run ends, empty for all waves. Of
    Ansible's own variables, `variables` has `hostvars`, `groups`, `ansible_play_hosts_all` (the hosts of the run) and
    `ansible_play_hosts` (those of them that have not failed).
    """
    wave_run = _prepare_run(waves_option, last_wave, variables, person)
    batches = arrange_batches(wave_run.waves)
    return {
        "hosts": batches["hosts"],
        "sizes": batches["sizes"],
        "wave_of": batches["wave_of"],
        "waves": [_build_row(wave_run, index) for index in range(len(wave_run.waves))],
        "samples": wave_run.sampled_members,
        "tolerant_end": find_tolerant_end(wave_run.waves),
        "ends_alone": _may_end_alone(wave_run),
        "by": person.name,
        "summary": list(describe_plan(wave_run.waves, len(wave_run.all_waves))),
    }


def _prepare_run(waves_option: Any, last_wave: str, variables: TaskVariables, person: Person) -> _Run:
    """Return the waves of a run. Raises Problem for those that cannot be run as they are."""
    selected_hosts = list(variables["ansible_play_hosts_all"])
    _check_last_wave(waves_option, last_wave)
    check_all_have_waves(selected_hosts, variables["hostvars"])
    all_waves = plan_waves(waves_option, build_fleet(waves_option, variables))
    lost_hosts = set(selected_hosts) - set(variables["ansible_play_hosts"])
    waves = select_run_waves(select_waves_until(all_waves, last_wave), selected_hosts, lost_hosts)
    rollbacks = plan_rollbacks(waves)
    linux_hosts = list_linux_hosts(variables)
    _check_rollbacks(waves, rollbacks, linux_hosts, variables)
    asked_waves = _find_asked_waves(waves, all_waves, person)
    sampled_members: list[str] = []
    for host in selected_hosts:
        if host not in lost_hosts and _has_collectors(host, linux_hosts, variables):
            sampled_members.append(host)
    return _Run(
        waves=waves,
        all_waves=all_waves,
        rollbacks=rollbacks,
        asked_waves=asked_waves,
        sampled_members=sampled_members,
        linux_hosts=linux_hosts,
        flows=Flows(sampled_members, linux_hosts, variables),
    )


# ── A row of the plan ──


def _build_row(wave_run: _Run, index: int) -> PlannedWaveRow:
    """Return the row of the plan for the wave of an index. `PlannedWaveRow` in _run_plan.py describes its keys."""
    wave, rollback = wave_run.waves[index], wave_run.rollbacks[index]
    gate = wave.gate
    read_members = [host for host in wave.hosts if host in wave_run.sampled_members]
    # Without a watch, nothing is read of members of later waves.
    later_samples = wave_run.sampled_members if gate.watch_seconds else ()
    later_hosts = [member for member in later_samples if member in wave_run.linux_hosts]
    later_clusters = [member for member in later_samples if member not in wave_run.linux_hosts]
    return {
        "name": wave.name,
        "lost": list(wave.failed_hosts),
        "max_failed": gate.max_failed,
        "watch_seconds": gate.watch_seconds,
        "without_data": gate.without_data,
        "on_failure": gate.on_failure,
        "approval": wave.name in wave_run.asked_waves,
        "keeps": rollback.keeps_earlier,
        "goes_back": rollback.rolled_back_waves,
        "settles": rollback.final_waves,
        "rest": select_unchanged_hosts(wave_run.all_waves, index, later_hosts),
        "rest_clusters": select_unchanged_hosts(wave_run.all_waves, index, later_clusters),
        "behind": wave_run.flows.plan_reads_behind(read_members, gate.watch_seconds),
    }


def _may_end_alone(wave_run: _Run) -> bool:
    """Whether nothing is left to do once the last wave has passed: no watch, and no earlier release that is kept."""
    is_watched = any(wave.gate.watch_seconds for wave in wave_run.waves)
    return not is_watched and not any(rollback.keeps_earlier for rollback in wave_run.rollbacks)


def _has_collectors(host: str, linux_hosts: Collection[str], variables: TaskVariables) -> bool:
    """Whether a run deploys collectors of a member, which can be read while its wave is watched."""
    state_variable = HOST_STATE if host in linux_hosts else CLUSTER_STATE
    return str(variables["hostvars"][host].get(state_variable) or PRESENT) == PRESENT


# ── Checks ──


def _check_last_wave(waves_option: Any, last_wave: str) -> None:
    """Raise Problem for a run without waves that shall end after one: it would change all hosts at once."""
    if last_wave and not waves_option:
        wrong = f"the inventory has no waves, and this run shall end after wave '{last_wave}'"
        fix = f"Set {WAVES_VARIABLE} for group all. No host was changed."
        raise Problem(wrong, asked=ACTION, where=LAST_WAVE_VARIABLE, fix=fix)


def _check_rollbacks(
    waves: Sequence[RunWave], rollbacks: Sequence[WaveRollback], linux_hosts: Collection[str], variables: TaskVariables
) -> None:
    """Raise Problem for a wave that would have to bring back a host that keeps no earlier release."""
    hosts_by_wave = {wave.name: wave.hosts for wave in waves}
    for wave, rollback in zip(waves, rollbacks, strict=True):
        if wave.gate.on_failure == STOP:
            continue
        short_hosts: list[str] = []
        for name in rollback.rolled_back_waves:
            for host in hosts_by_wave[name]:
                if host in linux_hosts and _has_one_release(variables["hostvars"][host]):
                    short_hosts.append(host)
        if short_hosts:
            wrong = (
                f"wave '{wave.name}' has `on_failure: {wave.gate.on_failure}`, and {KEEP_VARIABLE} of"
                f" {join_at_most(_MOST_NAMED_HOSTS, short_hosts)} is below 2"
            )
            fix = f"Set {KEEP_VARIABLE} to 2 or more. No host was changed."
            raise Problem(wrong, asked=ACTION, where=WAVES_VARIABLE, fix=fix)


def _has_one_release(variables: Mapping[str, Any]) -> bool:
    """Whether a host keeps only the release in use, so that it can go back to none.

    The variables of the host have option `otel_host_keep` if the user sets it. The role refuses a value that is no
    number.
    """
    return str(variables.get(KEEP_VARIABLE, "")).strip() in ("0", "1")


def _find_asked_waves(waves: Sequence[RunWave], all_waves: Sequence[RolloutWave], person: Person) -> list[str]:
    """Return the names of the waves that a person has to let begin, without those that were approved before the run.

    Raises Problem if nobody can be asked, and for an approved wave that the inventory does not have.
    """
    wave_names = [wave.name for wave in all_waves]
    unknown_waves = [name for name in person.approved_waves if name not in wave_names]
    if unknown_waves:
        wrong = f"there is no wave '{unknown_waves[0]}'{suggest_word(unknown_waves[0], wave_names)}"
        raise Problem(wrong, asked=ACTION, where=APPROVED_VARIABLE, fix=f"The waves are {', '.join(wave_names)}.")
    asked_waves: list[str] = []
    for wave in waves:
        if wave.gate.approval and wave.hosts and wave.name not in person.approved_waves:
            asked_waves.append(wave.name)
    if asked_waves and not person.is_there:
        fix = (
            "Run it on a terminal. Or end this run before the wave by `-e otel_wave_until=NAME`, let a person approve,"
            " for example by an approval node of AWX, then run it again with `-e"
            f" {APPROVED_VARIABLE}={asked_waves[0]}`. No host was changed."
        )
        wrong = f"wave '{asked_waves[0]}' waits for the approval of a person, and this run has no terminal"
        raise Problem(wrong, asked=ACTION, where=WAVES_VARIABLE, fix=fix)
    return asked_waves
