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
from ..host_question import HostLook
from ..host_release import Bundle, build_release_files, check_collector_name
from .host_edge import run_task
from .host_facts import HostFacts
from .host_faults import build_bundle, find_access_faults, read_secrets, read_systemd, refuse_faults
from .host_probe import HostProbe
from .host_store import Store
from .host_task import build_mask
from .installed_program import choose_program
from .machine import Machine
from .owned_folders import list_own_collectors
from .service_drop_ins import ServiceDropIns
from .system_facts import read_system_facts

# How the names of a Collector's own metrics begin.
_METRIC_PREFIX = "otelcol_"


def run_look(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Return what the host says of the collectors that the task names."""
    run_task(module, lambda: {"changed": False, **_look_at_all(module.params, machine or Machine(), root)})


def _look_at_all(params: Mapping[str, Any], machine: Machine, root: Path) -> dict[str, Any]:
    """Look at all collectors in one window, at whose begin and end their metrics are read."""
    systemd = read_systemd(machine, root)
    refuse_faults(find_access_faults(machine, root))
    subjects = [
        _LookedCollector(bundle_options, params, machine, root, systemd) for bundle_options in params["bundles"]
    ]
    host_facts = read_system_facts(machine, root)
    started_at = machine.now()
    for subject in subjects:
        subject.begin()
    subject_facts = [subject.collect_facts() for subject in subjects]
    seconds_left = params["window_seconds"] - (machine.now() - started_at)
    if seconds_left > 0 and any(subject.first_metrics for subject in subjects):
        machine.sleep(seconds_left)
    seconds = machine.now() - started_at
    collectors = []
    for subject, facts in zip(subjects, subject_facts):  # noqa: B905 - `strict` is younger than Python 3.8
        collectors.append(subject.masked({**facts, "metrics": subject.end(), "seconds": seconds}))
    listed_names = [subject.store.name for subject in subjects]
    return {
        "host": host_facts,
        "unlisted": [name for name in list_own_collectors(root) if name not in listed_names],
        "collectors": collectors,
    }


class _LookedCollector:
    """One collector of the task."""

    def __init__(
        self,
        bundle_options: Mapping[str, Any],
        params: Mapping[str, Any],
        machine: Machine,
        root: Path,
        systemd: Systemd,
    ) -> None:
        self.machine = machine
        self.store = Store(root, check_collector_name(bundle_options["name"]), machine, systemd.can_encrypt)
        readable_credentials, self.missing_credentials = _split_credentials(bundle_options, root)
        secrets = read_secrets({"credentials": readable_credentials}, self.store)
        program = choose_program(bundle_options["program"] or {}, machine.find_architecture(), self.store)
        files = build_release_files(bundle_options, secrets, str(program.path), systemd)
        self.bundle: Bundle = build_bundle(bundle_options, files, program, self.store)
        self.services = bundle_options["services"] or ()
        self.looked = _find_host_look(self.store.name, params)
        self.masked = _build_tree_mask(build_mask(secrets))
        self.first_metrics = ""
        self.why_no_metrics = ""

    def begin(self) -> None:
        """Take the first reading of its metrics."""
        self.first_metrics = self._read_metrics()

    def collect_facts(self) -> dict[str, Any]:
        """Return its facts, and how far test data came if it is sent."""
        host_facts = HostFacts(self.machine, self.store, self.bundle, self.looked)
        facts = host_facts.collect_facts()
        release = facts["release"]
        release["credentials"] += self.missing_credentials
        facts["services"] = ServiceDropIns(self.machine, self.store, self.services).describe_services()
        release["differs"] += [service["place"] for service in facts["services"] if not service["is_there"]]
        question = self.looked.question
        has_way_for_data = bool(question.get("url") and self.bundle.metrics_url)
        if self.looked.sends_test_data and host_facts.is_running and has_way_for_data:
            facts["probe"] = HostProbe(self.machine, self.bundle.metrics_url, question).run()
        return facts

    def end(self) -> dict[str, str]:
        """Return both readings of its metrics, or why there is none."""
        last_metrics = self._read_metrics() if self.first_metrics else ""
        return {"first": self.first_metrics, "last": last_metrics, "why": self.why_no_metrics}

    def _read_metrics(self) -> str:
        """Return the lines of the Collector's own metrics; empty, with the reason noted, if there are none."""
        if not self.bundle.metrics_url:
            self.why_no_metrics = "service.telemetry.metrics serves none"
            return ""
        try:
            lines = self.machine.get(self.bundle.metrics_url).splitlines()
        except (OSError, ValueError) as error:
            self.why_no_metrics = f"{self.bundle.metrics_url}: {error}"
            return ""
        return "\n".join(line for line in lines if line.startswith(_METRIC_PREFIX))


def _split_credentials(bundle_options: Mapping[str, Any], root: Path) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the credentials that can be read, and the paths of those whose file is not on the host."""
    readable, missing_paths = [], []
    for credential in bundle_options["credentials"] or ():
        path = credential["path"]
        if path and not (root / path[1:]).is_file():
            missing_paths.append(path)
        else:
            readable.append(credential)
    return readable, missing_paths


def _find_host_look(name: str, params: Mapping[str, Any]) -> HostLook:
    """Return what the task asks about a collector; one without a question of its config is asked nothing of it."""
    question: Mapping[str, Any] = {}
    for row in params["questions"]:
        if row["name"] == name:
            question = row
            break
    return HostLook(question, params["send"], params["log_seconds"], params["log_lines"])


def _build_tree_mask(mask: Callable[[str], str]) -> Callable[[Any], Any]:
    """Return what masks each text of a tree."""

    def mask_tree(value: Any) -> Any:
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, dict):
            return {key: mask_tree(child) for key, child in value.items()}
        if isinstance(value, list):
            return [mask_tree(child) for child in value]
        return value

    return mask_tree
