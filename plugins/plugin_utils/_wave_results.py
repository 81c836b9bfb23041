# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks of playbook site leave in the variables of a member of a wave: a cluster, or a Linux host. Private.

The gate of a wave reads it (`_wave_gate.py`, `_wave_figures.py`, `_wave_back.py`). A change is undecided while no gate
has judged it: then its member still has what it would go back to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._waves.plan_differences import MemberChange, read_differences

# Why a member failed, and what this run has applied to it.
FAILURE = "__otel_wave_failure"
APPLIED_TO_CLUSTER, APPLIED_TO_HOST = "otel_collector_applied", "__otel_host_applied"
RENDERED = "otel_collector_rendered"
# What its collectors counted before and after the change.
READ_BEFORE, READ_AFTER = "__otel_wave_before", "__otel_wave_after"
# What a host of a wave that failed has done about services of hosts, and about clusters: results of loops.
RETURN_RESULTS = ("__otel_services_back", "__otel_clusters_back")
_READ_VARIABLES = (FAILURE, APPLIED_TO_CLUSTER, APPLIED_TO_HOST, RENDERED, READ_BEFORE, READ_AFTER, *RETURN_RESULTS)
# The release of a collector of a cluster, which the task of the watch finds by its pods.
RELEASE_OF_PODS = ""


class ReadOnce(dict[str, dict[str, Any]]):
    """What tasks have left in the variables of members. Ansible gathers all variables of a host for each access."""

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


def list_undecided_services(member: str, variables: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the collectors of a host that may go back, each with its release, and the one that ran before.

    A collector that failed has gone back by itself, unless it works and a service that sends to it failed.
    """
    for result in _read_host_results(variables):
        if result.get("undecided"):
            yield {
                "member": member,
                "name": str(result["item"]),
                "release": str(result["undecided"]),
                "undoes": str(result["release"]),
            }


def keeps_records(variables: Mapping[str, Any]) -> bool:
    """Whether a cluster keeps what its collectors would go back to."""
    return bool((variables.get(APPLIED_TO_CLUSTER) or {}).get("kept_records"))


def is_undecided(variables: Mapping[str, Any]) -> bool:
    """Whether a member has a change, also of a killed run, that the gate of a wave has to judge."""
    return keeps_records(variables) or any(list_undecided_services("", variables))


def find_applied_releases(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the release of each collector with pods of its own or a service that this run has applied to a member."""
    releases = {}
    for result in _read_host_results(variables):
        if result.get("release"):
            releases[str(result["item"])] = str(result["release"])
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
