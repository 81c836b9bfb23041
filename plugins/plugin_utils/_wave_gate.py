# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module wave_gate: say whether a wave of playbook site passed, and at the end whether the run did. Private.

No task of a member fails by itself in a wave. Each leaves its result, or its failure, in the variables of its host
(`_wave_results.py`). When all members are done, playbook site runs this gate once, which decides for all of them: by
the members that failed, and by what their collectors count (`_wave_figures.py`). For example:

    Wave canary passed: 2 hosts, collectors changed on 2 (web1, web2). Data: agent on web1 and web2: compared with …

`_run_plan.py` explains the plan and its words. A share is what one host brings back, or makes final (see
`_wave_rollback.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..module_utils._waves.plan_differences import MemberChange, list_change_lines
from ..module_utils._waves.task_failures import describe_failure
from ..module_utils._waves.wave_verdict import (
    DID_NOT_ANSWER,
    FAILED_BEFORE_WAVES,
    WaveEnd,
    describe_passed_wave,
    refuse_failed_hosts,
)
from ._run_plan import PlannedWaveRow, RunPlan, TaskVariables, find_wave, list_members_of_waves, list_wave_names
from ._wave_figures import judge_wave_data
from ._wave_results import FAILURE, ReadOnce, find_cluster_change, find_host_change, is_changed, is_undecided
from ._wave_rollback import assign_shares


def judge_wave(run_plan: RunPlan, wave_name: str, task_variables: TaskVariables, check_mode: bool) -> dict[str, Any]:
    """Return the result of the gate for a wave that passed. Raises Problem for a wave that failed.

    `passed` has the collectors of each member that passed by their data. `shares` has the changes that each host makes
    final, now that the wave has passed. In check mode, `would_change` has lines about what the members would change.
    The facts of the Problem have the shares too: there, what each host brings back.
    """
    variables = _read_once(task_variables)
    wave = find_wave(run_plan, wave_name)
    end = _describe_end(run_plan, wave, variables)
    if wave["watch_seconds"] and not check_mode:
        end = replace(end, wave_data=judge_wave_data(run_plan, wave, end, variables))
    answering_hosts = [host for host in variables["ansible_play_hosts"] if run_plan["wave_of"].get(host) == wave_name]
    # What would go back, in case that the wave has failed: then `describe_passed_wave` raises, with these shares.
    end = replace(end, shares=assign_shares(run_plan, wave["goes_back"], answering_hosts, variables))
    result = {
        "msg": describe_passed_wave(end, check_mode),
        "passed": dict(end.wave_data.passed_collectors),
        "shares": assign_shares(run_plan, wave["settles"], answering_hosts, variables),
    }
    if check_mode:
        result["would_change"] = _describe_changes(end, variables)
    return result


def conclude_run(run_plan: RunPlan, task_variables: TaskVariables) -> dict[str, Any]:
    """Return that all waves passed, after the changes of the last one stay. Raises Problem if any host failed."""
    variables = _read_once(task_variables)
    reason_by_failed_host: dict[str, str] = {}
    for wave in run_plan["waves"]:
        reason_by_failed_host |= _find_failed_members(run_plan, wave, variables)
    refuse_failed_hosts(reason_by_failed_host)
    return {"msg": "All waves passed, and no host failed."}


def _read_once(task_variables: TaskVariables) -> dict[str, Any]:
    """Return the variables of a task, with those of each host read once: Ansible gathers them for each access."""
    return {**task_variables, "hostvars": ReadOnce(task_variables["hostvars"])}


# ── How a wave ended ──


def _describe_end(run_plan: RunPlan, wave: PlannedWaveRow, variables: TaskVariables) -> WaveEnd:
    """Return how a wave ended, still without its data and its shares."""
    hostvars = variables["hostvars"]
    wave_names = list_wave_names(run_plan)
    index = wave_names.index(wave["name"])
    begun_hosts = list_members_of_waves(run_plan, [wave["name"]])
    return WaveEnd(
        name=wave["name"],
        hosts=(*begun_hosts, *wave["lost"]),
        changed_hosts=tuple(host for host in begun_hosts if is_changed(hostvars[host])),
        reason_by_failed_host=_find_failed_members(run_plan, wave, variables),
        max_failed=wave["max_failed"],
        undecided_hosts=tuple(host for host in begun_hosts if is_undecided(hostvars[host])),
        passed_waves=_select_waves_with_hosts(run_plan, wave_names[:index]),
        later_waves=tuple(wave_names[index + 1 :]),
    )


def _find_failed_members(run_plan: RunPlan, wave: PlannedWaveRow, variables: TaskVariables) -> dict[str, str]:
    """Return why members of a wave failed: before the first wave, in a task of this one, or without an answer."""
    reasons: dict[str, str] = {}
    begun_hosts = list_members_of_waves(run_plan, [wave["name"]])
    for host in begun_hosts:
        host_variables = variables["hostvars"][host]
        if FAILURE in host_variables:
            reasons[host] = describe_failure(host_variables[FAILURE])
    # Ansible takes a host that does not answer any more out of the play.
    answering_hosts = frozenset(variables["ansible_play_hosts"])
    for host in begun_hosts:
        if host not in answering_hosts:
            reasons[host] = DID_NOT_ANSWER
    for host in wave["lost"]:
        reasons[host] = FAILED_BEFORE_WAVES
    return reasons


def _select_waves_with_hosts(run_plan: RunPlan, wave_names: Sequence[str]) -> tuple[str, ...]:
    """Return the waves among these that have hosts in this run. A wave without hosts never runs."""
    waves_in_run = frozenset(run_plan["wave_of"].values())
    return tuple(name for name in wave_names if name in waves_in_run)


# ── Check mode ──


def _describe_changes(end: WaveEnd, variables: TaskVariables) -> list[str]:
    """Return lines about what the members of a wave would change. Members with equal differences share them."""
    cluster_changes: list[MemberChange] = []
    host_changes: list[MemberChange] = []
    for member in end.changed_hosts:
        member_variables = variables["hostvars"][member]
        cluster_change = find_cluster_change(member, member_variables)
        if cluster_change:
            cluster_changes.append(cluster_change)
        host_change = find_host_change(member, member_variables)
        if host_change:
            host_changes.append(host_change)
    with_new_objects = bool(variables.get("ansible_diff_mode"))
    return [
        *list_change_lines(cluster_changes, "cluster", with_new_objects=with_new_objects),
        *list_change_lines(host_changes, "host", with_new_objects=with_new_objects),
    ]
