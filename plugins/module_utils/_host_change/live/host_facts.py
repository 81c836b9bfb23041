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

from ..._otelcol.bounded.json_text import json_value
from ..check_unit import section
from ..file_rights import Reader
from ..host_question import Looked
from ..host_release import Bundle, Port, changed_paths
from ..taken_ports import closed, taken, way_out
from .accounts import group_id, number_of, user_id
from .file_facts import certificate_facts, pattern_facts
from .host_store import Store, own_collectors
from .machine import Machine

_PROPERTIES = (
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

    def __init__(self, machine: Machine, store: Store, bundle: Bundle, looked: Looked) -> None:
        self.machine, self.store, self.bundle, self.looked = machine, store, bundle, looked
        self.question = looked.question
        self.properties = self._read_properties()
        self._settle()

    # ── The service and its release ──

    def _read_properties(self) -> dict[str, str]:
        ran = self.machine.systemctl("show", self.store.service, f"--property={_PROPERTIES}")
        pairs = (line.partition("=") for line in ran.output.splitlines())
        return {key: value for key, _sign, value in pairs if key}

    def _settle(self) -> None:
        """Wait while a process that has just started does not serve yet: it may be one that ends after each start."""
        end = self.machine.now() + _SETTLE_SECONDS
        while self._is_starting() and self.machine.now() < end:
            self.machine.sleep(_POLL_SECONDS)
            self.properties = self._read_properties()

    def _is_starting(self) -> bool:
        is_young = self.runs and self._seconds_up() < _SETTLE_SECONDS
        return is_young and bool(self._closed() or self._taken() or self._unhealthy())

    def facts(self) -> dict[str, Any]:
        """Return all facts but those of the metrics, which need time."""
        return {
            "name": self.store.name,
            "service": self.service(),
            "release": self.release(),
            "program": self.program(),
            "closed": [f"{port.number}/{port.protocol}" for port in self._closed()],
            "taken": self._taken(),
            "unhealthy": self._unhealthy(),
            "journal": self.journal(),
            "files": list(self.files()),
            "certificates": list(self.certificates()),
            "peers": list(self.peers()),
            "disks": list(self.disks()),
        }

    @property
    def runs(self) -> bool:
        return self.properties.get("ActiveState") == "active" and self.properties.get("MainPID", "0") != "0"

    def service(self) -> dict[str, Any]:
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
            "seconds": int(self._seconds_up()),
            "drop_ins": properties.get("DropInPaths", "").split(),
            "stale": properties.get("NeedDaemonReload") == "yes",
            "memory_max": properties.get("MemoryMax", ""),
            "groups": properties.get("SupplementaryGroups", "").split(),
        }

    def _seconds_up(self) -> float:
        """Return how long the process runs; 0 if it does not, or if systemd does not know it."""
        begun = int(self.properties.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
        return time.monotonic() - begun if self.runs and begun else 0.0

    def release(self) -> dict[str, Any]:
        """Return which release is in use, and which of its files differ from what is wanted."""
        store = self.store
        number = store.in_use()
        stored_files = store.files(number)
        change = store.change()
        return {
            "number": number,
            "is_own": store.is_own(store.folder),
            "differs": changed_paths(stored_files, self.bundle.files) if number else [],
            "links": [str(place) for place in store.links(self.bundle.files).wrong] if number else [],
            "change": change.candidate if change else "",
            "credentials": [path for path in self._credentials() if not Path(path).is_file()],
            "wave": store.passed(number),
        }

    def _credentials(self) -> Iterator[str]:
        """Yield the files from which the unit in use loads credentials."""
        for line in section(self._unit(), "Service"):
            setting, _sign, value = line.partition("=")
            if setting.strip() in ("LoadCredential", "LoadCredentialEncrypted"):
                yield value.partition(":")[2].strip()

    def _unit(self) -> str:
        try:
            return (self.store.current / self.store.service).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def program(self) -> dict[str, Any]:
        """Return the program that the unit in use starts, and whether the process runs another file."""
        path = self._started_program() or self.bundle.program
        running = ""
        if self.runs:
            with suppress(OSError):  # the process has ended
                running = os.readlink(f"/proc/{self.properties['MainPID']}/exe")  # noqa: PTH115 - as in host_store
        return {
            "path": path,
            "wanted": self.bundle.program,
            "is_there": Path(path).is_file() and os.access(path, os.X_OK),
            "is_replaced": running.endswith(" (deleted)"),
        }

    def _started_program(self) -> str:
        """Return the program of the first `ExecStart` of the unit, without signs of systemd; empty without one."""
        for line in section(self._unit(), "Service"):
            setting, _sign, command = line.partition("=")
            if setting.strip() == "ExecStart":
                words = command.split()
                return words[0].lstrip("-@:+!") if words else ""
        return ""

    # ── What it opens ──

    def _closed(self) -> list[Port]:
        """Return the ports of its receivers on which nobody listens while it runs."""
        return closed(self.bundle.ports, self.machine.listeners()) if self.runs else []

    def _taken(self) -> list[dict[str, str]]:
        """Return the ports that another service has, each with how it gets free."""
        rows = taken(self.bundle.ports, self.machine.listeners(), self.machine.holders(), self.store.service)
        return [{"text": row.text, "fix": way_out([row], own_collectors(self.store.root))} for row in rows]

    def _unhealthy(self) -> str:
        """Return what its health check answers if that is no success; empty if it is, or if there is none."""
        if not self.bundle.health or not self.runs:
            return ""
        try:
            self.machine.get(self.bundle.health)
        except (OSError, ValueError) as error:
            return f"{self.bundle.health}: {error}"
        return ""

    # ── The journal ──

    def journal(self) -> list[dict[str, str]]:
        """Return the last entries of the unit, and what systemd says of it, each with its time."""
        since = self.machine.now() - self.looked.log_seconds
        words = ("-o", "json", "-u", self.store.service, f"--since=@{since:.0f}", "-n", str(self.looked.log_lines))
        lines = self.machine.run("journalctl", "--no-pager", *words).output.splitlines()
        entries = [_entry(line) for line in lines]
        return [entry for entry in entries if entry]

    # ── Files ──

    def reader(self) -> Reader:
        """Return the user of the service, as the files see it."""
        properties = self.properties
        user = number_of(properties.get("UID", ""))
        if properties.get("DynamicUser") != "yes" and user < 0:
            user = user_id(properties.get("User") or "root")
        groups = [group_id(name) for name in properties.get("SupplementaryGroups", "").split()]
        groups.append(number_of(properties.get("GID", "")))
        capabilities = tuple(properties.get("AmbientCapabilities", "").split())
        return Reader(user, tuple(group for group in groups if group >= 0), capabilities)

    def files(self) -> Iterator[dict[str, Any]]:
        """Yield each pattern of files: how many there are, and those that the service may not read."""
        return pattern_facts(self.question.get("files") or (), self.reader())

    def certificates(self) -> Iterator[dict[str, Any]]:
        """Yield each file of a certificate or key with its state, and when it is valid."""
        return certificate_facts(self.question.get("certificates") or (), self.reader())

    def disks(self) -> Iterator[dict[str, Any]]:
        """Yield how full the file systems are on which it keeps state and releases."""
        for path in dict.fromkeys((self.bundle.state, str(self.store.folder))):
            if not path or not Path(path).exists():
                continue
            numbers = os.statvfs(path)
            counts_files = numbers.f_files > 0  # some file systems have no fixed number of them
            has_no_file_left = counts_files and numbers.f_favail == 0
            yield {
                "path": path,
                "percent": 100 - 100 * numbers.f_bavail // max(numbers.f_blocks, 1),
                "full": numbers.f_bavail == 0 or has_no_file_left,
                "free_mib": numbers.f_bavail * numbers.f_frsize >> 20,
            }

    # ── Where it sends to ──

    def peers(self) -> Iterator[dict[str, Any]]:
        """Yield each end of its exporters: whether its name is known and its port takes a connection."""
        for row in self.question.get("peers") or ():
            yield {**row, "endpoint": f"{row['host']}:{row['port']}", "state": self._reached(row["host"], row["port"])}

    def _reached(self, host: str, port: int) -> str:
        """Return `ok`, `no_name` for a name that nobody knows, `refused`, or `no_way` if nothing answers."""
        # `timeout` bounds the look-up, which the library of Python cannot.
        if self.machine.run("timeout", str(_NAME_SECONDS), "getent", "ahosts", host).code:
            return "no_name"
        try:
            socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "no_way"
        return "ok"


def _entry(line: str) -> dict[str, str]:
    """Return an entry of the journal; nothing for a line that is none."""
    try:
        row = json_value(line)
        seconds = int(row["__REALTIME_TIMESTAMP"]) / 1e6
    except (ValueError, KeyError, TypeError):
        return {}
    text = row.get("MESSAGE") or ""
    if isinstance(text, list):  # what is no text is a list of its bytes
        text = bytes(text).decode("utf-8", "replace")
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    return {
        "time": when,
        "text": str(text),
        "by": "systemd" if row.get("_PID") == "1" else "collector",
        "run": str(row.get("_SYSTEMD_INVOCATION_ID") or row.get("INVOCATION_ID") or ""),
    }
