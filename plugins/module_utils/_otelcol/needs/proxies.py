# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a Collector reaches through a proxy, by its variables.

Sources: golang.org/x/net/http/httpproxy, and internal/transport/proxy.go of grpc-go, which asks as for https. Private.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from ..config.paths import is_loopback

# The variables by the scheme of the address. gRPC asks as for https, whether it uses TLS or not.
_VARIABLES = {"http": ("HTTP_PROXY", "http_proxy"), "https": ("HTTPS_PROXY", "https_proxy")}
_EXCEPTIONS = ("NO_PROXY", "no_proxy")
_USUAL_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_OF_CLUSTER = (".svc", ".cluster.local")
_BRACKETED = re.compile(r"\[([^\[\]]*)\]:(.*)\Z")


@dataclass(frozen=True)
class Proxy:
    """A proxy that a variable names: `host` and `port`, 0 if the port cannot be read."""

    variable: str
    host: str
    port: int


def proxies(variables: Mapping[str, str]) -> list[Proxy]:
    """Return the proxies that variables name: for each address the first one, where the last one stood."""
    by_address: dict[tuple[str, int], Proxy] = {}
    for names in _VARIABLES.values():
        for proxy in _named_proxies(names, variables):
            place = (proxy.host, proxy.port)
            by_address[place] = by_address.pop(place, proxy)  # removed and added, so it moves to the end
    return list(by_address.values())


def proxy_for(host: str, port: int, scheme: str, variables: Mapping[str, str]) -> Proxy | None:
    """Return the proxy through which a Collector reaches an address; None if it connects itself."""
    if is_loopback(host) or is_excepted(host, port, variables):
        return None
    names = _VARIABLES["http" if scheme == "http" else "https"]
    return next(_named_proxies(names, variables), None)


def _named_proxies(names: Iterable[str], variables: Mapping[str, str]) -> Iterator[Proxy]:
    """Yield the proxy of each of these variables that names one."""
    for name in names:
        proxy = _proxy(name, variables.get(name, ""))
        if proxy:
            yield proxy


def _proxy(variable: str, value: str) -> Proxy | None:
    """Return the proxy in the value of a variable; None if it names none, or is known only when the pod runs."""
    if not value or "${" in value:
        return None
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
    except ValueError:  # no URL: the Collector refuses it itself
        return None
    host = parts.hostname or ""
    try:
        port = parts.port
    except ValueError:  # the port is no number: the Collector refuses it itself
        return Proxy(variable, host, 0)
    return Proxy(variable, host, port or _USUAL_PORTS.get(parts.scheme, 0))


def is_excepted(host: str, port: int, variables: Mapping[str, str]) -> bool:
    """Return whether NO_PROXY names an address. A network matches a written address alone, and no name."""
    exceptions = next((variables[name] for name in _EXCEPTIONS if variables.get(name)), "")
    name = host.rstrip(".").lower()
    for entry in exceptions.split(","):
        exception = entry.strip().lower()
        if exception and _matches(exception, name, port):
            return True
    return False


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY means an address: `*`, a network, an address, or a name and what ends with it."""
    if entry == "*":
        return True
    if "/" in entry:
        return _is_in_network(entry, host)
    written_host, written_port = _split_port(entry)
    if not written_host or written_port not in ("", str(port)):
        return False
    written_address = _ip_address(written_host)
    if written_address is not None:
        return written_address == _ip_address(host)
    return _is_name_or_below(written_host, host)


def _split_port(entry: str) -> tuple[str, str]:
    """Return the host and the port of an entry; the whole entry and an empty text if it has no port."""
    bracketed = _BRACKETED.match(entry)
    if bracketed:
        return bracketed[1], bracketed[2]
    if entry.count(":") == 1:
        host, _colon, port = entry.partition(":")
        return host, port
    return entry, ""


def _is_name_or_below(written: str, host: str) -> bool:
    """Whether a host has a written name, or one below it; a name with a dot before it, or `*.`, means those below."""
    domain = written[1:] if written.startswith("*.") else written
    if domain.startswith("."):
        return host.endswith(domain)
    return host == domain or host.endswith(f".{domain}")


def _is_in_network(network: str, host: str) -> bool:
    """Whether a host is an address in a network."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _ip_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a text is; None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def proxy_exceptions(hosts: Iterable[str]) -> str:
    """Return the value of NO_PROXY that excepts the cluster and some hosts of it."""
    exceptions = dict.fromkeys((*_OF_CLUSTER, "localhost", "127.0.0.1"))
    for host in hosts:
        if not host.endswith(_OF_CLUSTER):
            exceptions[host] = None
    return ",".join(exceptions)
