# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that makes the namespaces of a Collector and starts it there. It imports the standard library alone.

Three processes stand between the play and the Collector, as namespaces(7) and user_namespaces(7) demand:

- the helper, which this file is: it makes the namespaces, hands out sockets of their network, and ends as the Collector
  ends;
- the first process of the new process namespace, which makes the new root, and collects what ends;
- the Collector, without capabilities.

The play, which is the process of Ansible, talks to the helper over a Unix socket that keeps the limits of messages.
Each request and each answer is one message in JSON. sandbox.py starts the helper. A request has `run`, the path of a
file with what the Collector gets: its `command` and `environment`, the `root`, its `size`, and the `files`, `links` and
`shown` paths in it. Any other request asks for a socket, by `family`, `kind` and `protocol`. Private.
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
from typing import Any, NoReturn

# Numbers of Linux, from its headers: linux/sched.h, linux/mount.h, linux/prctl.h, linux/sockios.h, linux/if.h.
_NEW_MOUNTS, _NEW_NAME, _NEW_IPC, _NEW_USER, _NEW_PROCESSES, _NEW_NETWORK = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_ALL_NAMESPACES = _NEW_MOUNTS | _NEW_NAME | _NEW_IPC | _NEW_PROCESSES | _NEW_NETWORK
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_DETACH = 2
# What a mount has that a user namespace may not take away: statvfs(3) tells it, mount(2) wants it again.
_LOCKED_MOUNT_FLAGS = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
_SET_DEATH_SIGNAL, _DROP_FROM_BOUND, _NO_NEW_RIGHTS, _AMBIENT, _CLEAR_AMBIENT = 1, 24, 38, 47, 4
_CAPABILITIES = 64
_GET_FLAGS, _SET_FLAGS, _INTERFACE_UP = 0x8913, 0x8914, 0x1
_INTERFACE = "16sh22x"
_DEVICES = ("null", "zero", "random", "urandom")
_HOST_NAME = b"pod"
_LARGEST_MESSAGE = 65536
_STATUS = struct.Struct("i")
_NO_START_CODE = 126
_LIBC = ctypes.CDLL(None, use_errno=True)


class StepError(Exception):
    """The step that the system does not allow, and its reason."""


def _check_result(step: str, return_code: int) -> None:
    if return_code != 0:
        raise StepError(f"{step}: {os.strerror(ctypes.get_errno())}")


def _make_namespaces() -> None:
    """Make the namespaces: as root in those of the machine, for all others in a user namespace of their own."""
    if os.geteuid() == 0 and _LIBC.unshare(_ALL_NAMESPACES) == 0:
        return
    user, group = os.geteuid(), os.getegid()
    _check_result("make namespaces", _LIBC.unshare(_ALL_NAMESPACES | _NEW_USER))
    process_folder = Path("/proc/self")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        try:
            (process_folder / name).write_text(text, encoding="ascii")
        except OSError as error:
            raise StepError(f"write {name} of the user namespace: {error.strerror}") from error


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe_socket:
        try:
            answer = fcntl.ioctl(probe_socket, _GET_FLAGS, struct.pack(_INTERFACE, b"lo", 0))
            flags = struct.unpack(_INTERFACE, answer)[1]
            fcntl.ioctl(probe_socket, _SET_FLAGS, struct.pack(_INTERFACE, b"lo", flags | _INTERFACE_UP))
        except OSError as error:
            raise StepError(f"use loopback of the new network: {error.strerror}") from error


def _mount(
    step: str, source: str | None, target: str, filesystem: str | None, flags: int, *, options: str = ""
) -> None:
    encoded_names = [os.fsencode(text) if text is not None else None for text in (source, target, filesystem)]
    _check_result(step, _LIBC.mount(*encoded_names, ctypes.c_ulong(flags), options.encode()))


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


def _make_root(request: Mapping[str, Any]) -> None:
    """Make a root in memory that has only the files of the request, and leave the root of the machine."""
    root = request["root"]
    _mount("keep mounts apart", None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("make a root", "tmpfs", root, "tmpfs", _NO_SETUID | _NO_DEVICES, options=f"size={request['size']},mode=755")
    for name in _DEVICES:
        _bind_read_only(f"/dev/{name}", root, f"/dev/{name}")
    for path, text in request["files"].items():
        file_path = Path(root + path)
        file_path.parent.mkdir(parents=True, exist_ok=True)
        file_path.write_text(text, encoding="utf-8")
    for path, target in request["links"].items():
        Path(root + path).symlink_to(target)
    for source, target in request["shown"]:
        _bind_read_only(source, root, target)
    scratch = Path(root, "tmp")
    scratch.mkdir(exist_ok=True)
    scratch.chmod(0o1777)
    os.chdir(root)
    _check_result("enter the root", _LIBC.pivot_root(b".", b"."))
    _check_result("leave the root of the machine", _LIBC.umount2(b".", _DETACH))
    os.chdir("/")
    _check_result("name the machine", _LIBC.sethostname(_HOST_NAME, len(_HOST_NAME)))


def _drop_rights() -> None:
    """Take every capability from what runs next, for good. Source: capabilities(7)."""
    for number in range(_CAPABILITIES):
        _LIBC.prctl(_DROP_FROM_BOUND, number, 0, 0, 0)  # fails for numbers that the kernel does not know
    _LIBC.prctl(_AMBIENT, _CLEAR_AMBIENT, 0, 0, 0)
    _check_result("take away rights", _LIBC.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _send_message(control: socket.socket, **message: Any) -> None:
    control.send(json.dumps(message).encode())


def _become_collector(control: socket.socket, command: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the Collector. The kernel adds the process id of this message's sender."""
    try:
        _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        _drop_rights()
        _send_message(control, started=True)
        os.execve(command[0], command, environment)
    except (OSError, ValueError, StepError) as error:
        reason = getattr(error, "strerror", None) or error
        os.write(2, f"Error: the program does not run: {reason}\n".encode())
    os._exit(_NO_START_CODE)


def _run_first_process(control: socket.socket, status_pipe: int, request: Mapping[str, Any]) -> None:
    """Be the first process of the namespace: when it ends, the kernel ends all others there.

    It writes the status of the Collector, as wait(2) gives it, to `status_pipe`.
    """
    _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    os.umask(0o022)
    try:
        _make_root(request)
    except (StepError, OSError) as error:
        _send_message(control, failed=str(error))
        return
    _send_message(control, built=True)
    if not request["command"]:
        return
    collector = os.fork()
    if collector == 0:
        _become_collector(control, request["command"], request["environment"])
    ended_process = -1
    while ended_process != collector:
        ended_process, wait_status = os.wait()
    os.write(status_pipe, _STATUS.pack(wait_status))


def _fork_first_process(control: socket.socket, request: Mapping[str, Any]) -> tuple[int, int]:
    """Start the first process; return its id, and where it tells how the Collector ended."""
    read_end, write_end = os.pipe()
    first_process = os.fork()
    if first_process == 0:
        try:
            os.close(read_end)
            _run_first_process(control, write_end, request)
        finally:
            os._exit(0)
    os.close(write_end)
    return first_process, read_end


def _end_as(status: bytes) -> NoReturn:
    """End as the Collector did: with its code, or by its signal."""
    if not status:
        os._exit(1)
    code = os.waitstatus_to_exitcode(_STATUS.unpack(status)[0])
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def _hand_out_socket(control: socket.socket, request: Mapping[str, Any]) -> None:
    """Hand out a socket: it stays in the network in which it was made."""
    with socket.socket(request["family"], request["kind"], request["protocol"]) as new_socket:
        socket.send_fds(control, [b"{}"], [new_socket.fileno()])


def _serve_requests(control: socket.socket) -> NoReturn:
    first_process, status_pipe = 0, -1
    while True:
        ready, _writing, _wrong = select.select([control.fileno(), *([status_pipe] if first_process else [])], [], [])
        if status_pipe in ready:
            status = os.read(status_pipe, _STATUS.size)
            os.waitpid(first_process, 0)
            _end_as(status)
        message = control.recv(_LARGEST_MESSAGE)
        if not message:  # the play has ended, or wants no more
            if first_process:
                os.kill(first_process, signal.SIGKILL)
            os._exit(1)
        request = json.loads(message)
        if "run" in request:
            request_file = Path(request["run"])
            first_process, status_pipe = _fork_first_process(
                control, json.loads(request_file.read_text(encoding="utf-8"))
            )
        else:
            _hand_out_socket(control, request)


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


if __name__ == "__main__":
    main()
