# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of one collector, without a change: its unit, journal, files, sockets and metrics. Private."""

from __future__ import annotations

import glob
import json
import os
import re
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..certificate_dates import validity
from ..check_unit import section
from ..file_rights import Owned, Reader, barrier
from ..host_question import Looked
from ..host_release import Bundle, changed_paths
from ..taken_ports import closed, taken, way_out
from .accounts import group_id, group_name, number_of, user_id, user_name
from .host_store import Store, own_collectors
from .machine import Machine, file_text

_SHOWN = (
    "LoadState,UnitFileState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainCode,ExecMainStatus,FragmentPath,"
    "DropInPaths,NeedDaemonReload,MemoryMax,User,DynamicUser,UID,GID,SupplementaryGroups,AmbientCapabilities,"
    "ActiveEnterTimestampMonotonic,InvocationID"
)
_CONNECT_SECONDS, _NAME_SECONDS = 3.0, "5"
# A process that cannot start ends within some seconds. Until then, systemd says that it runs.
_SETTLE_SECONDS, _POLL_SECONDS = 30.0, 0.3
_MOST_FILES, _MOST_BYTES = 500, 256 * 1024
_LIST_OF_RIGHTS = "system.posix_acl_access"
# What an audit record of SELinux says of a Collector. Source: avc_audit_pre_callback of Linux.
_DENIED = ("avc:", "denied", 'comm="otelcol')


class HostFacts:
    """One collector of this host."""

    def __init__(self, machine: Machine, store: Store, bundle: Bundle, looked: Looked) -> None:
        self.machine, self.store, self.bundle, self.looked = machine, store, bundle, looked
        self.question = looked.question
        self.shown = self._show()
        self._settle()

    # ── The service and its release ──

    def _show(self) -> dict[str, str]:
        ran = self.machine.systemctl("show", self.store.service, f"--property={_SHOWN}")
        pairs = (line.partition("=") for line in ran.output.splitlines())
        return {key: value for key, _sign, value in pairs if key}

    def _settle(self) -> None:
        """Wait while a process that has just started does not serve yet: it may be one that ends after each start."""
        end = self.machine.now() + _SETTLE_SECONDS
        while self._is_starting() and self.machine.now() < end:
            self.machine.sleep(_POLL_SECONDS)
            self.shown = self._show()

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
        return self.shown.get("ActiveState") == "active" and self.shown.get("MainPID", "0") != "0"

    def service(self) -> dict[str, Any]:
        shown = self.shown
        return {
            "unit": self.store.service,
            "load": shown.get("LoadState", ""),
            "at_boot": shown.get("UnitFileState", ""),
            "active": shown.get("ActiveState", ""),
            "sub": shown.get("SubState", ""),
            "result": shown.get("Result", ""),
            "status": int(shown.get("ExecMainStatus") or 0),
            "restarts": int(shown.get("NRestarts") or 0),
            "seconds": int(self._seconds_up()),
            "drop_ins": shown.get("DropInPaths", "").split(),
            "stale": shown.get("NeedDaemonReload") == "yes",
            "memory_max": shown.get("MemoryMax", ""),
            "groups": shown.get("SupplementaryGroups", "").split(),
        }

    def _seconds_up(self) -> float:
        """Return how long the process runs; 0 if it does not, or if systemd does not know it."""
        begun = int(self.shown.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
        return time.monotonic() - begun if self.runs and begun else 0.0

    def release(self) -> dict[str, Any]:
        """Return which release is in use, and which of its files differ from what is wanted."""
        store, number = self.store, self.store.in_use()
        there = store.files(number)
        change = store.change()
        return {
            "number": number,
            "is_own": store.is_own(store.folder),
            "differs": changed_paths(there, self.bundle.files) if number else [],
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
        words = [line.partition("=")[2].split() for line in section(self._unit(), "Service") if _starts(line)]
        path = words[0][0].lstrip("-@:+!") if words and words[0] else self.bundle.program
        running = ""
        if self.runs:
            with suppress(OSError):  # the process has ended
                running = os.readlink(f"/proc/{self.shown['MainPID']}/exe")  # noqa: PTH115 - as in host_store
        return {
            "path": path,
            "wanted": self.bundle.program,
            "is_there": Path(path).is_file() and os.access(path, os.X_OK),
            "is_replaced": running.endswith(" (deleted)"),
        }

    # ── What it opens ──

    def _closed(self) -> Any:
        return closed(self.bundle.ports, self.machine.listeners()) if self.runs else []

    def _taken(self) -> list[dict[str, str]]:
        rows = taken(self.bundle.ports, self.machine.listeners(), self.machine.holders(), self.store.service)
        return [{"text": row.text, "fix": way_out([row], own_collectors(self.store.root))} for row in rows]

    def _unhealthy(self) -> str:
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
        rows = map(_entry, self.machine.run("journalctl", "--no-pager", *words).output.splitlines())
        return [row for row in rows if row]

    # ── Files ──

    def reader(self) -> Reader:
        """Return the user of the service, as the files see it."""
        shown = self.shown
        groups = [group_id(name) for name in shown.get("SupplementaryGroups", "").split()]
        own = number_of(shown.get("GID", ""))
        user = number_of(shown.get("UID", ""))
        if shown.get("DynamicUser") != "yes" and user < 0:
            user = user_id(shown.get("User") or "root")
        capabilities = tuple(shown.get("AmbientCapabilities", "").split())
        return Reader(user, tuple(one for one in (*groups, own) if one >= 0), capabilities)

    def files(self) -> Iterator[dict[str, Any]]:
        """Yield each pattern of files: how many there are, and those that the service may not read."""
        reader = self.reader()
        for row in self.question.get("files") or ():
            paths = sorted(glob.glob(row["pattern"], recursive=True))  # noqa: PTH207 - has braces of its own
            files = [path for path in paths if Path(path).is_file()]
            unreadable = []
            for path in files[:_MOST_FILES]:
                obstacle = barrier(reader, _way(path))
                if obstacle is not None:
                    unreadable.append({**_told(obstacle), "file": path})
            yield {**row, "count": len(files), "unreadable": unreadable[:3], "more": max(len(unreadable) - 3, 0)}

    def certificates(self) -> Iterator[dict[str, Any]]:
        """Yield each file of a certificate or key: whether it is there and readable, and when it is valid."""
        reader = self.reader()
        for row in self.question.get("certificates") or ():
            path = Path(row["path"])
            if not path.is_file():
                yield {**row, "state": "missing"}
                continue
            shut = barrier(reader, _way(str(path)))
            dates = validity(_start(path))
            known = {"not_before": dates.not_before, "not_after": dates.not_after} if dates else {}
            told = {**_told(shut), "file": str(path)} if shut else {"file": str(path)}
            yield {**row, **known, **told, "state": "unreadable" if shut else "there"}

    def disks(self) -> Iterator[dict[str, Any]]:
        """Yield how full the file systems are on which it keeps state and releases."""
        for path in dict.fromkeys((self.bundle.state, str(self.store.folder))):
            there = Path(path) if path else None
            if there is None or not there.exists():
                continue
            numbers = os.statvfs(path)
            full = numbers.f_bavail == 0 or (numbers.f_files > 0 and numbers.f_favail == 0)
            percent = 100 - 100 * numbers.f_bavail // max(numbers.f_blocks, 1)
            yield {
                "path": path,
                "percent": percent,
                "full": full,
                "free_mib": numbers.f_bavail * numbers.f_frsize >> 20,
            }

    # ── Where it sends to ──

    def peers(self) -> Iterator[dict[str, Any]]:
        """Yield each end of its exporters: whether its name is known and its port takes a connection."""
        for row in self.question.get("peers") or ():
            yield {**row, "endpoint": f"{row['host']}:{row['port']}", "state": self._reached(row["host"], row["port"])}

    def _reached(self, host: str, port: int) -> str:
        # `timeout` bounds the look-up, which the library of Python cannot.
        if self.machine.run("timeout", _NAME_SECONDS, "getent", "ahosts", host).code:
            return "no_name"
        try:
            socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "no_way"
        return "ok"


def host_facts(machine: Machine, root: Path) -> dict[str, Any]:
    """Return what all collectors of this host share: the clock, systemd, SELinux, the journal."""
    enforcing = file_text(root / "sys/fs/selinux/enforce").strip() == "1"
    version = re.search(r"systemd (\d+)", machine.run("systemctl", "--version").output)
    synchronized = machine.run("timedatectl", "show", "-p", "NTPSynchronized", "--value").output.strip()
    return {
        "now": machine.now(),
        "synchronized": synchronized,
        "systemd": int(version[1]) if version else 0,
        "enforcing": enforcing,
        "denials": _denials(machine) if enforcing else [],
        "journal_is_kept": (root / "var/log/journal").is_dir(),
        "journal_groups": [name for name in ("systemd-journal", "adm", "wheel") if group_id(name) >= 0],
    }


def _denials(machine: Machine) -> list[str]:
    """Return what SELinux has denied to a Collector, by the audit records in the journal."""
    words = ("-o", "cat", "-n", "2000", "_TRANSPORT=audit", "+", "_TRANSPORT=kernel")
    lines = machine.run("journalctl", "--no-pager", *words).output.splitlines()
    return list(dict.fromkeys(line.strip() for line in lines if all(word in line for word in _DENIED)))[-3:]


def _starts(line: str) -> bool:
    return line.partition("=")[0].strip() == "ExecStart"


def _entry(line: str) -> dict[str, str]:
    try:
        row = json.loads(line)
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


def _way(path: str) -> list[Owned]:
    """Return the folders on the way to a file, then the file; links are followed."""
    real = Path(os.path.realpath(path))
    found = []
    for place in (*reversed(real.parents), real):
        try:
            numbers = place.stat()
        except OSError:
            continue
        found.append(Owned(str(place), numbers.st_mode, numbers.st_uid, numbers.st_gid, _has_list(place)))
    return found


def _has_list(place: Path) -> bool:
    try:
        os.getxattr(str(place), _LIST_OF_RIGHTS)
    except OSError:
        return False
    return True


def _told(one: Owned) -> dict[str, str]:
    """Return who has a file or folder, by names."""
    what = "folder" if stat.S_ISDIR(one.mode) else "file"
    return {
        "what": what,
        "path": one.path,
        "owner": user_name(one.user),
        "group": group_name(one.group),
        "mode": one.octal,
    }


def _start(path: Path) -> str:
    """Return the start of a file; nothing if this run cannot read it, as root cannot on some network file systems."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return ""
