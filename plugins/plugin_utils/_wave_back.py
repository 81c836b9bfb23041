# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members of waves go back to what they ran before, who brings them back, and what became of each. Private.

Ansible runs tasks for the hosts of one wave at a time. So the hosts of the wave that failed bring the members of
earlier waves back too, each host a share of them. Module wave_gate calls `assign_shares` when a wave ends, and
`report_failed_wave` after the way back. A doer is a host that brings members back, or that settles their changes: it
removes what they would go back to, so that the changes stay (see wave_rollbacks.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any, TypedDict

from ..module_utils._change.workload_kinds import POD_RUNNING_KINDS
from ..module_utils._otelcol.errors import join_at_most
from ..module_utils._waves.wave_verdict import refuse_failed_wave
from ._run_plan import RunPlan, TaskVariables, find_wave, list_members_of_waves
from ._wave_results import (
    APPLIED_TO_CLUSTER,
    RETURN_RESULTS,
    ReadOnce,
    is_changed,
    keeps_records,
    list_undecided_services,
)

_MOST_NAMED = 5
# The key `action` of an object in the result of bundle_apply, if it was written.
_WRITTEN_ACTIONS = ("created", "changed")
# The same, if it was not there before, or is gone.
_ADDED_OR_REMOVED_ACTIONS = ("created", "pruned")


class HostShare(TypedDict):
    """What one host brings back, or lets stay."""

    services: list[dict[str, str]]
    """Services of Linux hosts, as `list_undecided_services` describes them."""
    clusters: list[str]
    """Clusters by their names in the inventory."""


def assign_shares(
    run_plan: RunPlan, wave_names: Collection[str], doers: Sequence[str], variables: TaskVariables
) -> dict[str, HostShare]:
    """Return what each of the hosts `doers` brings back, or lets stay, of the members of some waves, by host.

    A host does its own, and what belongs to other members is spread over all hosts. One with nothing to do has no
    share.
    """
    if not doers:
        return {}
    share_by_doer: dict[str, HostShare] = {}
    next_doers = cycle(doers)
    for member in list_members_of_waves(run_plan, wave_names):
        member_variables = variables["hostvars"][member]
        services = list(list_undecided_services(member, member_variables))
        clusters = [member] if keeps_records(member_variables) else []
        if services or clusters:
            doer = member if member in doers else next(next_doers)
            share = share_by_doer.setdefault(doer, {"services": [], "clusters": []})
            share["services"] += services
            share["clusters"] += clusters
    return share_by_doer


def report_failed_wave(run_plan: RunPlan, wave_name: str, gate_message: str, variables: TaskVariables) -> None:
    """Raise Problem for a wave that failed, with what became of its members, and of those that went back with it."""
    wave = find_wave(run_plan, wave_name)
    hostvars = ReadOnce(variables["hostvars"])
    lines_by_member = _collect_member_lines(list_members_of_waves(run_plan, [wave_name]), hostvars)
    line_by_member: dict[str, str] = {}
    untouched_members: list[str] = []
    for member in list_members_of_waves(run_plan, wave["goes_back"]):
        member_lines = [*lines_by_member.get(member, ()), *_describe_cluster(hostvars[member])]
        if member_lines:
            line_by_member[member] = _join_lines(member_lines)
        elif run_plan["wave_of"][member] != wave_name:
            untouched_members.append(member)
    refuse_failed_wave(gate_message, line_by_member, untouched_members)


# ── What became of the members ──


def _collect_member_lines(doers: Sequence[str], hostvars: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what became of each member that one of these hosts brought back, or tried to."""
    lines_by_member: dict[str, list[str]] = {}
    for doer in doers:
        for result in _list_return_results(hostvars[doer]):
            is_told = result.get("msg") and not result.get("skipped")
            if is_told:
                lines_by_member.setdefault(_find_returned_member(result), []).append(str(result["msg"]))
    return lines_by_member


def _list_return_results(variables: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the results of the tasks by which a host brings members back: one for each service and cluster."""
    for name in RETURN_RESULTS:
        yield from (variables.get(name) or {}).get("results") or ()


def _find_returned_member(task_result: Mapping[str, Any]) -> str:
    """Return the member that a task brings back. Its `item` is a service of a host, or the name of a cluster."""
    item = task_result.get("item")
    return str(item["member"] if isinstance(item, Mapping) else item)


def _join_lines(lines: Sequence[str]) -> str:
    """Return lines as one; the last one keeps its full stop."""
    *earlier_lines, last_line = lines
    return "; ".join([*(line.rstrip(".") for line in earlier_lines), last_line])


def _describe_cluster(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines about the part of a change that stays; none for a host, and for a cluster that did not change."""
    if is_changed(variables) and APPLIED_TO_CLUSTER in variables:
        yield from _describe_what_stays(variables[APPLIED_TO_CLUSTER])


def _describe_what_stays(apply_result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of a change stays: collectors without a way back, and objects that it has added or removed.

    `apply_result` is the result of bundle_apply. Its `kept_records` has the collectors with a way back.
    """
    kept_records = apply_result.get("kept_records") or {}
    staying_collectors: list[str] = []
    staying_objects: list[str] = []
    for row in apply_result.get("objects") or ():
        name = f"{row['namespace']}/{row['name']}" if row["namespace"] else str(row["name"])
        is_workload = row["kind"] in POD_RUNNING_KINDS
        if is_workload and row["action"] in _WRITTEN_ACTIONS and name not in kept_records:
            staying_collectors.append(name)
        goes_with_workload = is_workload or row["kind"] == "ConfigMap"
        if not goes_with_workload and row["action"] in _ADDED_OR_REMOVED_ACTIONS:
            staying_objects.append(f"{row['kind']} {name}")
    if staying_collectors:
        reason = "as it is new, did not work before, or has `change: {on_failure: keep}`"
        yield f"{join_at_most(_MOST_NAMED, staying_collectors)} keeps the change, {reason}"
    elif not kept_records:
        yield "no workload changed, so nothing goes back"
    if staying_objects:
        yield f"what the change has added or removed stays so: {join_at_most(_MOST_NAMED, staying_objects)}"
