# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkPolicy, Ingress and Gateway API routes. Private."""

from __future__ import annotations

from typing import Any

from ..errors import Problem
from ..needs.derive import Port
from .build import CollectorBuild, Manifest, frame, present

_GATEWAY_API = "gateway.networking.k8s.io/v1"


def network_policy(build: CollectorBuild) -> Manifest | None:
    """Return a policy that admits exactly the ports that are listened on, TCP and UDP, or nothing when it is off."""
    options = build.collector.network_policy
    if not options.get("enabled"):
        return None
    ports = [{"port": port.number, "protocol": port.protocol} for port in build.needs.ports]
    ingress = [present(ports=ports, **{"from": options.get("ingress_from")})] if ports else []
    egress = options.get("egress")
    spec = {
        "podSelector": {"matchLabels": build.collector.pods},
        "policyTypes": ["Ingress", *(["Egress"] if egress else [])],
        "ingress": ingress,
        **present(egress=egress),
    }
    return frame(build, "networking.k8s.io/v1", "NetworkPolicy", spec=spec)


def ingress(build: CollectorBuild) -> Manifest | None:
    """Return the Ingress of one port, or nothing when none is asked for."""
    options = build.collector.ingress
    if not options:
        return None
    port = way_in(build, options.get("port") or "otlp-http")
    backend = {"service": {"name": build.collector.name, "port": {"name": port.name}}}
    rule = {"http": {"paths": [{"path": options.get("path") or "/", "pathType": "Prefix", "backend": backend}]}}
    tls = [{"hosts": [options["host"]], "secretName": options["tls_secret"]}] if options.get("tls_secret") else None
    spec = present(ingressClassName=options.get("class"), rules=[{"host": options["host"], **rule}], tls=tls)
    return frame(build, "networking.k8s.io/v1", "Ingress", annotations=options.get("annotations"), spec=spec)


def http_route(build: CollectorBuild) -> Manifest | None:
    """Return the Gateway API route for OTLP over HTTP, or nothing when it has no host names."""
    return _route(build, "HTTPRoute", "otlp-http", "http_hostnames")


def grpc_route(build: CollectorBuild) -> Manifest | None:
    """Return the Gateway API route for OTLP over gRPC, or nothing when it has no host names."""
    return _route(build, "GRPCRoute", "otlp", "grpc_hostnames")


def _route(build: CollectorBuild, kind: str, port_name: str, hostnames: str) -> Manifest | None:
    """Return a route to a port.

    Raises Problem when both kinds claim a host name: of an HTTPRoute and a GRPCRoute for one, a Gateway accepts
    exactly one (Gateway API, "GRPCRoute", cross serving).
    """
    options = build.collector.routes
    shared = set(options.get("http_hostnames") or []) & set(options.get("grpc_hostnames") or [])
    if shared:
        raise Problem(
            f"collector '{build.collector.name}' routes host name '{min(shared)}' to both HTTP and gRPC",
            fix="Give each names of its own; of two such routes a Gateway accepts only one.",
        )
    if options and not (options.get("http_hostnames") or options.get("grpc_hostnames")):
        raise Problem(
            f"collector '{build.collector.name}' has routes without host names",
            fix="Give http_hostnames, grpc_hostnames, or both with different names.",
        )
    if not options.get(hostnames):
        return None
    parent = present(
        name=options["gateway"], namespace=options.get("gateway_namespace"), sectionName=options.get("section_name")
    )
    backend = {"name": build.collector.name, "port": way_in(build, port_name).number}
    spec = {"parentRefs": [parent], "hostnames": options[hostnames], "rules": [{"backendRefs": [backend]}]}
    return frame(build, _GATEWAY_API, kind, spec=spec)


def way_in(build: CollectorBuild, name: str, what: str = "ingress or routes") -> Port:
    """Return the port that traffic from outside goes to. Raises Problem when there is none, or no Service before it."""
    collector = build.collector
    ports: dict[str, Any] = {port.name: port for port in build.exposed}
    if not collector.wants_service:
        raise Problem(
            f"collector '{collector.name}' has an {what} but no Service",
            fix="Set `service: {enabled: true}`.",
        )
    if name not in ports:
        raise Problem(
            f"collector '{collector.name}' has no port '{name}' for its {what}",
            fix=f"Its config listens on: {', '.join(ports) or 'nothing'}.",
        )
    found: Port = ports[name]
    return found
