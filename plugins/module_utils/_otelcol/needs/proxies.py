# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a Collector reaches through a proxy, by its variables.

Sources: golang.org/x/net/http/httpproxy, and internal/transport/proxy.go of grpc-go, which asks as for https. Private.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..config.paths import address, is_loopback

# The variables by the scheme of the address. gRPC asks as for https, whether it uses TLS or not.
_VARIABLES = {"http": ("HTTP_PROXY", "http_proxy"), "https": ("HTTPS_PROXY", "https_proxy")}
_EXCEPTIONS = ("NO_PROXY", "no_proxy")
_USUAL_PORTS = {"http": 80, "https": 443, "socks5": 1080}


@dataclass(frozen=True)
class Proxy:
    """A proxy that a variable names: `host` and `port`, 0 if the port cannot be read."""

    variable: str
    host: str
    port: int


def proxies(variables: Mapping[str, str]) -> list[Proxy]:
    """Return the proxies that variables name, one for each address."""
    found = [_proxy(name, variables.get(name, "")) for names in _VARIABLES.values() for name in names]
    return list({(proxy.host, proxy.port): proxy for proxy in reversed([*filter(None, found)])}.values())[::-1]


def proxy_for(host: str, port: int, scheme: str, variables: Mapping[str, str]) -> Proxy | None:
    """Return the proxy through which a Collector reaches an address; None if it connects itself."""
    names = _VARIABLES["http" if scheme == "http" else "https"]
    proxy = next(filter(None, (_proxy(name, variables.get(name, "")) for name in names)), None)
    if proxy is None or is_loopback(host) or is_excepted(host, port, variables):
        return None
    return proxy


def is_excepted(host: str, port: int, variables: Mapping[str, str]) -> bool:
    """Return whether NO_PROXY names an address. A network matches a written address alone, and no name."""
    given = next((variables[name] for name in _EXCEPTIONS if variables.get(name)), "")
    entries = [entry.strip().lower() for entry in given.split(",")]
    return any(_matches(entry, host.rstrip(".").lower(), port) for entry in entries if entry)


def _proxy(variable: str, value: str) -> Proxy | None:
    if not value or "${" in value:
        return None
    parts = urlsplit(value if "://" in value else f"http://{value}")
    try:
        return Proxy(variable, parts.hostname or "", parts.port or _USUAL_PORTS.get(parts.scheme, 0))
    except ValueError:  # the port is no number: the Collector refuses it itself
        return Proxy(variable, parts.hostname or "", 0)


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _is_in(entry, host)
    name, number = address(entry) if entry.count(":") == 1 or entry.startswith("[") else (entry, None)
    if number not in (None, port):
        return False
    name = name.strip("[]").removeprefix("*")
    return host == name or host.endswith(name if name.startswith(".") else f".{name}")


def _is_in(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def proxy_exceptions(hosts: Iterable[str]) -> str:
    """Return the value of NO_PROXY that excepts the cluster and some hosts of it."""
    domains = (".svc", ".cluster.local", "localhost", "127.0.0.1")
    return ",".join(dict.fromkeys([*domains, *(host for host in hosts if not host.endswith(domains[:2]))]))
