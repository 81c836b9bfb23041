# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run with waves, as its tasks and its gate read it. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..module_utils._otelcol.errors import Problem, join_at_most, suggest_word
from ..module_utils._waves.wave_plan import (
    ACTION,
    LAST_WAVE_VARIABLE,
    STOP,
    WAVES_VARIABLE,
    Wave,
    plan_waves,
    select_waves_until,
)
from ..module_utils._waves.wave_run import (
    RunWave,
    WayBack,
    arrange_batches,
    describe_plan,
    find_tolerant_end,
    plan_ways_back,
    select_run_waves,
    select_unchanged_hosts,
)
from ._wave_behind import Flows
from ._wave_fleet import build_fleet, check_all_have_waves, list_linux_hosts

KEEP_VARIABLE = "otel_host_keep"
HOST_STATE, CLUSTER_STATE, PRESENT = "otel_host_state", "otel_collector_state", "present"
APPROVED_VARIABLE = "otel_wave_approved"
_MOST_NAMED_HOSTS = 5


@dataclass(frozen=True)
class Person:
    """Who runs the playbook: whether somebody is at its terminal, and the waves that somebody has approved before."""

    is_there: bool
    approved_waves: Collection[str]
    name: str


@dataclass(frozen=True)
class _Run:
    """The waves of a run, and what a row of the plan needs beside them.

    `all_waves` are those up to the last one of the run, `asked` the names of those that a person has to let begin.
    `sampled_members` are the members whose collectors can be read while a wave is watched.
    """

    waves: Sequence[RunWave]
    all_waves: Sequence[Wave]
    ways_back: Sequence[WayBack]
    asked: Collection[str]
    sampled_members: Sequence[str]
    linux_hosts: Collection[str]
    flows: Flows


def plan(waves_option: Any, last_wave: str, variables: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """Return the waves of a run, from the variables of a task in a play of all of its hosts. May raise Problem.

    `waves_option` is the variable otel_waves, `last_wave` the wave after which the run ends, empty for all waves.
    """
    wave_run = _prepare_run(waves_option, last_wave, variables, person)
    return {
        **arrange_batches(wave_run.waves),
        "waves": [_build_row(wave_run, number) for number in range(len(wave_run.waves))],
        "samples": wave_run.sampled_members,
        "tolerant_end": find_tolerant_end(wave_run.waves),
        "ends_alone": _may_end_alone(wave_run),
        "by": person.name,
        "summary": list(describe_plan(wave_run.waves, len(wave_run.all_waves))),
    }


def _prepare_run(waves_option: Any, last_wave: str, variables: Mapping[str, Any], person: Person) -> _Run:
    """Return the waves of a run. Raises Problem for those that cannot be run as they are."""
    selected = list(variables["ansible_play_hosts_all"])
    _check_until(waves_option, last_wave)
    check_all_have_waves(selected, variables["hostvars"])
    all_waves = plan_waves(waves_option, build_fleet(waves_option, variables))
    lost_hosts = set(selected) - set(variables["ansible_play_hosts"])
    waves = select_run_waves(select_waves_until(all_waves, last_wave), selected, lost_hosts)
    wave_ways_back = plan_ways_back(waves)
    _check_way_back(waves, wave_ways_back, variables)
    asked_waves = _find_asked_waves(waves, all_waves, person)
    linux_members = list_linux_hosts(variables)
    samples = [host for host in selected if host not in lost_hosts and _has_collectors(host, linux_members, variables)]
    return _Run(
        waves, all_waves, wave_ways_back, asked_waves, samples, linux_members, Flows(samples, linux_members, variables)
    )


# ── A row of the plan ──


def _build_row(wave_run: _Run, index: int) -> dict[str, Any]:
    """Return what tasks read of a wave."""
    wave = wave_run.waves[index]
    return {
        "name": wave.name,
        "lost": list(wave.failed_hosts),
        **asdict(wave.gate),
        "approval": wave.name in wave_run.asked,
        **wave_run.ways_back[index]._asdict(),
        **_list_unchanged_members(wave_run, index),
        "behind": _find_collectors_behind(wave_run, wave),
    }


def _list_unchanged_members(wave_run: _Run, index: int) -> dict[str, Any]:
    """Return some members of later waves, which have not changed yet: Linux hosts, and clusters.

    Without a watch nothing is read of them.
    """
    samples = wave_run.sampled_members if wave_run.waves[index].gate.watch_seconds else ()
    return {
        "rest": select_unchanged_hosts(
            wave_run.all_waves, index, [host for host in samples if host in wave_run.linux_hosts]
        ),
        "rest_clusters": select_unchanged_hosts(
            wave_run.all_waves, index, [host for host in samples if host not in wave_run.linux_hosts]
        ),
    }


def _find_collectors_behind(wave_run: _Run, wave: RunWave) -> dict[str, Any]:
    """Return the collectors of other members that get data of a wave, which are read before and after its change."""
    return wave_run.flows.plan_reads_behind(
        [host for host in wave.hosts if host in wave_run.sampled_members], wave.gate.watch_seconds
    )


def _may_end_alone(wave_run: _Run) -> bool:
    """Whether nothing is left to do once the last wave has passed: no watch, and no way back that is kept."""
    is_watched = any(wave.gate.watch_seconds for wave in wave_run.waves)
    return not is_watched and not any(way_back.keeps for way_back in wave_run.ways_back)


def _has_collectors(host: str, linux_members: Collection[str], variables: Mapping[str, Any]) -> bool:
    """Whether a run deploys collectors of a member, which can be read while its wave is watched."""
    state = HOST_STATE if host in linux_members else CLUSTER_STATE
    return str(variables["hostvars"][host].get(state) or PRESENT) == PRESENT


# ── Checks ──


def _check_until(waves_option: Any, last_wave: str) -> None:
    """Raise Problem for a run without waves that shall end after one: it would change all hosts at once."""
    if last_wave and not waves_option:
        wrong = f"the inventory has no waves, and this run shall end after wave '{last_wave}'"
        raise Problem(
            wrong,
            asked=ACTION,
            where=LAST_WAVE_VARIABLE,
            fix=f"Set {WAVES_VARIABLE} for group all. No host was changed.",
        )


def _check_way_back(waves: Sequence[RunWave], wave_ways_back: Sequence[WayBack], variables: Mapping[str, Any]) -> None:
    """Raise Problem for a wave that would have to bring back a host that keeps no earlier release."""
    linux_members = list_linux_hosts(variables)
    hosts_by_wave = {wave.name: wave.hosts for wave in waves}
    for wave, way_back in zip(waves, wave_ways_back, strict=True):
        if wave.gate.on_failure == STOP:
            continue
        short_hosts: list[str] = []
        for name in way_back.goes_back:
            short_hosts += [
                host
                for host in hosts_by_wave[name]
                if host in linux_members and _has_one_release(variables["hostvars"][host])
            ]
        if short_hosts:
            policy = wave.gate.on_failure
            wrong = (
                f"wave '{wave.name}' has `on_failure: {policy}`, and {KEEP_VARIABLE} of"
                f" {join_at_most(_MOST_NAMED_HOSTS, short_hosts)} is below 2"
            )
            raise Problem(
                wrong, asked=ACTION, where=WAVES_VARIABLE, fix=f"Set {KEEP_VARIABLE} to 2 or more. No host was changed."
            )


def _has_one_release(variables: Mapping[str, Any]) -> bool:
    """Whether a host keeps the release in use alone. What is no number is an error of the role."""
    return str(variables.get(KEEP_VARIABLE, "")).strip() in ("0", "1")


def _find_asked_waves(waves: Sequence[RunWave], all_waves: Sequence[Wave], person: Person) -> list[str]:
    """Return the waves that a person has to let begin. Raises Problem if nobody can be asked."""
    wave_names = [wave.name for wave in all_waves]
    unknown_waves = [name for name in person.approved_waves if name not in wave_names]
    if unknown_waves:
        wrong = f"there is no wave '{unknown_waves[0]}'{suggest_word(unknown_waves[0], wave_names)}"
        raise Problem(wrong, asked=ACTION, where=APPROVED_VARIABLE, fix=f"The waves are {', '.join(wave_names)}.")
    asked_waves: list[str] = []
    for wave in waves:
        if wave.gate.approval and wave.hosts and wave.name not in person.approved_waves:
            asked_waves.append(wave.name)
    if asked_waves and not person.is_there:
        fix = (
            "Run it on a terminal. Or end this run before the wave by `-e otel_wave_until=NAME`, let a person approve,"
            " for example by an approval node of AWX, then run it again with `-e"
            f" {APPROVED_VARIABLE}={asked_waves[0]}`. No host was changed."
        )
        wrong = f"wave '{asked_waves[0]}' waits for the approval of a person, and this run has no terminal"
        raise Problem(wrong, asked=ACTION, where=WAVES_VARIABLE, fix=fix)
    return asked_waves
