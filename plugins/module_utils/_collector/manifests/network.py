# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How clients reach a collector: its Services, NetworkPolicy, Ingress and Gateway routes, and its addresses in words.

`backends.py` lists the functions that make objects. Each gets the `CollectorBuild` of a collector (its options and its
finished config), and returns None if the collector has no such object. The last section has the addresses for
messages, for probes and for applications. Example: collector `gateway` in namespace `otel`, with a receiver for OTLP,
gets a Service with the ports 4317 and 4318, a NetworkPolicy that admits these, and is reached

    at gateway.otel.svc, port 4317 (otlp), 4318 (otlp-http)

The default NetworkPolicy restricts ports, not sources: probes, load balancers and the API server are no pods, and their
addresses differ from cluster to cluster. Private.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kube import object_names
from ..._otelcol.config.addresses import LARGEST_PORT
from ..._otelcol.config.paths import mapping_at, value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._otelcol.kube.text_values import check_texts
from ..options import Collector
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .exposed_port import find_exposed_port
from .openshift_route import choose_app_protocol
from .otlp_tls import speaks_tls

_MONITORING_API = "monitoring.coreos.com/v1"
_GATEWAY_API = "gateway.networking.k8s.io/v1"
# The names of the ports that the receiver `otlp` opens.
OTLP_GRPC = "otlp"
OTLP_HTTP = "otlp-http"
# An annotation whose name has one of these may be about TLS of a load balancer.
_TLS_WORDS = ("ssl", "tls", "cert")
# The annotation by which external-dns gives a load balancer a name.
# Source: external-dns, docs/annotations/annotations.md.
_EXTERNAL_DNS = "external-dns.alpha.kubernetes.io/hostname"
# The types of a Service that has ports of nodes. Source: Kubernetes, "Service", type NodePort and type LoadBalancer.
_OUTSIDE_SERVICE_TYPES = ("NodePort", "LoadBalancer")
# The policy of Services with an IPv4 and an IPv6 address. A cluster of one family takes it too, and gives one address.
# Source: Kubernetes, "IPv4/IPv6 dual-stack", Services.
DUAL_STACK = "PreferDualStack"


def render_network_policy(build: CollectorBuild) -> Manifest | None:
    """Return a policy that admits exactly the ports that are listened on, TCP and UDP, or nothing when it is off."""
    if not _wants_network_policy(build):
        return None
    options = build.collector.network_policy
    ports = [{"port": port.number, "protocol": port.protocol} for port in build.needs.ports]
    ingress_rules = [omit_empty(ports=ports, **{"from": options.get("ingress_from")})] if ports else []
    egress_rules = options.get("egress")
    if egress_rules == []:
        _refuse_no_egress(build.collector)
    spec = {
        "podSelector": {"matchLabels": build.collector.pods},
        "policyTypes": ["Ingress", *(["Egress"] if egress_rules else [])],
        "ingress": ingress_rules,
        **omit_empty(egress=egress_rules),
    }
    return frame_manifest(build, "networking.k8s.io/v1", "NetworkPolicy", spec=spec)


def _refuse_no_egress(collector: Collector) -> None:
    """Raise Problem for a list without a rule: in Kubernetes it shuts all ways out, and nobody knows which is meant."""
    wrong = f"collector '{collector.name}' has `network_policy: {{egress: []}}`, which would let no data out"
    raise Problem(wrong, fix="Give the rules that let data out, or leave `egress` out, which restricts nothing.")


def _wants_network_policy(build: CollectorBuild) -> bool:
    """Return whether the collector has a policy: as the user says, or else if all ports are known.

    Pods without a network of their own have none by default. The policy of a sidecar would shut the ports of the
    application in the same pod. To pods in the network of their node, most network plugins apply no policy. Raises
    Problem for rules that no policy would have, so that nobody counts on them.
    """
    collector = build.collector
    enabled = collector.network_policy.get("enabled")
    if enabled is not None:
        return bool(enabled)
    if collector.mode == "sidecar":
        return False
    if collector.host_network or not build.needs.has_known_ports:
        _refuse_rules_without_policy(collector)
        return False
    return True


def _refuse_rules_without_policy(collector: Collector) -> None:
    """Raise Problem for rules of a collector that has no policy by default."""
    for option in ("ingress_from", "egress"):
        if collector.network_policy.get(option):
            reason = "its pods use the node's network" if collector.host_network else "not all of its ports are known"
            wrong = (
                f"collector '{collector.name}' has `network_policy.{option}`, and by default no NetworkPolicy, because "
                f"{reason}"
            )
            fix = (
                "Set `network_policy: {enabled: true}` if the policy works here: it admits only the ports that are "
                "known. Otherwise set `enabled: false`."
            )
            raise Problem(wrong, fix=fix)


def render_ingress(build: CollectorBuild) -> Manifest | None:
    """Return the Ingress for one port of the Service, or nothing when it is not requested."""
    options = build.collector.ingress
    if not options:
        return None
    host = options["host"]
    port = find_exposed_port(build, options.get("port") or OTLP_HTTP)
    backend = {"service": {"name": build.collector.name, "port": {"name": port.name}}}
    path_rule = {"path": options.get("path") or "/", "pathType": "Prefix", "backend": backend}
    tls = []
    if options.get("tls_secret"):
        tls.append({"hosts": [host], "secretName": options["tls_secret"]})
    spec = omit_empty(
        ingressClassName=options.get("class"),
        rules=[{"host": host, "http": {"paths": [path_rule]}}],
        tls=tls,
    )
    return frame_manifest(build, "networking.k8s.io/v1", "Ingress", annotations=options.get("annotations"), spec=spec)


def render_http_route(build: CollectorBuild) -> Manifest | None:
    """Return the Gateway API route for OTLP over HTTP, or nothing when it has no host names."""
    return _render_route(build, "HTTPRoute", OTLP_HTTP, "http_hostnames")


def render_grpc_route(build: CollectorBuild) -> Manifest | None:
    """Return the Gateway API route for OTLP over gRPC, or nothing when it has no host names."""
    return _render_route(build, "GRPCRoute", OTLP_GRPC, "grpc_hostnames")


def _render_route(build: CollectorBuild, kind: str, port_name: str, hostnames_option: str) -> Manifest | None:
    """Return a route to a port; `hostnames_option` is the option with its host names. None without these.

    Raises Problem if an HTTPRoute and a GRPCRoute would have the same host name: a Gateway accepts only one of the two.
    Source: Gateway API, "GRPCRoute", cross serving.
    """
    options = build.collector.routes
    shared_hostnames = set(options.get("http_hostnames") or []) & set(options.get("grpc_hostnames") or [])
    if shared_hostnames:
        wrong = f"collector '{build.collector.name}' routes host name '{min(shared_hostnames)}' to both HTTP and gRPC"
        raise Problem(wrong, fix="Give each names of its own; of two such routes a Gateway accepts only one.")
    if options and not (options.get("http_hostnames") or options.get("grpc_hostnames")):
        fix = "Give http_hostnames, grpc_hostnames, or both with different names."
        raise Problem(f"collector '{build.collector.name}' has routes without host names", fix=fix)
    if not options.get(hostnames_option):
        return None
    parent_gateway = omit_empty(
        name=options["gateway"], namespace=options.get("gateway_namespace"), sectionName=options.get("section_name")
    )
    backend = {"name": build.collector.name, "port": find_exposed_port(build, port_name).number}
    spec = {
        "parentRefs": [parent_gateway],
        "hostnames": options[hostnames_option],
        "rules": [{"backendRefs": [backend]}],
    }
    return frame_manifest(build, _GATEWAY_API, kind, spec=spec)


def render_service_monitor(build: CollectorBuild) -> Manifest | None:
    """Return a ServiceMonitor that scrapes one port of each pod behind the Service, or nothing when it is off."""
    options = build.collector.service_monitor
    if not options.get("enabled"):
        return None
    port = find_exposed_port(build, options.get("port") or "prometheus", "service_monitor")
    # A headless Service has the same labels and pods, and would double every series.
    keep_service = {"action": "keep", "sourceLabels": ["__meta_kubernetes_service_name"], "regex": build.collector.name}
    relabelings = [keep_service] if build.collector.has_headless_service else []
    endpoint = omit_empty(port=port.name, interval=options.get("interval"), honorLabels=True, relabelings=relabelings)
    selector = {"matchLabels": {names.COLLECTOR_LABEL: build.collector.name}}
    monitor = frame_manifest(
        build, _MONITORING_API, "ServiceMonitor", spec={"selector": selector, "endpoints": [endpoint]}
    )
    monitor["metadata"]["labels"] |= check_texts("service_monitor.labels", options.get("labels") or {})
    return monitor


def render_service(build: CollectorBuild) -> Manifest | None:
    """Return the Service that clients use, or nothing when it is not wanted or nothing listens."""
    collector = build.collector
    if not collector.wants_service or not build.exposed_ports:
        return None
    options = collector.service
    # An agent serves the pods of its node.
    default_policy = "Local" if collector.mode == "daemonset" else "Cluster"
    spec = {
        "type": options.get("type") or "ClusterIP",
        **_ip_family_fields(collector),
        "selector": collector.pods,
        "ports": _add_node_ports(build, _list_service_ports(build)),
        "internalTrafficPolicy": options.get("internal_traffic_policy") or default_policy,
    }
    return frame_manifest(build, "v1", "Service", annotations=options.get("annotations"), spec=spec)


def render_headless_service(build: CollectorBuild) -> Manifest | None:
    """Return the Service whose name stands for all pods; it also gives each replica of a StatefulSet a name."""
    collector = build.collector
    if not collector.has_headless_service:
        return None
    name = object_names.check_name("name of a headless Service", names.headless_service_name(collector.name))
    spec = {
        "clusterIP": "None",
        **_ip_family_fields(collector),
        "selector": collector.pods,
        **omit_empty(ports=_list_service_ports(build)),
    }
    return frame_manifest(build, "v1", "Service", name=name, spec=spec)


def _ip_family_fields(collector: Collector) -> dict[str, str]:
    """Return the field by which a Service gets an IPv4 and an IPv6 address; no field for one address."""
    return {"ipFamilyPolicy": DUAL_STACK} if collector.is_dual_stack else {}


def _list_service_ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports of a Service.

    An example: `{name: otlp, port: 4317, targetPort: 4317, protocol: TCP, appProtocol: grpc}`. By `appProtocol: grpc`,
    load balancers and meshes know to speak HTTP/2 to the pods.
    """
    service_ports = []
    for port in build.exposed_ports:
        fields = {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
        service_ports.append({**fields, **omit_empty(appProtocol=choose_app_protocol(build, port))})
    return service_ports


def _add_node_ports(build: CollectorBuild, ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ports of a Service with those of the nodes. Raises Problem for a port that the Service cannot have."""
    node_port_by_name = read_node_ports(build.collector)
    for name in node_port_by_name:
        find_exposed_port(build, name, "service.node_ports")
    return [{**port, **omit_empty(nodePort=node_port_by_name.get(port["name"]))} for port in ports]


def read_node_ports(collector: Collector) -> dict[str, int]:
    """Return option `service.node_ports`: the port that each node opens, by the name of the port of the Service.

    An example: `{"otlp": 30317}`. Raises Problem for a number that is no port, and for a Service that clients outside
    of the cluster do not reach.
    """
    configured_ports = mapping_at(collector.service, "node_ports")
    asked = f"collector '{collector.name}': service.node_ports"
    if configured_ports and collector.service.get("type") not in _OUTSIDE_SERVICE_TYPES:
        raise Problem("a Service of type ClusterIP opens no port of a node", asked=asked, fix="Set `type: NodePort`.")
    for name, number in configured_ports.items():
        if not str(number).isdecimal() or not 0 < int(number) <= LARGEST_PORT:
            wrong = f"'{number}', for port '{name}', is no port"
            raise Problem(
                wrong, asked=asked, fix="Write a number such as 30317; clusters take 30000 to 32767 by default."
            )
    return {name: int(number) for name, number in configured_ports.items()}


# ── Addresses ──


def describe_addresses(build: CollectorBuild) -> str:
    """Return where clients reach a collector, such as `at gateway.otel.svc, port 4317 (otlp), 4318 (otlp-http)`."""
    collector = build.collector
    if not build.exposed_ports:
        return "takes no data from clients"
    hosts = []
    if collector.mode == "sidecar":
        hosts.append("localhost of each pod that has it")
    if collector.wants_service:
        hosts.append(f"{collector.name}.{collector.namespace}.svc")
    if collector.uses_host_ports or collector.host_network:
        hosts.append("each node")
    ports = ", ".join(f"{port.number} ({port.name})" for port in build.exposed_ports)
    outside_hosts = list_outside_hosts(collector)
    outside_words = f"; from outside {', '.join(outside_hosts)}" if outside_hosts else ""
    return f"at {' and '.join(hosts) or 'its pods'}, port {ports}{outside_words}"


def list_outside_hosts(collector: Collector) -> list[str]:
    """Return the names by which an Ingress, a Gateway or a Route lets clients outside of the cluster in."""
    hosts = [value_at(collector.ingress, ("host",)), value_at(collector.openshift_route, ("host",))]
    for option in ("http_hostnames", "grpc_hostnames"):
        hosts += collector.routes.get(option) or ()
    return [str(host) for host in hosts if host]


def list_external_dns_names(collector: Collector) -> list[str]:
    """Return the names that external-dns gives to the load balancer of the Service, such as `["otel.example.org"]`."""
    annotation = value_at(collector.service, ("annotations", _EXTERNAL_DNS)) or ""
    return [name.strip() for name in str(annotation).split(",") if name.strip()]


def may_end_tls_before(collector: Collector) -> bool:
    """Return whether annotations of the Service may let its load balancer speak TLS, such as `…-ssl-cert` of AWS."""
    annotation_names = " ".join(map(str, value_at(collector.service, ("annotations",)) or ()))
    return any(word in annotation_names for word in _TLS_WORDS)


def client_url(build: CollectorBuild) -> str:
    """Return the URL to which applications send OTLP/HTTP in clear text; empty if they cannot.

    Examples: `http://gateway.otel.svc:4318`, and `http://$(HOST_IP):4318` of an agent. `$(HOST_IP)` is a variable of
    the application's container with the address of its node.
    """
    collector = build.collector
    port = list_plain_ports(build, build.config).get(OTLP_HTTP)
    if not port:
        return ""
    if collector.mode == "sidecar":
        return f"http://localhost:{port}"
    if collector.wants_service:
        return f"http://{collector.name}.{collector.namespace}.svc:{port}"
    if not (collector.uses_host_ports or collector.host_network):
        return ""
    node_address = "[$(HOST_IP)]" if collector.is_ipv6_first else "$(HOST_IP)"
    return f"http://{node_address}:{port}"


def list_plain_ports(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, int]:
    """Return the numbers of the ports by their names, without the port of OTLP/HTTP if its receiver asks for TLS.

    An example: `{"otlp": 4317, "otlp-http": 4318, "metrics": 8888}`.
    """
    number_by_name = {}
    for port in build.needs.ports:
        if port.name != OTLP_HTTP or not speaks_tls(config, port.number):
            number_by_name[port.name] = port.number
    return number_by_name
