# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where does a collector serve its own metrics, and can other pods read them there? Private.

Module diagnose, canaries and the plan of a probe read the metrics of collectors, by the address that the config of
a collector has in `service.telemetry.metrics`:

    readers: [{pull: {exporter: {prometheus: {host: "${env:MY_POD_IP}", port: 8888}}}}]
    → MetricsAddress("${env:MY_POD_IP}", 8888)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._otelcol.config.addresses import is_loopback, split_host_and_port
from .._otelcol.config.metrics_level import has_own_metrics
from .._otelcol.config.paths import list_at, mapping_at


class MetricsAddress(NamedTuple):
    """The host and the port on which a collector serves its own metrics; port 0 if it serves none."""

    host: str
    port: int


_NO_ADDRESS = MetricsAddress("", 0)


def find_metrics_address(config: Mapping[str, Any], default: int) -> MetricsAddress:
    """Return where a collector with this config serves its own metrics. `default` is the port if none is set."""
    if not has_own_metrics(config):
        return _NO_ADDRESS
    telemetry = mapping_at(config, "service", "telemetry", "metrics")
    if telemetry.get("address"):  # the setting of versions before 0.123
        # In `${env:MY_POD_IP}:8888`, the colon of the variable would be taken for the one before the port.
        address_text = str(telemetry["address"]).replace("${env:", "${")
        host = address_text.rpartition(":")[0].strip("[]")
        return MetricsAddress(host, split_host_and_port(address_text)[1] or default)
    for reader in list_at(telemetry, "readers"):
        exporter = mapping_at(reader, "pull", "exporter", "prometheus")
        if exporter:
            return _read_exporter_address(exporter, default)
    if "readers" in telemetry:  # others only, such as one that sends the metrics by OTLP
        return _NO_ADDRESS
    return _read_exporter_address({}, default)


def _read_exporter_address(exporter: Mapping[str, Any], default: int) -> MetricsAddress:
    """Return where the exporter `prometheus` of a reader in `service.telemetry.metrics` serves the metrics."""
    port = split_host_and_port(f":{exporter.get('port')}")[1]
    return MetricsAddress(str(exporter.get("host") or "localhost"), port or default)


def explain_unreachable_metrics(config: Mapping[str, Any], default: int) -> str:
    """Return why other pods cannot read the collector's own metrics, and the fix; empty if they can."""
    host, port = find_metrics_address(config, default)
    if not port:
        return "service.telemetry.metrics serves none"
    if config and is_loopback(host):
        return f"they are served on {host}:{port}; set `host: ${{env:MY_POD_IP}}` for their reader in service.telemetry"
    return ""
