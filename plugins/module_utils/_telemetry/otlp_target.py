# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a probe is sent, read from the endpoint that a user gives. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

GRPC, HTTP, XRAY = "grpc", "http/protobuf", "xray"
# The port of each protocol. Sources: the OTLP specification, and the developer guide of AWS X-Ray for the daemon.
PORTS = {GRPC: 4317, HTTP: 4318, XRAY: 2000}


class OtlpTarget(NamedTuple):
    """A receiver: its protocol and address, and the headers and TLS files that it asks for.

    `path` has no slash at its end. `tls` has the options of the module: `ca_file`, `cert_file`, `key_file`, `insecure`.
    """

    protocol: str
    scheme: str
    host: str
    port: int
    path: str
    headers: Mapping[str, str]
    tls: Mapping[str, Any]

    @classmethod
    def of(cls, endpoint: str, protocol: str, headers: Mapping[str, str], tls: Mapping[str, Any]) -> OtlpTarget:
        """Return the target of an endpoint, which is a URL or `HOST:PORT`; the port may be missing."""
        parts = _parts(endpoint, tls)
        host, port = parts.hostname or "", parts.port or PORTS[protocol]
        return cls(protocol, parts.scheme, host, port, parts.path.rstrip("/"), headers, tls)

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


def usual_protocol(endpoint: str) -> str:
    """Return the protocol of an endpoint for which the user names none."""
    is_url = endpoint.lower().startswith("http")
    return HTTP if is_url and f":{PORTS[GRPC]}" not in endpoint else GRPC


def _parts(endpoint: str, tls: Mapping[str, Any]) -> SplitResult:
    """Return the parts of an endpoint. One without a scheme gets that of its TLS options."""
    if "://" in endpoint:
        return urlsplit(endpoint)
    scheme = "https" if _asks_for_tls(tls) else "http"
    return urlsplit(f"{scheme}://{endpoint}")


def _asks_for_tls(tls: Mapping[str, Any]) -> bool:
    """Return whether TLS options ask for TLS: as `insecure` says, otherwise if they name a certificate."""
    if tls.get("insecure") is not None:
        return not tls["insecure"]
    return bool(tls.get("ca_file") or tls.get("cert_file"))
