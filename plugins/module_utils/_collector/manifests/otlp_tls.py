# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an OTLP receiver asks for TLS at a port. Private.

A receiver may have several protocols, each with an endpoint such as `0.0.0.0:4317`.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.config.addresses import is_loopback, split_host_and_port
from ..._otelcol.config.paths import mapping_at, value_at
from ..._otelcol.needs.started_components import list_started_components

# The ports of the OTLP receiver by protocol, for a config that names none.
_DEFAULT_PORTS = {"grpc": 4317, "http": 4318}


def speaks_tls(config: Any, port_number: int) -> bool | None:
    """Return whether the OTLP receiver at a TCP port asks for TLS; None if no OTLP receiver opens the port.

    A receiver at the loopback address counts if no other one opens the port, as in a sidecar.
    """
    loopback_has_tls: bool | None = None
    for part in list_started_components(config):
        if (part.section, part.type) != ("receivers", "otlp"):
            continue
        for protocol, settings in mapping_at(part.settings, "protocols").items():
            host, endpoint_port = split_host_and_port(value_at(settings, ("endpoint",)))
            if (endpoint_port or _DEFAULT_PORTS.get(protocol)) != port_number:
                continue
            has_tls = bool(value_at(settings, ("tls",)))
            if not is_loopback(host):
                return has_tls
            # Clients outside of the pod do not reach it: another receiver may open the port for them.
            loopback_has_tls = has_tls
    return loopback_has_tls
