# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members of waves go back, who brings them back, and what became of each. Private.

Ansible runs tasks for the hosts of one wave at a time. So the hosts of the wave that failed bring the members of
earlier waves back too, each host a share of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

from ..module_utils._change.workload_kinds import POD_RUNNING_KINDS
from ..module_utils._otelcol.errors import join_at_most
from ..module_utils._waves.wave_verdict import refuse_failed_wave
from ._wave_results import (
    APPLIED_TO_CLUSTER,
    RETURN_RESULTS,
    ReadOnce,
    is_changed,
    keeps_records,
    list_undecided_services,
)

_MOST_NAMED = 5
# What a row of bundle_apply says of an object that it has written, and of one that was not there before or is gone.
_WRITTEN_ACTIONS, _ADDED_OR_REMOVED_ACTIONS = ("created", "changed"), ("created", "pruned")
Share = dict[str, list[Any]]


def assign_shares(
    planned: Mapping[str, Any], waves: Collection[str], doers: Sequence[str], variables: Mapping[str, Any]
) -> dict[str, Share]:
    """Return for each host of a wave what it brings back, or lets stay: services of hosts, and clusters.

    A host does its own, and those of the members of other waves are spread over all hosts. One with nothing to do has
    no share.
    """
    if not doers:
        return {}
    share_by_doer: dict[str, Share] = {}
    next_doers = cycle(doers)
    for member in _list_members(planned, waves):
        member_variables = variables["hostvars"][member]
        services = list(list_undecided_services(member, member_variables))
        clusters = [member] if keeps_records(member_variables) else []
        if services or clusters:
            doer = member if member in doers else next(next_doers)
            share = share_by_doer.setdefault(doer, {"services": [], "clusters": []})
            share["services"] += services
            share["clusters"] += clusters
    return share_by_doer


def _list_members(planned: Mapping[str, Any], waves: Collection[str]) -> list[str]:
    """Return the members of some waves, in the order of the plan."""
    return [member for member, wave in planned["wave_of"].items() if wave in waves]


def report_failed_wave(
    planned: Mapping[str, Any], wave_name: str, gate_message: str, variables: Mapping[str, Any]
) -> None:
    """Raise Problem for a wave that failed, with what became of its members, and of those that went back with it."""
    wave = next(row for row in planned["waves"] if row["name"] == wave_name)
    hostvars = ReadOnce(variables["hostvars"])
    lines = _collect_member_lines(_list_members(planned, [wave_name]), hostvars)
    line_of_member: dict[str, str] = {}
    untouched: list[str] = []
    for member in _list_members(planned, wave["goes_back"]):
        member_lines = [*lines.get(member, ()), *_describe_cluster(hostvars[member])]
        if member_lines:
            line_of_member[member] = _join_lines(member_lines)
        elif planned["wave_of"][member] != wave_name:
            untouched.append(member)
    refuse_failed_wave(gate_message, line_of_member, untouched)


def _collect_member_lines(doers: Sequence[str], hostvars: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what became of each member that one of these hosts brought back, or tried to."""
    lines: dict[str, list[str]] = {}
    for doer in doers:
        for member, line in _iter_doer_lines(hostvars[doer]):
            lines.setdefault(member, []).append(line)
    return lines


def _describe_cluster(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of the change of a cluster stays; nothing for a host, and for a cluster without a change."""
    if is_changed(variables) and APPLIED_TO_CLUSTER in variables:
        yield from _describe_what_stays(variables[APPLIED_TO_CLUSTER])


def _join_lines(lines: Sequence[str]) -> str:
    """Return lines as one; the last one keeps its full stop."""
    *earlier_lines, last_line = lines
    return "; ".join([*(line.rstrip(".") for line in earlier_lines), last_line])


def _iter_doer_lines(variables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the members that a host brought back, or tried to, each with what became of it."""
    for name in RETURN_RESULTS:
        for result in (variables.get(name) or {}).get("results") or ():
            subject = result.get("item")
            member = subject["member"] if isinstance(subject, Mapping) else subject
            if result.get("msg") and not result.get("skipped"):
                yield str(member), str(result["msg"])


def _describe_what_stays(applied: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of the change of a cluster stays: collectors without a way back, and what it has added or removed."""
    kept_records = applied.get("kept_records") or {}
    collectors, other_objects = list[str](), list[str]()
    for row in applied.get("objects") or ():
        name = f"{row['namespace']}/{row['name']}" if row["namespace"] else str(row["name"])
        is_workload = row["kind"] in POD_RUNNING_KINDS
        if is_workload and row["action"] in _WRITTEN_ACTIONS and name not in kept_records:
            collectors.append(name)
        goes_with_workload = is_workload or row["kind"] == "ConfigMap"
        if not goes_with_workload and row["action"] in _ADDED_OR_REMOVED_ACTIONS:
            other_objects.append(f"{row['kind']} {name}")
    if collectors:
        reason = "as it is new, did not work before, or has `change: {on_failure: keep}`"
        yield f"{join_at_most(_MOST_NAMED, collectors)} keeps the change, {reason}"
    elif not kept_records:
        yield "no workload changed, so nothing goes back"
    if other_objects:
        yield f"what the change has added or removed stays so: {join_at_most(_MOST_NAMED, other_objects)}"
