# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces for one run of a Collector: it sees its own files, and no network but its own loopback.

A config can name files, variables and addresses in more ways than any reader of it knows. So what it may reach does not
depend on what it says: the machine's files, processes, environment and network are not there. An example::

    with sandbox.open_namespaces(log_file) as namespaces:
        program = namespaces.run(["/usr/bin/otelcol", "--config=/tmp/x/config.yaml"], {}, ["/tmp/x"])
        program.wait()

The helper is the program inside.py, a child of this process, which makes the namespaces. Both talk over a pair of Unix
sockets, on which one `send` is one `recv`. Each message is JSON:

| this process sends | the helper answers |
|---|---|
| nothing, when it has started the helper | `{"ready": true}`: the namespaces exist |
| `{"family": 2, "kind": 1, "protocol": 0}` | `{}`, and with it the descriptor of a new socket |
| `{"run": "/tmp/x/request.json"}` | `{"built": true}`: the root has what the file lists, see contents.py |
| nothing, if that file has a command | `{"started": true}`, whose sender becomes the program: the kernel adds its pid |
| any of these | `{"failed": "make namespaces: Operation not permitted"}`: the system does not allow a step |

Private.
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
from typing import Any, NamedTuple

from . import contents

_HELPER = Path(__file__).with_name("inside.py")
_ANSWER_SECONDS = 30.0
"""How long the helper may take for one answer, on a busy machine."""
_LARGEST_MESSAGE = 65536
# What the kernel says of the sender of a message: its pid, user and group. Source: unix(7), struct ucred.
_CREDENTIALS = struct.Struct("3i")
_DESCRIPTOR = struct.Struct("i")


class UnavailableError(Exception):
    """Why the system allows no namespaces."""


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
            receive_answer(own_end)  # that it is ready
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


@dataclass(frozen=True)
class Sandbox:
    """Namespaces that exist. One program can run in them.

    `helper` is the process that has made them, `control` the socket to it, and `folder` has the files of both.
    """

    helper: subprocess.Popen[bytes]
    control: socket.socket
    folder: Path

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket of the network in the namespaces."""
        self._send_message(family=family, kind=kind, protocol=protocol)
        answer = receive_answer(self.control)
        return socket.socket(fileno=answer.descriptors[0])

    def build(self) -> None:
        """Make the root and run nothing. Raises UnavailableError if the system does not allow a step."""
        self._build_root(contents.describe_contents(self._make_root_folder(), (), {}, ()))

    def run(self, command: Sequence[str], environment: dict[str, str], visible_paths: Sequence[str | Path]) -> Isolated:
        """Run a program that sees these files and folders, to read only. Raises UnavailableError."""
        self._build_root(contents.describe_contents(self._make_root_folder(), command, environment, visible_paths))
        start_answer = receive_answer(self.control)
        if start_answer.sender_pid <= 0:  # a signal to 0 would end the processes of this run
            raise UnavailableError("the helper does not say which process runs the program")
        return Isolated(self.helper, start_answer.sender_pid)

    def _make_root_folder(self) -> str:
        """Make the folder that becomes the root; return its path."""
        root = self.folder / "root"
        root.mkdir()
        return str(root)

    def _build_root(self, request: contents.RootRequest) -> None:
        """Let the helper make the root. It then starts the program of the request, if that has one."""
        request_file = self.folder / "request.json"
        request_file.touch(mode=0o600)
        request_file.write_text(json.dumps(request), encoding="utf-8")
        self._send_message(run=str(request_file))
        receive_answer(self.control)

    def _send_message(self, **message: Any) -> None:
        """Send a request to the helper. Raises UnavailableError if that has ended."""
        try:
            self.control.send(json.dumps(message).encode())
        except OSError as error:
            raise UnavailableError(f"the helper has ended: {error.strerror}") from error


@dataclass
class Isolated:
    """A program that runs in namespaces of its own."""

    helper: subprocess.Popen[bytes]
    """The helper ends as the program ends."""
    pid: int
    """The process id of the program outside of its namespaces."""

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


class HelperAnswer(NamedTuple):
    """What comes with an answer of the helper: the process that sent it, and the descriptors of files in it.

    `sender_pid` is 0 if the kernel does not say it.
    """

    sender_pid: int
    descriptors: list[int]


def receive_answer(control: socket.socket) -> HelperAnswer:
    """Return the next answer of the helper. Raises UnavailableError if it says that a step failed, or has ended."""
    # One descriptor is handed out at most.
    ancillary_size = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(_DESCRIPTOR.size)
    try:
        data, ancillary, _flags, _address = control.recvmsg(_LARGEST_MESSAGE, ancillary_size)
    except OSError as error:
        raise UnavailableError(f"the helper does not answer: {error}") from error
    if not data:
        raise UnavailableError("the helper has ended")
    failed_step = json.loads(data).get("failed")
    if failed_step:
        raise UnavailableError(str(failed_step))
    sender_pid = 0
    descriptors: list[int] = []
    for _level, kind, content in ancillary:
        if kind == socket.SCM_CREDENTIALS:
            sender_pid, _user, _group = _CREDENTIALS.unpack(content)
        elif kind == socket.SCM_RIGHTS:
            descriptors += [descriptor for (descriptor,) in _DESCRIPTOR.iter_unpack(content)]
    return HelperAnswer(sender_pid, descriptors)
