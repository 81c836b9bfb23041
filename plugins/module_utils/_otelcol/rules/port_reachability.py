# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on who reaches a port: a port that its clients do not reach, or one that everybody on a node reaches.

Sources: OpenTelemetry's best practices for configs, and Kubernetes' documentation of network policies. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.addresses import ANY, is_loopback
from ..config.paths import at
from ..needs.listeners import Listener
from .subject import Deployment, Fault, Subject, about, rules

_BEST_PRACTICES = "https://opentelemetry.io/docs/security/config-best-practices/"
_NODE_PORTS = "https://kubernetes.io/docs/concepts/configuration/overview/#services"
_POLICIES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
_SHOWN_PORTS = 6
_POD, _POD_BEFORE_PORT = "${env:MY_POD_IP}", "[${env:MY_POD_IP}]"
_FIX_OF_POLICIES = {
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
            yield Fault(listener.path, message, f"Write `{listener.at(address_of_pod(listener))}`.")


def _exposed_listeners(subject: Subject) -> Iterator[Listener]:
    """Return the ports that clients connect to."""
    return (listener for listener in subject.view.listeners if listener.exposed)


def address_of_pod(listener: Listener) -> str:
    """Return the pod's address for a listener: in brackets before a port, which IPv6 needs and IPv4 takes."""
    return _POD if listener.port_apart else _POD_BEFORE_PORT


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
    ingress, fix = deployment.ingress, _FIX_OF_POLICIES["operator" if deployment.by_operator else "own"]
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
def host_port_open(subject: Subject) -> Iterator[Fault]:
    """Yield agents that open ports on their nodes by default, in clear text for everybody who reaches the node."""
    open_ports = subject.deployment.open_ports if subject.deployment else frozenset()
    on_node = [listener for listener in _exposed_listeners(subject) if listener.end in open_ports]
    in_clear_text = [listener for listener in on_node if not at(subject.config, (*listener.path[:-1], "tls"))]
    if in_clear_text:
        numbers = sorted({listener.port for listener in in_clear_text})[:_SHOWN_PORTS]
        noun = "port" if len(numbers) == 1 else "ports"
        listed = ", ".join(str(number) for number in numbers)
        yield Fault(
            in_clear_text[0].path,
            f"everybody who reaches the node can send to its {noun} {listed}, in clear text",
            "Set `host_ports: true` to accept this. For pods of the same node only, set `host_ports: false` and "
            "`service: {enabled: true}`.",
        )


RULES = (
    *rules("warning", unreachable_receiver, open_on_node, documentation=_BEST_PRACTICES),
    *rules("warning", closed_udp_port, documentation=_POLICIES),
    *rules("warning", host_port_open, documentation=_NODE_PORTS),
)
