# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that makes the namespaces of a Collector and starts it there. It imports the standard library alone.

sandbox.py starts it, and has a table of the messages that both exchange, such as `{"ready": true}` when the namespaces
are made. Two processes stand between the play, which is the process of Ansible, and the Collector, as namespaces(7)
and user_namespaces(7) demand::

    play (sandbox.py)
    └─ helper: main() here. It makes the namespaces, hands out sockets of their network, and ends as the Collector ends.
       └─ first process of the new process namespace. It makes the new root, and collects what ends.
          └─ the Collector, without capabilities.

Private.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

# Flags of unshare(2): which namespaces are new. Source: linux/sched.h.
_NEW_MOUNTS = 0x00020000
_NEW_HOST_NAME = 0x04000000
_NEW_IPC = 0x08000000
_NEW_USERS = 0x10000000
_NEW_PROCESSES = 0x20000000
_NEW_NETWORK = 0x40000000
_ALL_NAMESPACES = _NEW_MOUNTS | _NEW_HOST_NAME | _NEW_IPC | _NEW_PROCESSES | _NEW_NETWORK
# Flags of mount(2) and umount2(2). Source: linux/mount.h.
_READ_ONLY = 1
_NO_SETUID = 2
_NO_DEVICES = 4
_REMOUNT = 32
_BIND = 4096
_RECURSIVE = 16384
_PRIVATE = 1 << 18
_DETACH = 2
# Flags of a mount that a user namespace may not take away: the value that statvfs(3) tells, and the one that mount(2)
# wants. Only for `relatime` they differ.
_LOCKED_MOUNT_FLAGS = {
    2: 2,  # nosuid
    4: 4,  # nodev
    8: 8,  # noexec
    1024: 1024,  # noatime
    2048: 2048,  # nodiratime
    4096: 1 << 21,  # relatime
}
# Options of prctl(2). Source: linux/prctl.h.
_SET_DEATH_SIGNAL = 1
_DROP_FROM_BOUND = 24
_NO_NEW_RIGHTS = 38
_AMBIENT = 47
_CLEAR_AMBIENT = 4
# More than there are capabilities of Linux.
_CAPABILITY_COUNT = 64
# Requests of ioctl(2) about a network interface. Source: linux/sockios.h.
_GET_INTERFACE_FLAGS = 0x8913
_SET_INTERFACE_FLAGS = 0x8914
# The flag of an interface that is turned on. Source: linux/if.h.
_INTERFACE_UP = 0x1
# Struct ifreq of linux/if.h: the name of the interface, and its flags.
_INTERFACE_STRUCT = "16sh22x"
# The devices that the new root has, below /dev.
_DEVICES = ("null", "zero", "random", "urandom")
# The name of the machine that the Collector sees.
_HOST_NAME = b"pod"
# How many bytes of a message are read.
_LARGEST_MESSAGE = 65536
# The status of a process, as wait(2) gives it.
_STATUS = struct.Struct("i")
# The exit code of a program that does not start.
_NO_START_CODE = 126
_LIBC = ctypes.CDLL(None, use_errno=True)


class StepError(Exception):
    """The step that the system does not allow, and its reason: `make namespaces: Operation not permitted`."""


def main() -> None:
    """Make the namespaces, and do what the play asks at the other end of a socket, whose number is the argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    try:
        _make_namespaces()
        _raise_loopback()
    except StepError as error:
        _send_message(control, failed=str(error))
        return
    _send_message(control, ready=True)
    _serve_requests(control)


def _make_namespaces() -> None:
    """Make the namespaces: as root in those of the machine, for all others in a user namespace of their own."""
    if os.geteuid() == 0 and _LIBC.unshare(_ALL_NAMESPACES) == 0:
        return
    user, group = os.geteuid(), os.getegid()
    _check_result("make namespaces", _LIBC.unshare(_ALL_NAMESPACES | _NEW_USERS))
    process_folder = Path("/proc/self")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        try:
            (process_folder / name).write_text(text, encoding="ascii")
        except OSError as error:
            raise StepError(f"write {name} of the user namespace: {error.strerror}") from error


def _check_result(step: str, return_code: int) -> None:
    """Raise StepError if a call of the C library failed."""
    if return_code != 0:
        raise StepError(f"{step}: {os.strerror(ctypes.get_errno())}")


def _raise_loopback() -> None:
    """Turn on the interface `lo` of the new network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as interface_socket:
        try:
            answer = fcntl.ioctl(interface_socket, _GET_INTERFACE_FLAGS, struct.pack(_INTERFACE_STRUCT, b"lo", 0))
            _name, flags = struct.unpack(_INTERFACE_STRUCT, answer)
            raised_interface = struct.pack(_INTERFACE_STRUCT, b"lo", flags | _INTERFACE_UP)
            fcntl.ioctl(interface_socket, _SET_INTERFACE_FLAGS, raised_interface)
        except OSError as error:
            raise StepError(f"use loopback of the new network: {error.strerror}") from error


def _send_message(control: socket.socket, **message: Any) -> None:
    """Send a message to the play. The kernel adds the process id of the sender."""
    control.send(json.dumps(message).encode())


class _FirstProcess(NamedTuple):
    """The first process of the namespaces, and the file from which the status of the Collector is read at its end."""

    pid: int
    status_pipe: int


def _serve_requests(control: socket.socket) -> NoReturn:
    """Do what the play asks until it wants no more, or until the Collector has ended. The helper ends here.

    A request with `run` starts the Collector, any other one asks for a socket.
    """
    first_process: _FirstProcess | None = None
    while True:
        watched_files = [control.fileno()]
        if first_process:
            watched_files.append(first_process.status_pipe)
        ready_files, _writable, _exceptional = select.select(watched_files, [], [])
        if first_process and first_process.status_pipe in ready_files:
            status = os.read(first_process.status_pipe, _STATUS.size)
            os.waitpid(first_process.pid, 0)
            _end_as(status)
        message = control.recv(_LARGEST_MESSAGE)
        if not message:  # the play has ended, or wants no more
            if first_process:
                os.kill(first_process.pid, signal.SIGKILL)
            os._exit(1)
        request = json.loads(message)
        if "run" in request:
            request_file = Path(request["run"])
            root_request = json.loads(request_file.read_text(encoding="utf-8"))
            first_process = _fork_first_process(control, root_request)
        else:
            _hand_out_socket(control, request)


def _hand_out_socket(control: socket.socket, request: Mapping[str, Any]) -> None:
    """Send the play a new socket, which stays in the network of this process wherever it is used."""
    with socket.socket(request["family"], request["kind"], request["protocol"]) as new_socket:
        socket.send_fds(control, [b"{}"], [new_socket.fileno()])


def _end_as(status: bytes) -> NoReturn:
    """End as the Collector did: with its code, or by its signal. Without a status, it did not start."""
    if not status:
        os._exit(1)
    code = os.waitstatus_to_exitcode(_STATUS.unpack(status)[0])
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _fork_first_process(control: socket.socket, root_request: Mapping[str, Any]) -> _FirstProcess:
    """Start the first process of the new process namespace: unshare(2) gives that only to children of the caller."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read_end)
            _run_first_process(control, write_end, root_request)
        finally:
            os._exit(0)
    os.close(write_end)
    return _FirstProcess(pid, read_end)


def _run_first_process(control: socket.socket, status_pipe: int, root_request: Mapping[str, Any]) -> None:
    """Be the first process of the namespace: when it ends, the kernel ends all others there.

    It writes the status of the Collector, as wait(2) gives it, to `status_pipe`.
    """
    _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    os.umask(0o022)
    try:
        _make_root(root_request)
    except (StepError, OSError) as error:
        _send_message(control, failed=str(error))
        return
    _send_message(control, built=True)
    if not root_request["command"]:
        return
    collector = os.fork()
    if collector == 0:
        _become_collector(control, root_request["command"], root_request["environment"])
    ended_process = -1
    while ended_process != collector:
        ended_process, wait_status = os.wait()
    os.write(status_pipe, _STATUS.pack(wait_status))


def _make_root(root_request: Mapping[str, Any]) -> None:
    """Make a root in memory that has only the files of the request, and leave the root of the machine.

    What the machine has is shown before its root is left, since its paths lead nowhere afterwards.
    """
    root = root_request["root"]
    root_options = f"size={root_request['size']},mode=755"
    # Else the machine itself might see each mount that follows. Source: mount_namespaces(7).
    _mount("keep mounts apart", None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("make a root", "tmpfs", root, "tmpfs", _NO_SETUID | _NO_DEVICES, options=root_options)
    for name in _DEVICES:
        _bind_read_only(f"/dev/{name}", root, f"/dev/{name}")
    for path, text in root_request["files"].items():
        file_path = Path(root + path)
        file_path.parent.mkdir(parents=True, exist_ok=True)
        file_path.write_text(text, encoding="utf-8")
    for path, target in root_request["links"].items():
        Path(root + path).symlink_to(target)
    for source, target in root_request["shown"]:
        _bind_read_only(source, root, target)
    temporary_folder = Path(root, "tmp")
    temporary_folder.mkdir(exist_ok=True)
    temporary_folder.chmod(0o1777)
    # With the same folder twice, the old root lies on the new one, and needs no folder in it. Source: pivot_root(2).
    os.chdir(root)
    _check_result("enter the root", _LIBC.pivot_root(b".", b"."))
    _check_result("leave the root of the machine", _LIBC.umount2(b".", _DETACH))
    os.chdir("/")
    _check_result("name the machine", _LIBC.sethostname(_HOST_NAME, len(_HOST_NAME)))


def _bind_read_only(source: str, root: str, target: str) -> None:
    """Show a file or folder of the machine at a path of the new root, to read only."""
    target_path = Path(root + target)
    if Path(source).is_dir():
        target_path.mkdir(parents=True, exist_ok=True)
    else:
        target_path.parent.mkdir(parents=True, exist_ok=True)
        target_path.touch()
    _mount(f"show {target}", source, str(target_path), None, _BIND | _RECURSIVE)
    if target.startswith("/dev/"):
        return
    mounted_flags = os.statvfs(target_path).f_flag
    locked_flags = sum(mount_flag for stat_flag, mount_flag in _LOCKED_MOUNT_FLAGS.items() if mounted_flags & stat_flag)
    _mount(f"protect {target}", None, str(target_path), None, _BIND | _REMOUNT | _READ_ONLY | _NO_SETUID | locked_flags)


def _mount(
    step: str, source: str | None, target: str, filesystem: str | None, flags: int, *, options: str = ""
) -> None:
    """Call mount(2). Raises StepError with the name of the step if the system does not allow it."""
    encoded_names = [os.fsencode(text) if text is not None else None for text in (source, target, filesystem)]
    _check_result(step, _LIBC.mount(*encoded_names, ctypes.c_ulong(flags), options.encode()))


def _become_collector(control: socket.socket, command: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the Collector. The message `started` has its process id, since this process sends it."""
    try:
        _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        _drop_rights()
        _send_message(control, started=True)
        os.execve(command[0], command, environment)
    except (OSError, ValueError, StepError) as error:
        reason = getattr(error, "strerror", None) or error
        os.write(2, f"Error: the program does not run: {reason}\n".encode())
    os._exit(_NO_START_CODE)


def _drop_rights() -> None:
    """Take every capability from what runs next, for good. Source: capabilities(7)."""
    for number in range(_CAPABILITY_COUNT):
        _LIBC.prctl(_DROP_FROM_BOUND, number, 0, 0, 0)  # fails for numbers that the kernel does not know
    _LIBC.prctl(_AMBIENT, _CLEAR_AMBIENT, 0, 0, 0)
    _check_result("take away rights", _LIBC.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
