# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of addresses: those that a client dials, those that a server listens on, and URLs.

Each is a key of a row of constraints.json, see constraints.py. Private.
"""

from __future__ import annotations

import re
from typing import Any

from ..catalogue.rows import Row
from ..config.paths import Path, value_at
from ..languages.formats import (
    extract_dialed_address,
    find_address_fault,
    find_listener_fault,
    find_url_fault,
    suggest_listening_address,
)
from ..needs.no_proxy import parse_address
from .constraints import WORD, Check, RuleFaults, find_texts, split_key
from .subject import Fault

_USUAL_PORT = 4317
_SCHEME = re.compile(r"\A[a-zA-Z][a-zA-Z0-9+.-]*://")
# A variable may bring scheme, host and port; a domain after the last one has none.
_ENDS_WITH_HOST = re.compile(r"\}(?=[^:/}]*[A-Za-z.-])[A-Za-z0-9.-]+\Z")
# Targets of gRPC that are no host. Source: doc/naming.md of github.com/grpc/grpc.
_NEEDS_NO_PORT = re.compile(r"(?:unix|unix-abstract|passthrough|vsock|xds):|(?!https?://|dns:///)[a-z]+://")
_IN_BRACKETS = re.compile(r"\[[^\]]*\]")


def _find_wrong_addresses(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield addresses without a port; a row's `listens` has the ports that a server takes, which knows no scheme."""
    for key in keys:
        for fault_path, text in find_texts([key], settings, path):
            if "listens" in row:
                yield from _find_wrong_listener(text, fault_path, row["listens"])
            else:
                yield from _find_wrong_destination(text, fault_path)
        if "listens" not in row:
            yield from _find_variable_without_port(value_at(settings, split_key(key)), (*path, *split_key(key)))


def _find_wrong_listener(address: str, fault_path: Path, ports: list[int]) -> RuleFaults:
    """Yield an address that no server listens on; an empty text is refused where 0 is no port."""
    is_default = not address and not ports[0]
    fault = "" if is_default else find_listener_fault(address, *ports)
    if fault:
        yield WORD, Fault(fault_path, f"'{address}' {fault}", f"Write `{suggest_listening_address(address)}`.")


def _find_wrong_destination(text: str, fault_path: Path) -> RuleFaults:
    """Yield an address that no client dials."""
    if _NEEDS_NO_PORT.match(text):
        return
    address = extract_dialed_address(text)
    fault = find_address_fault(address) if address else ""
    if fault:
        yield WORD, Fault(fault_path, f"'{text}' {fault}", f"Write `{_suggest_host_and_port(address)}`.")


def _suggest_host_and_port(address: str) -> str:
    """Return the host of an address, or of a URL, with its port; with the usual one if it has none."""
    authority = _SCHEME.sub("", address).partition("/")[0].rpartition("@")[2]  # a URL may begin with a user
    if ":" in authority and parse_address(authority):
        return f"[{authority}]:{_USUAL_PORT}"  # an address of IPv6
    bracket_match = _IN_BRACKETS.match(authority)
    host = bracket_match[0] if bracket_match else authority.partition(":")[0]
    port = authority.removeprefix(host).removeprefix(":")
    return f"{host}:{port if port.isdigit() else _USUAL_PORT}"


def _find_variable_without_port(address: Any, fault_path: Path) -> RuleFaults:
    """Yield an address to dial that begins with a variable, and ends with a domain instead of a port."""
    if isinstance(address, str) and not address.startswith("unix:") and _ENDS_WITH_HOST.search(address):
        yield WORD, Fault(fault_path, f"'{address}' has no port", f"Write `{address}:{_USUAL_PORT}`.")


def _find_wrong_urls(keys: list[str], settings: Any, path: Path, row: Row) -> RuleFaults:
    """Yield texts that Go does not read as a URL."""
    for fault_path, text in find_texts(keys, settings, path):
        fault = find_url_fault(text, "absolute" in row)
        if fault:
            yield WORD, Fault(fault_path, f"this is not a URL: {fault}", "Write `http://HOST:PORT`.")


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {"port": _find_wrong_addresses, "url": _find_wrong_urls}
