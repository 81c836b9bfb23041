# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory and the failures of a run, as the plan and the gate of waves need them. Private."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ..module_utils._host_change.bundle_form import BEFORE_ALL
from ..module_utils._otelcol.errors import Problem, at_most, near
from ..module_utils._waves.wave_data import Judged, Tools, Track, judged, sides_of
from ..module_utils._waves.wave_plan import ASKED, LABEL, PASS, ROLL_BACK, VARIABLE, Fleet, Wave, until, waves_of
from ..module_utils._waves.wave_run import RunWave, batches, plan_lines, rest_of, run_waves
from ..module_utils._waves.wave_verdict import (
    BEFORE,
    SILENT,
    WaveData,
    WaveEnd,
    all_passed,
    failed_back,
    passed,
    reason,
)
from ._diagnose import searching
from ._host_groups import LINUX
from ._otelcol import _builds
from ._wave_samples import tracks

# What tasks of playbook site leave in the variables of each host: why it failed, and how it changed.
FAILURE = "__otel_wave_failure"
RESULTS = ("__otel_collector_applied", "__otel_host_applied")
# What its collectors counted before and after the change, and those of later waves at the start and the end.
READ_BEFORE, READ_AFTER, REST_FIRST, REST_LAST = (
    "__otel_wave_before",
    "__otel_wave_after",
    "__otel_rest_first",
    "__otel_rest_last",
)
APPLIED, RETURNED = "__otel_host_applied", "__otel_wave_returned"
KEEP = "otel_host_keep"
APPROVED = "otel_wave_approved"
_SHOWN = 5


# ── The plan ──


@dataclass(frozen=True)
class Person:
    """Who runs the playbook: whether somebody is at its terminal, and the waves that somebody has approved before."""

    is_there: bool
    approved: Collection[str]
    name: str


def plan(given: Any, last: str, variables: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """Return the waves of a run, from the variables of a task in a play of all of its hosts. May raise Problem."""
    selected = list(variables["ansible_play_hosts_all"])
    _check_same(selected, variables["hostvars"])
    fleet = _fleet(given, variables)
    waves = waves_of(given, fleet)
    lost = set(selected) - set(variables["ansible_play_hosts"])
    found = run_waves(until(waves, last), selected, lost)
    _check_way_back(found, variables)
    asked = _asked(found, waves, person)
    samples = [host for host in selected if host not in lost and _has_services(host, variables)]
    return {
        **batches(found),
        "waves": [
            {
                "name": one.name,
                "lost": list(one.lost),
                **asdict(one.gate),
                "approval": one.name in asked,
                "rest": rest_of(waves, number, samples) if one.gate.watch_seconds else [],
            }
            for number, one in enumerate(found)
        ],
        "samples": samples,
        "by": person.name,
        "summary": list(plan_lines(found, len(waves))),
    }


def layout(given: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wave of each host of the inventory, for a playbook that changes no host. May raise Problem.

    With a growth no host has one, since a new host would move others to another wave.
    """
    waves = members(given, variables)
    is_growth = isinstance(given, Mapping)
    return {"wave_of": {} if is_growth else {host: name for name, hosts in waves.items() for host in hosts}}


def members(given: Any, variables: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the hosts of each wave of the inventory by its name, in order. May raise Problem."""
    _check_same(variables["ansible_play_hosts_all"], variables["hostvars"])
    return {wave.name: wave.members for wave in waves_of(given, _fleet(given, variables))}


def clusters(variables: Mapping[str, Any]) -> list[str]:
    """Return all clusters that a playbook would have without --limit, from the variables of a task."""
    linux = _linux(variables)
    return [host for host in _asked_hosts(_patterns(variables["groups"]), variables) if host not in linux]


def _has_services(host: str, variables: Mapping[str, Any]) -> bool:
    """Whether a run changes services of a host, which can be read and brought back."""
    return (
        host in _linux(variables) and str(variables["hostvars"][host].get("otel_host_state") or "present") == "present"
    )


def _check_way_back(waves: Iterable[RunWave], variables: Mapping[str, Any]) -> None:
    """Raise Problem for a wave that would have to bring back a cluster, or a host that keeps no earlier release."""
    linux = _linux(variables)
    for wave in (one for one in waves if one.gate.on_failure == ROLL_BACK):
        short = [host for host in wave.hosts if host in linux and _keeps_one(variables["hostvars"][host])]
        if short:
            wrong = (
                f"wave '{wave.name}' has `on_failure: {ROLL_BACK}`, and {KEEP} of {at_most(_SHOWN, short)} is below 2"
            )
            raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=f"Set {KEEP} to 2 or more. No host was changed.")
        clusters = [host for host in wave.hosts if host not in linux]
        if clusters:
            wrong = (
                f"wave '{wave.name}' has `on_failure: {ROLL_BACK}`, and a run cannot bring back {', '.join(clusters)}"
            )
            fix = "Put clusters into waves of their own, whose canary brings each collector back. No host was changed."
            raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=fix)


def _keeps_one(variables: Mapping[str, Any]) -> bool:
    """Whether a host keeps the release in use alone. What is no number is an error of the role."""
    return str(variables.get(KEEP, "")).strip() in ("0", "1")


def _asked(found: Sequence[RunWave], waves: Sequence[Wave], person: Person) -> list[str]:
    """Return the waves that a person has to let begin. Raises Problem if nobody can be asked."""
    names = [wave.name for wave in waves]
    unknown = [name for name in person.approved if name not in names]
    if unknown:
        wrong = f"there is no wave '{unknown[0]}'{near(unknown[0], names)}"
        raise Problem(wrong, asked=ASKED, where=APPROVED, fix=f"The waves are {', '.join(names)}.")
    asked = [one.name for one in found if one.gate.approval and one.hosts and one.name not in person.approved]
    if asked and not person.is_there:
        fix = (
            f"Run it on a terminal. Or end this run before the wave by `-e otel_wave_until=NAME`, let a person approve,"
            f" for example by an approval node of AWX, then run it again with `-e {APPROVED}={asked[0]}`."
            " No host was changed."
        )
        wrong = f"wave '{asked[0]}' waits for the approval of a person, and this run has no terminal"
        raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=fix)
    return asked


def _check_same(selected: Iterable[str], hostvars: Mapping[str, Any]) -> None:
    """Raise Problem for hosts without waves, which would be in none of them in silence."""
    without = [host for host in selected if VARIABLE not in hostvars[host]]
    if without:
        wrong = f"some hosts of this run have waves, and {at_most(_SHOWN, without)} has none"
        raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=f"Set {VARIABLE} for group all.")


def _fleet(given: Any, variables: Mapping[str, Any]) -> Fleet:
    """Return all hosts that playbook site would change without --limit: a limit does not move hosts between waves."""
    matching = _patterns(variables["groups"])
    hosts = _asked_hosts(matching, variables)
    hostvars = variables["hostvars"]
    labels = {host: str(hostvars[host].get(LABEL) or "") for host in hosts} if _by_label(given) else {}
    known = frozenset(hosts)
    return Fleet(hosts, lambda pattern: [host for host in matching(pattern) if host in known], labels)


def _asked_hosts(matching: Callable[[str], tuple[str, ...]], variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all hosts of the variable `otel_hosts`, or of the inventory."""
    asked = variables.get("otel_hosts") or "all"
    patterns = [asked] if isinstance(asked, str) else list(asked)
    return matching(",".join(map(str, patterns))) or tuple(variables["ansible_play_hosts_all"])


def _by_label(given: Any) -> bool:
    """Whether a wave has no list of members, and so those hosts that name the wave."""
    is_list = isinstance(given, Sequence) and not isinstance(given, str)
    return is_list and any(isinstance(wave, Mapping) and not wave.get("members") for wave in given)


def _patterns(groups: Mapping[str, Sequence[str]]) -> Callable[[str], tuple[str, ...]]:
    """Return what finds the hosts of one of Ansible's patterns, in the order of the inventory."""
    manager = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)
    order = {host: place for place, host in enumerate(groups.get("all") or ())}

    def matching(pattern: str) -> tuple[str, ...]:
        try:
            found = {host.name for host in manager.get_hosts(pattern)}
        except AnsibleError:
            return ()
        return tuple(sorted(found & order.keys(), key=order.__getitem__))

    return matching


# ── The gate ──


def gate(planned: Mapping[str, Any], name: str, variables: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return how a wave went. Raises Problem if it failed, or if it is the last one and hosts failed before."""
    names = [wave["name"] for wave in planned["waves"]]
    ends = _ends(planned, variables["hostvars"], frozenset(variables["ansible_play_hosts"]))
    number = names.index(name)
    wave = planned["waves"][number]
    with_hosts = frozenset(planned["wave_of"].values())
    passed_waves = tuple(one for one in names[:number] if one in with_hosts)
    end = replace(ends(wave, names[number + 1 :]), passed_waves=passed_waves)
    if wave["watch_seconds"] and not check_mode:
        end = replace(end, data=_data(planned, wave, end, variables))
    back = {} if check_mode else {host: list(_earlier(variables["hostvars"][host])) for host in end.hosts}
    said = passed(replace(end, earlier=back), check_mode)
    if planned["wave_of"][planned["hosts"][-1]] == name:
        failed = [ends(wave, []).failed for wave in planned["waves"]]
        all_passed({host: why for one in failed for host, why in one.items()})
    return {"msg": said, "passed": dict(end.data.passed)}


def _ends(
    planned: Mapping[str, Any], hostvars: Mapping[str, Any], answering: Collection[str]
) -> Callable[[Mapping[str, Any], Sequence[str]], WaveEnd]:
    """Return what tells how a wave of the plan ended, given the names of later waves."""

    def end(wave: Mapping[str, Any], later: Sequence[str]) -> WaveEnd:
        begun = [host for host, its_wave in planned["wave_of"].items() if its_wave == wave["name"]]
        failures = {host: reason(hostvars[host][FAILURE]) for host in begun if FAILURE in hostvars[host]}
        silent = [host for host in begun if host not in answering]
        return WaveEnd(
            name=wave["name"],
            hosts=(*begun, *wave["lost"]),
            changed=tuple(host for host in begun if _changed(hostvars[host])),
            failed=failures | dict.fromkeys(silent, SILENT) | dict.fromkeys(wave["lost"], BEFORE),
            max_failed=wave["max_failed"],
            later=tuple(later),
        )

    return end


def _earlier(variables: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the collectors that a host has changed, each with its release, and the one that ran before.

    A collector that failed has gone back by itself.
    """
    for one in (variables.get(APPLIED) or {}).get("results") or ():
        if one.get("changed") and "earlier" in one:
            yield {
                "name": str(one["item"]),
                "release": str(one["earlier"]) or BEFORE_ALL,
                "undoes": str(one["release"]),
            }


def seconds_of(seconds: float, variables: Mapping[str, Any]) -> float:
    """Return for how long to watch the collectors of a host in its wave.

    Those that did not change and have passed a wave need no watch, and a host that failed is judged by its failure.
    """
    before = (variables.get(READ_BEFORE) or {}).get("collectors") or ()
    have_passed = {str(one["name"]) for one in before if one["passed"]}
    is_new = any(_earlier(variables)) or not _releases(variables).keys() <= have_passed
    return seconds if is_new and FAILURE not in variables else 0.0


def _releases(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the release of each collector that this run has applied to a host; none if it has applied nothing."""
    results = (variables.get(APPLIED) or {}).get("results") or ()
    return {str(one["item"]): str(one["release"]) for one in results if one.get("release")}


def gone_back(planned: Mapping[str, Any], name: str, said: str, variables: Mapping[str, Any]) -> None:
    """Raise Problem for a wave that failed, with what became of its hosts."""
    hosts = [host for host, wave in planned["wave_of"].items() if wave == name]
    returned: dict[str, str] = {}
    for host in hosts:
        results = (variables["hostvars"][host].get(RETURNED) or {}).get("results") or ()
        told = [str(one.get("msg") or "") for one in results]
        if told:
            returned[host] = "; ".join(told)
    failed_back(said, returned)


# ── Data ──


def _data(planned: Mapping[str, Any], wave: Mapping[str, Any], end: WaveEnd, variables: Mapping[str, Any]) -> WaveData:
    """Return what the data of a wave says: of the hosts that changed, or whose release has passed no wave yet."""
    hostvars = variables["hostvars"]
    hosts = [host for host in end.hosts if host in planned["samples"] and host not in end.failed]
    after = [one for host in hosts for one in _watched(host, hostvars, changed=host in end.changed)]
    before = [one for host in end.changed for one in _tracks(host, hostvars[host].get(READ_BEFORE))]
    found = [judged(sides, _tools()) for sides in sides_of(after, before, _rest(variables))]
    lines = [one.line for one in found]
    uncompared = list(_uncompared(hosts, planned, end, variables))
    others = list(_without_services(planned, end, variables))
    return WaveData(
        passed=_passed(found),
        worse=tuple(line for one in found for line in one.worse),
        notes=tuple([*lines, *uncompared, *others] or ["nothing changed, so nothing was compared"]),
        is_missing=bool(uncompared) or not all(one.is_whole for one in found),
        may_be_missing=wave["without_data"] == PASS,
    )


def _passed(found: Iterable[Judged]) -> dict[str, list[dict[str, str]]]:
    """Return the collectors of each host that data has judged."""
    rows: dict[str, list[dict[str, str]]] = {}
    for track in (track for one in found for track in one.passed):
        row = {"name": track.name, "release": track.release, "sum": track.sum}
        rows.setdefault(track.member, []).append(row)
    return rows


def _tools() -> Tools:
    return Tools(_builds.tables().listeners, searching([]))


def _tracks(host: str, answer: Any) -> list[Track]:
    return list(tracks(host, answer or {}))


def _watched(host: str, hostvars: Mapping[str, Any], *, changed: bool) -> list[Track]:
    """Return what the collectors of a host counted while they were watched, if they run what this run has applied."""
    releases = _releases(hostvars[host])
    found = _tracks(host, hostvars[host].get(READ_AFTER))
    return [one for one in found if releases.get(one.name) == one.release and (changed or not one.has_passed)]


def _uncompared(
    hosts: Iterable[str], planned: Mapping[str, Any], end: WaveEnd, variables: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the members whose data is missing: they failed, cannot be read, or have clusters' canary as their judge."""
    yield from (f"{host} failed, so it was not compared" for host in end.failed)
    for host in hosts:
        yield from _unread(host, variables["hostvars"][host])
    for host in _elsewhere(planned, end):
        if host not in _linux(variables):
            yield f"{host} is a cluster, whose collectors their own canary judges"


def _unread(host: str, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield why collectors that this run has applied to a host were not read."""
    releases, read = _releases(variables), variables.get(READ_AFTER)
    if releases and (read is None or read.get("unread")):
        yield f"{host} was not read: {(read or {}).get('unread') or 'the watch did not run'}"
    for one in _tracks(host, read):
        if releases.get(one.name, one.release) != one.release:
            yield f"{one.name} on {host} runs release {one.release} of another run, and not {releases[one.name]}"


def _without_services(planned: Mapping[str, Any], end: WaveEnd, variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the changed Linux hosts on which no collector is to run, so that nothing is missing."""
    for host in _elsewhere(planned, end):
        if host in _linux(variables):
            yield f"{host} has no collector to compare, by its `otel_host_state`"


def _elsewhere(planned: Mapping[str, Any], end: WaveEnd) -> list[str]:
    return [host for host in end.changed if host not in planned["samples"] and host not in end.failed]


def _linux(variables: Mapping[str, Any]) -> Collection[str]:
    return tuple((variables.get("groups") or {}).get(LINUX) or ())


def _rest(variables: Mapping[str, Any]) -> list[Track]:
    """Return what collectors of later waves counted: a reading at the start of the watch, and one at its end."""
    first, last = (_by_collector(variables.get(name)) for name in (REST_FIRST, REST_LAST))
    pairs = [(first[key], last[key]) for key in first if key in last]
    return [replace(begun, polls=(begun.polls[0], ended.polls[-1])) for begun, ended in pairs]


def _by_collector(registered: Any) -> dict[tuple[str, str, str], Track]:
    """Return the collectors of a task with a loop over hosts, by host, name and release."""
    results = (registered or {}).get("results") or ()
    found = [one for result in results for one in _tracks(str(result.get("item")), result)]
    return {(one.member, one.name, one.release): one for one in found}


def _changed(variables: Mapping[str, Any]) -> bool:
    return any(name in variables and variables[name].get("changed") for name in RESULTS)
