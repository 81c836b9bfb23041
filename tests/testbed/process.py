# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of a cluster as processes of the machine.

A server carries a mark in its environment: the cluster's folder and its own name. Processes are found by that mark,
never by a number that was written down: a number may belong to somebody else by the time it is read.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.command import clean_environment
from tests.testbed.progress import wait_for

PROC_FOLDER = Path("/proc")
CLUSTER_MARK = "O11Y_TESTBED_CLUSTER"
SERVER_MARK = "O11Y_TESTBED_SERVER"
# Definitions that come and go cost an API server a sixth less CPU (29 s, not 35); the limit keeps it below 1 GiB.
GARBAGE_SETTINGS = {"GOGC": "300", "GOMEMLIMIT": "800MiB"}


@dataclass(frozen=True)
class MarkedProcess:
    """A marked process."""

    pid: int
    server: str
    program: str


def _read_environment(pid_dir: Path) -> dict[str, str]:
    """A process' environment as it was started; empty where it cannot be read (it has ended, or is a kernel thread)."""
    try:
        pairs = (pid_dir / "environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _has_ended(pid_dir: Path) -> bool:
    """Ended, and only waiting for its parent to notice."""
    try:
        return (pid_dir / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _list_living(proc_folder: Path) -> Iterator[Path]:
    """The living processes, without ourselves."""
    for process_folder in proc_folder.iterdir():
        if process_folder.name.isdigit() and int(process_folder.name) != os.getpid() and not _has_ended(process_folder):
            yield process_folder


def list_marked(cluster_dir: Path, proc_folder: Path = PROC_FOLDER) -> list[MarkedProcess]:
    """The processes that carry the cluster's mark: its servers, and the shims that containerd started."""
    marked_processes = []
    for process_folder in _list_living(proc_folder):
        environment = _read_environment(process_folder)
        if environment.get(CLUSTER_MARK) == str(cluster_dir):
            try:
                program = (process_folder / "exe").readlink().name
            except OSError:
                continue
            marked_processes.append(MarkedProcess(int(process_folder.name), environment.get(SERVER_MARK, ""), program))
    return marked_processes


def find_server_pid(cluster_dir: Path, server: str, program: str, proc_folder: Path = PROC_FOLDER) -> int | None:
    """The server's process, if it is alive. The program tells containerd from the shims, which inherit its mark."""
    pids = [
        marked_process.pid
        for marked_process in list_marked(cluster_dir, proc_folder)
        if (marked_process.server, marked_process.program) == (server, program)
    ]
    return min(pids, default=None)


def list_in_namespaces(namespace_files: Iterable[Path], proc_folder: Path = PROC_FOLDER) -> set[int]:
    """Every process in one of these network namespaces, whoever started it."""
    inodes = {file.stat().st_ino for file in namespace_files if file.exists()}
    pids = set()
    for process_folder in _list_living(proc_folder):
        try:
            if (process_folder / "ns" / "net").stat().st_ino in inodes:
                pids.add(int(process_folder.name))
        except OSError:
            continue
    return pids


def start_server(cluster_dir: Path, server: str, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a server that outlives us, with the mark and with nothing of the user's environment."""
    log.parent.mkdir(parents=True, exist_ok=True)
    marks = {CLUSTER_MARK: str(cluster_dir), SERVER_MARK: server}
    with log.open("ab") as log_file:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            env=clean_environment(**marks, **GARBAGE_SETTINGS),
            cwd=cluster_dir,
            start_new_session=True,
        )


def kill_all(find_pids: Callable[[], set[int]], description: str) -> int:
    """Kill what `find_pids` finds until it finds nothing: a process may start another while we look.

    How many there were.
    """
    killed: set[int] = set()

    def kill_found() -> str | None:
        pids = find_pids()
        for pid in pids:
            killed.add(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return f"still alive: {sorted(pids)}" if pids else None

    wait_for(
        f"stop of {description}",
        kill_found,
        20,
        lambda: "processes that cannot be killed wait for a device or a file system",
    )
    return len(killed)
