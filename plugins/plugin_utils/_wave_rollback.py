# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll back the members of waves: who brings which back to what it ran before, and what became of each. Private.

Ansible runs tasks for the hosts of one wave at a time. So the hosts of the wave that failed bring the members of
earlier waves back too, each host a share of them. For example, waves `canary` (web1) and `all` (web2, web3) go back.
Then web2 and web3 bring back their own services, and web2 also that of web1. The same shares say who removes what a
member kept, once its change is final. `RunPlan` of `_run_plan.py` explains `wave_of`, the wave of each member, and
`goes_back`, the waves that go back if one fails; `plan_rollbacks` of wave_rollbacks.py decides the latter.

Module wave_gate calls `assign_shares` when a wave ends, and `report_failed_wave` after the hosts have done it. A member
is a host of a wave: a Linux host, or one that stands for a cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any, NotRequired, TypedDict, cast

from ..module_utils._change.workload_kinds import POD_RUNNING_KINDS
from ..module_utils._otelcol.errors import join_at_most
from ..module_utils._waves.wave_verdict import refuse_failed_wave
from ._run_plan import RunPlan, TaskVariables, find_wave, list_members_of_waves
from ._wave_results import (
    APPLIED_TO_CLUSTER,
    RETURN_RESULTS,
    ReadOnce,
    UndecidedService,
    is_changed,
    keeps_records,
    list_undecided_services,
)

_MOST_NAMED = 5
# The key `action` of an object in the result of bundle_apply, if it was written.
_WRITTEN_ACTIONS = ("created", "changed")
# The same, if it was not there before, or is gone.
_ADDED_OR_REMOVED_ACTIONS = ("created", "pruned")


class _AppliedObject(TypedDict):
    """An object in the result of bundle_apply."""

    kind: str
    namespace: str
    """Empty for an object of the whole cluster."""
    name: str
    action: str
    """What was done: such as `created`, `changed`, `pruned` or `unchanged`."""


class _ApplyResult(TypedDict):
    """What this file reads in the result of bundle_apply of a cluster. A module that failed early returns less."""

    objects: NotRequired[list[_AppliedObject]]
    kept_records: NotRequired[Mapping[str, str]]
    """The collectors that go back, as NAMESPACE/NAME, each with the run that keeps its record."""


class _RollbackResult(TypedDict):
    """What this file reads in the result of a task of tasks/wave_back.yml, for one item of its loop."""

    item: NotRequired[UndecidedService | str]
    """The service of a host, or the name of a cluster in the inventory."""
    msg: NotRequired[str]
    skipped: NotRequired[bool]


class HostShare(TypedDict):
    """What one host of a wave brings back, or makes final."""

    services: list[UndecidedService]
    """Collectors of Linux hosts."""
    clusters: list[str]
    """Clusters by their names in the inventory."""


def assign_shares(
    run_plan: RunPlan, wave_names: Collection[str], acting_hosts: Sequence[str], variables: TaskVariables
) -> dict[str, HostShare]:
    """Return the share of each of the hosts that act, by host: it has the members of some waves.

    A host does its own, and what belongs to other members is spread over all hosts. One with nothing to do has no
    share.
    """
    if not acting_hosts:
        return {}
    share_by_host: dict[str, HostShare] = {}
    next_hosts = cycle(acting_hosts)
    for member in list_members_of_waves(run_plan, wave_names):
        member_variables = variables["hostvars"][member]
        services = list(list_undecided_services(member, member_variables))
        clusters = [member] if keeps_records(member_variables) else []
        if services or clusters:
            acting_host = member if member in acting_hosts else next(next_hosts)
            share = share_by_host.setdefault(acting_host, {"services": [], "clusters": []})
            share["services"] += services
            share["clusters"] += clusters
    return share_by_host


def report_failed_wave(run_plan: RunPlan, wave_name: str, gate_message: str, variables: TaskVariables) -> None:
    """Raise Problem for a wave that failed, with what became of its members, and of those that went back with it.

    For example, wave `second` fails with the message `it is bad.`, and `first` goes back with it. The cluster `dev` of
    `first` did not go back, the service of web1 of `first` did, and db1 of `first` was not changed by this run:

        results of the tasks:  dev: `no answer`;  web1: `agent: Release 000001 runs again.`
        text of the Problem:   it is bad. The way back: dev: no answer; web1: agent: Release 000001 runs again. Not
                               changed by this run, so not taken back: db1.
    """
    wave = find_wave(run_plan, wave_name)
    hostvars = ReadOnce(variables["hostvars"])
    # The hosts of this wave have done the rollback, also that of members of earlier waves.
    task_messages = _collect_task_messages(list_members_of_waves(run_plan, [wave_name]), hostvars)
    summary_by_member: dict[str, str] = {}
    untouched_members: list[str] = []
    for member in list_members_of_waves(run_plan, wave["goes_back"]):
        member_lines = [*task_messages.get(member, ()), *_describe_cluster(hostvars[member])]
        if member_lines:
            summary_by_member[member] = _join_lines(member_lines)
        elif run_plan["wave_of"][member] != wave_name:
            untouched_members.append(member)
    refuse_failed_wave(gate_message, summary_by_member, untouched_members)


# ── What became of the members ──


def _collect_task_messages(acting_hosts: Sequence[str], hostvars: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the messages of the tasks by which these hosts brought members back, or tried to, by member."""
    messages_by_member: dict[str, list[str]] = {}
    for host in acting_hosts:
        for result in _list_rollback_results(hostvars[host]):
            message = result.get("msg")
            if message and not result.get("skipped"):
                messages_by_member.setdefault(_find_returned_member(result), []).append(str(message))
    return messages_by_member


def _list_rollback_results(variables: Mapping[str, Any]) -> Iterator[_RollbackResult]:
    """Yield the results of the tasks by which a host brings members back: one for each service and cluster."""
    for name in RETURN_RESULTS:
        yield from (variables.get(name) or {}).get("results") or ()


def _find_returned_member(task_result: _RollbackResult) -> str:
    """Return the member that a task brings back."""
    item = task_result.get("item")
    return str(item["member"] if isinstance(item, Mapping) else item)


def _join_lines(lines: Sequence[str]) -> str:
    """Return lines as one, such as `a went back; b stays.` of `a went back.` and `b stays.`"""
    *earlier_lines, last_line = lines
    return "; ".join([*(line.rstrip(".") for line in earlier_lines), last_line])


def _describe_cluster(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines about the part of a change that stays; none for a host, and for a cluster that did not change."""
    if is_changed(variables) and APPLIED_TO_CLUSTER in variables:
        yield from _describe_what_stays(cast(_ApplyResult, variables[APPLIED_TO_CLUSTER]))


def _describe_what_stays(apply_result: _ApplyResult) -> Iterator[str]:
    """Yield what of a change stays: collectors that cannot go back, and objects that it has added or removed.

    For example, the change of namespace `obs` wrote the collectors `agent` and `gateway`, and `agent` goes back:

        objects:       Deployment agent changed, Deployment gateway created, Service agent pruned
        kept_records:  {"obs/agent": RUN}
        lines:         obs/gateway keeps the change, as it is new, did not work before, or has …
                       what the change has added or removed stays so: Service obs/agent
    """
    objects = apply_result.get("objects") or ()
    kept_records = apply_result.get("kept_records") or {}
    staying_collectors = list(_list_staying_collectors(objects, kept_records))
    staying_objects = list(_list_staying_objects(objects))
    if staying_collectors:
        reason = "as it is new, did not work before, or has `change: {on_failure: keep}`"
        yield f"{join_at_most(_MOST_NAMED, staying_collectors)} keeps the change, {reason}"
    elif not kept_records:
        yield "no workload changed, so nothing goes back"
    if staying_objects:
        yield f"what the change has added or removed stays so: {join_at_most(_MOST_NAMED, staying_objects)}"


def _list_staying_collectors(objects: Iterable[_AppliedObject], kept_records: Collection[str]) -> Iterator[str]:
    """Yield the collectors whose workload was written, and of which no record is kept to go back to."""
    for applied_object in objects:
        is_written = applied_object["kind"] in POD_RUNNING_KINDS and applied_object["action"] in _WRITTEN_ACTIONS
        name = _name_object(applied_object)
        if is_written and name not in kept_records:
            yield name


def _list_staying_objects(objects: Iterable[_AppliedObject]) -> Iterator[str]:
    """Yield the objects that were added or removed, and do not go back with a workload.

    An object that was only changed, such as a Service, is not named.
    """
    for applied_object in objects:
        kind = applied_object["kind"]
        # A ConfigMap with a config goes back and is removed with its workload.
        goes_with_workload = kind in POD_RUNNING_KINDS or kind == "ConfigMap"
        if not goes_with_workload and applied_object["action"] in _ADDED_OR_REMOVED_ACTIONS:
            yield f"{kind} {_name_object(applied_object)}"


def _name_object(applied_object: _AppliedObject) -> str:
    """Return the name of an object, such as `obs/agent`, or `agent` for one of the whole cluster."""
    namespace, name = applied_object["namespace"], str(applied_object["name"])
    return f"{namespace}/{name}" if namespace else name
