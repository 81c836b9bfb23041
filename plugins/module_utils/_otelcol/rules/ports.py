# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on ports: conflicts and reachability.

Source: net.Listen of Go and bind(2); default ports from the catalogue. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.paths import ANY, at, dotted, hosts_overlap, is_loopback, items
from ..traits import EXTENSIONS, Trait, types_that
from .subject import Deployment, Fault, Subject, about, rules
from .view import Listener, kind_of

_DOCUMENTATION = "https://opentelemetry.io/docs/collector/configuration/"
_NODE_PORTS = "https://kubernetes.io/docs/concepts/configuration/overview/#services"
_SHOWN = 6
_TELEMETRY = "https://opentelemetry.io/docs/collector/internal-telemetry/"


def port_clash(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints that another component of the collector opens too; the second one fails at start."""
    held: dict[tuple[int, str], dict[str, Listener]] = {}
    for listener in subject.view.listeners:
        hosts = held.setdefault(listener.end, {})
        first = _holder(hosts, listener.host)
        if first is None:
            hosts[listener.host] = listener
            continue
        has_own_rule = first.part is None and _is_prometheus_exporter(listener)
        if not has_own_rule:
            number, protocol = listener.end
            message = f"{protocol} port {number} is already taken by {dotted(first.path)}"
            yield Fault(listener.path, message, "Give one of them another port.")


@about(exporters=["prometheus"])
def own_metrics_port(subject: Subject) -> Iterator[Fault]:
    """Yield prometheus exporters on the port of the collector's own metrics."""
    readers = [listener for listener in subject.view.listeners if listener.part is None]
    exporters = [listener for listener in subject.view.listeners if _is_prometheus_exporter(listener)]
    for exporter in exporters:
        for reader in readers:
            if reader.end == exporter.end:
                yield _on_port_of_reader(exporter, reader)


def _on_port_of_reader(exporter: Listener, reader: Listener) -> Fault:
    message = f"port {exporter.port} serves the collector's own metrics"
    fix = "Use another port, such as 8889."
    if hosts_overlap(reader.host, exporter.host):
        return Fault(exporter.path, f"{message}; the exporter cannot start", fix)
    elsewhere = f"{message}, on another address: a scraper gets only one of both"
    return Fault(exporter.path, elsewhere, fix, severity="warning")


def _holder(hosts: dict[str, Listener], host: str) -> Listener | None:
    """Return the listener that already uses a port on an overlapping address."""
    if host in hosts:
        return hosts[host]
    candidates = [*hosts] if host in ANY else [*ANY, "localhost", "127.0.0.1"]
    for candidate in candidates:
        if candidate in hosts and hosts_overlap(candidate, host):
            return hosts[candidate]
    return None


def _is_prometheus_exporter(listener: Listener) -> bool:
    part = listener.part
    return part is not None and part.section == "exporters" and part.kind == "prometheus"


_SERVICES = "https://opentelemetry.io/docs/security/config-best-practices/"
_PROBES = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/extension/healthcheckextension"
_POLICIES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
_POD, _POD_BEFORE_PORT = "${env:MY_POD_IP}", "[${env:MY_POD_IP}]"
_HEALTH = types_that(EXTENSIONS, Trait.ANSWERS_PROBES)
_ADMIT = {
    "own": "Add `{{port: {port}, protocol: UDP}}` to the ports of an ingress rule of a policy that selects the pods.",
    "operator": "Apply a NetworkPolicy of your own that selects the pods and admits `{{port: {port}, protocol: UDP}}`.",
}


@about("deployment")
def unreachable_receiver(subject: Subject) -> Iterator[Fault]:
    """Yield listeners on the loopback address whose port a Service or the node exposes."""
    deployment = subject.deployment
    if not deployment or deployment.mode == "sidecar" or not deployment.exposed:
        return
    for listener in _exposed_listeners(subject):
        if is_loopback(listener.host) and listener.end in deployment.exposed:
            message = f"port {listener.port} listens on {listener.host}, which no other pod reaches"
            yield Fault(listener.path, message, f"Write `{listener.at(_address_of_pod(listener))}`.")


@about("deployment")
def open_on_node(subject: Subject) -> Iterator[Fault]:
    """Yield ports that are open on every address of the node because the pod uses hostNetwork."""
    if not subject.deployment or not subject.deployment.host_network:
        return
    for listener in subject.view.listeners:
        if listener.host in ANY:
            fix = _narrower(listener, subject.deployment)
            where = "host" if subject.deployment.is_service else "node"
            yield Fault(listener.path, f"port {listener.port} is open on every address of the {where}", fix)


def _narrower(listener: Listener, deployment: Deployment) -> str:
    """Return on which address to listen instead: a service of systemd has no address of a pod."""
    if deployment.is_service:
        own = f"the address of the host, such as `192.0.2.10:{listener.port}`"
        return f"Write `127.0.0.1:{listener.port}` for clients on the host, or {own}."
    return f'Write `"{_POD_BEFORE_PORT}:{listener.port}"`, or `localhost:{listener.port}` for clients on the node.'


@about("deployment")
def closed_udp_port(subject: Subject) -> Iterator[Fault]:
    """Yield UDP receivers whose port no network policy of the pods admits; a policy admits TCP unless it says UDP.

    Files may lack a policy that admits more, so only a port that a policy has for TCP alone is more than a note there.
    """
    deployment = subject.deployment
    if not deployment or not deployment.ingress or deployment.host_network:
        return
    ingress, fix = deployment.ingress, _ADMIT["operator" if deployment.by_operator else "own"]
    for listener in _exposed_listeners(subject):
        if listener.protocol != "UDP" or is_loopback(listener.host) or ingress.admits(*listener.end):
            continue
        if ingress.admits(listener.port, "TCP"):
            wrong, severity = f"admits port {listener.port} for TCP only", ""
        else:
            wrong, severity = f"does not admit UDP port {listener.port}", "" if ingress.complete else "info"
        message = f"NetworkPolicy {ingress.policies.names} {wrong}"
        yield Fault(listener.path, message, fix.format(port=listener.port), severity=severity)


@about("deployment")
def health_check_missing(subject: Subject) -> Iterator[Fault]:
    """Yield collectors without a health check for the kubelet's probes."""
    if subject.deployment and subject.deployment.probed and not _answers_probes(subject):
        yield Fault(
            ("service", "extensions"),
            "no health_check answers probes: pods that hang keep running, and pods that are not ready receive data",
            'Add extension `health_check: {endpoint: "[${env:MY_POD_IP}]:13133"}`, and list it in service.extensions.',
        )


@about("deployment")
def health_check_unreachable(subject: Subject) -> Iterator[Fault]:
    """Yield health checks on the loopback address, which the kubelet cannot reach."""
    if not subject.deployment or not subject.deployment.probed:
        return
    for listener in subject.view.listeners:
        part = listener.part
        if part and part.kind in _HEALTH and is_loopback(listener.host):
            message = f"'{part.id}' listens on {listener.host}, but the kubelet probes the address of the pod"
            yield Fault(listener.path, message, f"Write `{listener.at(_address_of_pod(listener))}`.")


def _address_of_pod(listener: Listener) -> str:
    """Return the pod's address for a listener: in brackets before a port, which IPv6 needs and IPv4 takes."""
    return _POD if listener.port_apart else _POD_BEFORE_PORT


def _answers_probes(subject: Subject) -> bool:
    """Whether the collector starts an extension that answers probes."""
    started = items(subject.config, "service", "extensions")
    return any(isinstance(name, str) and kind_of(name) in _HEALTH for name in started)


def _exposed_listeners(subject: Subject) -> Iterator[Listener]:
    return (listener for listener in subject.view.listeners if listener.exposed)


@about("deployment")
def host_port_open(subject: Subject) -> Iterator[Fault]:
    """Yield agents that open ports on their nodes by default, in clear text for everybody who reaches the node."""
    open_ports = subject.deployment.open_ports if subject.deployment else frozenset()
    on_node = [listener for listener in _exposed_listeners(subject) if listener.end in open_ports]
    in_clear_text = [listener for listener in on_node if not at(subject.config, (*listener.path[:-1], "tls"))]
    if in_clear_text:
        numbers = sorted({listener.port for listener in in_clear_text})[:_SHOWN]
        noun = "port" if len(numbers) == 1 else "ports"
        listed = ", ".join(str(number) for number in numbers)
        yield Fault(
            in_clear_text[0].path,
            f"everybody who reaches the node can send to its {noun} {listed}, in clear text",
            "Set `host_ports: true` to accept this. For pods of the same node only, set `host_ports: false` and "
            "`service: {enabled: true}`.",
        )


RULES = (
    *rules("error", port_clash, documentation=_DOCUMENTATION),
    *rules("error", own_metrics_port, documentation=_TELEMETRY),
    *rules("warning", unreachable_receiver, open_on_node, documentation=_SERVICES),
    *rules("warning", closed_udp_port, documentation=_POLICIES),
    *rules("warning", health_check_missing, health_check_unreachable, documentation=_PROBES),
    *rules("warning", host_port_open, documentation=_NODE_PORTS),
)
