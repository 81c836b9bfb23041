# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports of a host are taken, and by whom, out of the tables of `/proc/net`. Private.

`live/host_faults.py` asks this before a deployment, and `live/serving_facts.py` for the diagnosis. A listener is a
socket that waits on a port. Its holder is the process that has it; `live/machine.py` finds holders by the inode of the
socket.
A port of a collector is taken if a process of another unit holds a listener that blocks it. For example:

    port 4317/tcp is in use by process 812 (otelcol-contrib) of otelcol-contrib.service
    Run `systemctl disable --now otelcol-contrib.service` if nobody needs it, or change the port.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .bundle_form import unit_name
from .host_release import OpenedPort

# Source: include/net/tcp_states.h of Linux. A UDP socket that is bound but not connected has state 7.
_WAITING = {"tcp": "0A", "udp": "07"}
# The columns of a table: the address with the port, the state, and the inode.
_ADDRESS_COLUMN = 1
_STATE_COLUMN = 3
_INODE_COLUMN = 9
# A socket on this address takes connections of IPv4 alone.
_ANY_IPV4 = "0.0.0.0"
# A socket on `::` takes connections of both families, if no setting of the host forbids it. Source: ipv6(7) of Linux.
# A port without an address (empty) listens on `::`.
_ANY = ("::", "")


@dataclass(frozen=True)
class ListeningSocket:
    """A socket that waits on a port."""

    protocol: str
    """`tcp` or `udp`."""
    address: str
    """In its shortest form, such as `::` or `127.0.0.1`, see `_bare_address`."""
    port: int
    inode: str
    """The number of the socket, as digits."""


@dataclass(frozen=True)
class Holder:
    """The process that has a socket."""

    pid: int
    """0 for a process that cannot be read."""
    program_name: str
    unit: str = ""
    """The unit of systemd to which the process belongs; empty without one."""

    @property
    def description(self) -> str:
        unit = f" of {self.unit}" if self.unit else ""
        return f"process {self.pid} ({self.program_name}){unit}" if self.pid else "a process that cannot be read"


def parse_listeners(table: str, protocol: str) -> list[ListeningSocket]:
    """Return the waiting sockets of a table such as `/proc/net/tcp6`.

    The line `0: 0100007F:10DD 00000000:0000 0A … 4711 …` gives `ListeningSocket("tcp", "127.0.0.1", 4317, "4711")`.
    """
    sockets = []
    for line in table.splitlines()[1:]:
        cells = line.split()
        if len(cells) > _INODE_COLUMN and cells[_STATE_COLUMN] == _WAITING[protocol]:
            address, _colon, port = cells[_ADDRESS_COLUMN].rpartition(":")
            sockets.append(ListeningSocket(protocol, _parse_address(address), int(port, 16), cells[_INODE_COLUMN]))
    return sockets


def _parse_address(hex_address: str) -> str:
    """Return an address of four or sixteen bytes, which the kernel prints as words of the machine (little-endian)."""
    words = [bytes.fromhex(hex_address[start : start + 8])[::-1] for start in range(0, len(hex_address), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)  # only addresses of IPv6 have it
    return str(mapped or address)


def is_blocked_by(port: OpenedPort, listener: ListeningSocket) -> bool:
    """Whether a port cannot be opened beside a listener."""
    if (port.number, port.protocol) != (listener.port, listener.protocol):
        return False
    return _are_overlapping(_bare_address(port.address), listener.address)


def _are_overlapping(address: str, other_address: str) -> bool:
    """Return whether one connection could come to both addresses.

    `::` and an empty address overlap with every address, `0.0.0.0` with every one of IPv4, others with themselves.
    """
    addresses = (address, other_address)
    if address == other_address or any(each in _ANY for each in addresses):
        return True
    return _ANY_IPV4 in addresses and not any(_is_ipv6(each) for each in addresses)


def _is_ipv6(address: str) -> bool:
    return ":" in address


def _bare_address(address: str) -> str:
    """Return an address of a config in its shortest form, to compare it with those that `_parse_address` returns.

    An IPv4 address that is written as IPv6, such as `::ffff:127.0.0.1`, becomes `127.0.0.1`. A name stays as it is.
    """
    bare = address.strip("[]")
    if bare == "localhost":
        return "127.0.0.1"
    try:
        parsed_address = ipaddress.ip_address(bare)
    except ValueError:  # a name, or no address at all
        return bare
    return str(getattr(parsed_address, "ipv4_mapped", None) or parsed_address)


@dataclass(frozen=True)
class TakenPort:
    """A port that somebody else has."""

    port: OpenedPort
    holder: Holder

    @property
    def description(self) -> str:
        return f"port {self.port.number}/{self.port.protocol} is in use by {self.holder.description}"


def find_taken_ports(
    ports: Iterable[OpenedPort], listeners: Iterable[ListeningSocket], holders: Mapping[str, Holder], own_unit: str
) -> list[TakenPort]:
    """Return the ports that somebody else has; `own_unit` is the collector's unit.

    `holders` has the holder by the inode of its socket. If `own_unit` is empty, every holder is somebody else.
    """
    listener_list = list(listeners)
    taken_ports = []
    for port in ports:
        holder = _find_foreign_holder(port, listener_list, holders, own_unit)
        if holder is not None:
            taken_ports.append(TakenPort(port, holder))
    return taken_ports


def _find_foreign_holder(
    port: OpenedPort, listeners: Iterable[ListeningSocket], holders: Mapping[str, Holder], own_unit: str
) -> Holder | None:
    """Return the first process of another unit that listens on a port, or None if none does."""
    for listener in listeners:
        if not is_blocked_by(port, listener):
            continue
        holder = holders.get(listener.inode, Holder(0, ""))
        if not own_unit or holder.unit != own_unit:
            return holder
    return None


def describe_port_fix(taken_ports: Iterable[TakenPort], own_collectors: Iterable[str]) -> str:
    """Return in words how ports get free; `own_collectors` are this collection's collectors on the host.

    A package of the Collector, for one, starts a service of its own.
    """
    services = sorted(
        {taken_port.holder.unit for taken_port in taken_ports if taken_port.holder.unit.endswith(".service")}
    )
    own_holders = [name for name in own_collectors if unit_name(name) in services]
    if own_holders:
        return _describe_own_port_fix(own_holders)
    if not services:
        return "Stop it, or change the port."
    return f"Run `systemctl disable --now {' '.join(services)}` if nobody needs it, or change the port."


def _describe_own_port_fix(collectors: Iterable[str]) -> str:
    """Return what to do with other collectors of this collection: systemd alone would leave their files there."""
    collector_names = list(collectors)
    value = json.dumps({"otel_host_collectors": [{"name": name} for name in collector_names]})
    return (
        f"If the inventory does not list {' and '.join(collector_names)} any more, remove it (`otel_host_state:"
        f" absent`): run playbook remove for this host with `-e '{value}'`. Otherwise let one of them have another"
        " port, or list first the one that gives the port away."
    )


def find_closed_ports(ports: Iterable[OpenedPort], listeners: Iterable[ListeningSocket]) -> list[OpenedPort]:
    """Return the ports on which nobody listens."""
    listener_list = list(listeners)
    return [port for port in ports if not any(is_blocked_by(port, listener) for listener in listener_list)]
