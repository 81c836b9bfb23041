# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the collectors of a host from running there, read in one call that writes nothing. Private."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import Problem
from ..bundle_form import BUNDLE
from ..fitted_unit import Systemd
from ..host_release import checked_name
from .host_edge import run_task
from .host_faults import examined, host_faults, systemd_of
from .host_store import Store, own_collectors
from .installed_program import selinux_line
from .machine import Machine

ARGUMENTS: dict[str, Any] = {
    "bundles": {"type": "list", "elements": "dict", "required": True, "options": BUNDLE},
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
    run_task(module, lambda: _checked(module, machine or Machine(), root))


def _checked(module: AnsibleModule, machine: Machine, root: Path) -> dict[str, Any]:
    """Return the result of the module: first the faults of the host, then those of each collector."""
    systemd = systemd_of(machine, root)
    controller_time = module.params.get("controller_time") or 0.0
    faults = [_row("", fault) for fault in host_faults(machine, root, systemd, controller_time)]
    names: list[str] = []
    awaiting: list[str] = []
    warned: list[dict[str, str]] = []
    for bundle in module.params["bundles"]:
        name = bundle["name"]
        check = _check_collector(bundle, machine, root, systemd)
        names.append(name)
        for fault in check.faults:
            faults.append(_row(name, fault))
        if check.awaits_program:
            awaiting.append(name)
        if check.warning:
            warned.append({"collector": name, "message": check.warning})
    return {
        "changed": False,
        "faults": _once(faults),
        "unlisted": [name for name in own_collectors(root) if name not in names],
        "architecture": machine.architecture(),
        "awaiting": awaiting,
        "warned": warned,
    }


def _check_collector(bundle: Mapping[str, Any], machine: Machine, root: Path, systemd: Systemd) -> _CollectorCheck:
    """Return what the collector of a bundle meets. One that cannot be examined has the reason as its only fault."""
    try:
        store = Store(root, checked_name(bundle["name"]), machine, False)
        examination = examined(machine, store, bundle, systemd)
    except Problem as problem:
        return _CollectorCheck([problem])
    program = examination.program
    return _CollectorCheck(examination.faults, program.is_awaited, selinux_line(program, machine))


def _row(collector: str, fault: Problem) -> dict[str, str]:
    """Return a fault as a row of the result; `collector` is empty for a fault of the host."""
    return {"collector": collector, "message": str(fault)}


def _once(faults: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return each fault once: what two collectors have in common is of the host."""
    times = Counter(fault["message"] for fault in faults)
    once: list[dict[str, str]] = []
    for fault in faults:
        is_of_host = times[fault["message"]] > 1
        row = {**fault, "collector": ""} if is_of_host else fault
        if row not in once:
            once.append(row)
    return once
