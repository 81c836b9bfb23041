# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a receiver of OTLP, each with its protocol and its port. Private.

For example, the receiver `otlp: {protocols: {grpc: {}, http: {endpoint: "0.0.0.0:8080"}}}` has a server `grpc` at port
4317, and a server `http` at port 8080.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._otelcol.config.paths import mapping_at, value_at
from .host_groups import GRPC, HTTP

# The endpoints of a receiver that sets none. Source: receiver/otlpreceiver/factory.go of the Collector.
_DEFAULT_ENDPOINTS = {GRPC: ":4317", HTTP: ":4318"}


def has_otlp_port(receiver: str, settings: Mapping[str, Any], port: int) -> bool:
    """Whether a receiver of a config receives OTLP at a port; `settings` are those of the receiver."""
    return receiver.partition("/")[0] == "otlp" and bool(find_servers_at(port, settings))


def find_servers_at(port: int, receiver_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the servers of a receiver of OTLP at a port, by the protocol."""
    servers = mapping_at(receiver_settings, "protocols")
    return {protocol: server for protocol, server in servers.items() if _read_port(protocol, server) == str(port)}


def _read_port(protocol: str, server: Any) -> str:
    """Return the port of a server of a receiver of OTLP, as digits; `server` has the settings of the protocol."""
    endpoint = value_at(server, ("endpoint",)) or _DEFAULT_ENDPOINTS.get(protocol, "")
    return str(endpoint).rpartition(":")[2]
