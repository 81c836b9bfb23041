# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module wave_plan: make the plan of a run with waves, before playbook site changes the first host. Private.

A wave is a group of hosts that change together (see wave_plan.py). The plan says which hosts change in which wave, what
is read while a wave is watched, and whose change is undone if it fails. `_run_plan.py` explains each key of the plan,
such as `rest` and `settles`, by an example. `--limit` leaves out hosts of a run, but moves none to another wave.

A plan that cannot be run is refused here, when no host has changed yet: nobody can approve a wave, or a host could not
go back because it keeps no earlier release.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..module_utils._otelcol.errors import Problem, join_at_most, suggest_word
from ..module_utils._waves.plan_summary import describe_plan
from ..module_utils._waves.wave_gates import ACTION, STOP, WAVES_VARIABLE
from ..module_utils._waves.wave_plan import LAST_WAVE_VARIABLE, RolloutWave, plan_waves, select_waves_until
from ..module_utils._waves.wave_rollbacks import WaveRollback, plan_rollbacks
from ..module_utils._waves.wave_run import (
    RunWave,
    arrange_batches,
    find_tolerant_end,
    select_run_waves,
    select_unchanged_hosts,
)
from ._run_plan import PlannedWaveRow, RunPlan, TaskVariables
from ._wave_downstream_plan import ReceiverFinder
from ._wave_fleet import build_fleet, check_all_have_waves, list_linux_hosts

# How many releases a Linux host keeps, also the one in use.
KEEP_VARIABLE = "otel_host_keep"
# Whether a run deploys or removes the collectors of a Linux host, and of a cluster.
HOST_STATE = "otel_host_state"
CLUSTER_STATE = "otel_collector_state"
PRESENT = "present"
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
class _PlayHosts:
    """The hosts of the play that makes the plan, by Ansible's own variables."""

    run_hosts: Sequence[str]
    """The hosts of the run, in the order of the inventory."""
    lost_hosts: Collection[str]
    """Those of them that failed before the first wave."""
    linux_hosts: Collection[str]
    """All Linux hosts of the inventory. Every other host stands for a cluster."""
    hostvars: Mapping[str, Mapping[str, Any]]
    """The variables of each host."""

    @classmethod
    def from_variables(cls, variables: TaskVariables) -> _PlayHosts:
        """Return what the variables of a task say of the hosts."""
        run_hosts = list(variables["ansible_play_hosts_all"])
        reachable_hosts = set(variables["ansible_play_hosts"])
        return cls(
            run_hosts=run_hosts,
            lost_hosts=set(run_hosts) - reachable_hosts,
            linux_hosts=list_linux_hosts(variables),
            hostvars=variables["hostvars"],
        )

    def find_readable_members(self) -> _ReadableMembers:
        """Return the members whose collectors can be read: they are not lost, and the run deploys collectors there."""
        members = [host for host in self.run_hosts if host not in self.lost_hosts and self._has_collectors(host)]
        return _ReadableMembers(
            members=members,
            linux_hosts=[member for member in members if member in self.linux_hosts],
            clusters=[member for member in members if member not in self.linux_hosts],
        )

    def _has_collectors(self, host: str) -> bool:
        """Whether the run deploys the collectors of a host, and does not remove them."""
        state_variable = HOST_STATE if host in self.linux_hosts else CLUSTER_STATE
        return str(self.hostvars[host].get(state_variable) or PRESENT) == PRESENT


class _ReadableMembers(NamedTuple):
    """The members of all waves whose collectors can be read while a wave is watched, and the two kinds of them."""

    members: Sequence[str]
    linux_hosts: Sequence[str]
    clusters: Sequence[str]


@dataclass(frozen=True)
class _PlannedWave:
    """A wave that a run changes, and what becomes of its change."""

    wave: RunWave
    index: int
    """Its place among all waves of the inventory, from 0 on."""
    rollback: WaveRollback
    """Whose change is undone if the wave fails, and becomes final if it passes."""
    is_asked: bool
    """Whether a person has to let it begin."""


def plan_run(waves_option: Any, last_wave: str, variables: TaskVariables, person: Person) -> RunPlan:
    """Return the waves of a run, from the variables of a task in a play of all of its hosts.

    `waves_option` is the variable otel_waves, `last_wave` the wave after which the run ends, empty for all waves.
    Raises Problem for waves that cannot be run as they are.
    """
    _check_last_wave(waves_option, last_wave)
    play_hosts = _PlayHosts.from_variables(variables)
    check_all_have_waves(play_hosts.run_hosts, play_hosts.hostvars)
    all_waves = plan_waves(waves_option, build_fleet(waves_option, variables))
    waves = select_run_waves(select_waves_until(all_waves, last_wave), play_hosts.run_hosts, play_hosts.lost_hosts)
    planned_waves = _plan_waves_of_run(waves, all_waves, play_hosts, person)
    readable = play_hosts.find_readable_members()
    receiver_finder = ReceiverFinder(readable.members, play_hosts.linux_hosts, variables)
    batches = arrange_batches(waves)
    return {
        "hosts": batches["hosts"],
        "sizes": batches["sizes"],
        "wave_of": batches["wave_of"],
        "waves": [_build_row(planned, all_waves, readable, receiver_finder) for planned in planned_waves],
        "samples": readable.members,
        "tolerant_end": find_tolerant_end(waves),
        "ends_alone": _may_end_alone(planned_waves),
        "by": person.name,
        "summary": list(describe_plan(waves, len(all_waves))),
    }


def _plan_waves_of_run(
    waves: Sequence[RunWave], all_waves: Sequence[RolloutWave], play_hosts: _PlayHosts, person: Person
) -> list[_PlannedWave]:
    """Return the waves of a run with what becomes of their changes. Raises Problem for those that cannot be run."""
    rollbacks = plan_rollbacks(waves)
    _check_rollbacks(waves, rollbacks, play_hosts)
    asked_waves = _find_asked_waves(waves, all_waves, person)
    planned_waves: list[_PlannedWave] = []
    for index, (wave, rollback) in enumerate(zip(waves, rollbacks, strict=True)):
        planned_waves.append(_PlannedWave(wave, index, rollback, is_asked=wave.name in asked_waves))
    return planned_waves


# ── A row of the plan ──


def _build_row(
    planned: _PlannedWave,
    all_waves: Sequence[RolloutWave],
    readable: _ReadableMembers,
    receiver_finder: ReceiverFinder,
) -> PlannedWaveRow:
    """Return the row of the plan for a wave. `PlannedWaveRow` in _run_plan.py describes its keys.

    `all_waves` are those of the inventory: what is compared may be in a wave after the last one of this run.
    """
    gate = planned.wave.gate
    own_readable_members = [host for host in planned.wave.hosts if host in readable.members]
    unchanged_hosts: list[str] = []
    unchanged_clusters: list[str] = []
    if gate.watch_seconds:
        unchanged_hosts = select_unchanged_hosts(all_waves, planned.index, readable.linux_hosts)
        unchanged_clusters = select_unchanged_hosts(all_waves, planned.index, readable.clusters)
    return {
        "name": planned.wave.name,
        "lost": list(planned.wave.failed_hosts),
        "max_failed": gate.max_failed,
        "watch_seconds": gate.watch_seconds,
        "without_data": gate.without_data,
        "on_failure": gate.on_failure,
        "approval": planned.is_asked,
        "keeps": planned.rollback.keeps_earlier,
        "goes_back": planned.rollback.rolled_back_waves,
        "settles": planned.rollback.final_waves,
        "rest": unchanged_hosts,
        "rest_clusters": unchanged_clusters,
        "behind": receiver_finder.plan_reads(own_readable_members, gate.watch_seconds),
    }


def _may_end_alone(planned_waves: Sequence[_PlannedWave]) -> bool:
    """Whether nothing is left to do once the last wave has passed: no watch, and no change that could be undone."""
    is_watched = any(planned.wave.gate.watch_seconds for planned in planned_waves)
    return not is_watched and not any(planned.rollback.keeps_earlier for planned in planned_waves)


# ── Checks ──


def _check_last_wave(waves_option: Any, last_wave: str) -> None:
    """Raise Problem for a run without waves that shall end after one: it would change all hosts at once."""
    if last_wave and not waves_option:
        wrong = f"the inventory has no waves, and this run shall end after wave '{last_wave}'"
        fix = f"Set {WAVES_VARIABLE} for group all. No host was changed."
        raise Problem(wrong, asked=ACTION, where=LAST_WAVE_VARIABLE, fix=fix)


def _check_rollbacks(waves: Sequence[RunWave], rollbacks: Sequence[WaveRollback], play_hosts: _PlayHosts) -> None:
    """Raise Problem for a wave that would have to bring back a host that keeps no earlier release."""
    hosts_by_wave = {wave.name: wave.hosts for wave in waves}
    for wave, rollback in zip(waves, rollbacks, strict=True):
        if wave.gate.on_failure == STOP:
            continue
        short_hosts: list[str] = []
        for name in rollback.rolled_back_waves:
            short_hosts += _list_hosts_with_one_release(hosts_by_wave[name], play_hosts)
        if short_hosts:
            wrong = (
                f"wave '{wave.name}' has `on_failure: {wave.gate.on_failure}`, and {KEEP_VARIABLE} of"
                f" {join_at_most(_MOST_NAMED_HOSTS, short_hosts)} is below 2"
            )
            fix = f"Set {KEEP_VARIABLE} to 2 or more. No host was changed."
            raise Problem(wrong, asked=ACTION, where=WAVES_VARIABLE, fix=fix)


def _list_hosts_with_one_release(hosts: Sequence[str], play_hosts: _PlayHosts) -> Iterator[str]:
    """Yield the Linux hosts that keep only the release in use, so that they can go back to none.

    The variables of a host have option `otel_host_keep` if the user sets it. The role refuses a value that is no
    number.
    """
    for host in hosts:
        kept_count = str(play_hosts.hostvars[host].get(KEEP_VARIABLE, "")).strip()
        if host in play_hosts.linux_hosts and kept_count in ("0", "1"):
            yield host


def _find_asked_waves(waves: Sequence[RunWave], all_waves: Sequence[RolloutWave], person: Person) -> list[str]:
    """Return the names of the waves that a person has to let begin, without those that were approved before the run.

    Raises Problem if nobody can be asked, and for an approved wave that the inventory does not have.
    """
    _check_approved_waves(person.approved_waves, [wave.name for wave in all_waves])
    asked_waves: list[str] = []
    for wave in waves:
        if wave.gate.approval and wave.hosts and wave.name not in person.approved_waves:
            asked_waves.append(wave.name)
    if asked_waves and not person.is_there:
        raise _build_unattended_problem(asked_waves[0])
    return asked_waves


def _check_approved_waves(approved_waves: Collection[str], wave_names: Sequence[str]) -> None:
    """Raise Problem for an approved wave that the inventory does not have."""
    for name in approved_waves:
        if name not in wave_names:
            wrong = f"there is no wave '{name}'{suggest_word(name, wave_names)}"
            raise Problem(wrong, asked=ACTION, where=APPROVED_VARIABLE, fix=f"The waves are {', '.join(wave_names)}.")


def _build_unattended_problem(wave_name: str) -> Problem:
    """Return the Problem of a run in which nobody can let a wave begin."""
    fix = (
        "Run it on a terminal. Or end this run before the wave by `-e otel_wave_until=NAME`, let a person approve,"
        " for example by an approval node of AWX, then run it again with `-e"
        f" {APPROVED_VARIABLE}={wave_name}`. No host was changed."
    )
    wrong = f"wave '{wave_name}' waits for the approval of a person, and this run has no terminal"
    return Problem(wrong, asked=ACTION, where=WAVES_VARIABLE, fix=fix)
