# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that forks for each module of Ansible that another Python would read from standard input.

Most of the time of a small module, such as `file`, goes into the start of Python and what every module imports. The
process that forks has imported this from the same files, and nothing of Ansible's controller. A command line that says
anything else than "this Python" starts a process as ever.
"""

from __future__ import annotations

import atexit
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from tempfile import TemporaryFile
from types import ModuleType, SimpleNamespace
from typing import Any

UNIX = socket.AF_UNIX
LONGEST = 100  # a longer path is no address of a socket; then each module has a process of its own
IMPORTED = (
    "ansible.module_utils.basic",
    "ansible.module_utils.urls",
    "ansible.module_utils._internal._ansiballz._loader",
)
# As ansible-core writes it since 2.21, and before.
COMMANDS = [f"/bin/sh -c {shlex.quote(command)}" for command in (sys.executable, f"{sys.executable} && sleep 0")]


class PathWithArchives(list[str]):
    """Where Python looks for parts of package `ansible`: its own folder, and the archives of the running module.

    The archive of a module of the playbook's own has it as `ansible.legacy.NAME`, or as `ansible.modules.NAME` before
    ansible-core 2.21.
    """

    def __iter__(self) -> Iterator[str]:
        yield from (f"{entry}/ansible" for entry in sys.path if entry.endswith(".zip"))
        yield from super().__iter__()


def start(address: str) -> None:
    """Fork the process, which ends with this one, and let Ansible's connection `local` use it."""
    if len(os.fsencode(address)) > LONGEST:
        return
    listener = socket.socket(UNIX)
    listener.bind(address)
    listener.listen(64)
    server = os.getpid()
    if os.fork():
        listener.close()
        return
    for descriptor in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    listener.settimeout(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ready = False
    while os.getppid() == server:
        with suppress(TimeoutError):
            asked, _address = listener.accept()
            ready = ready or prepare()
            if not os.fork():
                answer(asked)
            asked.close()
    os._exit(0)


def prepare() -> bool:
    """Import what modules import; what this ansible-core does not have, its modules do not need."""
    for name in IMPORTED:
        with suppress(ImportError):
            import_module(name)
    package = sys.modules["ansible"]
    package.__path__ = PathWithArchives(package.__path__)
    return True


def answer(asked: socket.socket) -> None:
    """Run one module as Python runs its standard input, and send the exit code."""
    asked.setblocking(True)
    _text, (asks, *files), *_rest = socket.recv_fds(asked, 1, 4)
    with os.fdopen(asks, "rb") as file:
        request = json.loads(file.read())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    with os.fdopen(files[0], "rb") as file:
        program = file.read()
    for descriptor, given in enumerate(files[1:], 1):
        os.dup2(given, descriptor)
    code = 1
    try:
        sys.argv = [""]
        sys.path.insert(0, "")
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(program, "<stdin>", "exec"), main.__dict__)
        code = 0
    except SystemExit as end:
        if end.code and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        own = error.__traceback__
        traceback.print_exception(error.with_traceback(own and own.tb_next))
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        asked.send(str(code).encode())
        os._exit(0)


class Module:
    """What connection `local` uses of a process."""

    def __init__(self, address: str, cwd: Any) -> None:
        self.address, self.cwd, self.returncode = address, cwd, -1

    def communicate(self, program: bytes | None) -> tuple[bytes, bytes]:
        """Run the program; return what it writes."""
        request = {"cwd": os.fsdecode(self.cwd or "."), "environment": dict(os.environ)}
        with (
            TemporaryFile() as asks,
            TemporaryFile() as given,
            TemporaryFile() as output,
            TemporaryFile() as errors,
            socket.socket(UNIX) as asking,
        ):
            asks.write(json.dumps(request).encode())  # an environment may be longer than a message of a socket
            given.write(program or b"")
            files = (asks, given, output, errors)
            for file in files:
                file.seek(0)
            asking.connect(self.address)
            socket.send_fds(asking, [b"."], [one.fileno() for one in files])
            self.returncode = int(asking.recv(16) or 137)  # as a shell says of what was killed
            output.seek(0)
            errors.seek(0)
            return output.read(), errors.read()


def use(address: str) -> None:
    """Let Ansible's connection `local` start a module there, if nothing but this Python would start it."""
    if len(os.fsencode(address)) > LONGEST:
        return

    def popen(command: Any, cwd: Any = None, **more: Any) -> Any:
        is_text = isinstance(command, (str, bytes))  # bytes before ansible-core 2.21
        if is_text and os.fsdecode(command) in COMMANDS:
            return Module(address, cwd)
        return subprocess.Popen(command, cwd=cwd, **more)

    local: Any = import_module("ansible.plugins.connection.local")
    local.subprocess = SimpleNamespace(Popen=popen, PIPE=subprocess.PIPE)
