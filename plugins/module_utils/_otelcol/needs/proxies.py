# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a Collector reaches through a proxy, by its variables.

With `HTTPS_PROXY=http://proxy:3128` and `NO_PROXY=.svc`, it reaches `backend.example.com:443` through `proxy:3128`, and
`gateway.opentelemetry.svc` itself. The rules on variables and the diagnosis ask this file.

Sources: golang.org/x/net/http/httpproxy in the form that Go's net/http has of it, where names in capital letters come
first; and internal/transport/proxy.go of grpc-go, which asks as for https. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..config.addresses import LOCALHOST
from .no_proxy import is_excepted, parse_address

# The variables by the scheme of the address. gRPC asks as for https, whether it uses TLS or not.
_VARIABLES_BY_SCHEME = {"http": ("HTTP_PROXY", "http_proxy"), "https": ("HTTPS_PROXY", "https_proxy")}
_EXCEPTION_VARIABLES = ("NO_PROXY", "no_proxy")
_USUAL_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_UNKNOWN_PORT = 0


@dataclass(frozen=True)
class Proxy:
    """A proxy that a variable names: `host` and `port`, 0 if the port cannot be read."""

    variable: str
    host: str
    port: int


def find_proxies(variables: Mapping[str, str]) -> list[Proxy]:
    """Return the proxies that variables name, each address once, with the first variable that names it."""
    proxy_by_address: dict[tuple[str, int], Proxy] = {}
    for names in _VARIABLES_BY_SCHEME.values():
        for proxy in _find_named_proxies(names, variables):
            proxy_by_address.setdefault((proxy.host, proxy.port), proxy)
    return list(proxy_by_address.values())


def find_proxy_for(host: str, port: int, scheme: str, variables: Mapping[str, str]) -> Proxy | None:
    """Return the proxy through which a Collector reaches an address; None if it connects itself."""
    no_proxy = next((variables[name] for name in _EXCEPTION_VARIABLES if variables.get(name)), "")
    if _is_own_machine(host) or is_excepted(no_proxy, host, port):
        return None
    names = _VARIABLES_BY_SCHEME["http" if scheme == "http" else "https"]
    return next(_find_named_proxies(names, variables), None)


def _is_own_machine(host: str) -> bool:
    """Return whether a host is one that Go never asks a proxy for."""
    address = parse_address(host)
    return host == LOCALHOST or (address is not None and address.is_loopback)


def _find_named_proxies(names: Iterable[str], variables: Mapping[str, str]) -> Iterator[Proxy]:
    """Yield the proxy of each of these variables that names one."""
    for name in names:
        proxy = _parse_proxy(name, variables.get(name, ""))
        if proxy:
            yield proxy


def _parse_proxy(variable: str, value: str) -> Proxy | None:
    """Return the proxy in the value of a variable; None if it names none, or is known only when the pod runs.

        proxy:3128            →  host proxy, port 3128
        https://proxy         →  host proxy, port 443
        http://proxy:abc      →  host proxy, port 0: Go takes the word before the colon for the host

    `${NAME}` in a value is a variable of the pod.
    """
    if not value or "${" in value:
        return None
    try:
        url_parts = urlsplit(value if "://" in value else f"http://{value}")
        port = url_parts.port
    except ValueError:
        return Proxy(variable, _cut_host(value), _UNKNOWN_PORT)
    return Proxy(variable, url_parts.hostname or "", port or _USUAL_PORTS.get(url_parts.scheme, _UNKNOWN_PORT))


def _cut_host(value: str) -> str:
    """Return the host of an address that cannot be read, without a login and a port that is no number.

    http://me@proxy:abc/path  →  proxy
    """
    authority = value.rpartition("://")[2].partition("/")[0].rpartition("@")[2]
    return authority if authority.startswith("[") else authority.partition(":")[0]


def join_proxy_exceptions(hosts: Iterable[str]) -> str:
    """Return a value of NO_PROXY with the cluster, the own machine and these hosts: no proxy is used for them."""
    cluster_suffixes = (".svc", ".cluster.local")
    exceptions = dict.fromkeys((*cluster_suffixes, LOCALHOST, "127.0.0.1"))
    for host in hosts:
        if not host.endswith(cluster_suffixes):
            exceptions[host] = None
    return ",".join(exceptions)
