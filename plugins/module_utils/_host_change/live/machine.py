# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as a run sees it: its services, sockets, journal, clock and lock. Private.

All files of `live` ask a `Machine` for what the host says, and let it run commands; files of the host they read and
write themselves. Tests give a machine of their own. For example, `machine.service("otelcol-agent.service")` returns
`Service(load_state="loaded", active_state="active", pid=4711, …)`.

A listener is a socket that waits on a port, and its holder the process that has it (see taken_ports.py). The lock of
the host is a file that one run holds while it changes collectors.
"""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..fitted_unit import parse_systemd_version
from ..selinux_words import context_type, is_enforcing
from ..taken_ports import Holder, ListeningSocket, parse_listeners
from . import late_imports

# The tables in /proc/net, and the protocol of each.
_SOCKET_TABLES = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))
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
        return _read_proc_file(1, "comm")

    def now(self) -> float:
        return time.time()

    def read_uptime(self) -> float:
        """Return the seconds since the host was booted, as systemd counts them."""
        return time.monotonic()

    def read_environment(self, pid: int) -> dict[str, str]:
        """Return the variables with which a process has begun; none for one that has ended."""
        pairs = (entry.partition("=") for entry in _read_proc_file(pid, "environ").split("\0"))
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
        sockets: list[ListeningSocket] = []
        for name, protocol in _SOCKET_TABLES:
            table = Path("/proc/net") / name
            if table.exists():
                sockets += parse_listeners(table.read_text(encoding="ascii"), protocol)
        return sockets

    def holders(self, unit: str = "") -> Mapping[str, Holder]:
        """Return the process of each socket, by inode. With a unit, only its processes are read."""
        holders_by_inode: dict[str, Holder] = {}
        for pid, inode in _iter_process_sockets(unit):
            if inode not in holders_by_inode:
                holders_by_inode[inode] = Holder(
                    pid, _read_proc_file(pid, "comm"), _find_unit(_read_proc_file(pid, "cgroup"))
                )
        return holders_by_inode

    def free_bytes(self, path: Path) -> int:
        """Return the free bytes of the file system on which a path is, or will be."""
        existing_folder = next(folder for folder in (path, *path.parents) if folder.exists())
        file_system = os.statvfs(str(existing_folder))
        return file_system.f_bavail * file_system.f_frsize

    def is_locked(self, file: Path) -> bool:
        """Whether a run holds the lock of this host now. Makes no file."""
        try:
            handle = os.open(str(file), os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(handle)
        return False

    @contextmanager
    def hold_lock(self, file: Path, seconds: float) -> Iterator[None]:
        """Hold the lock of this host, a file of root alone, which is removed. Raises Problem if another run keeps it.

        Every user may lock a folder that he may read, and would keep all runs waiting.
        """
        deadline = self.now() + seconds
        handle = _try_lock(file)
        while handle is None:
            if self.now() > deadline:
                fix = "Wait until it has ended, then run again."
                raise Problem("another run changes collectors of this host", fix=fix)
            self.sleep(0.5)
            handle = _try_lock(file)
        try:
            yield
        finally:
            file.unlink()  # before it is unlocked: who waits for it takes the next one
            os.close(handle)


def _try_lock(file: Path) -> int | None:
    """Return the handle of a lock; None if another run has it, or has removed it meanwhile.

    The inodes are compared, because the file that was opened may have been removed and made anew since.
    """
    handle = os.open(str(file), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == file.stat().st_ino:
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


class _ProcessSocket(NamedTuple):
    """A socket that a process has. The inode is the number of the socket, as digits."""

    pid: int
    inode: str


def _iter_process_sockets(unit: str) -> Iterator[_ProcessSocket]:
    """Yield the process and the inode of each socket, of all processes or of those of a unit."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        pid = int(folder.name)
        if unit and _find_unit(_read_proc_file(pid, "cgroup")) != unit:
            continue
        for inode in _list_socket_inodes(folder / "fd"):
            yield _ProcessSocket(pid, inode)


def _list_socket_inodes(folder: Path) -> list[str]:
    """Return the inodes of the sockets in a folder /proc/PID/fd, whose links lead to names such as `socket:[12345]`."""
    inodes = []
    try:
        for link in folder.iterdir():
            target = os.readlink(str(link))  # noqa: PTH115 - Path has it from Python 3.9 on
            if target.startswith("socket:["):
                inodes.append(target[8:-1])
    except OSError:  # the process has ended
        pass
    return inodes


def read_text_or_empty(path: Path) -> str:
    """Return the text of a file; nothing for one that cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _read_proc_file(pid: int, name: str) -> str:
    return read_text_or_empty(Path(f"/proc/{pid}/{name}")).strip()


def _find_unit(cgroups: str) -> str:
    """Return the unit of a process: the last part of its cgroups that is one; empty without one.

    `cgroups` is the text of /proc/PID/cgroup: `0::/system.slice/shop.service` gives `shop.service`.
    """
    parts = [part for line in cgroups.splitlines() for part in line.split("/")]
    for part in reversed(parts):
        if part.endswith((".service", ".scope", ".socket")):
            return part
    return ""
