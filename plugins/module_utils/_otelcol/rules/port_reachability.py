# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on who reaches a port: a port that its clients do not reach, or one that everybody on a node reaches.

Sources: OpenTelemetry's best practices for configs, and Kubernetes' documentation of network policies. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.netflow: warning [unreachable-receiver] port 2055 listens on localhost, which no other pod reaches.
    Write `hostname: ${env:MY_POD_IP}`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.addresses import ANY_HOSTS, is_loopback
from ..config.paths import value_at
from ..needs.listeners import Listener
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Deployment, Ingress, Subject

_BEST_PRACTICES = "https://opentelemetry.io/docs/security/config-best-practices/"
_NODE_PORTS = "https://kubernetes.io/docs/concepts/configuration/overview/#services"
_POLICIES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
_SHOWN_PORTS = 6
_POD_ADDRESS = "${env:MY_POD_IP}"
_POD_ADDRESS_BEFORE_PORT = f"[{_POD_ADDRESS}]"  # IPv6 needs the brackets, and IPv4 takes them
_FIX_OF_POLICIES = {
    "own": "Add `{{port: {port}, protocol: UDP}}` to the ports of an ingress rule of a policy that selects the pods.",
    "operator": "Apply a NetworkPolicy of your own that selects the pods and admits `{{port: {port}, protocol: UDP}}`.",
}


@about("deployment")
def unreachable_receiver(subject: Subject) -> Iterator[Fault]:
    """Yield listeners on the loopback address whose port a Service or the node exposes."""
    deployment = subject.deployment
    if not deployment or deployment.mode == "sidecar" or not deployment.exposed_ports:
        return
    for listener in _list_exposed_listeners(subject):
        if is_loopback(listener.host) and listener.port_and_protocol in deployment.exposed_ports:
            message = f"port {listener.port} listens on {listener.host}, which no other pod reaches"
            # Such as `endpoint: "[${env:MY_POD_IP}]:4317"`.
            reachable_setting = listener.describe_host_setting(choose_pod_address(listener))
            yield Fault(listener.path, message, f"Write `{reachable_setting}`.")


def _list_exposed_listeners(subject: Subject) -> Iterator[Listener]:
    """Yield the listeners that clients connect to."""
    for listener in subject.view.listeners:
        if listener.is_exposed:
            yield listener


def choose_pod_address(listener: Listener) -> str:
    """Return the pod's address for a listener: in brackets before a port."""
    return _POD_ADDRESS if listener.has_separate_port else _POD_ADDRESS_BEFORE_PORT


@about("deployment")
def open_on_node(subject: Subject) -> Iterator[Fault]:
    """Yield ports that are open on every address of the node because the pod uses hostNetwork."""
    deployment = subject.deployment
    if not deployment or not deployment.uses_host_network:
        return
    machine_name = "host" if deployment.is_service else "node"
    for listener in subject.view.listeners:
        if listener.host in ANY_HOSTS:
            message = f"port {listener.port} is open on every address of the {machine_name}"
            yield Fault(listener.path, message, _suggest_narrower_address(listener, deployment))


def _suggest_narrower_address(listener: Listener, deployment: Deployment) -> str:
    """Return the fix: on which address to listen instead. A service of systemd has no address of a pod."""
    if deployment.is_service:
        host_address = f"the address of the host, such as `192.0.2.10:{listener.port}`"
        return f"Write `127.0.0.1:{listener.port}` for clients on the host, or {host_address}."
    return (
        f'Write `"{_POD_ADDRESS_BEFORE_PORT}:{listener.port}"`, or `localhost:{listener.port}` for clients on the node.'
    )


@about("deployment")
def closed_udp_port(subject: Subject) -> Iterator[Fault]:
    """Yield UDP receivers whose port no network policy of the pods admits; a policy admits TCP unless it says UDP.

    Files may lack a policy that admits more, so only a port that a policy has for TCP alone is more than a note there.
    """
    deployment = subject.deployment
    if not deployment or not deployment.ingress or deployment.uses_host_network:
        return
    fix_pattern = _FIX_OF_POLICIES["operator" if deployment.by_operator else "own"]
    for listener in _list_exposed_listeners(subject):
        may_be_closed = listener.protocol == "UDP" and not is_loopback(listener.host)
        if may_be_closed and not deployment.ingress.admits(*listener.port_and_protocol):
            yield _report_closed_port(listener, deployment.ingress, fix_pattern.format(port=listener.port))


def _report_closed_port(listener: Listener, ingress: Ingress, fix: str) -> Fault:
    """Return the fault of a UDP port that network policies do not admit."""
    if ingress.admits(listener.port, "TCP"):
        problem = f"admits port {listener.port} for TCP only"
        severity = SEVERITY_OF_RULE
    else:
        problem = f"does not admit UDP port {listener.port}"
        severity = SEVERITY_OF_RULE if ingress.is_complete else "info"  # another file may have a policy that admits it
    return Fault(listener.path, f"NetworkPolicy {ingress.policies.policy_names} {problem}", fix, severity=severity)


@about("deployment")
def host_port_open(subject: Subject) -> Iterator[Fault]:
    """Yield agents that open ports on their nodes by default, in clear text for everybody who reaches the node."""
    clear_text_listeners = [
        listener for listener in _list_open_host_listeners(subject) if not _has_tls(listener, subject)
    ]
    if clear_text_listeners:
        port_numbers = sorted({listener.port for listener in clear_text_listeners})[:_SHOWN_PORTS]
        port_noun = "port" if len(port_numbers) == 1 else "ports"
        listed_ports = ", ".join(str(port_number) for port_number in port_numbers)
        yield Fault(
            clear_text_listeners[0].path,
            f"everybody who reaches the node can send to its {port_noun} {listed_ports}, in clear text",
            "Set `host_ports: true` to accept this. For pods of the same node only, set `host_ports: false` and "
            "`service: {enabled: true}`.",
        )


def _list_open_host_listeners(subject: Subject) -> Iterator[Listener]:
    """Yield the listeners whose port is open on the node by default."""
    open_ports = subject.deployment.open_ports if subject.deployment else frozenset()
    for listener in _list_exposed_listeners(subject):
        if listener.port_and_protocol in open_ports:
            yield listener


def _has_tls(listener: Listener, subject: Subject) -> bool:
    """Whether the settings beside the endpoint of a listener have `tls`."""
    tls_path = (*listener.path[:-1], "tls")
    return bool(value_at(subject.config, tls_path))


RULES = (
    *define_rules("warning", unreachable_receiver, open_on_node, documentation=_BEST_PRACTICES),
    *define_rules("warning", closed_udp_port, documentation=_POLICIES),
    *define_rules("warning", host_port_open, documentation=_NODE_PORTS),
)
