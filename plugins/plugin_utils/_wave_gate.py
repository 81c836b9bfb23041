# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a wave passed, from what the tasks of its members have left in their variables. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..module_utils._waves.plan_differences import MemberChange, list_change_lines
from ..module_utils._waves.wave_verdict import (
    DID_NOT_ANSWER,
    FAILED_BEFORE_WAVES,
    WaveEnd,
    describe_failure,
    describe_passed_wave,
    refuse_failed_hosts,
)
from ._wave_back import assign_shares
from ._wave_figures import judge_wave_data
from ._wave_results import FAILURE, ReadOnce, find_cluster_change, find_host_change, is_changed, is_undecided


@dataclass(frozen=True)
class _WaveEnds:
    """How waves of a plan ended. `answering_hosts` are the hosts of the play that Ansible has not lost."""

    wave_plan: Mapping[str, Any]
    hostvars: Mapping[str, Any]
    answering_hosts: Collection[str]

    @classmethod
    def from_variables(cls, planned: Mapping[str, Any], variables: Mapping[str, Any]) -> _WaveEnds:
        """Return the ends by the variables of a task."""
        return cls(planned, variables["hostvars"], frozenset(variables["ansible_play_hosts"]))

    def find_end(self, wave: Mapping[str, Any], later: Sequence[str] = ()) -> WaveEnd:
        """Return how a wave ended; `later` has the names of the waves after it."""
        begun_hosts = [host for host, its_wave in self.wave_plan["wave_of"].items() if its_wave == wave["name"]]
        return WaveEnd(
            name=wave["name"],
            hosts=(*begun_hosts, *wave["lost"]),
            changed_hosts=tuple(host for host in begun_hosts if is_changed(self.hostvars[host])),
            reason_by_failed_host=self._find_failed_hosts(begun_hosts)
            | dict.fromkeys(wave["lost"], FAILED_BEFORE_WAVES),
            max_failed=wave["max_failed"],
            undecided_hosts=tuple(host for host in begun_hosts if is_undecided(self.hostvars[host])),
            later_waves=tuple(later),
        )

    def _find_failed_hosts(self, begun_hosts: Sequence[str]) -> dict[str, str]:
        """Return why hosts that have begun a wave failed in it. One that does not answer any more failed too."""
        failures: dict[str, str] = {}
        for host in begun_hosts:
            if FAILURE in self.hostvars[host]:
                failures[host] = describe_failure(self.hostvars[host][FAILURE])
        silent_hosts = [host for host in begun_hosts if host not in self.answering_hosts]
        return failures | dict.fromkeys(silent_hosts, DID_NOT_ANSWER)


def judge_wave(
    planned: Mapping[str, Any], wave_name: str, task_variables: Mapping[str, Any], check_mode: bool
) -> dict[str, Any]:
    """Return how a wave went. Raises Problem if it failed.

    `planned` is the plan of the run, and `task_variables` the variables of a task of the wave.
    """
    variables = {**task_variables, "hostvars": ReadOnce(task_variables["hostvars"])}
    wave_names = [wave["name"] for wave in planned["waves"]]
    index = wave_names.index(wave_name)
    wave = planned["waves"][index]
    end = _WaveEnds.from_variables(planned, variables).find_end(wave, later=wave_names[index + 1 :])
    end = replace(end, passed_waves=_select_waves_with_hosts(planned, wave_names[:index]))
    if wave["watch_seconds"] and not check_mode:
        end = replace(end, wave_data=judge_wave_data(planned, wave, end, variables))
    doers = [host for host in variables["ansible_play_hosts"] if planned["wave_of"].get(host) == wave_name]
    end = replace(end, shares=assign_shares(planned, wave["goes_back"], doers, variables))
    result = {
        "msg": describe_passed_wave(end, check_mode),
        "passed": dict(end.wave_data.passed_collectors),
        "shares": assign_shares(planned, wave["settles"], doers, variables),
    }
    if check_mode:
        result["would_change"] = _describe_changes(end, variables)
    return result


def _select_waves_with_hosts(planned: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """Return the waves among these that have hosts in this run; one without hosts never runs."""
    waves_in_run = frozenset(planned["wave_of"].values())
    return tuple(name for name in names if name in waves_in_run)


def _describe_changes(end: WaveEnd, variables: Mapping[str, Any]) -> list[str]:
    """Return what the members of a wave would change, in lines: equal differences once."""
    lines: list[str] = []
    for noun, find_change in (("cluster", find_cluster_change), ("host", find_host_change)):
        changes: list[MemberChange] = []
        for member in end.changed_hosts:
            change = find_change(member, variables["hostvars"][member])
            if change:
                changes.append(change)
        lines += list_change_lines(changes, noun, with_new_objects=bool(variables.get("ansible_diff_mode")))
    return lines


def conclude_run(planned: Mapping[str, Any], task_variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return that all waves passed, after the changes of the last one stay. Raises Problem if any host failed."""
    ends = _WaveEnds.from_variables(planned, {**task_variables, "hostvars": ReadOnce(task_variables["hostvars"])})
    failures: dict[str, str] = {}
    for wave in planned["waves"]:
        failures.update(ends.find_end(wave).reason_by_failed_host)
    refuse_failed_hosts(failures)
    return {"msg": "All waves passed, and no host failed."}
