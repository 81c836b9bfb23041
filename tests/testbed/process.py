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

PROC = Path("/proc")
CLUSTER_MARK = "O11Y_TESTBED_CLUSTER"
SERVER_MARK = "O11Y_TESTBED_SERVER"
# Definitions that come and go cost an API server a sixth less CPU (29 s, not 35); the limit keeps it below 1 GiB.
GARBAGE = {"GOGC": "300", "GOMEMLIMIT": "800MiB"}


@dataclass(frozen=True)
class Found:
    """A marked process."""

    pid: int
    server: str
    program: str


def _environment(pid_dir: Path) -> dict[str, str]:
    """A process' environment as it was started; empty where it cannot be read (it has ended, or is a kernel thread)."""
    try:
        pairs = (pid_dir / "environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _is_zombie(pid_dir: Path) -> bool:
    """Ended, and only waiting for its parent to notice."""
    try:
        return (pid_dir / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _pid_dirs(proc: Path) -> Iterator[Path]:
    """The living processes, without ourselves."""
    for entry in proc.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid() and not _is_zombie(entry):
            yield entry


def marked(cluster_dir: Path, proc: Path = PROC) -> list[Found]:
    """The processes that carry the cluster's mark: its servers, and the shims that containerd started."""
    found = []
    for entry in _pid_dirs(proc):
        environment = _environment(entry)
        if environment.get(CLUSTER_MARK) == str(cluster_dir):
            try:
                program = (entry / "exe").readlink().name
            except OSError:
                continue
            found.append(Found(int(entry.name), environment.get(SERVER_MARK, ""), program))
    return found


def server_pid(cluster_dir: Path, server: str, program: str, proc: Path = PROC) -> int | None:
    """The server's process, if it is alive. The program tells containerd from the shims, which inherit its mark."""
    pids = [found.pid for found in marked(cluster_dir, proc) if (found.server, found.program) == (server, program)]
    return min(pids, default=None)


def in_namespaces(namespace_files: Iterable[Path], proc: Path = PROC) -> set[int]:
    """Every process in one of these network namespaces, whoever started it."""
    inodes = {file.stat().st_ino for file in namespace_files if file.exists()}
    pids = set()
    for entry in _pid_dirs(proc):
        try:
            if (entry / "ns" / "net").stat().st_ino in inodes:
                pids.add(int(entry.name))
        except OSError:
            continue
    return pids


def start(cluster_dir: Path, server: str, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a server that outlives us, with the mark and with nothing of the user's environment."""
    log.parent.mkdir(parents=True, exist_ok=True)
    marks = {CLUSTER_MARK: str(cluster_dir), SERVER_MARK: server}
    with log.open("ab") as sink:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=clean_environment(**marks, **GARBAGE),
            cwd=cluster_dir,
            start_new_session=True,
        )


def kill_all(find: Callable[[], set[int]], what: str) -> int:
    """Kill what `find` finds until it finds nothing: a process may start another while we look. How many there were."""
    killed: set[int] = set()

    def left() -> str | None:
        pids = find()
        for pid in pids:
            killed.add(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return f"still alive: {sorted(pids)}" if pids else None

    wait_for(f"stop of {what}", left, 20, lambda: "processes that cannot be killed wait for a device or a file system")
    return len(killed)
