# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory and the failures of a run, as the plan and the gate of waves need them. Private."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ..module_utils._otelcol.errors import Problem, at_most, near
from ..module_utils._waves.wave_plan import ASKED, LABEL, STOP, UNTIL, VARIABLE, Fleet, Wave, until, waves_of
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
from ._host_groups import LINUX
from ._wave_behind import Flows

KEEP = "otel_host_keep"
HOST_STATE, CLUSTER_STATE, PRESENT = "otel_host_state", "otel_collector_state", "present"
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
    _check_until(given, last)
    _check_same(selected, variables["hostvars"])
    fleet = _fleet(given, variables)
    waves = waves_of(given, fleet)
    lost = set(selected) - set(variables["ansible_play_hosts"])
    found = run_waves(until(waves, last), selected, lost)
    ways = ways_back(found)
    _check_way_back(found, ways, variables)
    asked = _asked(found, waves, person)
    samples = [host for host in selected if host not in lost and _has_collectors(host, variables)]
    flows = Flows(samples, _linux(variables), variables)
    return {
        **batches(found),
        "waves": [
            {
                "name": one.name,
                "lost": list(one.lost),
                **asdict(one.gate),
                "approval": one.name in asked,
                **ways[number]._asdict(),
                **_rest(waves, number, samples if one.gate.watch_seconds else (), variables),
                "behind": _behind(one, samples, flows),
            }
            for number, one in enumerate(found)
        ],
        "samples": samples,
        "tolerant_end": tolerant_end(found),
        "ends_alone": not any(wave.gate.watch_seconds or way.keeps for wave, way in zip(found, ways, strict=True)),
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


def _linux(variables: Mapping[str, Any]) -> Collection[str]:
    return tuple((variables.get("groups") or {}).get(LINUX) or ())


def _has_collectors(host: str, variables: Mapping[str, Any]) -> bool:
    """Whether a run deploys collectors of a member, which can be read while its wave is watched."""
    state = HOST_STATE if host in _linux(variables) else CLUSTER_STATE
    return str(variables["hostvars"][host].get(state) or PRESENT) == PRESENT


def _rest(waves: Sequence[Wave], number: int, samples: Collection[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return some members of later waves, which have not changed yet: Linux hosts, and clusters."""
    linux = _linux(variables)
    return {
        "rest": rest_of(waves, number, [host for host in samples if host in linux]),
        "rest_clusters": rest_of(waves, number, [host for host in samples if host not in linux]),
    }


def _behind(wave: RunWave, samples: Collection[str], flows: Flows) -> dict[str, Any]:
    """Return the collectors of other members that get data of a wave, which are read before and after its change."""
    return flows.behind([host for host in wave.hosts if host in samples], wave.gate.watch_seconds)


def _check_way_back(waves: Sequence[RunWave], ways: Sequence[WayBack], variables: Mapping[str, Any]) -> None:
    """Raise Problem for a wave that would have to bring back a host that keeps no earlier release."""
    linux, hosts_of = _linux(variables), {wave.name: wave.hosts for wave in waves}
    for wave, way in zip(waves, ways, strict=True):
        going = [host for name in way.goes_back for host in hosts_of[name] if host in linux]
        short = [host for host in going if _keeps_one(variables["hostvars"][host])]
        if short and wave.gate.on_failure != STOP:
            word = wave.gate.on_failure
            wrong = f"wave '{wave.name}' has `on_failure: {word}`, and {KEEP} of {at_most(_SHOWN, short)} is below 2"
            raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=f"Set {KEEP} to 2 or more. No host was changed.")


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


def _check_until(given: Any, last: str) -> None:
    """Raise Problem for a run without waves that shall end after one: it would change all hosts at once."""
    if last and not given:
        wrong = f"the inventory has no waves, and this run shall end after wave '{last}'"
        raise Problem(wrong, asked=ASKED, where=UNTIL, fix=f"Set {VARIABLE} for group all. No host was changed.")


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
