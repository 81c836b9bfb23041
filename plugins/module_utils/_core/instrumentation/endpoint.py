# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where applications send to: the form of an endpoint, its protocol, and the Service behind it. Private."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import Problem
from .languages import GRPC, HTTP, PORTS

_SCHEME_PORTS = {"https": 443}
_SIGNAL_PATH = re.compile(r"/v1/(traces|metrics|logs)/?\Z")
# Sidecars, and what the kubelet puts in when the pod starts (opentelemetry-operator: OTEL_NODE_IP, OTEL_POD_IP).
_NOT_IN_DNS = re.compile(r"localhost\Z|\$\(|[\d.]+\Z|.*:")
_EXAMPLE = "http://gateway.opentelemetry.svc:4318"


@dataclass(frozen=True)
class Endpoint:
    """An address that applications send OTLP to."""

    url: str
    scheme: str
    host: str
    port: int
    path: str

    @property
    def expected(self) -> str:
        """The protocol that the port says, or nothing; the two ports are OTLP's own."""
        return PORTS.get(self.port, "")

    def services(self, namespaces: tuple[str, ...]) -> list[tuple[str, str]]:
        """Return namespace and name of the Services that it means; of a bare name, one in each of these namespaces."""
        if _NOT_IN_DNS.match(self.host):
            return []
        name, *rest = self.host.split(".")
        if not rest:
            return [(namespace, name) for namespace in namespaces]
        return [(rest[0], name)] if len(rest) > 1 and rest[1] == "svc" else []


def parse(url: str) -> Endpoint:
    """Return an endpoint. Raises Problem for what no exporter could use, or for a password in it."""
    try:
        parts = urlsplit(url)
        port = parts.port or _SCHEME_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise Problem(f"'{url}' is no URL ({error})", fix=f"Write it like {_EXAMPLE}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Problem(f"'{url}' is no http:// or https:// URL", fix=f"Write it like {_EXAMPLE}, for gRPC too.")
    if "@" in parts.netloc:
        raise Problem(
            "the endpoint has a user or a password in it", fix="Give them as headers, from a Secret in `env`."
        )
    if not port:
        raise Problem(f"'{url}' has no port", fix="Write it: 4318 is OTLP over HTTP, 4317 OTLP over gRPC.")
    if parts.query or parts.fragment or _SIGNAL_PATH.search(parts.path):
        raise Problem(
            f"'{url}' is no base address",
            fix="Leave out /v1/traces and all after it; exporters append the signal's path.",
        )
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    return Endpoint(url, parts.scheme, host, port, parts.path.rstrip("/"))


def of_collector(options: Mapping[str, Any], namespace: str, protocol: str, *, secure: bool) -> Endpoint:
    """Return the endpoint of a collector's Service for a protocol."""
    port = {HTTP: options["http_port"], GRPC: options["grpc_port"]}[protocol]
    host = f"{options['name']}.{options.get('namespace') or namespace}.svc"
    return parse(f"{'https' if secure else 'http'}://{host}:{port}")
