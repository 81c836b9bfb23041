# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces for one run of a Collector: it sees its own files, and no network but its own loopback.

A config can name files, variables and addresses in more ways than any reader of it knows. So what it may reach does not
depend on what it says: the machine's files, processes, environment and network are not there. The helper is the program
inside.py, which makes the namespaces; contents.py says what the Collector finds there. Private.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from . import contents

_HELPER = Path(__file__).with_name("inside.py")
_ANSWER_SECONDS = 30.0
"""How long the helper may take for one answer, on a busy machine."""
_LARGEST_MESSAGE = 65536
_CREDENTIALS = struct.Struct("3i")
_ANCILLARY_SIZE = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(4) if hasattr(socket, "CMSG_SPACE") else 0


class UnavailableError(Exception):
    """Why the system allows no namespaces."""


@dataclass
class Isolated:
    """A program that runs in namespaces of its own."""

    helper: subprocess.Popen[bytes]
    pid: int
    """Its process id outside of its namespaces."""

    def poll(self) -> int | None:
        """Return its exit code, or minus its signal; None while it runs."""
        return self.helper.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code, or minus its signal. Raises TimeoutExpired after so many seconds."""
        return self.helper.wait(timeout)

    def terminate(self) -> None:
        """Ask it to end."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it, and all that it started."""
        self.helper.kill()


class Sandbox:
    """Namespaces that exist, in which nothing runs yet."""

    def __init__(self, helper: subprocess.Popen[bytes], control: socket.socket, folder: Path) -> None:
        self._helper, self._control, self._folder = helper, control, folder
        self._receive_answer()

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket of the network in the namespaces."""
        self._send_message(family=family, kind=kind, protocol=protocol)
        _pid, files = self._receive_answer()
        return socket.socket(fileno=files[0])

    def build(self) -> None:
        """Make the root and run nothing. Raises UnavailableError if the system does not allow a step."""
        self._start_request(contents.describe_contents(self._root(), (), {}, ()))

    def run(self, command: Sequence[str], environment: dict[str, str], visible_paths: Sequence[str | Path]) -> Isolated:
        """Run a program that sees these files and folders, to read only."""
        self._start_request(contents.describe_contents(self._root(), command, environment, visible_paths))
        pid, _files = self._receive_answer()
        if pid <= 0:  # a signal to 0 would end the processes of this run
            raise UnavailableError("the helper does not say which process runs the program")
        return Isolated(self._helper, pid)

    def _root(self) -> str:
        root = self._folder / "root"
        root.mkdir()
        return str(root)

    def _start_request(self, request: dict[str, Any]) -> None:
        request_file = self._folder / "request.json"
        request_file.touch(mode=0o600)
        request_file.write_text(json.dumps(request), encoding="utf-8")
        self._send_message(run=str(request_file))
        self._receive_answer()

    def _send_message(self, **message: Any) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError as error:
            raise UnavailableError(f"the helper has ended: {error.strerror}") from error

    def _receive_answer(self) -> tuple[int, list[int]]:
        """Return the process that answers, and the files that it hands out. Raises UnavailableError."""
        try:
            data, ancillary, _flags, _address = self._control.recvmsg(_LARGEST_MESSAGE, _ANCILLARY_SIZE)
        except OSError as error:
            raise UnavailableError(f"the helper does not answer: {error}") from error
        if not data:
            raise UnavailableError("the helper has ended")
        if wrong := json.loads(data).get("failed"):
            raise UnavailableError(str(wrong))
        pid, files = 0, list[int]()
        for _level, kind, content in ancillary:
            if kind == socket.SCM_CREDENTIALS:
                pid = _CREDENTIALS.unpack(content)[0]
            elif kind == socket.SCM_RIGHTS:
                files += struct.unpack(f"{len(content) // 4}i", content)
        return pid, files


@contextmanager
def open_namespaces(output: Any = subprocess.DEVNULL, errors: Any = subprocess.STDOUT) -> Iterator[Sandbox]:
    """Yield namespaces, whose program writes to these files; at the end, nothing of them is left.

    Raises UnavailableError if the system does not allow them.
    """
    if sys.platform != "linux":
        raise UnavailableError("only Linux has namespaces")
    own_end, helper_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with own_end, tempfile.TemporaryDirectory() as folder:
        own_end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        own_end.settimeout(_ANSWER_SECONDS)
        with helper_end:
            helper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_HELPER), str(helper_end.fileno())],
                pass_fds=[helper_end.fileno()],
                env={},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd="/",
            )
        try:
            yield Sandbox(helper, own_end, Path(folder))
        finally:
            helper.kill()
            helper.wait()
            for pipe in (helper.stdout, helper.stderr):
                if pipe:
                    pipe.close()


@cache
def why_unavailable() -> str:
    """Return why the system allows no namespaces; empty if it does. The answer is the one of the first call."""
    try:
        with open_namespaces() as namespaces:
            namespaces.build()
    except (UnavailableError, OSError) as error:
        return str(error)
    return ""
