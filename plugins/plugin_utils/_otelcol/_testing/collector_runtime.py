# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the Collector of a test runs: in namespaces of its own, or beside the play, which is the process of Ansible.

A runtime starts the Collector and gives it a folder and a network. There are two:

| runtime | where | when |
|---|---|---|
| `IsolatedRuntime` | in namespaces, which `_isolation/sandbox.py` makes | wherever the system allows it |
| `LocalRuntime` | on this machine | where the system allows no namespaces, or the user wants none |

run_case.py and replay.py open a runtime for each run; collector_run.py starts the Collector in it. Private.
"""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from ....module_utils._otelcol.errors import Problem
from .._isolation import sandbox

LOOPBACK = "127.0.0.1"
# The number of PR_SET_PDEATHSIG in prctl(2) of Linux: which signal a process gets when its parent ends.
_SET_DEATH_SIGNAL = 1


class Process(Protocol):
    """A Collector that runs."""

    pid: int

    def poll(self) -> int | None:
        """Return its exit code, or minus its signal; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code, or minus its signal. Raises TimeoutExpired after so many seconds."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


class CollectorRuntime(Protocol):
    """What starts a Collector, and how the play reaches it there."""

    @property
    def folder(self) -> Path:
        """Return the folder for its config and its log."""

    def socket(self) -> socket.socket:
        """Return a TCP socket of the Collector's network."""

    def start(self, words: Sequence[str], environment: Mapping[str, str], readable_paths: Sequence[Path]) -> Process:
        """Start a Collector by the words of its command line. It writes to the file `log` of the folder.

        It has these variables alone, and may read the files and folders `readable_paths` beside its own folder.
        """


@dataclass(frozen=True)
class LocalRuntime:
    """The machine itself: nothing is isolated."""

    folder: Path

    def socket(self) -> socket.socket:
        """Return a TCP socket of the machine."""
        return socket.socket()

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        readable_paths: Sequence[Path],  # noqa: ARG002 - it may read all that the user may read
    ) -> Process:
        """Start a Collector that may read whatever the user may read."""
        # The process has a descriptor of its own, so that this one is closed at once.
        with _open_log(self.folder) as output:
            return subprocess.Popen(
                words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                preexec_fn=_die_with_play,  # noqa: PLW1509 - it calls nothing but prctl
            )


def _die_with_play() -> None:
    """Let the system kill this process when the play ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


@dataclass(frozen=True)
class IsolatedRuntime:
    """Namespaces of the Collector: its network is loopback, and its files are those that it is shown."""

    folder: Path
    namespace_sandbox: sandbox.Sandbox

    def socket(self) -> socket.socket:
        """Return a TCP socket of the namespaces."""
        return self.namespace_sandbox.socket(socket.AF_INET, socket.SOCK_STREAM)

    def start(self, words: Sequence[str], environment: Mapping[str, str], readable_paths: Sequence[Path]) -> Process:
        """Start a Collector that may read its own files alone. Raises Problem if it does not start."""
        try:
            return self.namespace_sandbox.run(words, dict(environment), [self.folder, *readable_paths])
        except (sandbox.UnavailableError, OSError) as error:
            wrong = f"the Collector cannot run in namespaces of its own: {error}"
            raise Problem(wrong, fix="Run it again, or look at the limits of this machine.") from error


@contextmanager
def open_runtime(is_isolated: bool) -> Iterator[CollectorRuntime]:
    """Yield a runtime for one run of a Collector. Raises Problem if the system gives no namespaces any more."""
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        if not is_isolated:
            yield LocalRuntime(folder)
            return
        # Opened before the namespaces: the process that makes them gets it as its output, and starts the Collector.
        with _open_log(folder) as output, _open_namespaces(output) as namespaces:
            yield IsolatedRuntime(folder, namespaces)


def _open_log(folder: Path) -> IO[bytes]:
    """Return the file `log` of a runtime, empty and open for writing."""
    return (folder / "log").open("wb")


@contextmanager
def _open_namespaces(output: IO[bytes]) -> Iterator[sandbox.Sandbox]:
    """Yield new namespaces. Raises Problem if the system gives none."""
    try:
        with sandbox.open_namespaces(output) as namespaces:
            yield namespaces
    except sandbox.UnavailableError as error:
        wrong = f"the system gives no namespaces any more: {error}"
        raise Problem(wrong, fix="Run fewer things at once, or look at the limits of this machine.") from error


# ── Sockets in the network of a runtime ──


def find_free_port(runtime: CollectorRuntime) -> int:
    """Return a port of loopback that nothing listens on."""
    with runtime.socket() as bound_socket:
        bound_socket.bind((LOOPBACK, 0))
        return int(bound_socket.getsockname()[1])


def open_listener(runtime: CollectorRuntime) -> socket.socket:
    """Return a socket that listens on loopback, where the Collector reaches it."""
    listening_socket = runtime.socket()
    listening_socket.bind((LOOPBACK, 0))
    listening_socket.listen(socket.SOMAXCONN)
    return listening_socket
