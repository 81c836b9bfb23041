# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on addresses of IPv4 and IPv6.

Source: net.SplitHostPort and net.Listen of Go, RFC 3986 (3.2.2, brackets in a URL), and Kubernetes, "IPv4/IPv6
dual-stack" for the addresses of pods and nodes. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.zipkin.endpoint: error [unbracketed-address] '${env:MY_POD_IP}:9411' is no address in an IPv6 cluster.
    Write `"[${env:MY_POD_IP}]:9411"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..config.addresses import ANY_IPV4, IPV6
from ..config.paths import Path, format_path, iter_leaves, value_at
from ..errors import join_at_most
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Subject

_DOCUMENTATION = "https://kubernetes.io/docs/concepts/services-networking/dual-stack/"
# A variable with an address of a pod or node, as the downward API gives it: `${env:MY_POD_IP}`, `${K8S_NODE_IP}`.
_ADDRESS_VARIABLE = r"\$\{(?:env:)?(?:[A-Z0-9]+_)*(?:POD|NODE|HOST)_?IP\}"
_SCHEME = r"[a-z][a-z0-9+.-]{0,30}://"
# Such a variable before a port, without brackets: `${env:MY_POD_IP}:4317`, `http://${env:MY_POD_IP}:4318/v1/logs`.
_UNBRACKETED = re.compile(
    rf"(?P<scheme>{_SCHEME})?(?P<address>{_ADDRESS_VARIABLE}):(?P<port_and_path>\d+(?:/.*)?)\Z", re.DOTALL
)
# The paths in one message at most.
_MOST_SHOWN = 3


def unbracketed_address(subject: Subject) -> Iterator[Fault]:
    """Yield addresses of pods and nodes before a port without brackets, which IPv6 needs.

    Where nobody knows the family of addresses, only addresses to listen on are reported: brackets are right there for
    IPv4 too. In a URL they are not: Go refuses brackets around an address of IPv4 since 1.25.2.
    """
    families = _known_ip_families(subject)
    # The first family of a cluster is that of the variables with addresses of pods and nodes.
    if not families:
        yield from _report_unbracketed_listeners(subject)
    elif families[0] == IPV6:
        for path, value in iter_leaves(subject.config):
            if isinstance(value, str) and _UNBRACKETED.match(value):
                message = f"'{value}' is no address in an IPv6 cluster"
                yield Fault(path, message, f'Write `"{_add_brackets(value)}"`.')


class _Endpoint(NamedTuple):
    """A text with an address to listen on, and where it stands."""

    path: Path
    text: str


def _report_unbracketed_listeners(subject: Subject) -> Iterator[Fault]:
    """Yield one fault for all addresses to listen on without brackets, in case the cluster has IPv6."""
    endpoints = list(_find_unbracketed_listeners(subject))
    if not endpoints:
        return
    location = "on a host with IPv6" if subject.on_host else "in an IPv6 cluster"
    paths_text = join_at_most(_MOST_SHOWN, [format_path(endpoint.path) for endpoint in endpoints], ", ")
    message = (
        f"the collector does not start {location}, because an IPv6 address needs brackets before a port: {paths_text}"
    )
    fix = f'Write `"{_add_brackets(endpoints[0].text)}"`, which works with IPv4 too.'
    yield Fault(endpoints[0].path, message, fix, severity="info")


def _find_unbracketed_listeners(subject: Subject) -> Iterator[_Endpoint]:
    """Yield the endpoints of listeners that are written with an address without brackets."""
    for listener in subject.view.listeners:
        value = value_at(subject.config, listener.path)
        if isinstance(value, str) and _UNBRACKETED.match(value):
            yield _Endpoint(listener.path, value)


@about("deployment")
def ipv4_listener(subject: Subject) -> Iterator[Fault]:
    """Yield listeners on all addresses of IPv4 alone, in a cluster with IPv6."""
    families = _known_ip_families(subject)
    if IPV6 not in families:
        return
    # With IPv4 first, the listener still has the first address of the pod.
    severity = SEVERITY_OF_RULE if families[0] == IPV6 else "warning"
    for listener in subject.view.listeners:
        if listener.host == ANY_IPV4:
            message = f"port {listener.port} listens on {ANY_IPV4}, which no IPv6 address reaches"
            any_address = listener.describe_host_setting("::" if listener.has_separate_port else "[::]")
            yield Fault(listener.path, message, f"Write `{any_address}`, which takes both families.", severity=severity)


def _add_brackets(value: str) -> str:
    """Return an address with brackets before its port: `[${env:MY_POD_IP}]:4317`."""
    return _UNBRACKETED.sub(r"\g<scheme>[\g<address>]:\g<port_and_path>", value)


def _known_ip_families(subject: Subject) -> tuple[str, ...]:
    """Return the families of the cluster's addresses, the first one first; none where they are not known."""
    return subject.deployment.ip_families if subject.deployment else ()


RULES = define_rules("error", unbracketed_address, ipv4_listener, documentation=_DOCUMENTATION)
