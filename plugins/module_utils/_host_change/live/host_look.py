# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module host_diagnose on a host: reads the facts of its collectors, and changes nothing. Private.

`run_look` is the entry point. It reads the own metrics of each collector twice, `window_seconds` apart, and reads all
other facts in between. A collector is listed if the task has a bundle of it; an unlisted one is a collector of this
collection on the host that the inventory does not have. host_facts.py has the keys of the facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..fitted_unit import Systemd
from ..host_answer import MetricReadings
from ..host_question import HostLook, HostQuestion
from ..host_release import CollectorBundle, build_release_files, check_collector_name
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

# The prefix of the names of a Collector's own metrics.
_METRIC_PREFIX = "otelcol_"


def run_look(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Read the facts that the task asks for, and exit with them. Tests give a machine and a root of their own."""
    run_task(module, lambda: {"changed": False, **_look_at_all(module.params, machine or Machine(), root)})


def _look_at_all(params: Mapping[str, Any], machine: Machine, root: Path) -> dict[str, Any]:
    """Return the facts of the host, and those of each collector of the task."""
    systemd = read_systemd(machine, root)
    refuse_faults(find_access_faults(machine, root))
    collectors = [_LookedCollector(bundle, params, machine, root, systemd) for bundle in params["bundles"]]
    host_facts = read_system_facts(machine, root)
    collector_rows = _watch_collectors(collectors, params["window_seconds"], machine)
    listed_names = [collector.store.name for collector in collectors]
    unlisted_names = [name for name in list_own_collectors(root) if name not in listed_names]
    return {"host": host_facts, "unlisted": unlisted_names, "collectors": collector_rows}


def _watch_collectors(
    collectors: Sequence[_LookedCollector], window_seconds: float, machine: Machine
) -> list[dict[str, Any]]:
    """Return the facts of all collectors, with readings of their metrics at the begin and the end of one window."""
    started_at = machine.now()
    for collector in collectors:
        collector.read_first_metrics()
    for collector in collectors:
        collector.read_facts()
    seconds_left = window_seconds - (machine.now() - started_at)
    if seconds_left > 0 and any(collector.first_metrics for collector in collectors):
        machine.sleep(seconds_left)
    seconds = machine.now() - started_at
    return [collector.build_row(seconds) for collector in collectors]


class _LookedCollector:
    """One collector of the task. `bundle_options` has the collector as it is wanted, in the form of `bundle_form`."""

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
        credentials = _split_credentials(bundle_options, root)
        self.missing_credential_paths = credentials.missing_paths
        secrets = read_secrets({"credentials": credentials.readable}, self.store)
        program = choose_program(bundle_options["program"] or {}, machine.find_architecture(), self.store)
        files = build_release_files(bundle_options, secrets, str(program.path), systemd)
        self.bundle: CollectorBundle = build_bundle(bundle_options, files, program, self.store)
        self.service_rows = bundle_options["services"] or ()
        self.looked = _find_host_look(self.store.name, params)
        self._mask_tree = _build_tree_mask(build_mask(secrets))
        self.facts: dict[str, Any] = {}
        self.first_metrics = ""
        self.why_no_metrics = ""

    def read_first_metrics(self) -> None:
        self.first_metrics = self._read_metrics()

    def read_facts(self) -> None:
        """Read the facts of `HostFacts`, and besides `services`, and `probe` if test data was sent."""
        host_facts = HostFacts(self.machine, self.store, self.bundle, self.looked)
        collector_facts = host_facts.collect_facts()
        services = ServiceDropIns(self.machine, self.store, self.service_rows).describe_services()
        release = collector_facts["release"]
        release["credentials"] += self.missing_credential_paths
        release["differs"] += [service["place"] for service in services if not service["is_there"]]
        self.facts = {**collector_facts, "services": services}
        if host_facts.is_running and self._sends_test_data():
            self.facts["probe"] = HostProbe(self.machine, self.bundle.metrics_url, self.looked.question).run()

    def _sends_test_data(self) -> bool:
        """Return whether test data is sent: the task asks for it, and metrics will show whether it arrives."""
        has_receiver = bool(self.looked.question.get("url"))
        return self.looked.sends_test_data and has_receiver and bool(self.bundle.metrics_url)

    def build_row(self, seconds: float) -> dict[str, Any]:
        """Return all its facts, without secrets. `seconds` have passed since the first reading of its metrics."""
        last_metrics = self._read_metrics() if self.first_metrics else ""
        readings: MetricReadings = {"first": self.first_metrics, "last": last_metrics, "why": self.why_no_metrics}
        row: dict[str, Any] = self._mask_tree({**self.facts, "metrics": readings, "seconds": seconds})
        return row

    def _read_metrics(self) -> str:
        """Return the lines of the Collector's own metrics; empty, with the reason noted, if they cannot be read."""
        if not self.bundle.metrics_url:
            self.why_no_metrics = "service.telemetry.metrics serves none"
            return ""
        try:
            lines = self.machine.get(self.bundle.metrics_url).splitlines()
        except (OSError, ValueError) as error:
            self.why_no_metrics = f"{self.bundle.metrics_url}: {error}"
            return ""
        return "\n".join(line for line in lines if line.startswith(_METRIC_PREFIX))


class _SplitCredentials(NamedTuple):
    """The rows of the credentials that can be read, and the paths of those whose file is not on the host."""

    readable: list[Mapping[str, Any]]
    missing_paths: list[str]


def _split_credentials(bundle_options: Mapping[str, Any], root: Path) -> _SplitCredentials:
    """Return the credentials of a bundle, without those whose files the host lacks, and the paths of these."""
    credentials = _SplitCredentials([], [])
    for credential in bundle_options["credentials"] or ():
        path = credential["path"]
        if path and not (root / path[1:]).is_file():
            credentials.missing_paths.append(path)
        else:
            credentials.readable.append(credential)
    return credentials


def _find_host_look(name: str, params: Mapping[str, Any]) -> HostLook:
    """Return how the task looks at a collector. Its question is empty if the task has none for it."""
    question: HostQuestion = {}
    for row in params["questions"]:
        if row["name"] == name:
            question = row
            break
    return HostLook(question, params["send"], params["log_seconds"], params["log_lines"])


def _build_tree_mask(mask: Callable[[str], str]) -> Callable[[Any], Any]:
    """Return a function that masks each text in a tree of mappings and lists."""

    def mask_tree(value: Any) -> Any:
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, dict):
            return {key: mask_tree(child) for key, child in value.items()}
        if isinstance(value, list):
            return [mask_tree(child) for child in value]
        return value

    return mask_tree
