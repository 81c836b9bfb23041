# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a process of the same host sends OTLP over HTTP to a collector, and why it may not reach it. Private.

For example, with the setting `endpoint: 0.0.0.0:4318`, the URL is `http://127.0.0.1:4318`. With a setting `auth`, the
process cannot send:

    its OTLP receiver over HTTP requires a login
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._otelcol.config.addresses import split_host_and_port
from .._otelcol.config.paths import mapping_at
from .._otelcol.needs.started_components import list_started_components

# Where a process of the same host reaches a receiver that listens on all addresses.
LOOPBACK_OF_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
# Source: the README of receiver otlp, and confignet.TransportType for what has ports.
_DEFAULT_ENDPOINT = "localhost:4318"
_DEFAULT_PORT = 4318
_TRANSPORTS_WITH_PORTS = ("tcp", "tcp4", "tcp6")
_DEFAULT_PATHS = {
    "traces_url_path": "/v1/traces",
    "metrics_url_path": "/v1/metrics",
    "logs_url_path": "/v1/logs",
}


@dataclass(frozen=True)
class OtlpHttpReceiver:
    """A receiver of OTLP over HTTP, as a process of the same host sees it."""

    settings: Mapping[str, Any]
    """Those below `protocols: {http: …}`."""

    @property
    def unreachable_reason(self) -> str:
        """Why the process cannot send to it; empty if it can."""
        if mapping_at(self.settings, "tls").get("client_ca_file"):
            return "its OTLP receiver over HTTP requires a client's certificate"
        if mapping_at(self.settings, "auth"):
            return "its OTLP receiver over HTTP requires a login"
        if (self.settings.get("transport") or "tcp") not in _TRANSPORTS_WITH_PORTS:
            return "its OTLP receiver over HTTP listens on no port"
        if "${" in str(self.settings.get("endpoint")):
            return "the address of its OTLP receiver over HTTP is known only when it starts"
        for path_option, default_path in _DEFAULT_PATHS.items():
            if self.settings.get(path_option) not in (None, "", default_path):
                return "its OTLP receiver over HTTP has paths of its own"
        return ""

    @property
    def url(self) -> str:
        """The URL to which the process sends."""
        configured_host, port = split_host_and_port(self.settings.get("endpoint") or _DEFAULT_ENDPOINT)
        host = LOOPBACK_OF_ANY.get(configured_host, configured_host)
        if ":" in host:
            host = f"[{host}]"
        scheme = "https" if mapping_at(self.settings, "tls") else "http"
        return f"{scheme}://{host}:{port or _DEFAULT_PORT}"


def find_http_receiver(config: Mapping[str, Any]) -> OtlpHttpReceiver | None:
    """Return the first OTLP receiver in use that takes OTLP over HTTP."""
    for part in list_started_components(config):
        protocols = mapping_at(part.settings, "protocols")
        if part.section == "receivers" and part.kind == "otlp" and "http" in protocols:
            return OtlpHttpReceiver(mapping_at(protocols, "http"))
    return None
