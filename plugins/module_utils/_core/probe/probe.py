# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to see that a collector takes telemetry and counts it. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.paths import at, section
from ..manifests.build import CollectorBuild

_RECEIVES = "otlp-http"
_COUNTS = "metrics"


def probe(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what to send through the API server, and where it must be counted; nothing for who cannot be tried so.

    Telemetry goes in by OTLP/HTTP in clear text, and is counted where the collector serves its own metrics.
    """
    receivers = section(config, "receivers")
    tls = [at(receivers, (name, "protocols", "http", "tls")) for name in receivers if name.split("/")[0] == "otlp"]
    ports = {port.name: port.number for port in build.needs.ports}
    if build.collector.mode == "sidecar":  # its pods are somebody else's, and not ours to send to
        return None
    if any(tls) or not {_RECEIVES, _COUNTS} <= set(ports):
        return None
    pods = {"namespace": build.collector.namespace, "selector": build.collector.selector_text}
    via = {**pods, "port": ports[_RECEIVES]}
    arrival = {**pods, "evidence": "metrics", "metrics_port": ports[_COUNTS]}
    return {"name": build.collector.name, "via": via, "arrival": arrival}
