# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module host_check on a host: what keeps its collectors from running there, in one call that writes
nothing. Private.

`run_check` is the entry point. For example, the result is

    {"changed": False, "faults": [{"collector": "agent", "message": "the host has no user 'otel'. Make it, or …"}],
     "unlisted": ["old"], "architecture": "amd64", "awaiting": [], "warned": []}

| key | meaning |
|---|---|
| `faults` | what keeps a collector from running, see host_faults.py; `collector` is empty for a fault of the host |
| `unlisted` | the collectors of this collection on the host that the task does not list |
| `awaiting` | the collectors whose program only the controller has |
| `warned` | what SELinux needs, by collector |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import Problem
from ..bundle_form import BUNDLE_OPTIONS
from ..fitted_unit import Systemd
from ..host_release import check_collector_name
from .host_edge import run_task
from .host_faults import examine_collector
from .host_store import Store
from .installed_program import describe_selinux_needs
from .machine import Machine
from .owned_folders import list_own_collectors
from .system_faults import find_host_faults, read_systemd

# The options of the module, as Ansible's argument specs have them.
ARGUMENTS: dict[str, Any] = {
    "bundles": {"type": "list", "elements": "dict", "required": True, "options": BUNDLE_OPTIONS},
    "controller_time": {"type": "float"},
}


class _CollectorCheck(NamedTuple):
    """What one collector meets on this host."""

    faults: Sequence[Problem]
    """What keeps it from running here."""
    awaits_program: bool = False
    """Whether only the controller has its program: the action plugin copies it here before the change."""
    warning: str = ""
    """What SELinux needs before its program may start; empty if nothing."""


def run_check(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Return all faults of the host and of each collector."""
    run_task(module, lambda: _check_all(module, machine or Machine(), root))


def _check_all(module: AnsibleModule, machine: Machine, root: Path) -> dict[str, Any]:
    """Return the result of the module: first the faults of the host, then those of each collector."""
    systemd = read_systemd(machine, root)
    controller_time = module.params.get("controller_time") or 0.0
    faults = [_fault_row("", fault) for fault in find_host_faults(machine, root, systemd, controller_time)]
    checked_names: list[str] = []
    awaiting_names: list[str] = []
    warnings: list[dict[str, str]] = []
    for bundle in module.params["bundles"]:
        name = bundle["name"]
        collector_check = _check_collector(bundle, machine, root, systemd)
        checked_names.append(name)
        for fault in collector_check.faults:
            faults.append(_fault_row(name, fault))
        if collector_check.awaits_program:
            awaiting_names.append(name)
        if collector_check.warning:
            warnings.append({"collector": name, "message": collector_check.warning})
    return {
        "changed": False,
        "faults": _drop_repeated_faults(faults),
        "unlisted": [name for name in list_own_collectors(root) if name not in checked_names],
        "architecture": machine.find_architecture(),
        "awaiting": awaiting_names,
        "warned": warnings,
    }


def _check_collector(bundle: Mapping[str, Any], machine: Machine, root: Path, systemd: Systemd) -> _CollectorCheck:
    """Return what the collector of a bundle meets. One that cannot be examined has the reason as its only fault."""
    try:
        store = Store(root, check_collector_name(bundle["name"]), machine, encrypts=False)
        examination = examine_collector(machine, store, bundle, systemd)
    except Problem as problem:
        return _CollectorCheck([problem])
    program = examination.program
    return _CollectorCheck(examination.faults, program.is_awaited, describe_selinux_needs(program, machine))


def _fault_row(collector: str, fault: Problem) -> dict[str, str]:
    """Return a fault as a row of the result; `collector` is empty for a fault of the host."""
    return {"collector": collector, "message": str(fault)}


def _drop_repeated_faults(faults: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return each fault once: what two collectors have in common is of the host."""
    collectors_by_message: dict[str, set[str]] = {}
    for fault in faults:
        collectors_by_message.setdefault(fault["message"], set()).add(fault["collector"])
    unique_rows: list[dict[str, str]] = []
    for fault in faults:
        is_of_host = len(collectors_by_message[fault["message"]]) > 1
        row = {**fault, "collector": ""} if is_of_host else fault
        if row not in unique_rows:
            unique_rows.append(row)
    return unique_rows
