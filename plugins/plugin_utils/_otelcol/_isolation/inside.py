# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that makes the namespaces of a Collector and starts it there. It imports the standard library alone.

Three processes stand between the play and the Collector, as namespaces(7) and user_namespaces(7) demand:

- the helper, which this file is: it makes the namespaces, hands out sockets of their network, and ends as the Collector
  ends;
- the first process of the new process namespace, which makes the new root, and collects what ends;
- the Collector, without capabilities.

The play talks to the helper over a Unix socket that keeps the limits of messages. Each request and each answer is one
message in JSON. Private.
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
_ALL = _NEW_MOUNTS | _NEW_NAME | _NEW_IPC | _NEW_PROCESSES | _NEW_NETWORK
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_DETACH = 2
# What a mount has that a user namespace may not take away: statvfs(3) tells it, mount(2) wants it again.
_LOCKED = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
_SET_DEATH_SIGNAL, _DROP_FROM_BOUND, _NO_NEW_RIGHTS, _AMBIENT, _CLEAR_AMBIENT = 1, 24, 38, 47, 4
_CAPABILITIES = 64
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_INTERFACE = "16sh22x"
_DEVICES = ("null", "zero", "random", "urandom")
_NAME = b"pod"
_LARGEST = 65536
_STATUS = struct.Struct("i")
_NO_START = 126
_LIBC = ctypes.CDLL(None, use_errno=True)


class StepError(Exception):
    """The step that the system does not allow, and its reason."""


def _checked(step: str, result: int) -> None:
    if result != 0:
        raise StepError(f"{step}: {os.strerror(ctypes.get_errno())}")


def _unshare() -> None:
    """Make the namespaces: as root in those of the machine, for all others in a user namespace of their own."""
    if os.geteuid() == 0 and _LIBC.unshare(_ALL) == 0:
        return
    user, group = os.geteuid(), os.getegid()
    _checked("make namespaces", _LIBC.unshare(_ALL | _NEW_USER))
    own = Path("/proc/self")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        try:
            (own / name).write_text(text, encoding="ascii")
        except OSError as error:
            raise StepError(f"write {name} of the user namespace: {error.strerror}") from error


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            answer = fcntl.ioctl(asking, _GET_FLAGS, struct.pack(_INTERFACE, b"lo", 0))
            flags = struct.unpack(_INTERFACE, answer)[1]
            fcntl.ioctl(asking, _SET_FLAGS, struct.pack(_INTERFACE, b"lo", flags | _UP))
        except OSError as error:
            raise StepError(f"use loopback of the new network: {error.strerror}") from error


def _mount(step: str, source: str | None, target: str, kind: str | None, flags: int, *, options: str = "") -> None:
    texts = [os.fsencode(text) if text is not None else None for text in (source, target, kind)]
    _checked(step, _LIBC.mount(*texts, ctypes.c_ulong(flags), options.encode()))


def _bind(source: str, root: str, target: str) -> None:
    """Show a file or folder of the machine at a path of the new root, to read only."""
    place = Path(root + target)
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _mount(f"show {target}", source, str(place), None, _BIND | _RECURSIVE)
    if target.startswith("/dev/"):
        return
    has = os.statvfs(place).f_flag
    kept = sum(flag for seen, flag in _LOCKED.items() if has & seen)
    _mount(f"protect {target}", None, str(place), None, _BIND | _REMOUNT | _READ_ONLY | _NO_SETUID | kept)


def _make_root(asked: Mapping[str, Any]) -> None:
    """Make a root in memory that has only what is asked, and leave the one of the machine."""
    root = asked["root"]
    _mount("keep mounts apart", None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("make a root", "tmpfs", root, "tmpfs", _NO_SETUID | _NO_DEVICES, options=f"size={asked['size']},mode=755")
    for name in _DEVICES:
        _bind(f"/dev/{name}", root, f"/dev/{name}")
    for path, text in asked["files"].items():
        place = Path(root + path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    for path, target in asked["links"].items():
        Path(root + path).symlink_to(target)
    for source, target in asked["shown"]:
        _bind(source, root, target)
    scratch = Path(root, "tmp")
    scratch.mkdir(exist_ok=True)
    scratch.chmod(0o1777)
    os.chdir(root)
    _checked("enter the root", _LIBC.pivot_root(b".", b"."))
    _checked("leave the root of the machine", _LIBC.umount2(b".", _DETACH))
    os.chdir("/")
    _checked("name the machine", _LIBC.sethostname(_NAME, len(_NAME)))


def _drop_rights() -> None:
    """Take every capability from what runs next, for good. Source: capabilities(7)."""
    for number in range(_CAPABILITIES):
        _LIBC.prctl(_DROP_FROM_BOUND, number, 0, 0, 0)  # fails for numbers that the kernel does not know
    _LIBC.prctl(_AMBIENT, _CLEAR_AMBIENT, 0, 0, 0)
    _checked("take away rights", _LIBC.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(control: socket.socket, **message: Any) -> None:
    control.send(json.dumps(message).encode())


def _run(control: socket.socket, command: list[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the Collector. The kernel adds the process id of this message's sender."""
    try:
        _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        _drop_rights()
        _say(control, started=True)
        os.execve(command[0], command, environment)
    except (OSError, ValueError, StepError) as error:
        reason = getattr(error, "strerror", None) or error
        os.write(2, f"Error: the program does not run: {reason}\n".encode())
    os._exit(_NO_START)


def _first(control: socket.socket, status: int, asked: Mapping[str, Any]) -> None:
    """Be the first process of the namespace: when it ends, the kernel ends all others there."""
    _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    os.umask(0o022)
    try:
        _make_root(asked)
    except (StepError, OSError) as error:
        _say(control, failed=str(error))
        return
    _say(control, built=True)
    if not asked["command"]:
        return
    collector = os.fork()
    if collector == 0:
        _run(control, asked["command"], asked["environment"])
    ended = -1
    while ended != collector:
        ended, how = os.wait()
    os.write(status, _STATUS.pack(how))


def _fork_first(control: socket.socket, asked: Mapping[str, Any]) -> tuple[int, int]:
    """Start the first process; return its id, and where it tells how the Collector ended."""
    reading, writing = os.pipe()
    first = os.fork()
    if first == 0:
        try:
            os.close(reading)
            _first(control, writing, asked)
        finally:
            os._exit(0)
    os.close(writing)
    return first, reading


def _end_as(status: bytes) -> NoReturn:
    """End as the Collector did: with its code, or by its signal."""
    if not status:
        os._exit(1)
    code = os.waitstatus_to_exitcode(_STATUS.unpack(status)[0])
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def _hand_out(control: socket.socket, asked: Mapping[str, Any]) -> None:
    """Hand out a socket: it stays in the network in which it was made."""
    with socket.socket(asked["family"], asked["kind"], asked["protocol"]) as made:
        socket.send_fds(control, [b"{}"], [made.fileno()])


def _serve(control: socket.socket) -> NoReturn:
    first, reading = 0, -1
    while True:
        ready, _writing, _wrong = select.select([control.fileno(), *([reading] if first else [])], [], [])
        if reading in ready:
            status = os.read(reading, _STATUS.size)
            os.waitpid(first, 0)
            _end_as(status)
        message = control.recv(_LARGEST)
        if not message:  # the play has ended, or wants no more
            if first:
                os.kill(first, signal.SIGKILL)
            os._exit(1)
        asked = json.loads(message)
        if "run" in asked:
            request = Path(asked["run"])
            first, reading = _fork_first(control, json.loads(request.read_text(encoding="utf-8")))
        else:
            _hand_out(control, asked)


def main() -> None:
    """Make the namespaces, and do what the play asks at the other end of a socket, whose number is the argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    try:
        _unshare()
        _raise_loopback()
    except StepError as error:
        _say(control, failed=str(error))
        return
    _say(control, ready=True)
    _serve(control)


if __name__ == "__main__":
    main()
