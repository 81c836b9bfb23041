# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that applications send OTLP to. Private.

`exports.py` chooses the endpoint of each language: one that the user wrote, or that of a collector. Example:
`http://agent:4318` has the host `agent`, which means a Service of that name in the namespace of each application.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, TypedDict
from urllib.parse import SplitResult, urlsplit

from .._otelcol.errors import Problem
from .._otelcol.kube.service_names import resolve_service
from .sdk_languages import GRPC, HTTP, PROTOCOL_BY_PORT

# The port that a URL without a port has; exporters of OTLP need one with http.
_SCHEME_PORTS = {"https": 443}
# The end of a URL behind its path, such as `?tenant=a#x`.
_QUERY_OR_FRAGMENT = re.compile(r"[?#].*", re.DOTALL)
# The end of a URL that is for one signal alone, such as `/v1/traces`.
_SIGNAL_PATH = re.compile(r"/v1/(traces|metrics|logs)/?\Z")
# A host such as `[$(OTEL_NODE_IP)]` is the address of a node in an IPv6 cluster. Kubernetes fills it in. Python takes
# only addresses in brackets, so it is parsed with any address in its place.
_BRACKETED_VARIABLE = re.compile(r"\[\$\([A-Za-z_]\w*\)\]")
_ANY_IPV6 = "[::]"
# The address that messages give as an example.
_EXAMPLE = "http://gateway.opentelemetry.svc:4318"


class CollectorOptions(TypedDict, total=False):
    """The collector that receives the telemetry. It is empty if the user gives an endpoint instead."""

    name: str
    namespace: str
    http_port: int
    grpc_port: int


class MeantService(NamedTuple):
    """The namespace and the name of a Service."""

    namespace: str
    name: str


@dataclass(frozen=True)
class ExportEndpoint:
    """An address that applications send OTLP to."""

    url: str
    """The address as the user wrote it."""
    scheme: str
    """`http` or `https`."""
    host: str
    """The host as it stands in the address, with the brackets of an IPv6 address."""
    port: int
    path: str
    """The path without a slash at its end."""

    @property
    def expected_protocol(self) -> str:
        """The protocol to which OTLP has given the port; an empty text for any other port."""
        return PROTOCOL_BY_PORT.get(self.port, "")

    def list_meant_services(self, namespaces: tuple[str, ...]) -> list[MeantService]:
        """Return the Services that the host means, each once; none if it is not the name of a Service.

        A name without a namespace, such as `agent`, means a Service in each of these namespaces.
        """
        services: dict[MeantService, None] = {}
        for namespace in namespaces or ("",):
            service = resolve_service(self.host, namespace)
            if service.namespace and service.is_certain:
                services[MeantService(service.namespace, service.name)] = None
        return list(services)


def parse_endpoint(url: str) -> ExportEndpoint:
    """Return the endpoint of a URL. Raises Problem for a URL that no exporter could use, or that has a password.

    An `@` in any part of the URL counts as a sign of a password, because a password may have `/`, `?` or `#`. Messages
    do not show the part after `?` or `#`, which may be a token.
    """
    if "@" in url:
        fix = "Leave out all up to the @, and give user and password as headers, from a Secret in `env`."
        raise Problem("the endpoint has an @, so a user or a password in it", fix=fix)
    address = _QUERY_OR_FRAGMENT.sub("", url)
    try:
        parts = urlsplit(_BRACKETED_VARIABLE.sub(_ANY_IPV6, url))
        written_port = parts.port
    except ValueError as error:  # also of `parts.port`, for a port that is no number
        raise Problem(f"the endpoint '{address}' is not a URL ({error})", fix=f"Write it like {_EXAMPLE}.") from error
    # The port is 0 for `:0`, which no exporter can use.
    port = _SCHEME_PORTS.get(parts.scheme, 0) if written_port is None else written_port
    _check_base_address(address, parts, port)
    host = _cut_host(url, has_port=bool(written_port))
    return ExportEndpoint(url, parts.scheme, host, port, parts.path.rstrip("/"))


def _check_base_address(address: str, parts: SplitResult, port: int) -> None:
    """Raise Problem for an address to which exporters cannot append the path of a signal. Messages show `address`."""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        wrong = f"the endpoint '{address}' is not an http:// or https:// URL"
        raise Problem(wrong, fix=f"Write it like {_EXAMPLE}, for gRPC too.")
    if not port:
        raise Problem(f"'{address}' has no port", fix="Write it: 4318 is OTLP over HTTP, 4317 OTLP over gRPC.")
    if parts.query or parts.fragment or _SIGNAL_PATH.search(parts.path):
        wrong = f"'{address}' is not a base address"
        raise Problem(wrong, fix="Leave out /v1/traces and all after it; exporters append the signal's path.")


def _cut_host(url: str, *, has_port: bool) -> str:
    """Return the host as it stands in a URL, such as `[$(OTEL_NODE_IP)]` of `http://[$(OTEL_NODE_IP)]:4318/a`.

    A parsed URL does not have it: there, an address stands in place of the variable, and no brackets.
    """
    host_and_port = url.partition("://")[2].partition("/")[0]
    return host_and_port.rpartition(":")[0] if has_port else host_and_port


def build_collector_endpoint(
    options: CollectorOptions, namespace: str, protocol: str, *, secure: bool
) -> ExportEndpoint:
    """Return the address of a collector's Service, at its port for a protocol.

    `namespace` is that of the Instrumentation, which counts if the options name none.
    """
    scheme = "https" if secure else "http"
    port = {HTTP: options["http_port"], GRPC: options["grpc_port"]}[protocol]
    host = f"{options['name']}.{options.get('namespace') or namespace}.svc"
    return parse_endpoint(f"{scheme}://{host}:{port}")
