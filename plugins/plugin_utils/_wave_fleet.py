# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the inventory, and the wave of each. Private."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ..module_utils._otelcol.errors import Problem, at_most
from ..module_utils._waves.wave_plan import ASKED, LABEL, VARIABLE, Fleet, waves_of
from ._host_groups import LINUX

_SHOWN = 5


# ── For playbooks that change no host ──


def layout(given: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wave of each host of the inventory, for a playbook that changes no host. May raise Problem.

    With a growth no host has one, since a new host would move others to another wave.
    """
    waves = members_of_waves(given, variables)
    wave_of: dict[str, str] = {}
    is_growth = isinstance(given, Mapping)
    if not is_growth:
        for name, hosts in waves.items():
            wave_of.update(dict.fromkeys(hosts, name))
    return {"wave_of": wave_of}


def members_of_waves(given: Any, variables: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the hosts of each wave of the inventory by its name, in order. May raise Problem."""
    check_all_have_waves(variables["ansible_play_hosts_all"], variables["hostvars"])
    return {wave.name: wave.members for wave in waves_of(given, fleet_of(given, variables))}


def clusters(variables: Mapping[str, Any]) -> list[str]:
    """Return all clusters that a playbook would have without --limit, from the variables of a task."""
    linux = linux_hosts(variables)
    return [host for host in _asked_hosts(_finder(variables["groups"]), variables) if host not in linux]


# ── For the plan of a run ──


def check_all_have_waves(selected: Iterable[str], hostvars: Mapping[str, Any]) -> None:
    """Raise Problem for hosts without waves, which would be in none of them in silence."""
    without = [host for host in selected if VARIABLE not in hostvars[host]]
    if without:
        wrong = f"some hosts of this run have waves, and {at_most(_SHOWN, without)} has none"
        raise Problem(wrong, asked=ASKED, where=VARIABLE, fix=f"Set {VARIABLE} for group all.")


def linux_hosts(variables: Mapping[str, Any]) -> Collection[str]:
    """Return the Linux hosts of the inventory. All others are clusters."""
    return tuple((variables.get("groups") or {}).get(LINUX) or ())


def fleet_of(given: Any, variables: Mapping[str, Any]) -> Fleet:
    """Return all hosts that playbook site would change without --limit: a limit does not move hosts between waves."""
    find = _finder(variables["groups"])
    hosts = _asked_hosts(find, variables)
    known = frozenset(hosts)

    def find_known(pattern: str) -> list[str]:
        return [host for host in find(pattern) if host in known]

    hostvars = variables["hostvars"]
    labels: dict[str, str] = {}
    if _has_wave_by_label(given):
        labels = {host: str(hostvars[host].get(LABEL) or "") for host in hosts}
    return Fleet(hosts, find_known, labels)


def _has_wave_by_label(given: Any) -> bool:
    """Whether a wave has no list of members, and so those hosts that name the wave."""
    is_list = isinstance(given, Sequence) and not isinstance(given, str)
    return is_list and any(isinstance(wave, Mapping) and not wave.get("members") for wave in given)


def _asked_hosts(find: Callable[[str], tuple[str, ...]], variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all hosts of the variable `otel_hosts`, or of the inventory."""
    asked = variables.get("otel_hosts") or "all"
    patterns = [asked] if isinstance(asked, str) else list(asked)
    return find(",".join(map(str, patterns))) or tuple(variables["ansible_play_hosts_all"])


def _finder(groups: Mapping[str, Sequence[str]]) -> Callable[[str], tuple[str, ...]]:
    """Return what finds the hosts of one of Ansible's patterns, in the order of the inventory."""
    manager = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)
    order = {host: place for place, host in enumerate(groups.get("all") or ())}

    def find(pattern: str) -> tuple[str, ...]:
        try:
            found = {host.name for host in manager.get_hosts(pattern)}
        except AnsibleError:
            return ()
        return tuple(sorted(found & order.keys(), key=order.__getitem__))

    return find
