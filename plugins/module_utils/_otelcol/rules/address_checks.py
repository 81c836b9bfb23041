# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of addresses in settings: addresses to dial, addresses to listen on, and URLs. Private.

Each is a key of a row of constraints.json, see constraints.py. The keys, and a row with what it finds:

| key | example of a row | finding |
|---|---|---|
| `port` | `"port": ["endpoint"]` | 'collector' has no port. Write `collector:4317`. |
| `port` | `"port": ["endpoint"], "listens": [0, 65535]` | '2000' is a port without a host. Write `0.0.0.0:2000`. |
| `url` | `"url": ["endpoint"]` | this is not a URL: its port is not a number. Write `http://HOST:PORT`. |

`port` is about an address to dial. With `listens`, it is one to listen on, and its port has to be in that range. With
`absolute`, a URL needs a scheme and a host. The grammar of addresses and URLs is in languages/formats.py.
"""

from __future__ import annotations

import re
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, value_at
from ..languages.go_addresses import (
    extract_dialed_address,
    find_address_fault,
    find_listener_fault,
    suggest_listening_address,
)
from ..languages.go_urls import find_url_fault
from ..needs.no_proxy import parse_address
from .constraints import UNKNOWN_VALUE, ConstraintCheck, RuleFault, RuleFaults
from .given_values import find_texts, split_key
from .rule_definitions import Fault

# The port of OTLP over gRPC, which a fix suggests.
_USUAL_PORT = 4317
# The scheme of a URL with the slashes behind it: `https://`.
_SCHEME = re.compile(r"\A[a-zA-Z][a-zA-Z0-9+.-]*://")
# The end of a text such as `${env:HOST}.example.com`: behind the variable stands a domain, and no port. At least one
# letter, dot or dash tells it from the digits of a port, as in `${env:HOST_AND_COLON}4317`.
_DOMAIN_BEHIND_VARIABLE = re.compile(r"\}(?=[^:/}]*[A-Za-z.-])[A-Za-z0-9.-]+\Z")
# The begin of a target of gRPC that names no host, so that it has no port: `unix:/run/otel.sock`, `xds:///name`. URLs
# of http and https and targets of DNS have hosts. Source: doc/naming.md of github.com/grpc/grpc.
_TARGET_WITHOUT_HOST = re.compile(r"(?:unix|unix-abstract|passthrough|vsock|xds):|(?!https?://|dns:///)[a-z]+://")
# An address of IPv6 in brackets, before a port: `[::1]` of `[::1]:4317`.
_BRACKETED_ADDRESS = re.compile(r"\[[^\]]*\]")


def _find_wrong_addresses(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield the wrong addresses at some keys: of a server in a row with `listens`, else of a client."""
    for key in keys:
        if "listens" in row:
            lowest_port, highest_port = row["listens"]
            for fault_path, address in find_texts([key], settings, path):
                yield from _find_wrong_listener(address, fault_path, lowest_port, highest_port)
        else:
            for fault_path, address in find_texts([key], settings, path):
                yield from _find_wrong_destination(address, fault_path)
            # `find_texts` leaves out texts with a variable.
            key_path = split_key(key)
            yield from _find_variable_without_port(value_at(settings, key_path), (*path, *key_path))


def _find_wrong_listener(address: str, fault_path: Path, lowest_port: int, highest_port: int) -> RuleFaults:
    """Yield an address on which no server can listen. An empty text, the default of Go, is valid if port 0 is."""
    is_default = not address and lowest_port == 0
    fault = "" if is_default else find_listener_fault(address, lowest_port, highest_port)
    if fault:
        yield RuleFault(
            UNKNOWN_VALUE, Fault(fault_path, f"'{address}' {fault}", f"Write `{suggest_listening_address(address)}`.")
        )


def _find_wrong_destination(target: str, fault_path: Path) -> RuleFaults:
    """Yield the target of a gRPC client that it cannot dial."""
    if _TARGET_WITHOUT_HOST.match(target):
        return
    address = extract_dialed_address(target)
    fault = find_address_fault(address) if address else ""
    if fault:
        fix = f"Write `{_suggest_host_and_port(address)}`."
        yield RuleFault(UNKNOWN_VALUE, Fault(fault_path, f"'{target}' {fault}", fix))


def _suggest_host_and_port(address: str) -> str:
    """Return HOST:PORT for an address or a URL, with the usual port if it has none.

    For example, `https://user@a.example:80/v1` becomes `a.example:80`, and `::1` becomes `[::1]:4317`.
    """
    without_scheme = _SCHEME.sub("", address)
    authority = without_scheme.partition("/")[0].rpartition("@")[2]  # a user may stand before the host
    if ":" in authority and parse_address(authority):
        return f"[{authority}]:{_USUAL_PORT}"  # an address of IPv6
    bracketed_address = _BRACKETED_ADDRESS.match(authority)
    host = bracketed_address[0] if bracketed_address else authority.partition(":")[0]
    port = authority.removeprefix(host).removeprefix(":")
    return f"{host}:{port if port.isdigit() else _USUAL_PORT}"


def _find_variable_without_port(address: Any, fault_path: Path) -> RuleFaults:
    """Yield an address to dial that ends with a domain behind a variable: whatever the variable is, no port follows."""
    if isinstance(address, str) and not address.startswith("unix:") and _DOMAIN_BEHIND_VARIABLE.search(address):
        yield RuleFault(
            UNKNOWN_VALUE, Fault(fault_path, f"'{address}' has no port", f"Write `{address}:{_USUAL_PORT}`.")
        )


def _find_wrong_urls(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield the texts at some keys that Go does not parse as a URL, or as an absolute one in a row with `absolute`."""
    for fault_path, text in find_texts(keys, settings, path):
        fault = find_url_fault(text, "absolute" in row)
        if fault:
            yield RuleFault(
                UNKNOWN_VALUE, Fault(fault_path, f"this is not a URL: {fault}", "Write `http://HOST:PORT`.")
            )


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, ConstraintCheck] = {
    "port": _find_wrong_addresses,
    "url": _find_wrong_urls,
}
