# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that forks for each module of Ansible that another Python would read from standard input.

Most of the time of a small module, such as `file`, goes into the start of Python, what every module imports, and the
code of the module's archive, which Python compiles anew each time. The process that forks has imported the former from
the same files, and nothing of Ansible's controller; a folder has the latter. A command line that says anything else
than "this Python" starts a process as ever.
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
import zipimport
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from tempfile import TemporaryFile
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

UNIX = socket.AF_UNIX
LONGEST_ADDRESS = 100  # a longer path is no address of a socket; then each module has a process of its own
IMPORTED_MODULES = (
    "ansible.module_utils.basic",
    "ansible.module_utils.urls",
    "ansible.module_utils._internal._ansiballz._loader",
)
# As ansible-core writes it since 2.21, and before.
PLAIN_COMMANDS = [f"/bin/sh -c {shlex.quote(command)}" for command in (sys.executable, f"{sys.executable} && sleep 0")]


class PathWithArchives(list[str]):
    """Where Python looks for parts of package `ansible`: its own folder, and the archives of the running module.

    The archive of a module of the playbook's own has it as `ansible.legacy.NAME`, or as `ansible.modules.NAME` before
    ansible-core 2.21.
    """

    def __iter__(self) -> Iterator[str]:
        yield from (f"{entry}/ansible" for entry in sys.path if entry.endswith(".zip"))
        yield from super().__iter__()


def start(address: str, code_folder: Any, *needed_imports: str) -> None:
    """Fork the process, which ends with this one, and which imports beforehand what the modules of a test need too."""
    if len(os.fsencode(address)) > LONGEST_ADDRESS:
        return
    listener = socket.socket(UNIX)
    listener.bind(address)
    listener.listen(64)
    server_pid = os.getpid()
    if os.fork():
        listener.close()
        return
    for descriptor in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    listener.settimeout(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    is_prepared = False
    while os.getppid() == server_pid:
        with suppress(TimeoutError):
            connection, _address = listener.accept()
            is_prepared = is_prepared or prepare_modules(code_folder, needed_imports)
            if not os.fork():
                run_module(connection)
            connection.close()
    os._exit(0)


def prepare_modules(code_folder: Any, needed_imports: tuple[str, ...]) -> bool:
    """Import what modules import; what this ansible-core does not have, its modules do not need."""
    keep_compiled_code(code_folder)
    for name in (*IMPORTED_MODULES, *needed_imports):
        with suppress(ImportError):
            import_module(name)
    package = sys.modules["ansible"]
    package.__path__ = PathWithArchives(package.__path__)
    return True


def keep_compiled_code(code_folder: Any) -> None:
    """Let Python compile each text of an archive once: the archives of two modules have most files in common.

    A Python without the private function compiles as ever.
    """
    archives: Any = zipimport
    if not hasattr(archives, "_compile_source"):
        return
    compile_text = archives._compile_source

    def read_or_compile(path: str, text: bytes) -> CodeType:
        path_in_archive = path.rpartition(".zip")[2]
        file = code_folder.find_file(repr((path_in_archive, text)))
        code: CodeType | None = code_folder.read(file)
        if code is None:
            code = compile_text(path, text)
            code_folder.write(file, code)
        return code

    archives._compile_source = read_or_compile


def run_module(connection: socket.socket) -> None:
    """Run one module as Python runs its standard input, and send the exit code."""
    connection.setblocking(True)
    _text, (request_descriptor, *files), *_rest = socket.recv_fds(connection, 1, 4)
    with os.fdopen(request_descriptor, "rb") as file:
        request = json.loads(file.read())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    with os.fdopen(files[0], "rb") as file:
        program = file.read()
    for target, source in enumerate(files[1:], 1):
        os.dup2(source, target)
    exit_code = 1
    try:
        sys.argv = [""]
        sys.path.insert(0, "")
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(program, "<stdin>", "exec"), main.__dict__)
        exit_code = 0
    except SystemExit as exit_error:
        if exit_error.code and not isinstance(exit_error.code, int):
            print(exit_error.code, file=sys.stderr)
        exit_code = exit_error.code if isinstance(exit_error.code, int) else int(exit_error.code is not None)
    except BaseException as error:
        own_traceback = error.__traceback__
        traceback.print_exception(error.with_traceback(own_traceback and own_traceback.tb_next))
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send(str(exit_code).encode())
        os._exit(0)


class ForkedModule:
    """What connection `local` uses of a process."""

    def __init__(self, address: str, cwd: Any) -> None:
        self.address, self.cwd, self.returncode = address, cwd, -1

    def communicate(self, program: bytes | None) -> tuple[bytes, bytes]:
        """Run the program; return what it writes."""
        request = {"cwd": os.fsdecode(self.cwd or "."), "environment": dict(os.environ)}
        with (
            TemporaryFile() as request_file,
            TemporaryFile() as program_file,
            TemporaryFile() as output,
            TemporaryFile() as errors,
            socket.socket(UNIX) as connection,
        ):
            request_file.write(json.dumps(request).encode())  # an environment may be longer than a message of a socket
            program_file.write(program or b"")
            files = (request_file, program_file, output, errors)
            for file in files:
                file.seek(0)
            connection.connect(self.address)
            socket.send_fds(connection, [b"."], [open_file.fileno() for open_file in files])
            self.returncode = int(connection.recv(16) or 137)  # as a shell says of what was killed
            output.seek(0)
            errors.seek(0)
            return output.read(), errors.read()


def use(address: str) -> None:
    """Let Ansible's connection `local_connection` start a module there, if nothing but this Python would start it."""
    if len(os.fsencode(address)) > LONGEST_ADDRESS:
        return

    def popen(command: Any, cwd: Any = None, **options: Any) -> Any:
        is_text = isinstance(command, (str, bytes))  # bytes before ansible-core 2.21
        if is_text and os.fsdecode(command).replace("/./", "/") in PLAIN_COMMANDS:
            return ForkedModule(address, cwd)
        return subprocess.Popen(command, cwd=cwd, **options)

    local_connection: Any = import_module("ansible.plugins.connection.local")
    local_connection.subprocess = SimpleNamespace(Popen=popen, PIPE=subprocess.PIPE)
