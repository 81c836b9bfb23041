# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the facts of one collector on this host: its service, release, journal, ports, files and peers. Private.

Nothing is changed. `live/host_look.py` puts the facts into the result of module host_diagnose, and the controller reads
them in `_diagnose/host_situation.py`. The bundle is the collector as the inventory wants it, the release in use what
this host has (see host_plan.py). The question (host_question.py) is what the config names: files, certificates, peers.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..._otelcol.bounded.json_text import parse_json
from ..check_unit import list_section_lines
from ..file_rights import Reader
from ..host_answer import (
    DiskFacts,
    FoundRelease,
    JournalEntry,
    ManagedResource,
    ProgramFacts,
    ServiceFacts,
    TakenPortFacts,
)
from ..host_question import HostLook
from ..host_release import CollectorBundle, OpenedPort, list_changed_paths
from ..taken_ports import describe_port_fix, find_closed_ports, find_taken_ports
from .accounts import group_id, parse_account_number, user_id
from .file_facts import describe_certificates, describe_patterns
from .host_store import Store
from .machine import Machine, read_text_or_empty
from .owned_folders import list_own_collectors

_UNIT_PROPERTIES = (
    "LoadState,UnitFileState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainCode,ExecMainStatus,FragmentPath,"
    "DropInPaths,NeedDaemonReload,MemoryMax,User,DynamicUser,UID,GID,SupplementaryGroups,AmbientCapabilities,"
    "ActiveEnterTimestampMonotonic,InvocationID"
)
# How many seconds a peer may take to accept a connection, and a name server to answer.
_CONNECT_SECONDS, _NAME_SECONDS = 3.0, 5
# A process that cannot start ends within some seconds. Until then, systemd says that it runs. So a process that is
# younger than so many seconds is looked at again after so many.
_SETTLE_SECONDS, _POLL_SECONDS = 30.0, 0.3


class _UnitSetting(NamedTuple):
    """A line of a unit, such as `User=otel`."""

    name: str
    value: str


class HostFacts:
    """The facts of one collector of this host."""

    def __init__(self, machine: Machine, store: Store, bundle: CollectorBundle, looked: HostLook) -> None:
        self.machine, self.store, self.bundle, self.looked = machine, store, bundle, looked
        self.question = looked.question
        self.properties = self._read_properties()
        self._wait_until_settled()

    # ── The service and its release ──

    def _read_properties(self) -> dict[str, str]:
        """Return the properties of the unit by systemd's names."""
        show_result = self.machine.run_systemctl("show", self.store.service, f"--property={_UNIT_PROPERTIES}")
        pairs = (line.partition("=") for line in show_result.output.splitlines())
        return {key: value for key, _sign, value in pairs if key}

    def _wait_until_settled(self) -> None:
        """Wait while a young process does not serve yet: it may end soon, and systemd would start it again."""
        deadline = self.machine.now() + _SETTLE_SECONDS
        while self._is_starting() and self.machine.now() < deadline:
            self.machine.sleep(_POLL_SECONDS)
            self.properties = self._read_properties()

    def _is_starting(self) -> bool:
        is_young = self.is_running and self._read_seconds_up() < _SETTLE_SECONDS
        return is_young and bool(self._list_closed_ports() or self._list_taken_ports() or self._explain_unhealthy())

    def collect_facts(self) -> ManagedResource:
        """Return all facts but those of its own metrics, which need two readings."""
        return {
            "name": self.store.name,
            "service": self.describe_service(),
            "release": self.describe_release(),
            "program": self.describe_program(),
            "closed": [f"{port.number}/{port.protocol}" for port in self._list_closed_ports()],
            "taken": self._list_taken_ports(),
            "unhealthy": self._explain_unhealthy(),
            "journal": self.read_journal(),
            "files": list(self.describe_files()),
            "certificates": list(self.describe_certificates()),
            "peers": list(self.describe_peers()),
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

    def describe_release(self) -> FoundRelease:
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
                running_file = os.readlink(f"/proc/{self.properties['MainPID']}/exe")  # noqa: PTH115 - as in whole_files
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

    # ── The journal ──

    def read_journal(self) -> list[JournalEntry]:
        """Return the last entries of the unit, and those of systemd about it."""
        since_time = self.machine.now() - self.looked.log_seconds
        journal_options = (
            "-o",
            "json",
            "-u",
            self.store.service,
            f"--since=@{since_time:.0f}",
            "-n",
            str(self.looked.log_line_count),
        )
        lines = self.machine.run("journalctl", "--no-pager", *journal_options).output.splitlines()
        entries = [_parse_journal_entry(line) for line in lines]
        return [entry for entry in entries if entry is not None]

    # ── Files ──

    def find_reader(self) -> Reader:
        """Return the user of the service, with the groups and capabilities by which it may read files."""
        properties = self.properties
        reader_id = parse_account_number(properties.get("UID", ""))
        is_dynamic = properties.get("DynamicUser") == "yes"
        if reader_id < 0 and not is_dynamic:
            reader_id = user_id(properties.get("User") or "root")
        group_ids = [group_id(name) for name in properties.get("SupplementaryGroups", "").split()]
        group_ids.append(parse_account_number(properties.get("GID", "")))
        known_group_ids = tuple(number for number in group_ids if number >= 0)
        return Reader(reader_id, known_group_ids, tuple(properties.get("AmbientCapabilities", "").split()))

    def describe_files(self) -> Iterator[dict[str, Any]]:
        """Yield each pattern of files: how many there are, and those that the service may not read."""
        return describe_patterns(self.question.get("files") or (), self.find_reader())

    def describe_certificates(self) -> Iterator[dict[str, Any]]:
        """Yield each file of a certificate or key with its state, and when it is valid."""
        return describe_certificates(self.question.get("certificates") or (), self.find_reader())

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

    # ── Peers ──

    def describe_peers(self) -> Iterator[dict[str, Any]]:
        """Yield the peers of the question, each with its `endpoint` and its `state`, see `_probe_peer`."""
        for peer_row in self.question.get("peers") or ():
            yield {
                **peer_row,
                "endpoint": f"{peer_row['host']}:{peer_row['port']}",
                "state": self._probe_peer(peer_row["host"], peer_row["port"]),
            }

    def _probe_peer(self, host: str, port: int) -> str:
        """Return `ok`, `no_name` if no name server knows the host, `refused`, or `no_way` if nothing answers."""
        # `timeout` bounds the look-up, which the library of Python cannot.
        if self.machine.run("timeout", str(_NAME_SECONDS), "getent", "ahosts", host).exit_code:
            return "no_name"
        try:
            socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "no_way"
        return "ok"


def _parse_journal_entry(line: str) -> JournalEntry | None:
    """Return the entry in a line of `journalctl -o json`; None for a line that has none."""
    try:
        fields = parse_json(line)
        seconds = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
    except (ValueError, KeyError, TypeError):
        return None
    time_text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return {
        "time": time_text,
        "text": _read_message(fields.get("MESSAGE")),
        "by": "systemd" if fields.get("_PID") == "1" else "collector",
        "run": str(fields.get("_SYSTEMD_INVOCATION_ID") or fields.get("INVOCATION_ID") or ""),
    }


def _read_message(value: Any) -> str:
    """Return the text of a field of the journal; empty without a value.

    The value is a text, or a list of bytes if the text is not UTF-8, or a list of values if the entry has the field
    several times.
    Source: the Journal JSON Format of systemd, https://systemd.io/JOURNAL_EXPORT_FORMATS/.
    """
    if not isinstance(value, list):
        return str(value or "")
    if all(isinstance(part, int) for part in value):
        return bytes(value).decode("utf-8", "replace")
    return "\n".join(_read_message(part) for part in value)
