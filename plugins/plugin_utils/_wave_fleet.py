# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the inventory, and the wave of each. Private.

The fleet is all hosts that playbook site would change without --limit. Plans of waves are made of the fleet
(`_wave_planning.py`), so that a limit does not move a host to another wave. Playbooks that change no host ask for the
waves too: render for the folder of a cluster, and the report for its page. For example, `map_hosts_to_waves` returns
`{"wave_of": {"web1": "canary", "web2": "all"}}`. A growth such as `{growth: [1, 25%, 100%]}` is the form of option
`otel_waves` that only says how many hosts change (see wave_plan.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ..module_utils._otelcol.errors import Problem, join_at_most
from ..module_utils._waves.wave_gates import ACTION, WAVES_VARIABLE
from ..module_utils._waves.wave_plan import WAVE_LABEL_VARIABLE, Fleet, plan_waves
from ._inventory_hosts import LINUX_GROUP

_MOST_NAMED_HOSTS = 5


# ── For playbooks that change no host ──


def map_hosts_to_waves(waves_option: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wave of each host of the inventory, for a playbook that changes no host. May raise Problem.

    With a growth no host has one, since a new host would move others to another wave.
    """
    waves = list_wave_members(waves_option, variables)
    wave_of: dict[str, str] = {}
    is_growth = isinstance(waves_option, Mapping)
    if not is_growth:
        for name, hosts in waves.items():
            wave_of.update(dict.fromkeys(hosts, name))
    return {"wave_of": wave_of}


def list_wave_members(waves_option: Any, variables: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the hosts of each wave of the inventory by its name, in order. May raise Problem."""
    check_all_have_waves(variables["ansible_play_hosts_all"], variables["hostvars"])
    return {wave.name: wave.members for wave in plan_waves(waves_option, build_fleet(waves_option, variables))}


def list_clusters(variables: Mapping[str, Any]) -> list[str]:
    """Return all clusters that a playbook would have without --limit, from the variables of a task."""
    linux_hosts = list_linux_hosts(variables)
    selected_hosts = _find_selected_hosts(_build_host_finder(variables["groups"]), variables)
    return [host for host in selected_hosts if host not in linux_hosts]


# ── For the plan of a run ──


def check_all_have_waves(selected_hosts: Iterable[str], hostvars: Mapping[str, Any]) -> None:
    """Raise Problem for hosts without waves, which would be in none of them in silence."""
    hosts_without_waves = [host for host in selected_hosts if WAVES_VARIABLE not in hostvars[host]]
    if hosts_without_waves:
        wrong = (
            f"some hosts of this run have waves, and {join_at_most(_MOST_NAMED_HOSTS, hosts_without_waves)} has none"
        )
        raise Problem(wrong, asked=ACTION, where=WAVES_VARIABLE, fix=f"Set {WAVES_VARIABLE} for group all.")


def list_linux_hosts(variables: Mapping[str, Any]) -> Collection[str]:
    """Return the Linux hosts of the inventory. All others are clusters."""
    return tuple((variables.get("groups") or {}).get(LINUX_GROUP) or ())


def build_fleet(waves_option: Any, variables: Mapping[str, Any]) -> Fleet:
    """Return all hosts that playbook site would change without --limit: a limit does not move hosts between waves."""
    find_hosts = _build_host_finder(variables["groups"])
    hosts = _find_selected_hosts(find_hosts, variables)
    fleet_hosts = frozenset(hosts)

    def find_fleet_hosts(pattern: str) -> list[str]:
        return [host for host in find_hosts(pattern) if host in fleet_hosts]

    hostvars = variables["hostvars"]
    labels: dict[str, str] = {}
    if _has_wave_by_label(waves_option):
        labels = {host: str(hostvars[host].get(WAVE_LABEL_VARIABLE) or "") for host in hosts}
    return Fleet(hosts, find_fleet_hosts, labels)


def _has_wave_by_label(waves_option: Any) -> bool:
    """Whether a wave has no list of members, and so those hosts that name the wave."""
    is_list = isinstance(waves_option, Sequence) and not isinstance(waves_option, str)
    return is_list and any(isinstance(wave, Mapping) and not wave.get("members") for wave in waves_option)


def _find_selected_hosts(find_hosts: Callable[[str], tuple[str, ...]], variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all hosts of the variable `otel_hosts`, or of the inventory."""
    hosts_option = variables.get("otel_hosts") or "all"
    patterns = [hosts_option] if isinstance(hosts_option, str) else list(hosts_option)
    # Without a match, such as for the implicit localhost, the hosts of the play are all that there are.
    return find_hosts(",".join(map(str, patterns))) or tuple(variables["ansible_play_hosts_all"])


def _build_host_finder(groups: Mapping[str, Sequence[str]]) -> Callable[[str], tuple[str, ...]]:
    """Return the function that finds the hosts of a pattern of Ansible, such as `web*`, in the order of the inventory.

    It finds none for a pattern that Ansible refuses.
    """
    manager = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)
    index_by_host = {host: index for index, host in enumerate(groups.get("all") or ())}

    def find_hosts(pattern: str) -> tuple[str, ...]:
        try:
            matched_hosts = {host.name for host in manager.get_hosts(pattern)}
        except AnsibleError:
            return ()
        return tuple(sorted(matched_hosts & index_by_host.keys(), key=index_by_host.__getitem__))

    return find_hosts
