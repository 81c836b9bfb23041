# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, network policies, ingresses and routes of a collector.

The default NetworkPolicy restricts ports, not sources. Probes, load balancers and the API server are no pods, and their
addresses differ from cluster to cluster. Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.addresses import LARGEST_PORT
from ..._otelcol.config.paths import at, section
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..options import Collector
from .build import CollectorBuild, Manifest, frame, present
from .exposed_port import exposed_port
from .openshift_route import app_protocol
from .otlp_tls import speaks_tls

_MONITORING_API = "monitoring.coreos.com/v1"
_GATEWAY_API = "gateway.networking.k8s.io/v1"
OTLP_HTTP = "otlp-http"
_TLS_WORDS = ("ssl", "tls", "cert")
# Source: external-dns, docs/annotations/annotations.md.
_EXTERNAL_DNS = "external-dns.alpha.kubernetes.io/hostname"
# The types of a Service that has ports of nodes. Source: Kubernetes, "Service", type NodePort and type LoadBalancer.
_OUTSIDE = ("NodePort", "LoadBalancer")
# A cluster of one family takes it too, and gives one address. Source: Kubernetes, "IPv4/IPv6 dual-stack", Services.
DUAL_STACK = "PreferDualStack"


def network_policy(build: CollectorBuild) -> Manifest | None:
    """Return a policy that admits exactly the ports that are listened on, TCP and UDP, or nothing when it is off.

    Without a word of the user it is on wherever all ports are known and the pods have a network of their own.
    """
    collector = build.collector
    options, own = collector.network_policy, collector.mode != "sidecar" and not collector.host_network
    enabled = options.get("enabled")
    if not (own and build.needs.ports_known if enabled is None else enabled):
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
    options = build.collector.ingress
    if not options:
        return None
    port = exposed_port(build, options.get("port") or OTLP_HTTP)
    backend = {"service": {"name": build.collector.name, "port": {"name": port.name}}}
    rule = {"http": {"paths": [{"path": options.get("path") or "/", "pathType": "Prefix", "backend": backend}]}}
    tls = [{"hosts": [options["host"]], "secretName": options["tls_secret"]}] if options.get("tls_secret") else None
    spec = present(ingressClassName=options.get("class"), rules=[{"host": options["host"], **rule}], tls=tls)
    return frame(build, "networking.k8s.io/v1", "Ingress", annotations=options.get("annotations"), spec=spec)


def http_route(build: CollectorBuild) -> Manifest | None:
    """Return the Gateway API route for OTLP over HTTP, or nothing when it has no host names."""
    return _route(build, "HTTPRoute", OTLP_HTTP, "http_hostnames")


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
        wrong = f"collector '{build.collector.name}' routes host name '{min(shared)}' to both HTTP and gRPC"
        raise Problem(wrong, fix="Give each names of its own; of two such routes a Gateway accepts only one.")
    if options and not (options.get("http_hostnames") or options.get("grpc_hostnames")):
        fix = "Give http_hostnames, grpc_hostnames, or both with different names."
        raise Problem(f"collector '{build.collector.name}' has routes without host names", fix=fix)
    if not options.get(hostnames):
        return None
    parent = present(
        name=options["gateway"], namespace=options.get("gateway_namespace"), sectionName=options.get("section_name")
    )
    backend = {"name": build.collector.name, "port": exposed_port(build, port_name).number}
    spec = {"parentRefs": [parent], "hostnames": options[hostnames], "rules": [{"backendRefs": [backend]}]}
    return frame(build, _GATEWAY_API, kind, spec=spec)


def service_monitor(build: CollectorBuild) -> Manifest | None:
    """Return a ServiceMonitor that scrapes one port of each pod behind the Service, or nothing when it is off."""
    options = build.collector.service_monitor
    if not options.get("enabled"):
        return None
    port = exposed_port(build, options.get("port") or "prometheus", "service_monitor")
    # A headless Service has the same labels and pods, and would double every series.
    only = {"action": "keep", "sourceLabels": ["__meta_kubernetes_service_name"], "regex": build.collector.name}
    relabelings = [only] if build.collector.has_headless else []
    endpoint = present(port=port.name, interval=options.get("interval"), honorLabels=True, relabelings=relabelings)
    selector = {"matchLabels": {names.COLLECTOR_LABEL: build.collector.name}}
    monitor = frame(build, _MONITORING_API, "ServiceMonitor", spec={"selector": selector, "endpoints": [endpoint]})
    monitor["metadata"]["labels"] |= names.texts("service_monitor.labels", options.get("labels") or {})
    return monitor


def service(build: CollectorBuild) -> Manifest | None:
    """Return the Service that clients use, or nothing when it is not wanted or nothing listens."""
    collector = build.collector
    if not collector.wants_service or not build.exposed_ports:
        return None
    options = collector.service
    spec = {
        "type": options.get("type") or "ClusterIP",
        **_families(collector),
        "selector": collector.pods,
        "ports": _with_node_ports(build, _ports(build)),
        "internalTrafficPolicy": options.get("internal_traffic_policy")
        or ("Local" if collector.mode == "daemonset" else "Cluster"),
    }
    return frame(build, "v1", "Service", annotations=options.get("annotations"), spec=spec)


def headless_service(build: CollectorBuild) -> Manifest | None:
    """Return the Service whose name stands for all pods; it also gives each replica of a StatefulSet a name."""
    collector = build.collector
    if not collector.has_headless:
        return None
    name = names.check_name("name of a headless Service", names.headless(collector.name))
    spec = {"clusterIP": "None", **_families(collector), "selector": collector.pods, **present(ports=_ports(build))}
    return frame(build, "v1", "Service", name=name, spec=spec)


def _families(collector: Collector) -> dict[str, str]:
    """Return how a Service gets an address of both families; without a word it gets one, as the cluster has it."""
    return {"ipFamilyPolicy": DUAL_STACK} if collector.is_dual_stack else {}


def _ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports; `appProtocol: grpc` lets L7 load balancers and meshes speak HTTP/2 to it."""
    return [
        {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
        | present(appProtocol=app_protocol(build, port))
        for port in build.exposed_ports
    ]


def _with_node_ports(build: CollectorBuild, ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ports of a Service with those of the nodes. Raises Problem for a port that the Service cannot have."""
    wanted = node_ports(build.collector)
    for name in wanted:
        exposed_port(build, name, "service.node_ports")
    return [{**port, **present(nodePort=wanted.get(port["name"]))} for port in ports]


def node_ports(collector: Collector) -> dict[str, int]:
    """Return the port that each node opens for a port of the Service, by the name of the latter.

    Raises Problem for a number that is no port, and for a Service that clients outside of the cluster do not reach.
    """
    given = section(collector.service, "node_ports")
    asked = f"collector '{collector.name}': service.node_ports"
    if given and collector.service.get("type") not in _OUTSIDE:
        raise Problem("a Service of type ClusterIP opens no port of a node", asked=asked, fix="Set `type: NodePort`.")
    for name, number in given.items():
        if not str(number).isdecimal() or not 0 < int(number) <= LARGEST_PORT:
            wrong = f"'{number}', for port '{name}', is no port"
            raise Problem(
                wrong, asked=asked, fix="Write a number such as 30317; clusters take 30000 to 32767 by default."
            )
    return {name: int(number) for name, number in given.items()}


def addresses(build: CollectorBuild) -> str:
    """Return where clients reach a collector, in words."""
    collector = build.collector
    if not build.exposed_ports:
        return "takes no data from clients"
    ways = []
    if collector.mode == "sidecar":
        ways.append("localhost of each pod that has it")
    if collector.wants_service:
        ways.append(f"{collector.name}.{collector.namespace}.svc")
    if collector.uses_host_ports or collector.host_network:
        ways.append("each node")
    ports = ", ".join(f"{port.number} ({port.name})" for port in build.exposed_ports)
    hosts = hosts_outside(collector)
    outside = f"; from outside {', '.join(hosts)}" if hosts else ""
    return f"at {' and '.join(ways) or 'its pods'}, port {ports}{outside}"


def hosts_outside(collector: Collector) -> list[str]:
    """Return the names by which an Ingress, a Gateway or a Route lets clients outside of the cluster in."""
    hosts = [at(collector.ingress, ("host",)), at(collector.openshift_route, ("host",))]
    for option in ("http_hostnames", "grpc_hostnames"):
        hosts += collector.routes.get(option) or ()
    return [str(host) for host in hosts if host]


def dns_names(collector: Collector) -> list[str]:
    """Return the names that external-dns gives to the load balancer of the Service."""
    given = at(collector.service, ("annotations", _EXTERNAL_DNS)) or ""
    return [name.strip() for name in str(given).split(",") if name.strip()]


def ends_tls_before(collector: Collector) -> bool:
    """Whether annotations of the Service may let its load balancer speak TLS, as those of AWS with `ssl-cert` do."""
    names_given = " ".join(map(str, at(collector.service, ("annotations",)) or ()))
    return any(word in names_given for word in _TLS_WORDS)


def clients_url(build: CollectorBuild) -> str:
    """Return where applications send OTLP/HTTP in clear text, empty if they cannot. $(HOST_IP) is their node."""
    collector = build.collector
    port = plain_ports(build, build.config).get(OTLP_HTTP)
    if not port:
        return ""
    if collector.mode == "sidecar":
        return f"http://localhost:{port}"
    if collector.wants_service:
        return f"http://{collector.name}.{collector.namespace}.svc:{port}"
    node = "[$(HOST_IP)]" if collector.is_ipv6_first else "$(HOST_IP)"
    return f"http://{node}:{port}" if collector.uses_host_ports or collector.host_network else ""


def plain_ports(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, int]:
    """Return the ports by name; without that of OTLP/HTTP if its receiver asks for TLS."""
    plain = {}
    for port in build.needs.ports:
        if port.name != OTLP_HTTP or not speaks_tls(config, port.number):
            plain[port.name] = port.number
    return plain
