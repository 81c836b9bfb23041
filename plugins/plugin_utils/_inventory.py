# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible overlooks in an inventory: misspelt names, keys that stand twice, broken files, no hosts. Private.

Each ends in a green run that did something else than the inventory says. The actions of otel_render and cluster_check
call `check_inventory`, all others the check of names alone. For example: "variable otel_colectors is read by
nothing; did you mean otel_collectors?".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._otelcol.errors import Problem
from . import _origins
from ._inventory_files import check_inventory_files
from ._misspelt_names import find_meant_name


def check_inventory(variables: Mapping[str, Any], *, needs_hosts: bool = False) -> None:
    """Raise Problem for an inventory that does not mean what it says. `variables` are those of a task.

    The files of the inventory are read for the first host of the play alone.
    """
    hosts_of_play = variables.get("ansible_play_hosts_all")
    if not hosts_of_play or hosts_of_play[0] == variables.get("inventory_hostname"):
        check_inventory_files(variables)
    if needs_hosts:
        _check_has_hosts(variables)
    check_variable_names(variables)


def _check_has_hosts(variables: Mapping[str, Any]) -> None:
    """Raise Problem for an inventory without hosts."""
    if (variables.get("groups") or {}).get("all"):
        return
    sources = ", ".join(map(str, variables.get("ansible_inventory_sources") or ())) or "none"
    fix = "Name one below `all.hosts`, or correct `-i`. Ansible warns of files that it cannot read."
    raise Problem(f"the inventory names no host, so this run does nothing (inventory: {sources})", fix=fix)


def check_variable_names(variables: Mapping[str, Any]) -> None:
    """Raise Problem for a variable of this collection, or almost one, that has no effect."""
    _check_waves_variable(variables)
    for name in variables:
        meant_variable = find_meant_name(name)
        if meant_variable:
            variable_position = str(_origins.position_of_entry(variables, name) or "")
            wrong = f"variable {name} is read by nothing; did you mean {meant_variable}?"
            raise Problem(wrong, where=variable_position, fix="Correct the name. Rename a variable of your own use.")


def _check_waves_variable(variables: Mapping[str, Any]) -> None:
    """Raise Problem for waves of some hosts alone, which would all change at once.

    Plays choose their hosts before variables of hosts are known, so the first host of the inventory answers for all.
    """
    all_hosts = (variables.get("groups") or {}).get("all")
    if "otel_waves" in variables and all_hosts and "otel_waves" not in variables["hostvars"][all_hosts[0]]:
        wrong = f"variable otel_waves is not set for all hosts: {all_hosts[0]} lacks it"
        variable_position = str(_origins.position_of_entry(variables, "otel_waves") or "")
        raise Problem(wrong, where=variable_position, fix="Set it for group all, or by -e.")
