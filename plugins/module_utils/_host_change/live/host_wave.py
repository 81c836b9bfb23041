# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task of module host_wave: read the metrics of the collectors of this host, or note that they passed a wave.
Private.

A wave is a group of hosts that a run changes together. While the gate of the wave watches them, this task reads the
metrics of their collectors; when the wave has passed, it notes that on each host. `run_wave` is the entry point. For a
watch, the result has for each collector, for example,

    {"name": "agent", "release": "000007", "written": "17698…", "sum": "1a2b…", "passed": {}, "config": "receivers: …",
     "polls": [{"at": 0.0, "restarts": 0, "text": "otelcol_receiver_accepted_spans…", "why": ""}, …]}
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from ansible.module_utils.basic import AnsibleModule

from ..bundle_form import CONFIG
from ..wave_watch import COMPARED, PASSED_OPTIONS, reading_pause
from .host_edge import run_task, warn_printable
from .host_store import LOCK_PATH, Store
from .machine import Machine
from .owned_folders import list_own_collectors

# The beginning of a line of a metric that the gate compares.
_COMPARED_METRIC = re.compile(rf"otelcol_(?:{COMPARED})")
# How many seconds a note waits until another run ends.
_LOCK_SECONDS = 60
ARGUMENTS: dict[str, Any] = {
    "seconds": {"type": "float", "default": 0},
    "passed": {"type": "dict", "options": PASSED_OPTIONS, "no_log": False},
}


class _Reading(TypedDict):
    """One reading of a collector's metrics, in the result of the module."""

    at: float
    """In seconds since the first reading."""
    restarts: int
    """How often systemd has restarted the service."""
    text: str
    """The metrics as text for Prometheus; empty if they cannot be read."""
    why: str
    """Why they cannot be read; empty if they can."""


class _CollectorRow(TypedDict):
    """One collector in the result of the module."""

    name: str
    release: str
    written: str
    """When the release was written, which tells it from a later release with the same number and the same files."""
    sum: str
    """The sum of the release's files, which tells it from another release with the same number."""
    passed: dict[str, Any]
    """The wave that the release has passed, see `change_notes.PassedWaves`; empty if it has passed none."""
    config: str
    program: str
    polls: list[_Reading]


class _MetricsText(NamedTuple):
    """Metrics, or why they cannot be read."""

    text: str
    reason: str = ""


class _InstalledRelease(NamedTuple):
    """A release of a collector. After a removal, a later one may have the same number and the same files."""

    name: str
    number: str
    written: str
    sum: str


class _WatchedCollector:
    """One collector of this host: its release in use, and the readings of its metrics."""

    def __init__(self, machine: Machine, store: Store) -> None:
        self.machine, self.store = machine, store
        self.name = store.name
        self.release = store.releases.find_current()
        self.written = store.releases.find_written_mark(self.release)
        self.sum = store.releases.compute_sum(self.release) if self.release else ""
        manifest = store.releases.read_manifest(self.release)
        self.metrics_url = str(manifest.get("metrics") or "")
        self.program = str(manifest.get("program") or "")
        self.readings: list[_Reading] = []

    @property
    def installed_release(self) -> _InstalledRelease:
        """The release in use."""
        return _InstalledRelease(self.name, self.release, self.written, self.sum)

    @property
    def passed(self) -> dict[str, Any]:
        """The wave that the release in use has passed; empty if it has passed none."""
        return self.store.passed_waves.find(self.release)

    def was_judged(self, judged_row: Mapping[str, Any]) -> bool:
        """Return whether the release in use is the one that the wave judged, by the row of the judged collector."""
        judged_release = _InstalledRelease(
            judged_row["name"], judged_row["release"], judged_row["written"], judged_row["sum"]
        )
        return self.installed_release == judged_release

    def read(self, seconds: float) -> None:
        """Add a reading, so many seconds after the first one."""
        service = self.machine.service(self.store.service)
        metrics = self._read_compared_metrics()
        self.readings.append(
            {"at": seconds, "restarts": service.restart_count, "text": metrics.text, "why": metrics.reason}
        )

    def _read_compared_metrics(self) -> _MetricsText:
        """Return the metrics that a wave compares."""
        if not self.metrics_url:
            return _MetricsText("", "it serves no metrics")
        try:
            text = self.machine.get(self.metrics_url)
        except (OSError, ValueError) as error:
            return _MetricsText("", f"{self.metrics_url}: {error}")
        return _MetricsText("\n".join(line for line in text.splitlines() if _COMPARED_METRIC.match(line)))

    def note_passed(self, wave: Mapping[str, Any]) -> None:
        """Note that the release in use has passed a wave."""
        self.store.passed_waves.write(self.release, {**wave, "sum": self.sum})

    def row(self) -> _CollectorRow:
        """Return the collector as the module returns it."""
        return {
            "name": self.name,
            "release": self.release,
            "written": self.written,
            "sum": self.sum,
            "passed": self.passed,
            "config": self._config(),
            "program": self.program,
            "polls": self.readings,
        }

    def _config(self) -> str:
        file = self.store.releases.read_files(self.release).get(CONFIG)
        return file.data.decode("utf-8", "replace") if file else ""


def run_wave(module: AnsibleModule, machine: Machine | None = None, root: Path = Path("/")) -> None:
    """Do what the task asks, and exit with its result. Tests give a machine and a root of their own."""
    host_machine, passed_wave = machine or Machine(), module.params["passed"]
    if passed_wave:
        run_task(module, lambda: _note_passed_wave(module, passed_wave, host_machine, root))
    else:
        run_task(module, lambda: _watch_collectors(module.params["seconds"], host_machine, root))


def _list_watched_collectors(machine: Machine, root: Path) -> list[_WatchedCollector]:
    """Return the collectors of this host that have a release in use."""
    collectors = [_WatchedCollector(machine, Store(root, name, machine)) for name in list_own_collectors(root)]
    return [collector for collector in collectors if collector.release]


def _watch_collectors(seconds: float, machine: Machine, root: Path) -> dict[str, Any]:
    """Read the metrics of all collectors, again and again for so many seconds; only once for 0 seconds."""
    collectors = _list_watched_collectors(machine, root)
    # Somebody may set the time of day meanwhile, but not the time since boot.
    started_at, elapsed = machine.read_uptime(), 0.0
    _read_all_collectors(collectors, elapsed)
    while collectors and elapsed < seconds:
        machine.sleep(min(seconds - elapsed, reading_pause(seconds)))
        elapsed = machine.read_uptime() - started_at
        _read_all_collectors(collectors, elapsed)
    if elapsed:
        collectors = _replace_changed_collectors(collectors, _list_watched_collectors(machine, root), elapsed)
    return {"changed": False, "collectors": [collector.row() for collector in collectors]}


def _read_all_collectors(collectors: Iterable[_WatchedCollector], seconds: float) -> None:
    for collector in collectors:
        collector.read(seconds)


def _replace_changed_collectors(
    watched_collectors: Iterable[_WatchedCollector], collectors_now: Iterable[_WatchedCollector], seconds: float
) -> list[_WatchedCollector]:
    """Return the collectors of the host after a watch of so many seconds.

    One that another run has changed meanwhile is not told with readings of two releases: it is read anew, once.
    """
    collector_by_release = {collector.installed_release: collector for collector in watched_collectors}
    collectors: list[_WatchedCollector] = []
    for collector_now in collectors_now:
        collector = collector_by_release.get(collector_now.installed_release)
        if collector is None:
            collector = collector_now
            collector.read(seconds)
        collectors.append(collector)
    return collectors


def _note_passed_wave(
    module: AnsibleModule, passed_wave: Mapping[str, Any], machine: Machine, root: Path
) -> dict[str, Any]:
    """Note for each judged collector that its release has passed a wave, unless that is noted already.

    If another run has deployed another release since, the wave did not judge it, so nothing is noted.
    """
    judged_by_name = {str(judged_row["name"]): judged_row for judged_row in passed_wave["collectors"]}
    with machine.hold_lock(root / LOCK_PATH, _LOCK_SECONDS):
        current_by_name = {collector.name: collector for collector in _list_watched_collectors(machine, root)}
        newly_passed: list[_WatchedCollector] = []
        for name, judged_row in judged_by_name.items():
            collector = current_by_name.get(name)
            if collector is None or not collector.was_judged(judged_row):
                warn_printable(module, _describe_other_change(name, machine))
            elif not collector.passed:
                newly_passed.append(collector)
        if not module.check_mode:
            wave = {
                "wave": passed_wave["wave"],
                "by": passed_wave["by"],
                "verdict": "passed",
                "when": _current_time_text(machine),
            }
            for collector in newly_passed:
                collector.note_passed(wave)
    return {"changed": bool(newly_passed), "collectors": []}


def _describe_other_change(name: str, machine: Machine) -> str:
    return f"{name} on {machine.node_name()}: another run has changed it, so nothing says that it passed."


def _current_time_text(machine: Machine) -> str:
    """Return the time of day in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(machine.now()))
