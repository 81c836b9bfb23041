# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a probe is sent, read from the endpoint that a user gives. Private.

probe_task.py calls `OtlpTarget.from_endpoint`. For example, the endpoint `https://gateway.example` becomes
`OtlpTarget(protocol="http/protobuf", scheme="https", host="gateway.example", port=4318, path="", …)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from .._otelcol.errors import Problem, strip_credentials

# The protocols, as option `protocol` has them. OTLP over gRPC and over HTTP, and segments of X-Ray over UDP.
GRPC = "grpc"
HTTP = "http/protobuf"
XRAY = "xray"
# The port of each protocol. Sources: the OTLP specification, and the developer guide of AWS X-Ray for the daemon.
PORTS_OF_PROTOCOLS = {GRPC: 4317, HTTP: 4318, XRAY: 2000}
_LONGEST_LABEL = 63
_WRONG_PORT = "has a port that is no number from 1 to 65535"
_URL_STARTS = ("http://", "https://")


class OtlpTarget(NamedTuple):
    """A receiver: its protocol and address, and the headers and TLS files that it asks for."""

    protocol: str
    """GRPC, HTTP or XRAY."""
    scheme: str
    """`https` if TLS is spoken, also over gRPC; else `http`, or what the user gives."""
    host: str
    """A name or an address, an IPv6 address without brackets."""
    port: int
    path: str
    """Without a slash at its end; empty without one."""
    headers: Mapping[str, str]
    tls_options: Mapping[str, Any]
    """The options of the module: `ca_file`, `cert_file`, `key_file`, `insecure`."""

    @classmethod
    def from_endpoint(
        cls, endpoint: str, protocol: str | None, headers: Mapping[str, str], tls: Mapping[str, Any]
    ) -> OtlpTarget:
        """Return the target of an endpoint, which is a URL or `HOST:PORT`; the port may be missing.

        Without a protocol it is OTLP: over HTTP for a URL of HTTP, unless it has the port of gRPC, else over gRPC.
        Raises Problem for an endpoint that no receiver can have.
        """
        try:
            url_parts = _split_endpoint(endpoint, tls)
        except ValueError as error:
            raise _build_problem(endpoint, "is no address") from error
        host = url_parts.hostname or ""
        _check_host(endpoint, host)
        given_port = _read_given_port(endpoint, url_parts)
        chosen_protocol = protocol or _choose_usual_protocol(endpoint, given_port)
        port = given_port or PORTS_OF_PROTOCOLS[chosen_protocol]
        return cls(chosen_protocol, url_parts.scheme, host, port, url_parts.path.rstrip("/"), headers, tls)

    @property
    def address(self) -> str:
        """Return `HOST:PORT`, with an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address with its scheme and path."""
        return f"{self.scheme}://{self.address}{self.path}"

    @property
    def is_secure(self) -> bool:
        """Return whether TLS is spoken."""
        return self.scheme == "https"


def _split_endpoint(endpoint: str, tls: Mapping[str, Any]) -> SplitResult:
    """Return the parts of an endpoint. One without a scheme gets that of its TLS options. Raises ValueError."""
    if "://" in endpoint:
        return urlsplit(endpoint)
    scheme = "https" if _asks_for_tls(tls) else "http"
    return urlsplit(f"{scheme}://{endpoint}")


def _choose_usual_protocol(endpoint: str, port: int | None) -> str:
    is_url_of_http = endpoint.lower().startswith(_URL_STARTS)
    return HTTP if is_url_of_http and port != PORTS_OF_PROTOCOLS[GRPC] else GRPC


def _asks_for_tls(tls: Mapping[str, Any]) -> bool:
    """Return whether TLS options ask for TLS: as `insecure` says, otherwise if they name a certificate."""
    if tls.get("insecure") is not None:
        return not tls["insecure"]
    return bool(tls.get("ca_file") or tls.get("cert_file"))


def _read_given_port(endpoint: str, url_parts: SplitResult) -> int | None:
    """Return the port that an endpoint names; None if it names none. Raises Problem for one that does not exist."""
    try:
        port = url_parts.port
    except ValueError as error:
        raise _build_problem(endpoint, _WRONG_PORT) from error
    if port == 0:
        raise _build_problem(endpoint, _WRONG_PORT)
    return port


def _check_host(endpoint: str, host: str) -> None:
    """Raise Problem for a host that no server of DNS can know. Source of the length of its parts: RFC 1035, 2.3.4."""
    if not host:
        raise _build_problem(endpoint, "names no host")
    for label in host.removesuffix(".").split("."):
        if not label:
            raise _build_problem(endpoint, "has an empty part between the dots of its host")
        if len(label) > _LONGEST_LABEL:
            raise _build_problem(
                endpoint, f"has a part of more than {_LONGEST_LABEL} characters between the dots of its host"
            )


def _build_problem(endpoint: str, wrong: str) -> Problem:
    """Return what is wrong with an endpoint, without the login and the query that it may have."""
    shown_endpoint = (
        strip_credentials(endpoint) if "://" in endpoint else strip_credentials(f"://{endpoint}").removeprefix("://")
    )
    return Problem(f"`endpoint` '{shown_endpoint}' {wrong}", asked="Send a probe", fix="Write `HOST:PORT`, or a URL.")
