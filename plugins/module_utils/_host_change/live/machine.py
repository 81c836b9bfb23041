# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as a run sees it: its services, sockets, journal, clock and lock. Private.

All files of `live` ask a `Machine` for what the host says, and let it run commands; files of the host they read and
write themselves. Tests give a machine of their own. For example, `machine.service("otelcol-agent.service")` returns
`Service(load_state="loaded", active_state="active", pid=4711, …)`.

Processes and sockets are read by process_files.py, and the lock of the host is in host_lock.py.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._otelcol.errors import Problem
from ..fitted_unit import parse_systemd_version
from ..selinux_words import context_type, is_enforcing
from ..taken_ports import Holder, ListeningSocket
from . import late_imports
from .host_lock import is_locked, release_lock, try_lock
from .process_files import find_holders, list_listeners, read_process_file

_SERVICE_PROPERTIES = (
    "LoadState",
    "FragmentPath",
    "ActiveState",
    "SubState",
    "MainPID",
    "NRestarts",
    "NeedDaemonReload",
    "User",
)
# How many seconds a command may take.
_COMMAND_SECONDS = 120
# The architecture as releases of the Collector name it, by the name that the kernel has for it.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}


@dataclass(frozen=True)
class CommandResult:
    """How a command ended, and what it printed."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class Service:
    """A unit as systemd sees it. Source of the states: org.freedesktop.systemd1(5)."""

    load_state: str
    """`loaded`, or `not-found` for a unit that systemd does not know."""
    fragment_path: str
    """The file of the unit; empty without one."""
    active_state: str
    """Such as `active`, `activating` or `failed`."""
    sub_state: str
    """Such as `running` or `auto-restart`."""
    pid: int
    """0 if no process runs."""
    restart_count: int
    """How often systemd has restarted it by itself."""
    needs_reload: bool = False
    """Whether a file of the unit has changed since systemd read it."""
    user_name: str = ""
    """Also the name of a dynamic user; empty for root."""

    @property
    def is_active(self) -> bool:
        """Whether its process runs."""
        return self.active_state == "active" and self.pid > 0


class Machine:
    """What a run asks of the host, and does to it, beside files."""

    def is_root(self) -> bool:
        return os.geteuid() == 0

    def find_architecture(self) -> str:
        """Return the architecture by its name of releases, or as the kernel says it."""
        return ARCHITECTURES.get(platform.machine(), platform.machine())

    def node_name(self) -> str:
        """Return the name by which the host knows itself."""
        return platform.node()

    def read_init_name(self) -> str:
        """Return the name of the first process; empty if it cannot be read."""
        return read_process_file(1, "comm")

    def now(self) -> float:
        """Return the time of day in seconds since 1970. Somebody may set it at any time, so no wait ends by it."""
        return time.time()

    def read_uptime(self) -> float:
        """Return the seconds since the host was booted, as systemd counts them. All waits are measured by it."""
        return time.monotonic()

    def read_environment(self, pid: int) -> dict[str, str]:
        """Return the variables with which a process has begun; none for one that has ended."""
        pairs = (entry.partition("=") for entry in read_process_file(pid, "environ").split("\0"))
        return {name: value for name, _sign, value in pairs if name}

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def run(self, *words: str) -> CommandResult:
        """Run a command of the system, with its messages in English, for at most _COMMAND_SECONDS.

        A command that cannot be run or takes too long has the exit code 127.
        """
        try:
            completed = subprocess.run(  # pylint: disable=ansible-bad-function
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=_COMMAND_SECONDS,
                env={**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return CommandResult(127, str(error))
        return CommandResult(completed.returncode, completed.stdout.decode("utf-8", "replace"))

    def run_systemctl(self, *words: str) -> CommandResult:
        return self.run("systemctl", *words)

    def read_systemd_version(self) -> int:
        """Return the version of systemd; 0 if nobody knows it."""
        return parse_systemd_version(self.run_systemctl("--version").output)

    def enforces_selinux(self) -> bool:
        """Whether SELinux denies on this host what its policy does not allow."""
        try:
            return is_enforcing(Path("/sys/fs/selinux/enforce").read_text(encoding="ascii"))
        except OSError:  # no SELinux
            return False

    def read_selinux_type(self, path: Path) -> str:
        """Return the type that SELinux has for a file; empty for one that is not there or has none."""
        try:
            return context_type(os.getxattr(str(path), "security.selinux"))
        except OSError:
            return ""

    def encrypt(self, name: str, secret: bytes) -> bytes:
        """Return a credential as only this host reads it. Raises Problem if systemd cannot encrypt it.

        The key is that of the host's disk, since one of a TPM changes with the firmware. Source: systemd-creds(1).
        """
        encrypted = self._run_systemd_creds("encrypt", "--with-key=host", name, secret)
        if encrypted is None:
            fix = "Run `systemd-creds setup` on the host, and see what it says."
            raise Problem(f"systemd-creds does not encrypt credential {name}", fix=fix)
        return encrypted

    def decrypt(self, name: str, data: bytes) -> bytes | None:
        """Return the secret of an encrypted credential; None if its key is lost or it is broken."""
        return self._run_systemd_creds("decrypt", "--newline=no", name, data)

    def _run_systemd_creds(self, command: str, option: str, name: str, data: bytes) -> bytes | None:
        """Return what systemd-creds makes of some data; None if it fails.

        The data goes through its standard input, since other users may read arguments and files.
        """
        words = ["systemd-creds", command, option, f"--name={name}", "-", "-"]
        try:
            completed = subprocess.run(  # pylint: disable=ansible-bad-function
                words, input=data, capture_output=True, timeout=_COMMAND_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return None if completed.returncode else completed.stdout

    def service(self, name: str) -> Service:
        """Return the state of a unit now. Raises Problem if systemd does not answer."""
        answer = self.run_systemctl("show", name, f"--property={','.join(_SERVICE_PROPERTIES)}")
        values: dict[str, str] = {}
        for line in answer.output.splitlines():
            key, _sign, value = line.partition("=")
            values[key] = value
        if answer.exit_code or "LoadState" not in values:
            wrong = f"systemd does not answer: {answer.output.strip()[-300:]}"
            raise Problem(wrong, asked=f"Read {name}", fix="Run `systemctl status` on the host.")
        return Service(
            load_state=values["LoadState"],
            fragment_path=values.get("FragmentPath", ""),
            active_state=values.get("ActiveState", ""),
            sub_state=values.get("SubState", ""),
            pid=int(values.get("MainPID") or 0),
            restart_count=int(values.get("NRestarts") or 0),
            needs_reload=values.get("NeedDaemonReload") == "yes",
            user_name=values.get("User", ""),
        )

    def reload_process(self, pid: int) -> None:
        """Let a process read its config again, by signal 1 (SIGHUP)."""
        os.kill(pid, 1)

    def journal(self, name: str, since: float) -> str:
        """Return what a unit has logged since then, and what systemd says of it."""
        return self.run(
            "journalctl", "--no-pager", "-o", "cat", "-u", name, f"--since=@{since:.3f}", "-n", "300"
        ).output

    def get(self, url: str) -> str:
        """Return what a URL of this host answers. Raises OSError or ValueError if it does not."""
        return str(late_imports.import_host_http().get_text(url))

    def post(self, url: str, body: bytes, seconds: float) -> None:
        """Send JSON to a URL of this host. Raises OSError or ValueError if it is not taken."""
        late_imports.import_host_http().post_json(url, body, seconds)

    def download(self, url: str) -> Any:
        """Return the open answer of a URL, through the proxies of the environment. Raises OSError or ValueError."""
        return late_imports.import_host_http().open_download(url)

    def list_listeners(self) -> list[ListeningSocket]:
        """Return the waiting sockets of this host."""
        return list_listeners()

    def holders(self, unit: str = "") -> Mapping[str, Holder]:
        """Return the process of each socket, by inode. With a unit, only its processes are read."""
        return find_holders(unit)

    def free_bytes(self, path: Path) -> int:
        """Return the free bytes of the file system on which a path is, or will be.

        A file system that reports no blocks says nothing about its room: no write is refused for it.
        """
        existing_folder = next(folder for folder in (path, *path.parents) if folder.exists())
        file_system = os.statvfs(str(existing_folder))
        if file_system.f_blocks == 0:
            return sys.maxsize
        return file_system.f_bavail * file_system.f_frsize

    def is_locked(self, file: Path) -> bool:
        """Whether a run holds the lock of this host now. Makes no file."""
        return is_locked(file)

    @contextmanager
    def hold_lock(self, file: Path, seconds: float) -> Iterator[None]:
        """Hold the lock of this host, a file of root alone, which is removed. Raises Problem if another run keeps
        it."""
        deadline = self.read_uptime() + seconds
        handle = try_lock(file)
        while handle is None:
            if self.read_uptime() > deadline:
                fix = "Wait until it has ended, then run again."
                raise Problem("another run changes collectors of this host", fix=fix)
            self.sleep(0.5)
            handle = try_lock(file)
        try:
            yield
        finally:
            release_lock(file, handle)
