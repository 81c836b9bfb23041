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
from ..config.paths import Path, at
from ..languages.formats import broken_address, broken_listener, broken_url, dialed_address, listening_address
from ..needs.no_proxy import written_address
from .constraints import WORD, Check, Found, key_steps, texts_at
from .subject import Fault

_USUAL_PORT = 4317
_SCHEME = re.compile(r"\A[a-zA-Z][a-zA-Z0-9+.-]*://")
# A variable may bring scheme, host and port; a domain after the last one has none.
_ENDS_WITH_HOST = re.compile(r"\}(?=[^:/}]*[A-Za-z.-])[A-Za-z0-9.-]+\Z")
# Targets of gRPC that are no host. Source: doc/naming.md of github.com/grpc/grpc.
_NEEDS_NO_PORT = re.compile(r"(?:unix|unix-abstract|passthrough|vsock|xds):|(?!https?://|dns:///)[a-z]+://")
_IN_BRACKETS = re.compile(r"\[[^\]]*\]")


def _wrong_addresses(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield addresses without a port; a row's `listens` has the ports that a server takes, which knows no scheme."""
    for key in keys:
        for place, text in texts_at([key], settings, path):
            if "listens" in row:
                yield from _wrong_listener(text, place, row["listens"])
            else:
                yield from _wrong_destination(text, place)
        if "listens" not in row:
            yield from _variable_without_port(at(settings, key_steps(key)), (*path, *key_steps(key)))


def _wrong_listener(address: str, place: Path, ports: list[int]) -> Found:
    """Yield an address that no server listens on; an empty text is refused where 0 is no port."""
    is_default = not address and not ports[0]
    why = "" if is_default else broken_listener(address, *ports)
    if why:
        yield WORD, Fault(place, f"'{address}' {why}", f"Write `{listening_address(address)}`.")


def _wrong_destination(text: str, place: Path) -> Found:
    """Yield an address that no client dials."""
    if _NEEDS_NO_PORT.match(text):
        return
    address = dialed_address(text)
    why = broken_address(address) if address else ""
    if why:
        yield WORD, Fault(place, f"'{text}' {why}", f"Write `{_host_and_port(address)}`.")


def _host_and_port(address: str) -> str:
    """Return the host of an address, or of a URL, with its port; with the usual one if it has none."""
    place = _SCHEME.sub("", address).partition("/")[0].rpartition("@")[2]  # a URL may begin with a user
    if ":" in place and written_address(place):
        return f"[{place}]:{_USUAL_PORT}"  # an address of IPv6
    in_brackets = _IN_BRACKETS.match(place)
    host = in_brackets[0] if in_brackets else place.partition(":")[0]
    port = place.removeprefix(host).removeprefix(":")
    return f"{host}:{port if port.isdigit() else _USUAL_PORT}"


def _variable_without_port(whole: Any, place: Path) -> Found:
    """Yield an address to dial that begins with a variable, and ends with a domain instead of a port."""
    if isinstance(whole, str) and not whole.startswith("unix:") and _ENDS_WITH_HOST.search(whole):
        yield WORD, Fault(place, f"'{whole}' has no port", f"Write `{whole}:{_USUAL_PORT}`.")


def _wrong_urls(keys: list[str], settings: Any, path: Path, row: Row) -> Found:
    """Yield texts that Go does not read as a URL."""
    for place, text in texts_at(keys, settings, path):
        why = broken_url(text, "absolute" in row)
        if why:
            yield WORD, Fault(place, f"this is not a URL: {why}", "Write `http://HOST:PORT`.")


# These find nothing where none of their keys is given.
OF_GIVEN: dict[str, Check] = {"port": _wrong_addresses, "url": _wrong_urls}
