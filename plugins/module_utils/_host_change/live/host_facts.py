# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of one collector, without a change: its unit, release, journal, sockets and peers. Private."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..._otelcol.bounded.json_text import parse_json
from ..check_unit import list_section_lines
from ..file_rights import Reader
from ..host_question import HostLook
from ..host_release import Bundle, Port, list_changed_paths
from ..taken_ports import describe_port_fix, find_closed_ports, find_taken_ports
from .accounts import group_id, parse_account_number, user_id
from .file_facts import describe_certificates, describe_patterns
from .host_store import Store
from .machine import Machine
from .owned_folders import list_own_collectors

_UNIT_PROPERTIES = (
    "LoadState,UnitFileState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainCode,ExecMainStatus,FragmentPath,"
    "DropInPaths,NeedDaemonReload,MemoryMax,User,DynamicUser,UID,GID,SupplementaryGroups,AmbientCapabilities,"
    "ActiveEnterTimestampMonotonic,InvocationID"
)
# How long a peer may take to accept a connection, and a name server to know its name.
_CONNECT_SECONDS, _NAME_SECONDS = 3.0, 5
# A process that cannot start ends within some seconds. Until then, systemd says that it runs.
_SETTLE_SECONDS, _POLL_SECONDS = 30.0, 0.3


class HostFacts:
    """One collector of this host."""

    def __init__(self, machine: Machine, store: Store, bundle: Bundle, looked: HostLook) -> None:
        self.machine, self.store, self.bundle, self.looked = machine, store, bundle, looked
        self.question = looked.question
        self.properties = self._read_properties()
        self._wait_until_settled()

    # ── The service and its release ──

    def _read_properties(self) -> dict[str, str]:
        show_result = self.machine.run_systemctl("show", self.store.service, f"--property={_UNIT_PROPERTIES}")
        pairs = (line.partition("=") for line in show_result.output.splitlines())
        return {key: value for key, _sign, value in pairs if key}

    def _wait_until_settled(self) -> None:
        """Wait while a process that has just started does not serve yet: it may be one that ends after each start."""
        deadline = self.machine.now() + _SETTLE_SECONDS
        while self._is_starting() and self.machine.now() < deadline:
            self.machine.sleep(_POLL_SECONDS)
            self.properties = self._read_properties()

    def _is_starting(self) -> bool:
        is_young = self.is_running and self._read_seconds_up() < _SETTLE_SECONDS
        return is_young and bool(self._list_closed_ports() or self._list_taken_ports() or self._explain_unhealthy())

    def collect_facts(self) -> dict[str, Any]:
        """Return all facts but those of the metrics, which need time."""
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

    def describe_service(self) -> dict[str, Any]:
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
        """Return how long the process runs; 0 if it does not, or if systemd does not know it."""
        began_at = int(self.properties.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
        return time.monotonic() - began_at if self.is_running and began_at else 0.0

    def describe_release(self) -> dict[str, Any]:
        """Return which release is in use, and which of its files differ from what is wanted."""
        store = self.store
        number = store.releases.find_current()
        stored_files = store.releases.read_files(number)
        change = store.change_record.read()
        return {
            "number": number,
            "is_own": store.is_own(),
            "differs": list_changed_paths(stored_files, self.bundle.files) if number else [],
            "links": [str(link_path) for link_path in store.links.compare(self.bundle.files).wrong_links]
            if number
            else [],
            "change": change.candidate if change else "",
            "credentials": [path for path in self._list_credential_paths() if not Path(path).is_file()],
            "wave": store.read_passed_waves.find(number),
        }

    def _list_credential_paths(self) -> Iterator[str]:
        """Yield the files from which the unit in use loads credentials."""
        for line in list_section_lines(self._read_unit(), "Service"):
            setting, _sign, value = line.partition("=")
            if setting.strip() in ("LoadCredential", "LoadCredentialEncrypted"):
                yield value.partition(":")[2].strip()

    def _read_unit(self) -> str:
        try:
            return (self.store.releases.current / self.store.service).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def describe_program(self) -> dict[str, Any]:
        """Return the program that the unit in use starts, and whether the process runs another file."""
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
        """Return the program of the first `ExecStart` of the unit, without signs of systemd; empty without one."""
        for line in list_section_lines(self._read_unit(), "Service"):
            setting, _sign, command = line.partition("=")
            if setting.strip() == "ExecStart":
                command_words = command.split()
                return command_words[0].lstrip("-@:+!") if command_words else ""
        return ""

    # ── What it opens ──

    def _list_closed_ports(self) -> list[Port]:
        """Return the ports of its receivers on which nobody listens while it runs."""
        return find_closed_ports(self.bundle.ports, self.machine.list_listeners()) if self.is_running else []

    def _list_taken_ports(self) -> list[dict[str, str]]:
        """Return the ports that another service has, each with how it gets free."""
        rows = find_taken_ports(
            self.bundle.ports, self.machine.list_listeners(), self.machine.holders(), self.store.service
        )
        return [
            {"text": row.description, "fix": describe_port_fix([row], list_own_collectors(self.store.root))}
            for row in rows
        ]

    def _explain_unhealthy(self) -> str:
        """Return what its health check answers if that is no success; empty if it is, or if there is none."""
        if not self.bundle.health_url or not self.is_running:
            return ""
        try:
            self.machine.get(self.bundle.health_url)
        except (OSError, ValueError) as error:
            return f"{self.bundle.health_url}: {error}"
        return ""

    # ── The journal ──

    def read_journal(self) -> list[dict[str, str]]:
        """Return the last entries of the unit, and what systemd says of it, each with its time."""
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
        return [entry for entry in entries if entry]

    # ── Files ──

    def find_reader(self) -> Reader:
        """Return the user of the service, as the files see it."""
        properties = self.properties
        user = parse_account_number(properties.get("UID", ""))
        if properties.get("DynamicUser") != "yes" and user < 0:
            user = user_id(properties.get("User") or "root")
        groups = [group_id(name) for name in properties.get("SupplementaryGroups", "").split()]
        groups.append(parse_account_number(properties.get("GID", "")))
        capabilities = tuple(properties.get("AmbientCapabilities", "").split())
        return Reader(user, tuple(group for group in groups if group >= 0), capabilities)

    def describe_files(self) -> Iterator[dict[str, Any]]:
        """Yield each pattern of files: how many there are, and those that the service may not read."""
        return describe_patterns(self.question.get("files") or (), self.find_reader())

    def describe_certificates(self) -> Iterator[dict[str, Any]]:
        """Yield each file of a certificate or key with its state, and when it is valid."""
        return describe_certificates(self.question.get("certificates") or (), self.find_reader())

    def describe_disks(self) -> Iterator[dict[str, Any]]:
        """Yield how full the file systems are on which it keeps state and releases."""
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

    # ── Where it sends to ──

    def describe_peers(self) -> Iterator[dict[str, Any]]:
        """Yield each end of its exporters: whether its name is known and its port takes a connection."""
        for peer_row in self.question.get("peers") or ():
            yield {
                **peer_row,
                "endpoint": f"{peer_row['host']}:{peer_row['port']}",
                "state": self._probe_peer(peer_row["host"], peer_row["port"]),
            }

    def _probe_peer(self, host: str, port: int) -> str:
        """Return `ok`, `no_name` for a name that nobody knows, `refused`, or `no_way` if nothing answers."""
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


def _parse_journal_entry(line: str) -> dict[str, str]:
    """Return an entry of the journal; nothing for a line that is none."""
    try:
        fields = parse_json(line)
        seconds = int(fields["__REALTIME_TIMESTAMP"]) / 1e6
    except (ValueError, KeyError, TypeError):
        return {}
    time_text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return {
        "time": time_text,
        "text": _read_message(fields.get("MESSAGE")),
        "by": "systemd" if fields.get("_PID") == "1" else "collector",
        "run": str(fields.get("_SYSTEMD_INVOCATION_ID") or fields.get("INVOCATION_ID") or ""),
    }


def _read_message(value: Any) -> str:
    """Return the text of a field of the journal; empty without one.

    What is no text is a list of its bytes, and a field that an entry has several times is a list of its values.
    Source: the Journal JSON Format of systemd, https://systemd.io/JOURNAL_EXPORT_FORMATS/.
    """
    if not isinstance(value, list):
        return str(value or "")
    if all(isinstance(part, int) for part in value):
        return bytes(value).decode("utf-8", "replace")
    return "\n".join(_read_message(part) for part in value)
