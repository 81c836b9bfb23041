# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what tasks of playbook site leave in the variables of a member of a wave. Private.

The gate of a wave decides by it (`_wave_gate.py`, `_wave_figures.py`, `_wave_rollback.py`). A member is a Linux host,
or a host that stands for a cluster. For example, after a change of a Linux host its variables have

    __otel_host_applied: {results: [{item: agent, changed: true, release: "000002", written: "17698…",
                                     undecided: "000001"}]}

Its collector `agent` is undecided then: it runs release 000002, and keeps 000001 until the gate has judged the wave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from ..module_utils._waves.plan_differences import MemberChange, read_differences

# Which task of a member failed, and why.
FAILURE = "__otel_wave_failure"
# The result of module bundle_apply of a cluster.
APPLIED_TO_CLUSTER = "otel_collector_applied"
# The results of module host_apply of a Linux host, one for each collector.
APPLIED_TO_HOST = "__otel_host_applied"
# The result of module otel_render of a cluster.
RENDERED = "otel_collector_rendered"
# What the collectors of a member counted before the change, and after it.
READ_BEFORE = "__otel_wave_before"
READ_AFTER = "__otel_wave_after"
# What a host of a wave that failed has done about services of hosts, and about clusters: results of loops.
RETURN_RESULTS = ("__otel_services_back", "__otel_clusters_back")
_READ_VARIABLES = (FAILURE, APPLIED_TO_CLUSTER, APPLIED_TO_HOST, RENDERED, READ_BEFORE, READ_AFTER, *RETURN_RESULTS)


class AppliedRelease(NamedTuple):
    """A release that this run has applied to a host: its number and when it was written.

    The numbers begin anew after a removal, so the number alone does not tell a release from a later one.
    """

    number: str
    written: str


# The release of a collector of a cluster, which the task of the watch finds by its pods.
RELEASE_OF_PODS = AppliedRelease("", "")


class ReadOnce(dict[str, dict[str, Any]]):
    """The variables of this file, by member. Those of a member are read at the first access, and kept.

    `hostvars` of Ansible gathers all variables of a host for each access, which takes milliseconds.
    """

    def __init__(self, hostvars: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        self._hostvars = hostvars

    def __missing__(self, member: str) -> dict[str, Any]:
        """Read the variables of a member."""
        variables = self._hostvars[member]
        self[member] = {name: variables[name] for name in _READ_VARIABLES if name in variables}
        return self[member]


def _read_host_results(variables: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the result of module host_apply for each collector of a Linux host; empty for a cluster."""
    return (variables.get(APPLIED_TO_HOST) or {}).get("results") or ()


def is_changed(variables: Mapping[str, Any]) -> bool:
    """Whether this run has changed collectors of a member."""
    return any((variables.get(name) or {}).get("changed") for name in (APPLIED_TO_CLUSTER, APPLIED_TO_HOST))


def find_cluster_change(member: str, variables: Mapping[str, Any]) -> MemberChange | None:
    """Return what a run in check mode has found to change on a cluster; None for a host."""
    applied = variables.get(APPLIED_TO_CLUSTER)
    if not applied:
        return None
    return MemberChange(member, read_differences(applied.get("differences") or ()))


def find_host_change(member: str, variables: Mapping[str, Any]) -> MemberChange | None:
    """Return what a run in check mode has found to change on a Linux host; None for a cluster."""
    results = (variables.get(APPLIED_TO_HOST) or {}).get("results")
    if results is None:
        return None
    difference_rows: list[Mapping[str, Any]] = []
    other_messages: list[str] = []
    for result in results:
        if not result.get("changed"):
            continue
        differences = result.get("differences")
        if differences:
            difference_rows += differences
        else:
            other_messages.append(str(result["msg"]))
    return MemberChange(member, read_differences(difference_rows), other_messages)


class UndecidedService(TypedDict):
    """A collector of a Linux host whose change is undecided, as tasks bring it back or make it final."""

    member: str
    name: str
    release: str
    """The release that it goes back to."""
    undoes: str
    """The release that runs."""
    written: str
    """When that release was written: another one may get the same number later."""


def list_undecided_services(member: str, variables: Mapping[str, Any]) -> Iterator[UndecidedService]:
    """Yield the collectors of a host that may go back.

    A collector that failed has gone back by itself, unless it works and a service that sends to it failed.
    """
    for result in _read_host_results(variables):
        if result.get("undecided"):
            yield {
                "member": member,
                "name": str(result["item"]),
                "release": str(result["undecided"]),
                "undoes": str(result["release"]),
                "written": str(result["written"]),
            }


def keeps_records(variables: Mapping[str, Any]) -> bool:
    """Whether a cluster keeps what its collectors would go back to."""
    return bool((variables.get(APPLIED_TO_CLUSTER) or {}).get("kept_records"))


def is_undecided(variables: Mapping[str, Any]) -> bool:
    """Whether a member has a change, also of a killed run, that the gate of a wave has to judge."""
    return keeps_records(variables) or any(result.get("undecided") for result in _read_host_results(variables))


def find_applied_releases(variables: Mapping[str, Any]) -> dict[str, AppliedRelease]:
    """Return the release of each collector with pods of its own or a service that this run has applied to a member."""
    releases = {}
    for result in _read_host_results(variables):
        if result.get("release"):
            releases[str(result["item"])] = AppliedRelease(str(result["release"]), str(result.get("written") or ""))
    return releases | dict.fromkeys(_iter_cluster_collectors(variables), RELEASE_OF_PODS)


def _iter_cluster_collectors(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collectors that this run has applied to a cluster. Pods with a sidecar belong to applications."""
    if APPLIED_TO_CLUSTER not in variables:
        return
    rendered = variables.get(RENDERED) or {}
    sidecars = [(collector["namespace"], collector["name"]) for collector in rendered.get("sidecars") or ()]
    for collector in rendered.get("workloads") or ():
        if (collector["namespace"], collector["name"]) not in sidecars:
            yield f"{collector['namespace']}/{collector['name']}"


def choose_watch_seconds(seconds: float, variables: Mapping[str, Any]) -> float:
    """Return for how long to watch the collectors of a member in its wave.

    Those that did not change and have passed a wave need no watch, and a member that failed is judged by its failure.
    """
    read_before = (variables.get(READ_BEFORE) or {}).get("collectors") or ()
    passed_names = {str(row["name"]) for row in read_before if row["passed"]}
    is_new = is_changed(variables) or not find_applied_releases(variables).keys() <= passed_names
    is_watched = is_new and FAILURE not in variables
    return seconds if is_watched else 0.0
