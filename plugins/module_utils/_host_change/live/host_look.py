# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of a task to what this host says of its collectors; changes nothing. Private."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

# How the names of a Collector's own metrics begin.
_PREFIX = "otelcol_"


def run_look(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Return what the host says of the collectors that the task names."""
    run_task(module, lambda: {"changed": False, **_look_at_all(module.params, machine or Machine(), root)})


def _look_at_all(params: Mapping[str, Any], machine: Machine, root: Path) -> dict[str, Any]:
    """Look at all collectors in one window, at whose begin and end their metrics are read."""
    systemd = systemd_of(machine, root)
    refuse(place_faults(machine, root))
    subjects = [_Subject(given, params, machine, root, systemd) for given in params["bundles"]]
    facts_of_host = system_facts(machine, root)
    start = machine.now()
    for subject in subjects:
        subject.begin()
    facts_of_subjects = [subject.facts() for subject in subjects]
    seconds_left = params["window_seconds"] - (machine.now() - start)
    if seconds_left > 0 and any(subject.first_metrics for subject in subjects):
        machine.sleep(seconds_left)
    seconds = machine.now() - start
    collectors = []
    for subject, facts in zip(subjects, facts_of_subjects):  # noqa: B905 - `strict` is younger than Python 3.8
        collectors.append(subject.masked({**facts, "metrics": subject.end(), "seconds": seconds}))
    listed = [subject.store.name for subject in subjects]
    return {
        "host": facts_of_host,
        "unlisted": [name for name in own_collectors(root) if name not in listed],
        "collectors": collectors,
    }


class _Subject:
    """One collector of the task."""

    def __init__(
        self, given: Mapping[str, Any], params: Mapping[str, Any], machine: Machine, root: Path, systemd: Systemd
    ) -> None:
        self.machine = machine
        self.store = Store(root, checked_name(given["name"]), machine, systemd.encrypts)
        credentials, self.missing_credentials = _split_credentials(given, root)
        secrets = read_secrets({"credentials": credentials}, self.store)
        program = program_of(given["program"] or {}, machine.architecture(), self.store)
        files = release_files(given, secrets, str(program.path), systemd)
        self.bundle: Bundle = bundle_of(given, files, program, self.store)
        self.services = given["services"] or ()
        self.looked = _asked_of(self.store.name, params)
        self.masked = _tree_mask(masked(secrets))
        self.first_metrics = ""
        self.why_no_metrics = ""

    def begin(self) -> None:
        """Take the first reading of its metrics."""
        self.first_metrics = self._read_metrics()

    def facts(self) -> dict[str, Any]:
        """Return its facts, and how far test data came if it is sent."""
        host_facts = HostFacts(self.machine, self.store, self.bundle, self.looked)
        facts = host_facts.facts()
        release = facts["release"]
        release["credentials"] += self.missing_credentials
        facts["services"] = ServiceDropIns(self.machine, self.store, self.services).looked()
        release["differs"] += [service["place"] for service in facts["services"] if not service["is_there"]]
        question = self.looked.question
        has_way_for_data = bool(question.get("url") and self.bundle.metrics)
        if self.looked.send and host_facts.runs and has_way_for_data:
            facts["probe"] = HostProbe(self.machine, self.bundle.metrics, question).run()
        return facts

    def end(self) -> dict[str, str]:
        """Return both readings of its metrics, or why there is none."""
        last_metrics = self._read_metrics() if self.first_metrics else ""
        return {"first": self.first_metrics, "last": last_metrics, "why": self.why_no_metrics}

    def _read_metrics(self) -> str:
        """Return the lines of the Collector's own metrics; empty, with the reason noted, if there are none."""
        if not self.bundle.metrics:
            self.why_no_metrics = "service.telemetry.metrics serves none"
            return ""
        try:
            lines = self.machine.get(self.bundle.metrics).splitlines()
        except (OSError, ValueError) as error:
            self.why_no_metrics = f"{self.bundle.metrics}: {error}"
            return ""
        return "\n".join(line for line in lines if line.startswith(_PREFIX))


def _split_credentials(given: Mapping[str, Any], root: Path) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the credentials that can be read, and the paths of those whose file is not on the host."""
    readable, missing_paths = [], []
    for credential in given["credentials"] or ():
        path = credential["path"]
        if path and not (root / path[1:]).is_file():
            missing_paths.append(path)
        else:
            readable.append(credential)
    return readable, missing_paths


def _asked_of(name: str, params: Mapping[str, Any]) -> Looked:
    """Return what the task asks about a collector; one without a question of its config is asked nothing of it."""
    question: Mapping[str, Any] = {}
    for row in params["questions"]:
        if row["name"] == name:
            question = row
            break
    return Looked(question, params["send"], params["log_seconds"], params["log_lines"])


def _tree_mask(mask: Callable[[str], str]) -> Callable[[Any], Any]:
    """Return what masks each text of a tree."""

    def masked_tree(value: Any) -> Any:
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, dict):
            return {key: masked_tree(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [masked_tree(inner) for inner in value]
        return value

    return masked_tree
