# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as configs write them: addresses, and references to environment variables. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

LOCALHOST = "localhost"
ANY_IPV4 = "0.0.0.0"
ANY = ("", ANY_IPV4, "::")
_LARGEST_PORT = 65535
_DIGITS = len(str(_LARGEST_PORT))
_DESTINATION = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*):///?)?(?:[^/\s]*@)?(\[[^\]]*\]|[^:/\s]*)")
# `gateway.monitoring` is a Service and its namespace, `example.com` is not: by the length of the last label.
_SERVICE_AND_NAMESPACE = 2
_LONGEST_USUAL_DOMAIN = 5
_LARGEST_AMOUNT = 1e18
_INSIDE = (".svc", ".local", ".internal", ".localdomain")


def address(endpoint: Any) -> tuple[str, int | None]:
    """Return host and port of `host:port`; no port where it is none, or is known only when the collector runs."""
    host, _colon, digits = str(endpoint).rpartition(":")
    number = int(digits) if digits.isdecimal() and len(digits) <= _DIGITS else 0
    return host.strip("[]"), number if 0 < number <= _LARGEST_PORT else None


def is_loopback(host: str) -> bool:
    """Whether only the same pod or machine reaches a host."""
    return host in (LOCALHOST, "::1") or host.startswith("127.")


def overlap(one: str, two: str) -> bool:
    """Whether two hosts share an address; `0.0.0.0` is every address but those of IPv6, which have colons."""
    one, two = (LOCALHOST if host == "127.0.0.1" else host for host in (one, two))
    if one == two or {one, two} & {"", "::"}:
        return True
    return ANY_IPV4 in (one, two) and not any(":" in host and "$" not in host for host in (one, two))


def destination(endpoint: Any) -> tuple[str, str]:
    """Return scheme and host that an endpoint sends to, each empty where unknown; a variable is unknown."""
    match = _DESTINATION.match(str(endpoint)) if isinstance(endpoint, str) else None
    if match is None:
        return "", ""
    scheme, host = (match[1] or "").lower(), match[2].strip("[]").lower()
    return scheme, "" if "$" in host or scheme == "unix" else host


def is_inside(host: str) -> bool:
    """Whether a host's name is in the cluster or the private network."""
    try:
        return ip_address(host).is_private
    except ValueError:
        labels = host.split(".")
        in_namespace = len(labels) == _SERVICE_AND_NAMESPACE and len(labels[-1]) > _LONGEST_USUAL_DOMAIN
        return len(labels) == 1 or in_namespace or host.endswith(_INSIDE) or ".svc." in host


def amount(text: str) -> float:
    """Return the number in a text, such as a sample of a metric; 0 if it is none or beyond all counts."""
    try:
        number = float(text)
    except ValueError:
        return 0
    return number if abs(number) < _LARGEST_AMOUNT else 0


# `${env:NAME}`, `${env:NAME:-default}` and `${NAME}`; `$$` is a literal dollar.
# Source: confmap/expand.go and confmap/provider/envprovider.
REFERENCE = re.compile(r"\$\$|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(:-(?:[^}$]|\$(?!\{))*)?\}")


def settled(value: Any, known: Mapping[str, str], unknown: str) -> Any:
    """Return a tree in which references are replaced: by what is known, by their default, or by `unknown`."""
    if isinstance(value, dict):
        return {key: settled(item, known, unknown) for key, item in value.items()}
    if isinstance(value, list):
        return [settled(item, known, unknown) for item in value]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        default = unknown if match[2] is None else match[2].removeprefix(":-")
        return known.get(match[1], default)

    return REFERENCE.sub(replaced, value)
