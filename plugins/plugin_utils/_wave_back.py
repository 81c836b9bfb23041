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

from ..module_utils._change.workload_kinds import RUNS
from ..module_utils._otelcol.errors import at_most
from ..module_utils._waves.wave_verdict import refuse_failed_wave
from ._wave_results import OF_CLUSTER, RETURNED, ReadOnce, is_changed, keeps_records, undecided_services

_SHOWN = 5
# What a row of bundle_apply says of an object that it has written, and of one that was not there before or is gone.
_WRITTEN, _ADDED_OR_REMOVED = ("created", "changed"), ("created", "pruned")
Share = dict[str, list[Any]]


def shares(
    planned: Mapping[str, Any], waves: Collection[str], doers: Sequence[str], variables: Mapping[str, Any]
) -> dict[str, Share]:
    """Return for each host of a wave what it brings back, or lets stay: services of hosts, and clusters.

    A host does its own, and those of the members of other waves are spread over all hosts. One with nothing to do has
    no share.
    """
    if not doers:
        return {}
    share_of: dict[str, Share] = {}
    next_doers = cycle(doers)
    for member in _members(planned, waves):
        of_member = variables["hostvars"][member]
        services = list(undecided_services(member, of_member))
        clusters = [member] if keeps_records(of_member) else []
        if services or clusters:
            doer = member if member in doers else next(next_doers)
            share = share_of.setdefault(doer, {"services": [], "clusters": []})
            share["services"] += services
            share["clusters"] += clusters
    return share_of


def _members(planned: Mapping[str, Any], waves: Collection[str]) -> list[str]:
    """Return the members of some waves, in the order of the plan."""
    return [member for member, wave in planned["wave_of"].items() if wave in waves]


def gone_back(planned: Mapping[str, Any], name: str, said: str, variables: Mapping[str, Any]) -> None:
    """Raise Problem for a wave that failed, with what became of its members, and of those that went back with it."""
    wave = next(row for row in planned["waves"] if row["name"] == name)
    hostvars = ReadOnce(variables["hostvars"])
    lines = _lines_of_members(_members(planned, [name]), hostvars)
    line_of_member: dict[str, str] = {}
    untouched: list[str] = []
    for member in _members(planned, wave["goes_back"]):
        of_member = [*lines.get(member, ()), *_lines_of_cluster(hostvars[member])]
        if of_member:
            line_of_member[member] = _in_one_line(of_member)
        elif planned["wave_of"][member] != name:
            untouched.append(member)
    refuse_failed_wave(said, line_of_member, untouched)


def _lines_of_members(doers: Sequence[str], hostvars: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what became of each member that one of these hosts brought back, or tried to."""
    lines: dict[str, list[str]] = {}
    for doer in doers:
        for member, line in _lines_of_doer(hostvars[doer]):
            lines.setdefault(member, []).append(line)
    return lines


def _lines_of_cluster(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of the change of a cluster stays; nothing for a host, and for a cluster without a change."""
    if is_changed(variables) and OF_CLUSTER in variables:
        yield from _what_stays(variables[OF_CLUSTER])


def _in_one_line(lines: Sequence[str]) -> str:
    """Return lines as one; the last one keeps its full stop."""
    *first, last = lines
    return "; ".join([*(line.rstrip(".") for line in first), last])


def _lines_of_doer(variables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the members that a host brought back, or tried to, each with what became of it."""
    for name in RETURNED:
        for result in (variables.get(name) or {}).get("results") or ():
            subject = result.get("item")
            member = subject["member"] if isinstance(subject, Mapping) else subject
            if result.get("msg") and not result.get("skipped"):
                yield str(member), str(result["msg"])


def _what_stays(applied: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of the change of a cluster stays: collectors without a way back, and what it has added or removed."""
    kept_records = applied.get("kept_records") or {}
    collectors, others = list[str](), list[str]()
    for row in applied.get("objects") or ():
        name = f"{row['namespace']}/{row['name']}" if row["namespace"] else str(row["name"])
        is_workload = row["kind"] in RUNS
        if is_workload and row["action"] in _WRITTEN and name not in kept_records:
            collectors.append(name)
        goes_with_workload = is_workload or row["kind"] == "ConfigMap"
        if not goes_with_workload and row["action"] in _ADDED_OR_REMOVED:
            others.append(f"{row['kind']} {name}")
    if collectors:
        why = "as it is new, did not work before, or has `change: {on_failure: keep}`"
        yield f"{at_most(_SHOWN, collectors)} keeps the change, {why}"
    elif not kept_records:
        yield "no workload changed, so nothing goes back"
    if others:
        yield f"what the change has added or removed stays so: {at_most(_SHOWN, others)}"
