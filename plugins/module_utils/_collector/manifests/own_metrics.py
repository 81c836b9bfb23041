# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port of the collector's own metrics, and the annotations by which Prometheus scrapes it. Private.

Source of the annotations: the job `kubernetes-pods` of Prometheus' own chart.
"""

from __future__ import annotations

from ..._otelcol.errors import Problem
from ..._otelcol.needs.needed_ports import CollectorPort
from .build import CollectorBuild


def find_metrics_port(build: CollectorBuild) -> CollectorPort:
    """Return the port of the collector's own metrics. Raises Problem if no other pod can reach them."""
    metrics_port = next((port for port in build.needs.ports if port.name == "metrics"), None)
    if metrics_port is None:
        wrong = f"collector '{build.collector.name}' does not serve its own metrics where Prometheus could reach them"
        fix = (
            "Add to its config under `service.telemetry.metrics.readers` the item `pull: {exporter: {prometheus: "
            '{host: "${env:MY_POD_IP}", port: 8888}}}`, as recipe baseline does, or set `monitoring: {}`.'
        )
        raise Problem(wrong, where="monitoring", fix=fix)
    return metrics_port


def scrape_annotations(build: CollectorBuild) -> dict[str, str]:
    """Return the annotations of the pods. Those of the user take precedence."""
    if build.collector.monitoring.get("scrape") != "annotations":
        return {}
    port = find_metrics_port(build).number
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(port), "prometheus.io/path": "/metrics"}
