# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses `HOST:PORT` as Go reads them: what a client sends to, and what a server listens on. Private.

The rules on endpoints ask here why an address is refused, and what to write instead: for the endpoint
`http://[::1]:4318/v1` of a receiver, `find_listener_fault` answers `is a URL, and a server listens on a host and a
port`, and `suggest_listening_address` answers `[::1]:4318`. Source: package net of Go.
"""

from __future__ import annotations

import re

# The names of ports that Go knows without a file of the system, which images of the Collector lack.
# Source: net/lookup.go.
_NAMED_PORTS = frozenset(
    ("domain", "ftp", "ftps", "gopher", "http", "https", "imap2", "imap3", "imaps", "pop3", "pop3s", "smtp", "ssh")
)
_LARGEST_PORT = 65535
_PORT_DIGITS = len(str(_LARGEST_PORT))


def extract_dialed_address(target: str) -> str:
    """Return the address in the target of a gRPC client, which may begin with a scheme and an authority.

    `gateway:4317` of itself, of `http://gateway:4317`, and of `dns://10.0.0.10/gateway:4317`.
    """
    scheme, separator, remainder = target.partition("://")
    if not separator:
        return target
    return remainder if scheme in ("http", "https") else remainder.partition("/")[2]


def find_address_fault(text: str, lowest_port: int = 0, highest_port: int = 0) -> str:
    """Return why Go does not read a text as `host:port`; empty if it does. Ports may have a range."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        return "has no port"
    is_in_brackets = host.startswith("[") and host.endswith("]")
    if ":" in host and not is_in_brackets:
        return "has too many colons; an IPv6 address stands in brackets"
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", port):
        return "has no port"
    if highest_port and not lowest_port <= int(port) <= highest_port:
        return f"has a port that is not between {lowest_port} and {highest_port}"
    return ""


def find_listener_fault(text: str, lowest_port: int = 0, highest_port: int = _LARGEST_PORT) -> str:
    """Return why a server cannot listen on a text; empty if it can. Ports of a range above 0 have no names."""
    port = text.rpartition(":")[2]
    fault = _find_host_and_port_fault(text, port)
    if fault:
        return fault
    if ":" in text:
        is_chosen_by_go = not port or port in _NAMED_PORTS
        if is_chosen_by_go and not lowest_port:
            return ""
        if port.isidentifier():
            return "names its port, which needs a number"
    return find_address_fault(text, lowest_port, highest_port)


def _find_host_and_port_fault(text: str, port: str) -> str:
    """Return what a text is instead of a host and a port; empty if it may be both."""
    if "://" in text:
        return "is a URL, and a server listens on a host and a port"
    if text.isdecimal():
        return "is a port without a host"
    if "/" in port:
        return "has a path, and a server listens on a host and a port"
    if text.startswith("*:"):
        return "has `*` for a host; all addresses are `0.0.0.0` or `[::]`"
    if any(character.isspace() for character in text):
        return "has white space in its host"
    return ""


def suggest_listening_address(text: str, usual_port: int | None = None, host: str = "0.0.0.0") -> str:
    """Return an address to listen on in place of a wrong text: the host and port that the text has, else usual ones.

    | text | address, with the usual port 4317 |
    |---|---|
    | `localhost` | `localhost:4317` |
    | `9411` | `0.0.0.0:9411` |
    | `http://[::1]:4318/v1` | `[::1]:4318` |
    | `gateway:otlp` | `0.0.0.0:4317`, since a server cannot listen on another machine |
    """
    without_scheme = text.partition("://")[2] or text
    address = without_scheme.partition("/")[0]
    if address.isdecimal():
        own_host, port = "", address
    elif ":" in address and not address.endswith("]"):
        own_host, _colon, port = address.rpartition(":")
    else:
        own_host, port = address, ""
    if ":" in own_host and not own_host.startswith("["):
        own_host = f"[{own_host}]"
    shown_port = port if _is_port(port) else str(usual_port or "PORT")
    return f"{own_host if _can_be_listened_on(own_host) else host}:{shown_port}"


def _is_port(text: str) -> bool:
    """Whether a text is the number of a port; only as many digits are read as a port may have, and one more."""
    return text.isdecimal() and 0 < int(text[: _PORT_DIGITS + 1]) <= _LARGEST_PORT


def _can_be_listened_on(host: str) -> bool:
    """Whether a server can listen on a host: an IP address, a variable or localhost."""
    return host.startswith(("[", "$")) or host == "localhost" or host.replace(".", "").isdecimal()
