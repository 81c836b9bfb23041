# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program to its end. Whatever runs can be stopped when another step fails, and dies with us if we are killed."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.testbed.errors import ClusterError
from tests.testbed.progress import read_last_lines

_RUNNING_PROCESSES: set[subprocess.Popen[str]] = set()
_RUNNING_LOCK = threading.Lock()


def run(
    argv: Sequence[str],
    *,
    log: Path | None = None,
    stdin: IO[bytes] | None = None,
    text: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    do: str = "fix the cause, then run the command again",
) -> str:
    """The program's output. With `log`, output goes there and errors show its last lines; `text` is fed to stdin."""
    output_file = log.open("w", encoding="utf-8") if log else None
    try:
        process = subprocess.Popen(
            argv,
            stdin=_choose_input(stdin, text),
            stdout=output_file or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            text=True,
        )
    except FileNotFoundError as error:
        raise ClusterError(f"{argv[0]} cannot be run", f"{error.filename} is not there", do) from error
    finally:
        if output_file:
            output_file.close()
    output = _await_output(process, text)
    if process.returncode:
        shown_output = read_last_lines(log) if log else output.strip()
        raise ClusterError(f"`{' '.join(argv)[:160]}` failed with code {process.returncode}", shown_output, do)
    return output


def _choose_input(stdin: IO[bytes] | None, text: str | None) -> IO[bytes] | int:
    """Return what a program reads: a text that is fed to it, a file, or nothing."""
    if text is not None:
        return subprocess.PIPE
    return stdin or subprocess.DEVNULL


def _await_output(process: subprocess.Popen[str], text: str | None) -> str:
    """Return what a process prints until it ends. Meanwhile it is among those that can be stopped."""
    with _RUNNING_LOCK:
        _RUNNING_PROCESSES.add(process)
    try:
        return process.communicate(text)[0] or ""
    finally:
        with _RUNNING_LOCK:
            _RUNNING_PROCESSES.discard(process)


def can_run(argv: Sequence[str], timeout: float = 20) -> bool:
    """Whether the program is there and exits with 0 in time."""
    try:
        completed = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return completed.returncode == 0


def end_with_parent(argv: Sequence[str]) -> list[str]:
    """The command, ended by the kernel when we are killed: a long build must not outlive its `up`."""
    return ["setpriv", "--pdeathsig", "TERM", "--", *argv]


def clean_environment(**more_variables: str) -> dict[str, str]:
    """What a server of the cluster may see: nothing of the user's (proxies, KUBECONFIG, Go settings)."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", **more_variables}


def stop_running() -> None:
    """End what `run` has started in any thread."""
    with _RUNNING_LOCK:
        for process in _RUNNING_PROCESSES:
            process.terminate()
