# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run with waves, as its tasks and its gate read it. Private."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..module_utils._otelcol.errors import Problem, at_most, near
from ..module_utils._waves.wave_plan import ASKED, STOP, UNTIL, VARIABLE, Wave, until, waves_of
from ..module_utils._waves.wave_run import (
    RunWave,
    WayBack,
    batches,
    plan_lines,
    rest_of,
    run_waves,
    tolerant_end,
    ways_back,
)
from ._wave_behind import Flows
from ._wave_fleet import check_all_have_waves, fleet_of, linux_hosts

KEEP = "otel_host_keep"
HOST_STATE, CLUSTER_STATE, PRESENT = "otel_host_state", "otel_collector_state", "present"
APPROVED = "otel_wave_approved"
_SHOWN = 5


@dataclass(frozen=True)
class Person:
    """Who runs the playbook: whether somebody is at its terminal, and the waves that somebody has approved before."""

    is_there: bool
    approved: Collection[str]
    name: str


@dataclass(frozen=True)
class _Run:
    """The waves of a run, and what a row of the plan needs beside them.

    `all_waves` are those up to the last one of the run, `asked` the names of those that a person has to let begin.
    `samples` are the members whose collectors can be read while a wave is watched.
    """

    waves: Sequence[RunWave]
    all_waves: Sequence[Wave]
    ways_back: Sequence[WayBack]
    asked: Collection[str]
    samples: Sequence[str]
    linux: Collection[str]
    flows: Flows


def plan(given: Any, last: str, variables: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """Return the waves of a run, from the variables of a task in a play of all of its hosts. May raise Problem.

    `given` is the variable otel_waves, `last` the wave after which the run ends, empty for all waves.
    """
    run = _checked_run(given, last, variables, person)
    return {
        **batches(run.waves),
        "waves": [_row(run, number) for number in range(len(run.waves))],
        "samples": run.samples,
        "tolerant_end": tolerant_end(run.waves),
        "ends_alone": _ends_alone(run),
        "by": person.name,
        "summary": list(plan_lines(run.waves, len(run.all_waves))),
    }


def _checked_run(given: Any, last: str, variables: Mapping[str, Any], person: Person) -> _Run:
    """Return the waves of a run. Raises Problem for those that cannot be run as they are."""
    selected = list(variables["ansible_play_hosts_all"])
    _check_until(given, last)
    check_all_have_waves(selected, variables["hostvars"])
    all_waves = waves_of(given, fleet_of(given, variables))
    lost = set(selected) - set(variables["ansible_play_hosts"])
    waves = run_waves(until(all_waves, last), selected, lost)
    ways = ways_back(waves)
    _check_way_back(waves, ways, variables)
    asked = _asked(waves, all_waves, person)
    linux = linux_hosts(variables)
    samples = [host for host in selected if host not in lost and _has_collectors(host, linux, variables)]
    return _Run(waves, all_waves, ways, asked, samples, linux, Flows(samples, linux, variables))


# ── A row of the plan ──


def _row(run: _Run, number: int) -> dict[str, Any]:
    """Return what tasks read of a wave."""
    wave = run.waves[number]
    return {
        "name": wave.name,
        "lost": list(wave.lost),
        **asdict(wave.gate),
        "approval": wave.name in run.asked,
        **run.ways_back[number]._asdict(),
        **_rest(run, number),
        "behind": _behind(run, wave),
    }


def _rest(run: _Run, number: int) -> dict[str, Any]:
    """Return some members of later waves, which have not changed yet: Linux hosts, and clusters.

    Without a watch nothing is read of them.
    """
    samples = run.samples if run.waves[number].gate.watch_seconds else ()
    return {
        "rest": rest_of(run.all_waves, number, [host for host in samples if host in run.linux]),
        "rest_clusters": rest_of(run.all_waves, number, [host for host in samples if host not in run.linux]),
    }


def _behind(run: _Run, wave: RunWave) -> dict[str, Any]:
    """Return the collectors of other members that get data of a wave, which are read before and after its change."""
    return run.flows.behind([host for host in wave.hosts if host in run.samples], wave.gate.watch_seconds)


def _ends_alone(run: _Run) -> bool:
    """Whether nothing is left to do once the last wave has passed: no watch, and no way back that is kept."""
    is_watched = any(wave.gate.watch_seconds for wave in run.waves)
    return not is_watched and not any(way.keeps for way in run.ways_back)


def _has_collectors(host: str, linux: Collection[str], variables: Mapping[str, Any]) -> bool:
    """Whether a run deploys collectors of a member, which can be read while its wave is watched."""
    state = HOST_STATE if host in linux else CLUSTER_STATE
    return str(variables["hostvars"][host].get(state) or PRESENT) == PRESENT


# ── Checks ──


def _check_until(given: Any, last: str) -> None:
    """Raise Problem for a run without waves that shall end after one: it would change all hosts at once."""
    if last and not given:
        wrong = f"the inventory has no waves, and this run shall end after wave '{last}'"
        raise Problem(wrong, asked=ASKED, where=UNTIL, fix=f"Set {VARIABLE} for group all. No host was changed.")


def _check_way_back(waves: Sequence[RunWave], ways: Sequence[WayBack], variables: Mapping[str, Any]) -> None:
    """Raise Problem for a wave that would have to bring back a host that keeps no earlier release."""
    linux = linux_hosts(variables)
    hosts_of = {wave.name: wave.hosts for wave in waves}
    for wave, way in zip(waves, ways, strict=True):
        if wave.gate.on_failure == STOP:
            continue
        short: list[str] = []
        for name in way.goes_back:
            short += [host for host in hosts_of[name] if host in linux and _keeps_one(variables["hostvars"][host])]
        if short:
            word = wave.gate.on_failure
            wrong = f"wave '{wave.name}' has `on_failure: {word}`, and {KEEP} of {at_most(_SHOWN, short)} is below 2"
            raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=f"Set {KEEP} to 2 or more. No host was changed.")


def _keeps_one(variables: Mapping[str, Any]) -> bool:
    """Whether a host keeps the release in use alone. What is no number is an error of the role."""
    return str(variables.get(KEEP, "")).strip() in ("0", "1")


def _asked(waves: Sequence[RunWave], all_waves: Sequence[Wave], person: Person) -> list[str]:
    """Return the waves that a person has to let begin. Raises Problem if nobody can be asked."""
    names = [wave.name for wave in all_waves]
    unknown = [name for name in person.approved if name not in names]
    if unknown:
        wrong = f"there is no wave '{unknown[0]}'{near(unknown[0], names)}"
        raise Problem(wrong, asked=ASKED, where=APPROVED, fix=f"The waves are {', '.join(names)}.")
    asked: list[str] = []
    for wave in waves:
        if wave.gate.approval and wave.hosts and wave.name not in person.approved:
            asked.append(wave.name)
    if asked and not person.is_there:
        fix = (
            f"Run it on a terminal. Or end this run before the wave by `-e otel_wave_until=NAME`, let a person approve,"
            f" for example by an approval node of AWX, then run it again with `-e {APPROVED}={asked[0]}`."
            " No host was changed."
        )
        wrong = f"wave '{asked[0]}' waits for the approval of a person, and this run has no terminal"
        raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=fix)
    return asked
