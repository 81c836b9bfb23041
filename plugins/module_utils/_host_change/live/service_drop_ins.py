# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a host that send to one collector: what their drop-ins change, and their restarts. Private.

`host_task.py` makes a `ServiceDropIns` for each collector, and calls `list_faults`, `plan_changes` or `apply_changes`.
A drop-in is a file that adds variables to the unit of a service (drop_in_files.py). A service belongs to somebody else:
it keeps its unit and all other drop-ins, and is restarted with consent alone. If it does not run after that, its
earlier drop-in is there again. For example, the notes of a change are

    shop.service has a new environment
    shop.service was restarted with its environment

A service waits if it runs without its variables until somebody restarts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from ..._otelcol.errors import Failure, Problem, clean_text
from ..journal_lines import journal_sentence
from ..service_environment import ServiceEnvironment
from .drop_in_files import DropInFiles, read_file_start
from .host_state import ServiceOutcome
from .host_store import Store
from .machine import Machine
from .service_checks import ServiceChecks
from .service_units import ServiceUnit, read_service_unit

# How long a restarted service is watched, in seconds: time for a program to read its environment and to give up.
WATCH_SECONDS = 5.0
# The seconds between two looks at it.
_PAUSE_SECONDS = 0.5
# How many of the last lines of the journal a failure has.
_LAST_LINES = 8


class ServiceRow(TypedDict):
    """A service that sends to a collector, in the facts of a host."""

    unit: str
    load: str
    """Whether systemd has loaded its unit. Source: org.freedesktop.systemd1(5), LoadState."""
    runs: bool
    """Whether its process runs."""
    is_there: bool
    """Whether its drop-in is there as it is wanted."""
    has: bool
    """Whether its process has the variables."""
    waits: bool
    """Whether it gets the variables at its next restart."""
    place: str
    """The path of its drop-in."""


@dataclass(frozen=True)
class _Difference:
    """One drop-in that is to be written, or to be removed if `text_after` is empty."""

    unit: str
    drop_in_path: Path
    text_before: str
    text_after: str


class ServiceDropIns:
    """The services of this host that send to one collector."""

    def __init__(self, machine: Machine, store: Store, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        self.machine, self.store = machine, store
        self.wanted_services = [ServiceEnvironment.from_row(row) for row in rows]
        self._drop_ins = DropInFiles(store)
        # What systemd has said of units. It is asked again after something was done.
        self._seen_units: dict[str, ServiceUnit] = {}
        # The drop-ins that this run has written for services that were not restarted since.
        self._written_drop_ins: set[Path] = set()

    def _find_unit(self, unit: str) -> ServiceUnit:
        """Return what systemd says of a unit. It is asked once, until something is done."""
        if unit not in self._seen_units:
            self._seen_units[unit] = read_service_unit(self.machine, unit)
        return self._seen_units[unit]

    def list_faults(self) -> Iterator[Problem]:
        """Yield why services of the list cannot get their drop-ins. Nothing is written before all of it is read."""
        checks = ServiceChecks(self.machine, self.store, self.wanted_services, self._drop_ins, self._find_unit)
        yield from checks.list_faults()

    # ── The change ──

    def plan_changes(self) -> ServiceOutcome:
        """Return what differs, without a change."""
        outcome = ServiceOutcome()
        for difference in self._find_differences():
            drop_in = str(difference.drop_in_path)
            outcome.changed_paths.append(drop_in)
            headers = {"before_header": drop_in, "after_header": drop_in}
            outcome.differences.append({**headers, "before": difference.text_before, "after": difference.text_after})
            becomes = "get" if difference.text_after else "lose"
            outcome.notes.append(f"{difference.unit} would {becomes} its environment")
        has_restarts = False
        for service in self.wanted_services:
            if not self._awaits_restart(service):
                continue
            if service.may_restart:
                has_restarts = True
                outcome.notes.append(f"{service.unit} would be restarted")
            else:
                outcome.waiting_lines.append(self._describe_waiting(service.unit))
        outcome.is_changed = bool(outcome.changed_paths) or has_restarts or self._needs_reload()
        return outcome

    def _find_differences(self) -> list[_Difference]:
        """Return the drop-ins that go, then those that are new or change."""
        services = {self._drop_ins.find_path(service.unit): service for service in self.wanted_services}
        differences = []
        for drop_in in self._drop_ins.list_own():
            if drop_in not in services:
                unit = drop_in.parent.name[:-2]  # the folder of a unit ends with .d
                differences.append(_Difference(unit, drop_in, read_file_start(drop_in), ""))
        for drop_in, service in services.items():
            current_text, target_text = read_file_start(drop_in), service.render_drop_in(self.store.name)
            if current_text != target_text:
                differences.append(_Difference(service.unit, drop_in, current_text, target_text))
        return differences

    def _needs_reload(self) -> bool:
        """Whether systemd has not read a drop-in that is there, as after a killed run."""
        return any(self._find_unit(service.unit).needs_reload for service in self.wanted_services)

    def apply_changes(self) -> ServiceOutcome:
        """Write what differs, remove what is no longer wanted, and restart services with consent that wait."""
        outcome = self.plan_changes()
        outcome.notes, outcome.waiting_lines = [], []
        self._drop_ins.remove_temporary_files()
        differences = self._find_differences()
        for difference in differences:
            self._drop_ins.write(difference.drop_in_path, difference.text_after)
            self._written_drop_ins.add(difference.drop_in_path)
            became = "has a new" if difference.text_after else "lost its"
            outcome.notes.append(f"{difference.unit} {became} environment")
        if outcome.is_changed:
            self._reload_units()
        self._restart_waiting(outcome, {difference.unit: difference.text_before for difference in differences})
        for difference in differences:
            if not difference.text_after:
                outcome.waiting_lines += self._describe_kept_environment(difference.unit)
        outcome.waiting_lines += [
            self._describe_waiting(service.unit) for service in self.wanted_services if self._awaits_restart(service)
        ]
        return outcome

    def _restart_waiting(self, outcome: ServiceOutcome, earlier_texts: Mapping[str, str]) -> None:
        """Restart the services with consent that wait.

        `earlier_texts` has the drop-ins before this run that it changed.
        """
        for service in self.wanted_services:
            if service.may_restart and self._awaits_restart(service):
                self._restart(service.unit, earlier_texts.get(service.unit))
                outcome.notes.append(f"{service.unit} was restarted with its environment")

    def _describe_kept_environment(self, unit: str) -> list[str]:
        """Return the line about a service that still sends to the collector until it is restarted."""
        line = f"{unit} keeps its environment until it is restarted: `systemctl restart {unit}`"
        return [line] if self._find_unit(unit).is_active else []

    @staticmethod
    def _describe_waiting(unit: str) -> str:
        return f"{unit} gets its environment at its next restart: `systemctl restart {unit}`, or set `restart: true`"

    def _reload_units(self) -> None:
        self._seen_units = {}
        result = self.machine.run_systemctl("daemon-reload")
        if result.exit_code:
            raise Failure(f"systemd does not read its units: {clean_text(result.output.strip()[-300:])}")

    # ── Processes ──

    def _awaits_restart(self, service: ServiceEnvironment) -> bool:
        """Whether a service runs without its variables, and began before they were there.

        A process that overwrites its environment, as `setproctitle` does, would else be restarted by each run.
        """
        service_unit = self._find_unit(service.unit)
        if not service_unit.is_active or not service_unit.pid or self._has_variables(service, service_unit.pid):
            return False
        started_at = self.machine.now() - (self.machine.read_uptime() - service_unit.started_after_boot)
        drop_in = self._drop_ins.find_path(service.unit)
        is_new = drop_in in self._written_drop_ins or read_file_start(drop_in) != service.render_drop_in(
            self.store.name
        )
        return is_new or started_at <= drop_in.stat().st_mtime

    def _has_variables(self, service: ServiceEnvironment, pid: int) -> bool:
        """Whether a process has all variables of its service, with the values of this host."""
        environment = self.machine.read_environment(pid)
        wanted_variables = service.resolve_on_host(self._read_host_id())
        return all(environment.get(name) == value for name, value in wanted_variables.items())

    def _read_host_id(self) -> str:
        return read_file_start(self.store.root / "etc/machine-id").strip()

    def _restart(self, unit: str, earlier_text: str | None) -> None:
        """Restart a service, and watch it.

        `earlier_text` is its drop-in before this run; nothing if that did not change. Raises Failure for a service that
        does not run then, after its earlier drop-in is there again.
        """
        since = self.machine.now()
        failure = self._try_restart(unit)
        if not failure:
            return
        journal_lines = self.machine.journal(unit, since).splitlines()[-_LAST_LINES:]
        lines = [clean_text(line) for line in journal_lines if line.strip()]
        if earlier_text is None:
            state_text = "Its drop-in stays: it had run without it."
        else:
            state_text = self._restore_drop_in(unit, earlier_text)
        wrong = f"service {unit} does not run with its environment: {failure}.{journal_sentence(lines)} {state_text}"
        raise Failure(wrong, facts={"journal": lines})

    def _try_restart(self, unit: str) -> str:
        """Restart a service, and return why it does not run; empty if it does."""
        result = self.machine.run_systemctl("restart", unit)
        self._seen_units = {}
        self._written_drop_ins.discard(self._drop_ins.find_path(unit))
        if result.exit_code:
            return str(clean_text(result.output.strip()[-300:]))
        first_state = self.machine.service(unit)
        deadline = self.machine.read_uptime() + WATCH_SECONDS
        while self.machine.read_uptime() < deadline:
            current_state = self.machine.service(unit)
            if not current_state.is_active or current_state.pid != first_state.pid:
                return "its process ended"
            self.machine.sleep(_PAUSE_SECONDS)
        return ""

    def _restore_drop_in(self, unit: str, earlier_text: str) -> str:
        """Set the earlier drop-in again, and return in words how the service is then."""
        self._drop_ins.write(self._drop_ins.find_path(unit), earlier_text)
        self._reload_units()
        self.machine.run_systemctl("reset-failed", unit)
        failure = self._try_restart(unit)
        return f"It does not run without it either: {failure}" if failure else "It runs again as before"

    # ── What is told, without a change ──

    def describe_services(self) -> list[ServiceRow]:
        """Return a row for each service of the list."""
        return [self._describe_service(service) for service in self.wanted_services]

    def _describe_service(self, service: ServiceEnvironment) -> ServiceRow:
        """Return what the host has of a service and of its drop-in."""
        service_unit, drop_in = self._find_unit(service.unit), self._drop_ins.find_path(service.unit)
        return {
            "unit": service.unit,
            "load": service_unit.load_state,
            "runs": service_unit.is_active,
            "is_there": read_file_start(drop_in) == service.render_drop_in(self.store.name),
            "has": bool(service_unit.pid) and self._has_variables(service, service_unit.pid),
            "waits": self._awaits_restart(service),
            "place": str(drop_in),
        }
