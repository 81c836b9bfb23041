# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the collectors of a host from running there, read in one call that writes nothing. Private."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import Problem
from ..bundle_form import BUNDLE
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


def run_check(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Return all faults of the host and of each collector."""
    run_task(module, lambda: _checked(module, machine or Machine(), root))


def _checked(module: AnsibleModule, machine: Machine, root: Path) -> dict[str, Any]:
    systemd = systemd_of(machine, root)
    faults = [_row("", one) for one in host_faults(machine, root, systemd, module.params.get("controller_time") or 0.0)]
    awaiting, warned = [], []
    for given in module.params["bundles"]:
        try:
            found = examined(machine, Store(root, checked_name(given["name"]), machine, False), given, systemd)
        except Problem as problem:
            faults.append(_row(given["name"], problem))
            continue
        faults += [_row(given["name"], one) for one in found.faults]
        denied = selinux_line(found.program, machine)
        warned += [{"collector": given["name"], "message": denied}] if denied else []
        awaiting += [given["name"]] if found.program.is_awaited else []
    listed = [given["name"] for given in module.params["bundles"]]
    unlisted = [name for name in own_collectors(root) if name not in listed]
    facts = {"unlisted": unlisted, "architecture": machine.architecture(), "awaiting": awaiting, "warned": warned}
    return {"changed": False, "faults": _once(faults), **facts}


def _row(collector: str, fault: Problem) -> dict[str, str]:
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
