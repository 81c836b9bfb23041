# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of one collector on this host: its service, release, program, ports, health, files and disks. Private.

`live/diagnose_task.py` calls `read_host_facts`, and puts the facts into the result of module host_diagnose. The
controller reads them in `_diagnose/host_situation.py`. The journal and the peers are read by files of their own,
journal_facts.py and peer_facts.py. Nothing is changed.

The bundle is the collector as the inventory wants it; the release in use is what this host has (see host_plan.py). For
example, `describe_release` returns `{"number": "000006", "differs": ["config.yaml"], …}` if the wanted config is
another one. The question (host_question.py) is what the config names: files, certificates and peers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..file_rights import Reader
from ..host_answer import (
    CertificateFacts,
    CollectorFacts,
    DiskFacts,
    PatternFacts,
    ProgramFacts,
    ReleaseFacts,
    ServiceFacts,
    TakenPortFacts,
)
from ..host_question import DiagnosisOptions
from ..host_release import CollectorBundle, OpenedPort, list_changed_paths
from ..taken_ports import describe_port_fix, find_closed_ports, find_taken_ports
from ..unit_text import list_section_lines
from .accounts import group_id, parse_account_number, user_id
from .file_facts import describe_certificates, describe_patterns
from .host_store import Store
from .journal_facts import read_journal_entries
from .machine import Machine
from .owned_folders import list_own_collectors
from .peer_facts import describe_peers
from .process_files import read_text_or_empty

# What is asked of systemd about the unit. Source: org.freedesktop.systemd1(5).
_UNIT_PROPERTIES = (
    "LoadState,UnitFileState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainCode,ExecMainStatus,FragmentPath,"
    "DropInPaths,NeedDaemonReload,MemoryMax,User,DynamicUser,UID,GID,SupplementaryGroups,AmbientCapabilities,"
    "ActiveEnterTimestampMonotonic,InvocationID"
)
# A process that cannot start ends within some seconds. Until then, systemd says that it runs. So a process that is
# younger than so many seconds is read again.
_YOUNG_SECONDS = 30.0
# How many seconds are between two of these readings.
_POLL_SECONDS = 0.3


class _UnitSetting(NamedTuple):
    """A line of a unit, such as `User=otel`."""

    name: str
    value: str


def read_host_facts(machine: Machine, store: Store, bundle: CollectorBundle, options: DiagnosisOptions) -> HostFacts:
    """Return the facts of a collector, once its service serves or has ended.

    A young process that does not serve yet may end soon, and systemd would start it again. So this waits until it
    serves, has ended, or is not young any more.
    """
    facts = HostFacts(machine, store, bundle, options, _read_unit_properties(machine, store.service))
    deadline = machine.read_uptime() + _YOUNG_SECONDS
    while facts.is_starting and machine.read_uptime() < deadline:
        machine.sleep(_POLL_SECONDS)
        facts = HostFacts(machine, store, bundle, options, _read_unit_properties(machine, store.service))
    return facts


def _read_unit_properties(machine: Machine, unit: str) -> dict[str, str]:
    """Return the properties of a unit by systemd's names, such as `{"ActiveState": "active", "MainPID": "7"}`."""
    show_result = machine.run_systemctl("show", unit, f"--property={_UNIT_PROPERTIES}")
    pairs = (line.partition("=") for line in show_result.output.splitlines())
    return {key: value for key, _sign, value in pairs if key}


class HostFacts:
    """The facts of one collector of this host. `properties` are those of its unit."""

    def __init__(
        self,
        machine: Machine,
        store: Store,
        bundle: CollectorBundle,
        options: DiagnosisOptions,
        properties: Mapping[str, str],
    ) -> None:
        self.machine = machine
        self.store = store
        self.bundle = bundle
        self.options = options
        self.properties = properties

    # ── The service and its release ──

    @property
    def is_starting(self) -> bool:
        """Whether its process is young, and does not serve yet."""
        is_young = self.is_running and self._read_seconds_up() < _YOUNG_SECONDS
        return is_young and bool(self._list_closed_ports() or self._list_taken_ports() or self._explain_unhealthy())

    def collect_facts(self) -> CollectorFacts:
        """Return all facts but those of its own metrics, which need two readings."""
        return {
            "name": self.store.name,
            "service": self.describe_service(),
            "release": self.describe_release(),
            "program": self.describe_program(),
            "closed": [f"{port.number}/{port.protocol}" for port in self._list_closed_ports()],
            "taken": self._list_taken_ports(),
            "unhealthy": self._explain_unhealthy(),
            "journal": read_journal_entries(self.machine, self.store.service, self.options),
            "files": list(self.describe_files()),
            "certificates": list(self.describe_certificates()),
            "peers": list(describe_peers(self.machine, self.options.question.get("peers") or ())),
            "disks": list(self.describe_disks()),
        }

    @property
    def is_running(self) -> bool:
        return self.properties.get("ActiveState") == "active" and self.properties.get("MainPID", "0") != "0"

    def describe_service(self) -> ServiceFacts:
        """Return what systemd says of the service."""
        properties = self.properties
        return {
            "unit": self.store.service,
            "load": properties.get("LoadState", ""),
            "at_boot": properties.get("UnitFileState", ""),
            "active": properties.get("ActiveState", ""),
            "sub": properties.get("SubState", ""),
            "result": properties.get("Result", ""),
            "status": int(properties.get("ExecMainStatus") or 0),
            "restarts": int(properties.get("NRestarts") or 0),
            "seconds": int(self._read_seconds_up()),
            "drop_ins": properties.get("DropInPaths", "").split(),
            "stale": properties.get("NeedDaemonReload") == "yes",
            "memory_max": properties.get("MemoryMax", ""),
            "groups": properties.get("SupplementaryGroups", "").split(),
        }

    def _read_seconds_up(self) -> float:
        """Return for how many seconds the process runs; 0 if it does not run, or if systemd does not know it."""
        began_at = int(self.properties.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
        return time.monotonic() - began_at if self.is_running and began_at else 0.0

    def describe_release(self) -> ReleaseFacts:
        """Return which release the host has, and what on it differs from the wanted one."""
        store = self.store
        number = store.releases.find_current()
        change = store.change_record.read()
        changed_paths: list[str] = []
        wrong_links: list[str] = []
        if number:
            changed_paths = list_changed_paths(store.releases.read_files(number), self.bundle.files)
            wrong_links = store.links.compare(self.bundle.files).wrong_links
        return {
            "number": number,
            "is_own": store.is_own(),
            "differs": changed_paths,
            "links": wrong_links,
            "change": change.candidate if change else "",
            "credentials": [path for path in self._list_credential_paths() if not Path(path).is_file()],
            "wave": store.passed_waves.find(number),
        }

    def _list_credential_paths(self) -> Iterator[str]:
        """Yield the files from which the unit in use loads credentials."""
        for setting in self._list_service_settings():
            if setting.name in ("LoadCredential", "LoadCredentialEncrypted"):
                _name, _colon, path = setting.value.partition(":")
                yield path.strip()

    def _list_service_settings(self) -> list[_UnitSetting]:
        """Return the settings in section [Service] of the unit in use; none if there is no unit."""
        unit_text = read_text_or_empty(self.store.releases.current / self.store.service)
        settings = []
        for line in list_section_lines(unit_text, "Service"):
            name, _sign, value = line.partition("=")
            settings.append(_UnitSetting(name.strip(), value.strip()))
        return settings

    def describe_program(self) -> ProgramFacts:
        """Return which program the unit starts, and whether its file was replaced while it runs."""
        path = self._find_started_program() or self.bundle.program
        running_file = ""
        if self.is_running:
            with suppress(OSError):  # the process has ended
                # Path has `readlink` from Python 3.9 on.
                running_file = os.readlink(f"/proc/{self.properties['MainPID']}/exe")  # noqa: PTH115
        return {
            "path": path,
            "wanted": self.bundle.program,
            "is_there": Path(path).is_file() and os.access(path, os.X_OK),
            "is_replaced": running_file.endswith(" (deleted)"),
        }

    def _find_started_program(self) -> str:
        """Return the program of the first `ExecStart` of the unit; empty without one.

        The signs before a program mean something to systemd. Source: systemd.service(5), COMMAND LINES.
        """
        for setting in self._list_service_settings():
            if setting.name == "ExecStart":
                command_words = setting.value.split()
                return command_words[0].lstrip("-@:+!") if command_words else ""
        return ""

    # ── Its ports and its health ──

    def _list_closed_ports(self) -> list[OpenedPort]:
        """Return the ports of its receivers on which nothing listens although it runs."""
        return find_closed_ports(self.bundle.ports, self.machine.list_listeners()) if self.is_running else []

    def _list_taken_ports(self) -> list[TakenPortFacts]:
        """Return the ports of its receivers that another service has."""
        taken_ports = find_taken_ports(
            self.bundle.ports, self.machine.list_listeners(), self.machine.holders(), self.store.service
        )
        facts: list[TakenPortFacts] = []
        for taken_port in taken_ports:
            fix = describe_port_fix([taken_port], list_own_collectors(self.store.root))
            facts.append({"text": taken_port.description, "fix": fix})
        return facts

    def _explain_unhealthy(self) -> str:
        """Return the failure of its health check; empty if the check succeeds, or if there is none."""
        if not self.bundle.health_url or not self.is_running:
            return ""
        try:
            self.machine.get(self.bundle.health_url)
        except (OSError, ValueError) as error:
            return f"{self.bundle.health_url}: {error}"
        return ""

    # ── Files ──

    def find_reader(self) -> Reader:
        """Return the user of the service, with the groups and capabilities by which it may read files."""
        properties = self.properties
        # systemd knows the number only while the service runs. After that, a named user still has the number of its
        # account, and a dynamic one has none.
        reader_id = parse_account_number(properties.get("UID", ""))
        is_dynamic = properties.get("DynamicUser") == "yes"
        if reader_id < 0 and not is_dynamic:
            reader_id = user_id(properties.get("User") or "root")
        group_ids = [group_id(name) for name in properties.get("SupplementaryGroups", "").split()]
        group_ids.append(parse_account_number(properties.get("GID", "")))
        known_group_ids = tuple(number for number in group_ids if number >= 0)
        return Reader(reader_id, known_group_ids, tuple(properties.get("AmbientCapabilities", "").split()))

    def describe_files(self) -> Iterator[PatternFacts]:
        """Yield each pattern of files: how many there are, and those that the service may not read."""
        return describe_patterns(self.options.question.get("files") or (), self.find_reader())

    def describe_certificates(self) -> Iterator[CertificateFacts]:
        """Yield each file of a certificate or key with its state, and when it is valid."""
        return describe_certificates(self.options.question.get("certificates") or (), self.find_reader())

    def describe_disks(self) -> Iterator[DiskFacts]:
        """Yield the file systems on which it keeps its state and its releases."""
        for path in dict.fromkeys((self.bundle.state, str(self.store.folder))):
            if not path or not Path(path).exists():
                continue
            file_system = os.statvfs(path)
            counts_files = file_system.f_files > 0  # some file systems have no fixed number of them
            has_no_file_left = counts_files and file_system.f_favail == 0
            yield {
                "path": path,
                "percent": 100 - 100 * file_system.f_bavail // max(file_system.f_blocks, 1),
                "full": file_system.f_bavail == 0 or has_no_file_left,
                "free_mib": file_system.f_bavail * file_system.f_frsize >> 20,
            }
