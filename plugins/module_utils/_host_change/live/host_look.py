# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a task to what this host says of its collectors; changes nothing. Private."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..fitted_unit import Systemd
from ..host_question import Looked
from ..host_release import Bundle, checked_name, release_files
from .host_edge import run_task
from .host_facts import HostFacts
from .host_faults import bundle_of, place_faults, read_secrets, refuse, systemd_of
from .host_probe import HostProbe
from .host_store import Store, own_collectors
from .host_task import masked
from .installed_program import program_of
from .machine import Machine
from .service_drop_ins import ServiceDropIns
from .system_facts import system_facts

_METRICS = "otelcol_"


def run_look(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Return what the host says of the collectors that the task names."""
    run_task(module, lambda: {"changed": False, **_looked(module.params, machine or Machine(), root)})


def _looked(params: Mapping[str, Any], machine: Machine, root: Path) -> dict[str, Any]:
    systemd = systemd_of(machine, root)
    refuse(place_faults(machine, root))
    subjects = [_Subject(given, params, machine, root, systemd) for given in params["bundles"]]
    known = system_facts(machine, root)
    start = machine.now()
    for subject in subjects:
        subject.begin()
    found = [subject.facts() for subject in subjects]
    left = params["window_seconds"] - (machine.now() - start)
    if left > 0 and any(subject.first for subject in subjects):
        machine.sleep(left)
    seconds = machine.now() - start
    listed = [subject.store.name for subject in subjects]
    return {
        "host": known,
        "unlisted": [name for name in own_collectors(root) if name not in listed],
        "collectors": [
            subject.masked({**facts, "metrics": subject.end(), "seconds": seconds})
            for subject, facts in zip(subjects, found)  # noqa: B905 - `strict` is younger than Python 3.8
        ],
    }


class _Subject:
    """One collector of the task."""

    def __init__(
        self, given: Mapping[str, Any], params: Mapping[str, Any], machine: Machine, root: Path, systemd: Systemd
    ) -> None:
        self.machine = machine
        self.store = Store(root, checked_name(given["name"]), machine, systemd.encrypts)
        lost = [
            one["path"] for one in given["credentials"] or () if one["path"] and not (root / one["path"][1:]).is_file()
        ]
        kept = [one for one in given["credentials"] or () if one["path"] not in lost]
        self.lost, self.secrets = lost, read_secrets({"credentials": kept}, self.store)
        program = program_of(given["program"] or {}, machine.architecture(), self.store)
        files = release_files(given, self.secrets, str(program.path), systemd)
        self.services = given["services"] or ()
        self.bundle: Bundle = bundle_of(given, files, program, self.store)
        question: Mapping[str, Any] = next((one for one in params["questions"] if one["name"] == self.store.name), {})
        self.looked = Looked(question, params["send"], params["log_seconds"], params["log_lines"])
        self.first = self.why = ""
        self.masked = _tree(masked(self.secrets))

    def begin(self) -> None:
        """Take the first reading of its metrics."""
        self.first = self._read()

    def facts(self) -> dict[str, Any]:
        """Return its facts, and how far test data came if it is sent."""
        looked = HostFacts(self.machine, self.store, self.bundle, self.looked)
        found = looked.facts()
        found["release"]["credentials"] += self.lost
        found["services"] = ServiceDropIns(self.machine, self.store, self.services).looked()
        found["release"]["differs"] += [one["place"] for one in found["services"] if not one["is_there"]]
        question = self.looked.question
        if self.looked.send and looked.runs and question.get("url") and self.bundle.metrics:
            found["probe"] = HostProbe(self.machine, self.bundle.metrics, question).run()
        return found

    def end(self) -> dict[str, str]:
        """Return both readings of its metrics, or why there is none."""
        last = self._read() if self.first else ""
        return {"first": self.first, "last": last, "why": self.why}

    def _read(self) -> str:
        if not self.bundle.metrics:
            self.why = "service.telemetry.metrics serves none"
            return ""
        try:
            lines = self.machine.get(self.bundle.metrics).splitlines()
        except (OSError, ValueError) as error:
            self.why = f"{self.bundle.metrics}: {error}"
            return ""
        return "\n".join(line for line in lines if line.startswith(_METRICS))


def _tree(mask: Any) -> Any:
    """Return what masks each text of a tree."""

    def change(value: Any) -> Any:
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, dict):
            return {key: change(one) for key, one in value.items()}
        return [change(one) for one in value] if isinstance(value, list) else value

    return change
