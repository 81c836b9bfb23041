# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Service of the cluster has the port that applications send to, and a pod behind it. Private.

`live/prerequisites.py` reads the Service and its EndpointSlices for each target (see requirements.py). A Service and
its slices may have other numbers for the same port, so a port of one is found in the other by its name:

    Service          ports: [{name: otlp, port: 4317, targetPort: 14317}]
    EndpointSlice    ports: [{name: otlp, port: 14317}], endpoints: [{conditions: {ready: true}}]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube.objects import Manifest
from .requirements import ExportTarget


def explain_missing_port(service: Manifest, target: ExportTarget) -> str:
    """Return that a Service lacks the port of a target, and which ports it has; an empty text if it has the port.

    Example: `has no port 1 (it has 4317 otlp, 4318 otlp-http)`.
    """
    port_texts = []
    for port in list_at(service["spec"], "ports"):
        if port["port"] == target["port"]:
            return ""
        name = f" {port['name']}" if port.get("name") else ""
        port_texts.append(f"{port['port']}{name}")
    return f"has no port {target['port']} (it has {', '.join(port_texts) or 'none'})"


def has_ready_endpoint(slices: Iterable[Manifest], service: Manifest, target: ExportTarget) -> bool:
    """Return whether an endpoint of a Service is ready at the port of a target. `slices` are its EndpointSlices."""
    service_ports = [port for port in service["spec"]["ports"] if port["port"] == target["port"]]
    port_names = _port_names(service_ports)
    for endpoint_slice in slices:
        slice_names = _port_names(list_at(endpoint_slice, "ports"))
        if port_names & slice_names and _is_any_endpoint_ready(endpoint_slice):
            return True
    return False


def _port_names(ports: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of ports. The one port of a Service may have none."""
    return {port.get("name") or "" for port in ports}


def _is_any_endpoint_ready(endpoint_slice: Manifest) -> bool:
    """Return whether an endpoint of a slice is ready. One without that condition counts as ready, as in Kubernetes."""
    for endpoint in list_at(endpoint_slice, "endpoints"):
        conditions = mapping_at(endpoint, "conditions")
        if conditions.get("ready") is not False:
            return True
    return False
