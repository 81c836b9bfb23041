# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collectors of this host count while their wave is watched, and the note that they passed. Private."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..bundle_form import CONFIG
from ..wave_watch import COMPARED, PASSED, pause_of
from .host_edge import run_task, warn_of
from .host_store import LOCK, Store, own_collectors
from .machine import Machine

_KNOWN = re.compile(rf"otelcol_(?:{COMPARED})")
_LOCK_SECONDS = 60
ARGUMENTS: dict[str, Any] = {
    "seconds": {"type": "float", "default": 0},
    "passed": {"type": "dict", "options": PASSED, "no_log": False},
}


def run_wave(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Read the collectors, or note that they passed."""
    given = module.params["passed"]
    if given:
        run_task(module, lambda: _noted(module, given, machine or Machine(), root))
    else:
        run_task(module, lambda: _watched(module.params["seconds"], machine or Machine(), root))


def _subjects(machine: Machine, root: Path) -> list[_Subject]:
    found = [_Subject(machine, Store(root, name, machine)) for name in own_collectors(root)]
    return [one for one in found if one.release]


def _watched(seconds: float, machine: Machine, root: Path) -> dict[str, Any]:
    # The time of day may be set meanwhile.
    subjects, start = _subjects(machine, root), machine.uptime()
    left = seconds
    _read_all(subjects, 0.0)
    while subjects and left > 0:
        machine.sleep(min(left, pause_of(seconds)))
        at = machine.uptime() - start
        _read_all(subjects, at)
        left = seconds - at
    return {"changed": False, "collectors": [one.answer() for one in subjects]}


def _read_all(subjects: list[_Subject], at: float) -> None:
    for subject in subjects:
        subject.read(at)


def _noted(module: AnsibleModule, given: Mapping[str, Any], machine: Machine, root: Path) -> dict[str, Any]:
    """Note for each collector that its release has passed a wave, unless that is known.

    What another run has put in use since was not judged.
    """
    judged = {str(row["name"]): row for row in given["collectors"]}
    with machine.alone(root / LOCK, _LOCK_SECONDS):
        there = {one.store.name: one for one in _subjects(machine, root) if one.store.name in judged}
        same = [one for one in there.values() if one.is_release(judged[one.store.name])]
        for name in judged.keys() - {one.store.name for one in same}:
            warn_of(
                module, f"{name} on {machine.node_name()}: another run has changed it, so nothing says that it passed."
            )
        new = [one for one in same if not one.passed]
        row = {"wave": given["wave"], "by": given["by"], "verdict": "passed", "when": _when(machine)}
        for one in new if not module.check_mode else ():
            one.store.note_passed(one.release, {**row, "sum": one.sum})
    return {"changed": bool(new), "collectors": []}


def _when(machine: Machine) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(machine.now()))


class _Subject:
    """One collector of this host, and what was read of it."""

    def __init__(self, machine: Machine, store: Store) -> None:
        self.machine, self.store = machine, store
        self.release = store.in_use()
        self.sum = store.release_sum(self.release) if self.release else ""
        manifest = store.manifest(store.path(self.release))
        self.metrics, self.program = str(manifest.get("metrics") or ""), str(manifest.get("program") or "")
        self.polls: list[dict[str, Any]] = []

    @property
    def passed(self) -> dict[str, Any]:
        """The wave that the release in use has passed."""
        return self.store.passed(self.release)

    def is_release(self, judged: Mapping[str, Any]) -> bool:
        """Whether the release in use is the one that was judged."""
        return (self.release, self.sum) == (judged["release"], judged["sum"])

    def _config(self) -> bytes:
        found = self.store.files(self.release).get(CONFIG)
        return found.data if found else b""

    def read(self, at: float) -> None:
        """Add a reading, at so many seconds since the first one."""
        service = self.machine.service(self.store.service)
        text, why = "", "" if self.metrics else "it serves no metrics"
        try:
            text = self.machine.get(self.metrics) if self.metrics else ""
        except (OSError, ValueError) as error:
            why = f"{self.metrics}: {error}"
        lines = [line for line in text.splitlines() if _KNOWN.match(line)]
        row = {"at": at, "restarts": service.restarts, "text": "\n".join(lines), "why": why}
        self.polls.append(row)

    def answer(self) -> dict[str, Any]:
        config = self._config().decode("utf-8", "replace")
        return {
            "name": self.store.name,
            "release": self.release,
            "sum": self.sum,
            "passed": self.passed,
            "config": config,
            "program": self.program,
            "polls": self.polls,
        }
