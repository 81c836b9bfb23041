# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module host_diagnose on a host: read the facts of its collectors, and change nothing. Private.

`run_host_diagnosis` is the entry point. It reads the own metrics of each collector twice, `window_seconds` apart, and
all other facts in between. The controller compares both readings, and judges the facts (`_host_diagnose.py` of
plugin_utils). For one collector, the result is, for example:

    {"host": {"systemd": 252, …}, "unlisted": ["old"], "collectors": [{"name": "agent", "service": {…}, "seconds": 10.0,
     "metrics": {"first": "otelcol_…", "last": "otelcol_…", "why": ""}, …}]}

`unlisted` has the collectors of this collection on the host that the task does not name. host_answer.py has all keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..fitted_unit import Systemd
from ..host_answer import MetricReadings
from ..host_question import DiagnosisOptions, HostQuestion
from ..host_release import CollectorBundle, build_release_files, check_collector_name
from .credential_mask import build_mask
from .host_edge import run_task
from .host_facts import collect_host_facts, read_settled_unit
from .host_faults import build_bundle, read_secrets
from .host_probe import HostProbe
from .host_store import Store
from .installed_program import choose_program
from .machine import Machine
from .owned_folders import list_own_collectors
from .service_drop_ins import ServiceDropIns
from .system_facts import read_system_facts
from .system_faults import find_access_faults, read_systemd, refuse_faults

# What the names of a Collector's own metrics begin with.
_METRIC_PREFIX = "otelcol_"


def run_host_diagnosis(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Read the facts that the task asks for, and exit with them. Tests give a machine and a root of their own."""
    run_task(module, lambda: {"changed": False, **_read_all_facts(module.params, machine or Machine(), root)})


def _read_all_facts(params: Mapping[str, Any], machine: Machine, root: Path) -> dict[str, Any]:
    """Return the facts of the host, and those of each collector of the task."""
    systemd = read_systemd(machine, root)
    refuse_faults(find_access_faults(machine, root))
    collectors = [_prepare_collector(bundle, params, machine, root, systemd) for bundle in params["bundles"]]
    system_facts = read_system_facts(machine, root)
    collector_rows = _read_collectors(machine, collectors, params["window_seconds"])
    listed_names = [collector.store.name for collector in collectors]
    unlisted_names = [name for name in list_own_collectors(root) if name not in listed_names]
    return {"host": system_facts, "unlisted": unlisted_names, "collectors": collector_rows}


@dataclass(frozen=True)
class _DiagnosedCollector:
    """One collector of the task, as the inventory wants it."""

    store: Store
    bundle: CollectorBundle
    service_rows: Sequence[Mapping[str, Any]]
    """The services of the host that send to it, as rows of its bundle."""
    missing_credential_paths: Sequence[str]
    """The files of credentials that the host lacks."""
    options: DiagnosisOptions
    mask: Callable[[str], str]
    """Hides its credentials in a text."""


def _prepare_collector(
    bundle_options: Mapping[str, Any], params: Mapping[str, Any], machine: Machine, root: Path, systemd: Systemd
) -> _DiagnosedCollector:
    """Return a collector of the task. Raises Problem for a bundle that the host cannot read.

    `bundle_options` is the collector in the form of `bundle_form`, `params` are the options of the module.
    """
    store = Store(root, check_collector_name(bundle_options["name"]), machine, encrypts=systemd.can_encrypt)
    credentials = _split_credentials(bundle_options, root)
    secrets = read_secrets({"credentials": credentials.readable}, store)
    program = choose_program(bundle_options["program"] or {}, machine.find_architecture(), store)
    files = build_release_files(bundle_options, secrets, str(program.path), systemd)
    return _DiagnosedCollector(
        store=store,
        bundle=build_bundle(bundle_options, files, program, store),
        service_rows=bundle_options["services"] or (),
        missing_credential_paths=credentials.missing_paths,
        options=_find_options(store.name, params),
        mask=build_mask(secrets),
    )


class _SplitCredentials(NamedTuple):
    """The rows of the credentials that can be read, and the paths of those whose file is not on the host."""

    readable: list[Mapping[str, Any]]
    missing_paths: list[str]


def _split_credentials(bundle_options: Mapping[str, Any], root: Path) -> _SplitCredentials:
    """Return the credentials of a bundle, without those whose files the host lacks, and the paths of these."""
    readable_rows: list[Mapping[str, Any]] = []
    missing_paths: list[str] = []
    for credential in bundle_options["credentials"] or ():
        path = credential["path"]
        if path and not (root / path[1:]).is_file():
            missing_paths.append(path)
        else:
            readable_rows.append(credential)
    return _SplitCredentials(readable_rows, missing_paths)


def _find_options(name: str, params: Mapping[str, Any]) -> DiagnosisOptions:
    """Return what the task asks of a collector. Its question is empty if the task has none for it."""
    question: HostQuestion = {}
    for row in params["questions"]:
        if row["name"] == name:
            question = row
            break
    return DiagnosisOptions(question, params["send"], params["log_seconds"], params["log_lines"])


# ── Reading ──


class _MetricsText(NamedTuple):
    """One reading of a collector's own metrics."""

    text: str
    """Empty if they cannot be read."""
    unread_reason: str = ""
    """Why they cannot be read; empty if they can."""


def _read_collectors(
    machine: Machine, collectors: Sequence[_DiagnosedCollector], window_seconds: float
) -> list[dict[str, Any]]:
    """Return the facts of all collectors, with readings of their metrics at the beginning and the end of one window."""
    started_at = machine.read_uptime()
    first_readings = [_read_metrics(machine, collector.bundle.metrics_url) for collector in collectors]
    facts_of_collectors = [_read_facts(machine, collector) for collector in collectors]
    seconds_left = window_seconds - (machine.read_uptime() - started_at)
    if seconds_left > 0 and any(reading.text for reading in first_readings):
        machine.sleep(seconds_left)
    seconds = machine.read_uptime() - started_at
    rows: list[dict[str, Any]] = []
    for collector, first_reading, facts in zip(collectors, first_readings, facts_of_collectors):  # noqa: B905 - Python 3.8
        last_reading = _MetricsText("", first_reading.unread_reason)
        if first_reading.text:
            last_reading = _read_metrics(machine, collector.bundle.metrics_url)
        readings: MetricReadings = {
            "first": first_reading.text,
            "last": last_reading.text,
            "why": last_reading.unread_reason,
        }
        rows.append(_mask_tree({**facts, "metrics": readings, "seconds": seconds}, collector.mask))
    return rows


def _read_metrics(machine: Machine, metrics_url: str) -> _MetricsText:
    """Return the lines of a Collector's own metrics. `metrics_url` is empty for one that serves none."""
    if not metrics_url:
        return _MetricsText("", "service.telemetry.metrics serves none")
    try:
        lines = machine.get(metrics_url).splitlines()
    except (OSError, ValueError) as error:
        return _MetricsText("", f"{metrics_url}: {error}")
    return _MetricsText("\n".join(line for line in lines if line.startswith(_METRIC_PREFIX)))


def _read_facts(machine: Machine, collector: _DiagnosedCollector) -> dict[str, Any]:
    """Return the facts of a collector, with `services`, and with `probe` if test data was sent."""
    unit_state = read_settled_unit(machine, collector.store, collector.bundle)
    collector_facts = collect_host_facts(machine, unit_state, collector.store, collector.bundle, collector.options)
    services = ServiceDropIns(machine, collector.store, collector.service_rows).describe_services()
    release = collector_facts["release"]
    release["credentials"] += collector.missing_credential_paths
    release["differs"] += [service["place"] for service in services if not service["is_there"]]
    facts: dict[str, Any] = {**collector_facts, "services": services}
    if unit_state.is_running and _sends_test_data(collector):
        facts["probe"] = HostProbe(machine, collector.bundle.metrics_url, collector.options.question).run()
    return facts


def _sends_test_data(collector: _DiagnosedCollector) -> bool:
    """Return whether test data is sent: the task asks for it, and metrics will show whether it arrives."""
    has_receiver = bool(collector.options.question.get("url"))
    return collector.options.sends_test_data and has_receiver and bool(collector.bundle.metrics_url)


def _mask_tree(value: Any, mask: Callable[[str], str]) -> Any:
    """Return a tree of mappings and lists with each of its texts masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _mask_tree(child, mask) for key, child in value.items()}
    if isinstance(value, list):
        return [_mask_tree(child, mask) for child in value]
    return value
