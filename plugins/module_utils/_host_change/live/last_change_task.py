# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module host_last_change: the last change of a collector, and whether an alert may be about it. Private.

`run_last_change` is the entry point, and writes nothing. If the alert may be about the change, the answer has
`goes_back: true`, and the playbook undoes the change; otherwise it is kept, and last_change.py says why. For example:

    {"changed": False, "msg": "release 000007 was written shortly before the alert began", "release": "000007",
     "written": "1769860800123456789", "earlier": "000006", "goes_back": True, "is_changing": False}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..host_release import check_collector_name
from ..last_change import LastChange, explain_kept_change
from .host_edge import run_task
from .host_store import Store
from .machine import Machine

# The options of the module, as Ansible's argument specs have them.
ARGUMENTS: dict[str, Any] = {
    "name": {"required": True},
    "began": {"type": "float", "required": True},
    "change_seconds": {"type": "float", "default": 3600},
}


def run_last_change(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Return what the last change was, and whether it is to be undone."""
    run_task(module, lambda: _read_last_change(module.params, machine or Machine(), root))


def _read_last_change(options: dict[str, Any], machine: Machine, root: Path) -> dict[str, Any]:
    store = Store(root, check_collector_name(options["name"]), machine)
    if machine.is_locked(store.lock):
        return _build_answer("a run changes collectors of this host now", is_changing=True)
    release = store.releases.find_current() if store.is_own() else ""
    if not release:
        return _build_answer(f"this host has no release of collector {store.name} in use")
    earlier = store.releases.find_before(release)
    change = LastChange(
        release=release,
        earlier_release=earlier,
        written_time=store.releases.read_time_written(release),
        has_come_back=store.rollback_note.is_of_current(),
        is_unfinished=store.change_record.read() is not None,
    )
    kept_reason = explain_kept_change(change, options["began"], options["change_seconds"])
    message = kept_reason or f"release {release} was written shortly before the alert began"
    written_mark = store.releases.find_written_mark(release)
    return _build_answer(message, release=release, written=written_mark, earlier=earlier, goes_back=not kept_reason)


def _build_answer(message: str, **facts: Any) -> dict[str, Any]:
    """Return the result of the module. `facts` are those of its keys that differ from the defaults."""
    default_facts = {"release": "", "written": "", "earlier": "", "goes_back": False, "is_changing": False}
    return {"changed": False, "msg": message, **default_facts, **facts}
