# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services in front of a collector, and how to try it through the API server. Private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..collector import names
from ..config.paths import at, section
from .build import CollectorBuild, Manifest, frame, present
from .openshift import app_protocol


def service(build: CollectorBuild) -> Manifest | None:
    """Return the Service that clients use, or nothing when it is not wanted or nothing listens."""
    collector = build.collector
    if not collector.wants_service or not build.exposed:
        return None
    options = collector.service
    spec = {
        "type": options.get("type") or "ClusterIP",
        "selector": collector.pods,
        "ports": _ports(build),
        "internalTrafficPolicy": options.get("internal_traffic_policy")
        or ("Local" if collector.mode == "daemonset" else "Cluster"),
    }
    return frame(build, "v1", "Service", annotations=options.get("annotations"), spec=spec)


def headless_service(build: CollectorBuild) -> Manifest | None:
    """Return the governing Service of a StatefulSet: it gives each replica a name."""
    collector = build.collector
    if collector.mode != "statefulset":
        return None
    spec = {"clusterIP": "None", "selector": collector.pods, **present(ports=_ports(build))}
    return frame(build, "v1", "Service", name=names.headless(collector.name), spec=spec)


def _ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports; `appProtocol: grpc` lets L7 load balancers and meshes speak HTTP/2 to it."""
    return [
        {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
        | present(appProtocol=app_protocol(build, port))
        for port in build.exposed
    ]


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
