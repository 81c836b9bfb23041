# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports are taken, and by whom, out of the tables of `/proc/net`. Private."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .bundle_form import service_name
from .host_release import Port

# Source: include/net/tcp_states.h of Linux. A UDP socket that is bound but not connected has state 7.
_WAITING = {"tcp": "0A", "udp": "07"}
_INODE = 9  # the column
_ANY = ("0.0.0.0", "::", "")


@dataclass(frozen=True)
class Listener:
    """A socket that waits on a port."""

    protocol: str
    address: str
    port: int
    inode: str


@dataclass(frozen=True)
class Holder:
    """The process that has a socket."""

    pid: int
    program: str
    unit: str = ""

    @property
    def text(self) -> str:
        unit = f" of {self.unit}" if self.unit else ""
        return f"process {self.pid} ({self.program}){unit}" if self.pid else "a process that cannot be read"


def listeners(table: str, protocol: str) -> list[Listener]:
    """Return the waiting sockets of a table such as `/proc/net/tcp6`."""
    found = []
    for line in table.splitlines()[1:]:
        cells = line.split()
        if len(cells) > _INODE and cells[3] == _WAITING[protocol]:
            address, _colon, port = cells[1].rpartition(":")
            found.append(Listener(protocol, _address(address), int(port, 16), cells[_INODE]))
    return found


def _address(text: str) -> str:
    """Return an address of four or sixteen bytes, which the kernel prints as words of the machine (little-endian)."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def collides(port: Port, listener: Listener) -> bool:
    """Whether a port cannot be opened beside a listener."""
    if (port.number, port.protocol) != (listener.port, listener.protocol):
        return False
    wanted = _plain(port.address)
    return wanted == listener.address or wanted in _ANY or listener.address in _ANY


def _plain(address: str) -> str:
    bare = address.strip("[]")
    return "127.0.0.1" if bare == "localhost" else bare


@dataclass(frozen=True)
class Taken:
    """A port that somebody else has."""

    port: Port
    holder: Holder

    @property
    def text(self) -> str:
        return f"port {self.port.number}/{self.port.protocol} is in use by {self.holder.text}"


def taken(ports: Iterable[Port], found: Iterable[Listener], holders: Mapping[str, Holder], own: str) -> list[Taken]:
    """Return the ports that somebody else has; `own` is the collector's unit."""
    known = list(found)
    rows = []
    for port in ports:
        foreign = _foreign_holder(port, known, holders, own)
        if foreign is not None:
            rows.append(Taken(port, foreign))
    return rows


def _foreign_holder(
    port: Port, listeners: Iterable[Listener], holders: Mapping[str, Holder], own: str
) -> Holder | None:
    """Return the first process of another unit that listens on a port, or None if none does."""
    for listener in listeners:
        if not collides(port, listener):
            continue
        holder = holders.get(listener.inode, Holder(0, ""))
        if not own or holder.unit != own:
            return holder
    return None


def way_out(rows: Iterable[Taken], own: Iterable[str]) -> str:
    """Return in words how ports get free; `own` are the names of the collectors of this collection on the host.

    A package of the Collector, for one, starts a service of its own.
    """
    services = sorted({row.holder.unit for row in rows if row.holder.unit.endswith(".service")})
    ours = [name for name in own if service_name(name) in services]
    if ours:
        return _way_out_of_own(ours)
    if not services:
        return "Stop it, or change the port."
    return f"Run `systemctl disable --now {' '.join(services)}` if nobody needs it, or change the port."


def _way_out_of_own(names: Iterable[str]) -> str:
    """Return what to do with other collectors of this collection: systemd alone would leave their files there."""
    listed = list(names)
    value = json.dumps({"otel_host_collectors": [{"name": name} for name in listed]})
    return (
        f"If the inventory does not list {' and '.join(listed)} any more, remove it (`otel_host_state: absent`): run "
        f"playbook remove for this host with `-e '{value}'`. Otherwise let one of them have another port, or list "
        "first the one that gives the port away."
    )


def closed(ports: Iterable[Port], found: Iterable[Listener]) -> list[Port]:
    """Return the ports on which nobody listens."""
    known = list(found)
    return [port for port in ports if not any(collides(port, listener) for listener in known)]
