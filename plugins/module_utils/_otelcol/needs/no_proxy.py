# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses NO_PROXY excepts, as Go decides. Private.

Source: `config.init` and the matchers of golang.org/x/net/http/httpproxy.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple


class _HostPort(NamedTuple):
    """An entry of NO_PROXY: a host and its port, which is empty for all ports, and may be no number."""

    host: str
    port: str


def excepts(no_proxy: str, host: str, port: int) -> bool:
    """Return whether the value of NO_PROXY excepts an address. A network matches a written address, and no name."""
    address = written_address(host)
    for raw_entry in no_proxy.split(","):
        entry = raw_entry.strip().lower()
        if entry == "*":
            return True
        if address is None and _excepts_name(entry, host.strip().lower(), port):
            return True
        if address is not None and _excepts_address(entry, address, port):
            return True
    return False


def _excepts_address(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> bool:
    """Return whether an entry is a network with an address in it, or the address, with its port or without one."""
    network = _network(entry)
    if network is not None:
        return address in network
    named = _host_port(entry)
    return written_address(named.host) == address and named.port in ("", str(port))


def _excepts_name(entry: str, name: str, port: int) -> bool:
    """Return whether an entry means a name: `example` means it and all below it, `.example` only what is below it."""
    if _network(entry) is not None:
        return False
    named = _host_port(entry)
    if not named.host or written_address(named.host) is not None or named.port not in ("", str(port)):
        return False
    domain = named.host.removeprefix("*") if named.host.startswith("*.") else named.host
    if domain.startswith("."):
        return name.endswith(domain)
    return name == domain or name.endswith(f".{domain}")


def written_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a written address, one of IPv4 in the form of IPv6 as that of IPv4; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network of an entry such as `10.0.0.0/8`; None for another entry, also for one with a mask."""
    _address_part, _slash, prefix = entry.partition("/")
    try:
        return ipaddress.ip_network(entry, strict=False) if prefix.isdecimal() else None
    except ValueError:
        return None


def _host_port(entry: str) -> _HostPort:
    """Return host and port of an entry; all of it is the host where Go's net.SplitHostPort finds no port."""
    host, colon, port = entry.rpartition(":")
    is_in_brackets = host.startswith("[") and host.endswith("]")
    inside = host[1:-1] if is_in_brackets else host
    has_other_signs = any(sign in inside for sign in "[]") or any(sign in port for sign in "[]")
    if not colon or has_other_signs or (":" in inside and not is_in_brackets):
        return _HostPort(entry, "")
    return _HostPort(inside, port)
