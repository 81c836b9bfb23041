# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drop-ins of services that send to one collector of this host: read, compared, written and taken back. Private.

A service belongs to somebody else. It keeps its unit and all other drop-ins, and is restarted with consent alone. If it
does not run after that, its earlier drop-in is there again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._otelcol.errors import Failure, Problem, cleaned, near
from ..bundle_form import DROP_IN, FOLDER, SERVICE_SUFFIX
from ..journal_lines import journal_sentence
from ..service_environment import ServiceEnvironment, owner_of, set_in_file, set_in_unit
from .host_state import ServiceOutcome
from .host_store import Store
from .machine import Machine

_SHOWN = (
    "Id,LoadState,FragmentPath,DropInPaths,EnvironmentFiles,ActiveState,MainPID,NeedDaemonReload,Transient"
    ",PrivateNetwork,ExecMainStartTimestampMonotonic"
)
# States of a unit that no drop-in helps, each with what is told of it. Source: org.freedesktop.systemd1(5), LoadState.
_UNLOADED = {
    "masked": (
        "is masked, so it never starts",
        "Run `systemctl unmask {unit}` on the host, or remove it from the list.",
    ),
    "bad-setting": ("has a unit that systemd cannot read", "Run `systemd-analyze verify {unit}` on the host."),
    "error": ("has a unit that systemd cannot read", "Run `systemctl status {unit}` on the host."),
}
# Settings by which a service does not get a drop-in, or does not reach the collector.
_UNFIT = {
    "Transient": ("has no unit file", "Give the variables where it is started, or write a unit file for it."),
    "PrivateNetwork": ("has a network of its own (PrivateNetwork), so it does not reach the host", "Remove it there."),
}
_PART = ".draft"
_MOST_BYTES = 256 * 1024
# How long a restarted service is watched, in seconds: time for a program to read its environment and to give up.
WATCH_SECONDS, _PAUSE_SECONDS = 5.0, 0.5
_LAST_LINES = 8


@dataclass(frozen=True)
class _Difference:
    """One drop-in that is to be written, or to be removed if `after` is empty."""

    unit: str
    place: Path
    before: str
    after: str


class ServiceDropIns:
    """The services of this host that send to one collector."""

    def __init__(self, machine: Machine, store: Store, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        self.machine, self.store = machine, store
        self.wanted = [ServiceEnvironment.from_row(row) for row in rows]
        self._seen: dict[str, dict[str, str]] = {}  # what systemd has said, until something is done
        self._written: set[Path] = set()  # by this run, for services that were not restarted since

    # ── What is there ──

    def _place(self, unit: str) -> Path:
        return self.store.units / f"{unit}.d" / DROP_IN

    def _own(self) -> list[Path]:
        """Return the drop-ins that were written for this collector."""
        found = sorted(self.store.units.glob(f"*{SERVICE_SUFFIX}.d/{DROP_IN}"))
        return [place for place in found if not place.is_symlink() and owner_of(_text(place)) == self.store.name]

    def _shown(self, unit: str) -> dict[str, str]:
        """Return what systemd says of a unit; settings that stand several times are lines of one text."""
        if unit not in self._seen:
            self._seen[unit] = self._asked(unit)
        return self._seen[unit]

    def _asked(self, unit: str) -> dict[str, str]:
        ran = self.machine.systemctl("show", unit, f"--property={_SHOWN}")
        found: dict[str, str] = {}
        for line in ran.output.splitlines():
            key, _sign, value = line.partition("=")
            found[key] = f"{found[key]}\n{value}" if key in found else value
        if ran.code or "LoadState" not in found:
            wrong = f"systemd does not answer: {cleaned(ran.output.strip()[-300:])}"
            raise Problem(wrong, asked=f"Read {unit}", fix="Run `systemctl status` on the host.")
        return found

    # ── What keeps a service from getting its variables ──

    def faults(self) -> Iterator[Problem]:
        """Yield why services of the list cannot get their drop-ins. Nothing is written before all of it is read."""
        for one in self.wanted:
            try:
                self._check(one)
            except Problem as problem:
                yield problem

    def _check(self, one: ServiceEnvironment) -> None:
        self._check_owner(one.unit)
        shown = self._shown(one.unit)
        self._check_loaded(one.unit, shown)
        for setting, (wrong, fix) in _UNFIT.items():
            if shown.get(setting) == "yes":
                raise Problem(f"service {one.unit} {wrong}", fix=fix)
        self._check_place(one.unit)
        self._check_variables(one, shown)

    def _check_owner(self, unit: str) -> None:
        """Raise Problem for a collector of this collection, whose variables are its option `env`."""
        name = unit[len("otelcol-") : -len(SERVICE_SUFFIX)] if unit.startswith("otelcol-") else ""
        if name and self.store.is_own(self.store.root / FOLDER[1:] / name):
            wrong = f"service {unit} is a collector of the inventory"
            raise Problem(wrong, fix=f"Use `env` of collector '{cleaned(name)}', and remove it from the list.")

    def _check_loaded(self, unit: str, shown: Mapping[str, str]) -> None:
        state = shown["LoadState"]
        if state == "not-found":
            wrong = f"the host has no service {unit}{near(unit, self._known())}"
            raise Problem(wrong, fix="Correct its name, or install the service first.")
        if state in _UNLOADED:
            wrong, fix = _UNLOADED[state]
            raise Problem(f"service {unit} {wrong}", fix=fix.format(unit=unit))
        name = shown.get("Id") or unit
        if name != unit:
            raise Problem(f"service {unit} is another name of {cleaned(name)}", fix="List it by that name.")

    def _known(self) -> list[str]:
        """Return the services of this host, whether they run or not."""
        lists = (
            ("list-unit-files", "--type=service", "--no-legend", "--no-pager"),
            ("list-units", "--all", "--type=service", "--plain", "--no-legend", "--no-pager"),
        )
        units = set()
        for words in lists:
            for line in self.machine.systemctl(*words).output.splitlines():
                columns = line.split()
                if columns and columns[0].endswith(SERVICE_SUFFIX):
                    units.add(columns[0])
        return sorted(units)

    def _check_place(self, unit: str) -> None:
        """Raise Problem for a file of the same name, or a folder that leads elsewhere, of another owner."""
        place = self._place(unit)
        folder = place.parent
        is_folder = folder.is_dir() and not folder.is_symlink()
        if os.path.lexists(str(folder)) and not is_folder:
            raise Problem(f"{folder} is no folder", fix="See who made it, and remove it.")
        if not os.path.lexists(str(place)):
            return
        if place.is_symlink() or not owner_of(_text(place)):
            wrong = f"{place} belongs to somebody else"
            raise Problem(wrong, fix=f"Remove it if it is not needed, or remove {unit} from the list.")

    def _check_variables(self, service: ServiceEnvironment, shown: Mapping[str, str]) -> None:
        """Raise Problem if another file sets the same variables: the owner of the service has decided there."""
        own_place = self._place(service.unit)
        units = [shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split()]
        files = [line.rpartition(" (")[0] for line in shown.get("EnvironmentFiles", "").splitlines()]
        for names_set_in, paths in ((set_in_unit, units), (set_in_file, files)):
            for path in filter(None, paths):
                place = self.store.root / path.lstrip("/")
                names = names_set_in(_text(place), service.variables) if place != own_place else []
                if names:
                    wrong = f"service {service.unit} has {', '.join(names)} from {cleaned(path)}"
                    raise Problem(wrong, fix="Remove the variable there, or remove the service from the list.")

    # ── The change ──

    def plan(self) -> ServiceOutcome:
        """Return what differs, without a change."""
        outcome = ServiceOutcome()
        for difference in self._differences():
            place = str(difference.place)
            outcome.paths.append(place)
            where = {"before_header": place, "after_header": place}
            outcome.diff.append({**where, "before": difference.before, "after": difference.after})
            becomes = "get" if difference.after else "lose"
            outcome.notes.append(f"{difference.unit} would {becomes} its environment")
        has_restarts = False
        for service in self.wanted:
            if not self._waits(service):
                continue
            if service.restart:
                has_restarts = True
                outcome.notes.append(f"{service.unit} would be restarted")
            else:
                outcome.waiting.append(self._waiting(service.unit))
        outcome.changed = bool(outcome.paths) or has_restarts or self._stale()
        return outcome

    def _differences(self) -> list[_Difference]:
        """Return the drop-ins that go, then those that are new or change."""
        services = {self._place(service.unit): service for service in self.wanted}
        differences = []
        for place in self._own():
            if place not in services:
                unit = place.parent.name[:-2]  # the folder of a unit ends with .d
                differences.append(_Difference(unit, place, _text(place), ""))
        for place, service in services.items():
            before, after = _text(place), service.text(self.store.name)
            if before != after:
                differences.append(_Difference(service.unit, place, before, after))
        return differences

    def _stale(self) -> bool:
        """Whether systemd has not read a drop-in that is there, as after a killed run."""
        return any(self._shown(service.unit).get("NeedDaemonReload") == "yes" for service in self.wanted)

    def apply(self) -> ServiceOutcome:
        """Write what differs, take back what is no longer wanted, and restart services with consent that wait."""
        outcome = self.plan()
        outcome.notes, outcome.waiting = [], []
        self._clear_drafts()
        differences = self._differences()
        for difference in differences:
            self._write(difference.place, difference.after)
            self._written.add(difference.place)
            became = "has a new" if difference.after else "lost its"
            outcome.notes.append(f"{difference.unit} {became} environment")
        if outcome.changed:
            self._reload_units()
        self._restart_waiting(outcome, {difference.unit: difference.before for difference in differences})
        for difference in differences:
            if not difference.after:
                outcome.waiting += self._keeps(difference.unit)
        outcome.waiting += [self._waiting(service.unit) for service in self.wanted if self._waits(service)]
        return outcome

    def _restart_waiting(self, outcome: ServiceOutcome, earlier: Mapping[str, str]) -> None:
        """Restart the services with consent that wait. `earlier` has the drop-ins before this run that it changed."""
        for one in self.wanted:
            if one.restart and self._waits(one):
                self._restart(one.unit, earlier.get(one.unit))
                outcome.notes.append(f"{one.unit} was restarted with its environment")

    def _keeps(self, unit: str) -> list[str]:
        """Return the line about a service that still sends to the collector until it is restarted."""
        shown = self._shown(unit)
        line = f"{unit} keeps its environment until it is restarted: `systemctl restart {unit}`"
        return [line] if shown.get("ActiveState") == "active" else []

    @staticmethod
    def _waiting(unit: str) -> str:
        return f"{unit} gets its environment at its next restart: `systemctl restart {unit}`, or set `restart: true`"

    def _write(self, place: Path, text: str) -> None:
        """Write a drop-in at once, or remove it, with its folder if nothing else is there."""
        if text:
            place.parent.mkdir(mode=0o755, exist_ok=True)
            draft = place.with_name(place.name + _PART)  # systemd reads *.conf alone
            draft.write_text(text, encoding="utf-8")
            draft.chmod(0o644)
            draft.replace(place)
            return
        place.unlink()
        with suppress(OSError):  # another file is there
            place.parent.rmdir()

    def _clear_drafts(self) -> None:
        """Remove what a killed run has not renamed."""
        for draft in self.store.units.glob(f"*{SERVICE_SUFFIX}.d/{DROP_IN}{_PART}"):
            if owner_of(_text(draft)) in ("", self.store.name):
                self._write(draft, "")

    def _reload_units(self) -> None:
        self._seen = {}
        ran = self.machine.systemctl("daemon-reload")
        if ran.code:
            raise Failure(f"systemd does not read its units: {cleaned(ran.output.strip()[-300:])}")

    # ── Processes ──

    def _waits(self, one: ServiceEnvironment) -> bool:
        """Whether a service runs without its variables, and began before they were there.

        A process that overwrites its environment, as `setproctitle` does, would else be restarted by each run.
        """
        shown = self._shown(one.unit)
        pid = int(shown.get("MainPID") or 0)
        if shown.get("ActiveState") != "active" or not pid or self._has(one, pid):
            return False
        begun = int(shown.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
        start = self.machine.now() - (self.machine.uptime() - begun)
        place = self._place(one.unit)
        is_new = place in self._written or _text(place) != one.text(self.store.name)
        return is_new or start <= place.stat().st_mtime

    def _has(self, one: ServiceEnvironment, pid: int) -> bool:
        there = self.machine.environment(pid)
        return all(there.get(name) == value for name, value in one.on_host(self._host_id()).items())

    def _host_id(self) -> str:
        return _text(self.store.root / "etc/machine-id").strip()

    def _restart(self, unit: str, earlier: str | None) -> None:
        """Restart a service, and watch it. `earlier` is its drop-in before this run; nothing if that did not change.

        Raises Failure for a service that does not run then, after its earlier drop-in is there again.
        """
        since = self.machine.now()
        why = self._restarted(unit)
        if not why:
            return
        said = self.machine.journal(unit, since).splitlines()[-_LAST_LINES:]
        lines = [cleaned(line) for line in said if line.strip()]
        state = "Its drop-in stays: it had run without it." if earlier is None else self._gone_back(unit, earlier)
        wrong = f"service {unit} does not run with its environment: {why}.{journal_sentence(lines)} {state}"
        raise Failure(wrong, facts={"journal": lines})

    def _restarted(self, unit: str) -> str:
        """Restart a service, and return why it does not run; empty if it does."""
        ran = self.machine.systemctl("restart", unit)
        self._seen = {}
        self._written.discard(self._place(unit))
        if ran.code:
            return str(cleaned(ran.output.strip()[-300:]))
        first = self.machine.service(unit)
        end = self.machine.now() + WATCH_SECONDS
        while self.machine.now() < end:
            now = self.machine.service(unit)
            if not now.is_active or now.pid != first.pid:
                return "its process ended"
            self.machine.sleep(_PAUSE_SECONDS)
        return ""

    def _gone_back(self, unit: str, earlier: str) -> str:
        """Set the earlier drop-in again, and return in words how the service is then."""
        self._write(self._place(unit), earlier)
        self._reload_units()
        self.machine.systemctl("reset-failed", unit)
        why = self._restarted(unit)
        return f"It does not run without it either: {why}" if why else "It runs again as before"

    # ── What is told, without a change ──

    def looked(self) -> list[dict[str, Any]]:
        """Return how each service of the list stands."""
        return [self._looked(one) for one in self.wanted]

    def _looked(self, one: ServiceEnvironment) -> dict[str, Any]:
        shown, place = self._shown(one.unit), self._place(one.unit)
        pid = int(shown.get("MainPID") or 0)
        return {
            "unit": one.unit,
            "load": shown["LoadState"],
            "runs": shown.get("ActiveState") == "active",
            "is_there": _text(place) == one.text(self.store.name),
            "has": bool(pid) and self._has(one, pid),
            "waits": self._waits(one),
            "place": str(place),
        }


def _text(path: Path) -> str:
    """Return the start of a regular file; empty for anything else. A pipe must not keep the run waiting."""
    try:
        handle = os.open(str(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        is_file = stat.S_ISREG(os.fstat(handle).st_mode)
        return os.read(handle, _MOST_BYTES).decode("utf-8", "replace") if is_file else ""
    finally:
        os.close(handle)
