# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, network policies, ingresses and routes of a collector, and how to probe it.

The default NetworkPolicy restricts ports, not sources. Probes, load balancers and the API server are no pods, and their
addresses differ from cluster to cluster. Private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._config.paths import at, items, section
from ..._errors import Problem
from ..._kube import names
from ..quantities import duration
from .build import CollectorBuild, Manifest, exposed_port, frame, present
from .openshift import app_protocol

_MONITORING_API = "monitoring.coreos.com/v1"
_GATEWAY_API = "gateway.networking.k8s.io/v1"


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
    port = exposed_port(build, options.get("port") or "otlp-http")
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
    """Return the Service whose name stands for all pods; it also gives each replica of a StatefulSet a name."""
    collector = build.collector
    if not collector.has_headless:
        return None
    name = names.check_name("name of a headless Service", names.headless(collector.name))
    spec = {"clusterIP": "None", "selector": collector.pods, **present(ports=_ports(build))}
    return frame(build, "v1", "Service", name=name, spec=spec)


def _ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports; `appProtocol: grpc` lets L7 load balancers and meshes speak HTTP/2 to it."""
    return [
        {"name": port.name, "port": port.number, "targetPort": port.number, "protocol": port.protocol}
        | present(appProtocol=app_protocol(build, port))
        for port in build.exposed
    ]


def addresses(build: CollectorBuild) -> str:
    """Return where clients reach a collector, in words."""
    collector = build.collector
    if not build.exposed:
        return "takes no data from clients"
    routes, ways = collector.routes, []
    if collector.mode == "sidecar":
        ways.append("localhost of each pod that has it")
    if collector.wants_service:
        ways.append(f"{collector.name}.{collector.namespace}.svc")
    if collector.uses_host_ports or collector.host_network:
        ways.append("each node")
    hosts = [at(options, ("host",)) for options in (collector.ingress, collector.openshift_route)]
    hosts += [*(routes.get("http_hostnames") or ()), *(routes.get("grpc_hostnames") or ())]
    ports = ", ".join(f"{port.number} ({port.name})" for port in build.exposed)
    outside = f"; from outside {', '.join(host for host in hosts if host)}" if any(hosts) else ""
    return f"at {' and '.join(ways) or 'its pods'}, port {ports}{outside}"


_RECEIVES = "otlp-http"
_COUNTS = "metrics"
_SIGNALS = ("traces", "metrics", "logs")
# What passes only a part of the data. Source: the READMEs of these processors.
_SAMPLERS = ("tail_sampling", "probabilistic_sampler")
# Seconds of a probe by default, those for the way behind a sampler, and how long tail_sampling waits by default.
_PATIENCE, _MARGIN, _DECISION = 30, 20, 30
_ALL = 100  # percent
# What ends in the collector itself.
_ENDS = ("debug", "logging", "nop")


def probe(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what to send through the API server, and where it must be counted; None if that is not possible.

    Telemetry goes in by OTLP/HTTP in clear text, and is counted where the collector serves its own metrics.
    """
    if unprobed(build, config):
        return None
    ports = _plain_ports(build, config)
    pods = {"namespace": build.collector.namespace, "selector": build.collector.selector_text}
    via = {**pods, "port": ports[_RECEIVES]}
    arrival = {**pods, "evidence": "metrics", "metrics_port": ports[_COUNTS]}
    return {
        "name": build.collector.name,
        "via": via,
        "arrival": arrival,
        "signals": _passed(config),
        **_sampled(config),
    }


def hop(build: CollectorBuild, receivers: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """Return how to see what a collector takes and sends on, by the collectors that its exporters send to."""
    collector, connectors = build.collector, section(build.config, "connectors")
    if collector.mode == "sidecar":  # it has no pods of its own
        return None
    signals: dict[str, set[str]] = {}
    for key, pipeline in section(build.config, "service", "pipelines").items():
        for name in map(str, items(pipeline, "exporters")):
            if _kind(name) not in _ENDS and name not in connectors:
                signals.setdefault(name, set()).add(_kind(key))
    return {
        "name": f"{collector.namespace}/{collector.name}",
        "namespace": collector.namespace,
        "selector": collector.selector_text,
        "metrics_port": _plain_ports(build, build.config).get(_COUNTS, 0),
        "exporters": {
            name: {"signals": sorted(signals[name]), "to": list(receivers.get(name, ()))} for name in sorted(signals)
        },
    }


def unprobed(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector cannot be tested through the API server; empty if it can."""
    ports, plain = {port.name for port in build.needs.ports}, _plain_ports(build, config)
    reasons = (
        (build.collector.mode == "sidecar", "it runs in the pods of applications, on localhost"),
        (_RECEIVES in ports and _RECEIVES not in plain, "its OTLP receiver over HTTP requires TLS"),
        (_RECEIVES not in ports or not _received(config), "it has no OTLP receiver over HTTP"),
        (not _passed(config), "its sampler may drop what is sent"),
        (_COUNTS not in ports, "it does not serve its own metrics, in which the data would be counted"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def not_tested(build: CollectorBuild, config: Mapping[str, Any]) -> str:
    """Return why a collector, or a signal of it, is not tested; empty if all is."""
    left = [signal for signal in _received(config) if signal not in _passed(config)]
    return unprobed(build, config) or (f"its {' and '.join(left)}, which a sampler may drop" if left else "")


def _kind(name: object) -> str:
    return str(name).partition("/")[0]


def _entered(config: Mapping[str, Any]) -> list[str]:
    """Return the pipelines that have an OTLP receiver."""
    pipelines = section(config, "service", "pipelines").items()
    return [str(key) for key, one in pipelines if any(_kind(name) == "otlp" for name in items(one, "receivers"))]


def _paths(config: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each signal that an OTLP receiver takes, with the samplers on each way to an exporter."""
    for key in _entered(config):
        yield from ((_kind(key), samplers) for samplers in _ways(config, key, ()))


def _ways(config: Mapping[str, Any], key: str, passed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the samplers on each way out of a pipeline, also through connectors that keep the signal."""
    pipelines, connectors = section(config, "service", "pipelines"), section(config, "connectors")
    own = tuple(str(name) for name in items(pipelines[key], "processors") if _kind(name) in _SAMPLERS)
    for exporter in items(pipelines[key], "exporters"):
        if exporter not in connectors:
            yield own
        for other, pipeline in pipelines.items() if exporter in connectors else ():
            if exporter in items(pipeline, "receivers") and _kind(other) == _kind(key) and other not in (key, *passed):
                yield from ((*own, *behind) for behind in _ways(config, str(other), (*passed, key)))


def _received(config: Mapping[str, Any]) -> list[str]:
    """Return the signals whose pipelines have an OTLP receiver."""
    found = set(map(_kind, _entered(config)))
    return [signal for signal in _SIGNALS if signal in found]


def _passed(config: Mapping[str, Any]) -> list[str]:
    """Return the signals of which a way passes every record, or every span that failed."""
    paths = list(_paths(config))
    found = {signal for signal, samplers in paths if all(_keeps(config, one) for one in samplers)}
    ways = {signal for signal, _samplers in paths}
    return [signal for signal in _received(config) if signal in found or signal not in ways]


def _keeps(config: Mapping[str, Any], sampler: str) -> bool:
    """Whether a sampler keeps all records, or all spans that failed."""
    settings = section(config, "processors", sampler)
    policies = items(settings, "policies")
    share = settings.get("sampling_percentage")
    return (isinstance(share, (int, float)) and share >= _ALL) or any(
        at(policy, ("type",)) == "always_sample" or "ERROR" in items(policy, "status_code", "status_codes")
        for policy in policies
    )


def _sampled(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return how to probe tail samplers: they keep spans that failed, after they have waited for the whole trace."""
    names = {name for _signal, samplers in _paths(config) for name in samplers if _kind(name) == _SAMPLERS[0]}
    if not names:
        return {}
    given = [section(config, "processors", name).get("decision_wait") for name in names]
    wait = max(_DECISION if one is None else duration(one) for one in given)
    return {"span_status": "error", "timeout_seconds": max(_PATIENCE, wait + _MARGIN)}


def clients_url(build: CollectorBuild) -> str:
    """Return where applications send OTLP/HTTP in clear text, empty if they cannot. $(HOST_IP) is their node."""
    collector = build.collector
    port = _plain_ports(build, build.config).get(_RECEIVES)
    if not port:
        return ""
    if collector.mode == "sidecar":
        return f"http://localhost:{port}"
    if collector.wants_service:
        return f"http://{collector.name}.{collector.namespace}.svc:{port}"
    return f"http://$(HOST_IP):{port}" if collector.uses_host_ports or collector.host_network else ""


def _plain_ports(build: CollectorBuild, config: Mapping[str, Any]) -> dict[str, int]:
    """Return the ports by name; without that of OTLP/HTTP if a receiver wants TLS there."""
    receivers = section(config, "receivers")
    tls = [at(receivers, (name, "protocols", "http", "tls")) for name in receivers if name.split("/")[0] == "otlp"]
    return {port.name: port.number for port in build.needs.ports if not (any(tls) and port.name == _RECEIVES)}
