# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a wave passed, from what the tasks of its members have left in their variables. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..module_utils._waves.plan_differences import MemberChange, change_lines
from ..module_utils._waves.wave_verdict import BEFORE, SILENT, WaveEnd, failure_reason, passed_line, refuse_failed_hosts
from ._wave_back import shares
from ._wave_figures import wave_data
from ._wave_results import FAILURE, ReadOnce, cluster_change, host_change, is_changed, is_undecided


@dataclass(frozen=True)
class _Ends:
    """How waves of a plan ended. `answering` are the hosts of the play that Ansible has not lost."""

    planned: Mapping[str, Any]
    hostvars: Mapping[str, Any]
    answering: Collection[str]

    @classmethod
    def of(cls, planned: Mapping[str, Any], variables: Mapping[str, Any]) -> _Ends:
        """Return the ends by the variables of a task."""
        return cls(planned, variables["hostvars"], frozenset(variables["ansible_play_hosts"]))

    def end(self, wave: Mapping[str, Any], later: Sequence[str] = ()) -> WaveEnd:
        """Return how a wave ended; `later` has the names of the waves after it."""
        begun = [host for host, its_wave in self.planned["wave_of"].items() if its_wave == wave["name"]]
        return WaveEnd(
            name=wave["name"],
            hosts=(*begun, *wave["lost"]),
            changed=tuple(host for host in begun if is_changed(self.hostvars[host])),
            failed=self._failed(begun) | dict.fromkeys(wave["lost"], BEFORE),
            max_failed=wave["max_failed"],
            undecided=tuple(host for host in begun if is_undecided(self.hostvars[host])),
            later=tuple(later),
        )

    def _failed(self, begun: Sequence[str]) -> dict[str, str]:
        """Return why hosts that have begun a wave failed in it. One that does not answer any more failed too."""
        failures: dict[str, str] = {}
        for host in begun:
            if FAILURE in self.hostvars[host]:
                failures[host] = failure_reason(self.hostvars[host][FAILURE])
        silent = [host for host in begun if host not in self.answering]
        return failures | dict.fromkeys(silent, SILENT)


def gate(planned: Mapping[str, Any], name: str, given: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return how a wave went. Raises Problem if it failed.

    `planned` is the plan of the run, and `given` the variables of a task of the wave.
    """
    variables = {**given, "hostvars": ReadOnce(given["hostvars"])}
    names = [wave["name"] for wave in planned["waves"]]
    number = names.index(name)
    wave = planned["waves"][number]
    end = _Ends.of(planned, variables).end(wave, later=names[number + 1 :])
    end = replace(end, passed_waves=_waves_with_hosts(planned, names[:number]))
    if wave["watch_seconds"] and not check_mode:
        end = replace(end, data=wave_data(planned, wave, end, variables))
    doers = [host for host in variables["ansible_play_hosts"] if planned["wave_of"].get(host) == name]
    end = replace(end, shares=shares(planned, wave["goes_back"], doers, variables))
    result = {
        "msg": passed_line(end, check_mode),
        "passed": dict(end.data.passed),
        "shares": shares(planned, wave["settles"], doers, variables),
    }
    if check_mode:
        result["would_change"] = _planned_changes(end, variables)
    return result


def _waves_with_hosts(planned: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """Return the waves among these that have hosts in this run; one without hosts never runs."""
    with_hosts = frozenset(planned["wave_of"].values())
    return tuple(name for name in names if name in with_hosts)


def _planned_changes(end: WaveEnd, variables: Mapping[str, Any]) -> list[str]:
    """Return what the members of a wave would change, in lines: equal differences once."""
    lines: list[str] = []
    for noun, change_of in (("cluster", cluster_change), ("host", host_change)):
        changes: list[MemberChange] = []
        for member in end.changed:
            change = change_of(member, variables["hostvars"][member])
            if change:
                changes.append(change)
        lines += change_lines(changes, noun, whole=bool(variables.get("ansible_diff_mode")))
    return lines


def ended(planned: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return that all waves passed, after the changes of the last one stay. Raises Problem if any host failed."""
    ends = _Ends.of(planned, {**given, "hostvars": ReadOnce(given["hostvars"])})
    failed: dict[str, str] = {}
    for wave in planned["waves"]:
        failed.update(ends.end(wave).failed)
    refuse_failed_hosts(failed)
    return {"msg": "All waves passed, and no host failed."}
