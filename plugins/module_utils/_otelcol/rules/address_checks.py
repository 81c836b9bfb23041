# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the addresses in settings of components: addresses to dial, addresses to listen on, and URLs. Private.

A row of constraints.json asks for these checks by the keys `port` and `url`, which `OF_GIVEN` maps to functions. See
constraints.py for the form of rows and checks. A row with `port` may also have `listens`: the lowest and the highest
port on which the component listens. Without `listens`, the component dials the address.
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
from .constraints import WORD, Check, RuleFaults, find_texts, split_key
from .subject import Fault

# The port of OTLP over gRPC, which a fix suggests.
_USUAL_PORT = 4317
_SCHEME = re.compile(r"\A[a-zA-Z][a-zA-Z0-9+.-]*://")
# A text that ends with a domain behind a variable, such as `${env:HOST}.example.com`: it has no port.
_ENDS_WITH_HOST = re.compile(r"\}(?=[^:/}]*[A-Za-z.-])[A-Za-z0-9.-]+\Z")
# Targets of gRPC that name no host, so that they have no port. Source: doc/naming.md of github.com/grpc/grpc.
_NEEDS_NO_PORT = re.compile(r"(?:unix|unix-abstract|passthrough|vsock|xds):|(?!https?://|dns:///)[a-z]+://")
_IN_BRACKETS = re.compile(r"\[[^\]]*\]")


def _find_wrong_addresses(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield the wrong addresses at some keys of a component's settings, which are at `path` of the config."""
    for key in keys:
        if "listens" in row:
            for fault_path, address in find_texts([key], settings, path):
                yield from _find_wrong_listener(address, fault_path, row["listens"])
        else:
            for fault_path, address in find_texts([key], settings, path):
                yield from _find_wrong_destination(address, fault_path)
            key_path = split_key(key)
            yield from _find_variable_without_port(value_at(settings, key_path), (*path, *key_path))


def _find_wrong_listener(address: str, fault_path: Path, ports: list[int]) -> RuleFaults:
    """Yield an address on which no server can listen. An empty text is valid if port 0 is."""
    is_default = not address and not ports[0]
    fault = "" if is_default else find_listener_fault(address, *ports)
    if fault:
        yield WORD, Fault(fault_path, f"'{address}' {fault}", f"Write `{suggest_listening_address(address)}`.")


def _find_wrong_destination(text: str, fault_path: Path) -> RuleFaults:
    """Yield an address that no client can dial."""
    if _NEEDS_NO_PORT.match(text):
        return
    address = extract_dialed_address(text)
    fault = find_address_fault(address) if address else ""
    if fault:
        yield WORD, Fault(fault_path, f"'{text}' {fault}", f"Write `{_suggest_host_and_port(address)}`.")


def _suggest_host_and_port(address: str) -> str:
    """Return HOST:PORT for an address or a URL, with the usual port if it has none."""
    without_scheme = _SCHEME.sub("", address)
    authority = without_scheme.partition("/")[0].rpartition("@")[2]  # a user may stand before the host
    if ":" in authority and parse_address(authority):
        return f"[{authority}]:{_USUAL_PORT}"  # an address of IPv6
    bracket_match = _IN_BRACKETS.match(authority)
    host = bracket_match[0] if bracket_match else authority.partition(":")[0]
    port = authority.removeprefix(host).removeprefix(":")
    return f"{host}:{port if port.isdigit() else _USUAL_PORT}"


def _find_variable_without_port(address: Any, fault_path: Path) -> RuleFaults:
    """Yield an address to dial that ends with a domain behind a variable, so that no port follows."""
    if isinstance(address, str) and not address.startswith("unix:") and _ENDS_WITH_HOST.search(address):
        yield WORD, Fault(fault_path, f"'{address}' has no port", f"Write `{address}:{_USUAL_PORT}`.")


def _find_wrong_urls(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield the texts at some keys that Go does not parse as a URL, or as an absolute one if the row says so."""
    for fault_path, text in find_texts(keys, settings, path):
        fault = find_url_fault(text, "absolute" in row)
        if fault:
            yield WORD, Fault(fault_path, f"this is not a URL: {fault}", "Write `http://HOST:PORT`.")


# The checks by the keys of rows. They find nothing if the settings have none of the keys that a row lists.
OF_GIVEN: dict[str, Check] = {"port": _find_wrong_addresses, "url": _find_wrong_urls}
