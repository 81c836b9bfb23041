# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of objects, the endpoints behind a Service, and the ports that a Service leads to. Private.

Source: "EndpointSlices" and "Service" of Kubernetes' documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.kube.network_policies import Object

# The label of an EndpointSlice with the name of its Service.
_SERVICE_LABEL = "kubernetes.io/service-name"


def read_labels(manifest: Object) -> dict[str, str]:
    """Return the labels of an object."""
    return mapping_at(manifest, "metadata", "labels")


def filter_slices(service: str, slices: Iterable[Object]) -> list[Object]:
    """Return the EndpointSlices of a Service, out of those of its namespace."""
    return [endpoint_slice for endpoint_slice in slices if read_labels(endpoint_slice).get(_SERVICE_LABEL) == service]


def filter_endpoints(slices: Iterable[Object], *, ready: bool) -> list[Object]:
    """Return the endpoints that take connections, or those that do not yet."""
    matching_endpoints = []
    for endpoint_slice in slices:
        for endpoint in list_at(endpoint_slice, "endpoints"):
            is_ready = value_at(endpoint, ("conditions", "ready")) is not False
            if is_ready == ready:
                matching_endpoints.append(endpoint)
    return matching_endpoints


def read_protocol(port: Object) -> str:
    """Return the protocol of a port of a container or a Service; TCP is the default of Kubernetes."""
    return str(port.get("protocol") or "TCP")


def find_target_number(port: Object, container_ports: Sequence[Object]) -> int | None:
    """Return the number of the port of the pod that a Service's port leads to; None for a name that no port has.

    `{port: 80, targetPort: otlp}` leads to 4317 with the container port `{name: otlp, containerPort: 4317}`, and
    `{port: 80}` to 80.
    """
    target = port.get("targetPort") or port.get("port")
    if isinstance(target, int):
        return target
    for container_port in container_ports:
        if container_port.get("name") == target:
            number = container_port.get("containerPort")
            return number if isinstance(number, int) else None
    return None
