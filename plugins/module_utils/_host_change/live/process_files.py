# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc of this host says of processes and sockets: names, units, environments, listeners and holders. Private.

`Machine` asks this file. A listener is a socket that waits on a port, and its holder the process that has it
(taken_ports.py). For example, `find_holders("shop.service")` returns `{"12345": Holder(812, "shop", "shop.service")}`:
the process of each socket by the inode of the socket.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..taken_ports import Holder, ListeningSocket, parse_listeners

# A link in a folder /proc/PID/fd leads to `socket:[12345]` if the file is a socket.
_SOCKET_PREFIX = "socket:["
# The tables in /proc/net, and the protocol of each.
_SOCKET_TABLES = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))


def read_text_or_empty(path: Path) -> str:
    """Return the text of a file; nothing for one that cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_process_file(pid: int, name: str) -> str:
    """Return the text of a file /proc/PID/NAME, such as `comm`; empty if the process has ended."""
    return read_text_or_empty(Path(f"/proc/{pid}/{name}")).strip()


def list_listeners() -> list[ListeningSocket]:
    """Return the waiting sockets of this host."""
    sockets: list[ListeningSocket] = []
    for name, protocol in _SOCKET_TABLES:
        table = Path("/proc/net") / name
        if table.exists():
            sockets += parse_listeners(table.read_text(encoding="ascii"), protocol)
    return sockets


def find_holders(unit: str) -> dict[str, Holder]:
    """Return the process of each socket, by inode. With a unit, only its processes are read."""
    holders_by_inode: dict[str, Holder] = {}
    for pid, inode in _iter_process_sockets(unit):
        if inode not in holders_by_inode:
            name, cgroups = read_process_file(pid, "comm"), read_process_file(pid, "cgroup")
            holders_by_inode[inode] = Holder(pid, name, _find_unit(cgroups))
    return holders_by_inode


class _ProcessSocket(NamedTuple):
    """A socket that a process has. The inode is the number of the socket, as digits."""

    pid: int
    inode: str


def _iter_process_sockets(unit: str) -> Iterator[_ProcessSocket]:
    """Yield the process and the inode of each socket, of all processes or of those of a unit."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        pid = int(folder.name)
        if unit and _find_unit(read_process_file(pid, "cgroup")) != unit:
            continue
        for inode in _list_socket_inodes(folder / "fd"):
            yield _ProcessSocket(pid, inode)


def _list_socket_inodes(folder: Path) -> list[str]:
    """Return the inodes of the sockets in a folder /proc/PID/fd, whose links lead to names such as `socket:[12345]`."""
    inodes = []
    try:
        for link in folder.iterdir():
            target = os.readlink(str(link))  # noqa: PTH115 - Path has it from Python 3.9 on
            if target.startswith(_SOCKET_PREFIX):
                inodes.append(target[len(_SOCKET_PREFIX) : -1])
    except OSError:  # the process has ended
        pass
    return inodes


def _find_unit(cgroups: str) -> str:
    """Return the unit of a process: the last part of its cgroups that is one; empty without one.

    `cgroups` is the text of /proc/PID/cgroup: `0::/system.slice/shop.service` gives `shop.service`.
    """
    parts = [part for line in cgroups.splitlines() for part in line.split("/")]
    for part in reversed(parts):
        if part.endswith((".service", ".scope", ".socket")):
            return part
    return ""
