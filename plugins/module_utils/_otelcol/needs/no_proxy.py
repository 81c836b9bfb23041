# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses NO_PROXY excepts, as Go decides. Private.

NO_PROXY is a variable with addresses to which programs connect without a proxy; an entry is one of them. proxies.py
asks here.

Source: `config.init` and the matchers of golang.org/x/net/http/httpproxy.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

_BRACKETS = frozenset("[]")


class _HostPort(NamedTuple):
    """An entry of NO_PROXY: a host and its port, which is empty for all ports, and may be no number."""

    host: str
    port: str

    def has_port(self, port: int) -> bool:
        """Whether the entry means a port."""
        return self.port in ("", str(port))


def is_excepted(no_proxy: str, host: str, port: int) -> bool:
    """Return whether the value of NO_PROXY excepts an address. A network matches a written address, and no name."""
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    if "*" in entries:
        return True
    address = parse_address(host)
    if address is not None:
        return any(_entry_excepts_address(entry, address, port) for entry in entries)
    name = host.strip().lower()
    return any(_entry_excepts_name(entry, name, port) for entry in entries)


def _entry_excepts_address(entry: str, address: IPv4Address | IPv6Address, port: int) -> bool:
    """Return whether an entry is a network with an address in it, or the address, with its port or without one."""
    network = _parse_network(entry)
    if network is not None:
        return address in network
    host_port = _split_entry(entry)
    return parse_address(host_port.host) == address and host_port.has_port(port)


def _entry_excepts_name(entry: str, name: str, port: int) -> bool:
    """Return whether an entry means a name: `example` means it and all below it, `.example` only what is below it."""
    if _parse_network(entry) is not None:
        return False
    host_port = _split_entry(entry)
    is_name = bool(host_port.host) and parse_address(host_port.host) is None
    if not is_name or not host_port.has_port(port):
        return False
    domain = host_port.host
    if domain.startswith("*."):
        domain = domain.removeprefix("*")
    if domain.startswith("."):
        return name.endswith(domain)
    return name == domain or name.endswith(f".{domain}")


def parse_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return a written address, one of IPv4 in the form of IPv6 as that of IPv4; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _parse_network(entry: str) -> IPv4Network | IPv6Network | None:
    """Return the network of an entry such as `10.0.0.0/8`; None for another entry, also for one with a mask."""
    _address, _slash, prefix_length = entry.partition("/")
    if not prefix_length.isdecimal():
        return None
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def _split_entry(entry: str) -> _HostPort:
    """Return host and port of an entry; all of it is the host where Go's net.SplitHostPort finds no port."""
    host, colon, port = entry.rpartition(":")
    is_in_brackets = host.startswith("[") and host.endswith("]")
    bare_host = host[1:-1] if is_in_brackets else host
    has_other_brackets = not _BRACKETS.isdisjoint(bare_host + port)
    is_bare_ipv6 = ":" in bare_host and not is_in_brackets
    if not colon or has_other_brackets or is_bare_ipv6:
        return _HostPort(entry, "")
    return _HostPort(bare_host, port)
