# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on variables: those that the config reads and nobody sets, and those that lead requests to a proxy.

Source: confmap/provider/envprovider of the Collector. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.otlp.headers.key: error [missing-variable] variable TOKEN is read here, but not set. Add it to `env`,
    or give it a default: ${env:TOKEN:-VALUE}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..config.addresses import is_internal_host
from ..config.paths import Path
from ..errors import suggest_word
from ..needs.needed_variables import find_config_variables
from ..needs.peers import Peer, find_peers
from ..needs.proxies import find_proxy_for, join_proxy_exceptions
from .rule_definitions import Fault, define_rules
from .subject import Subject

_PROXIES = "https://opentelemetry.io/docs/collector/configuration/#proxy-support"
# What every container has: from the runtime (runc's init, containerd's and CRI-O's spec), and from the kubelet for the
# Service `kubernetes`, which it links even with `enableServiceLinks: false`.
_API_SERVER = "KUBERNETES_PORT_443_TCP"
_IN_EVERY_POD = frozenset(
    (
        *("HOME", "HOSTNAME", "PATH"),
        *("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "KUBERNETES_SERVICE_PORT_HTTPS", "KUBERNETES_PORT"),
        *(_API_SERVER, f"{_API_SERVER}_ADDR", f"{_API_SERVER}_PORT", f"{_API_SERVER}_PROTO"),
    )
)
# Variables of the other Services of a namespace.
_SERVICE_LINK = re.compile(
    r"([A-Z][A-Z0-9_]{0,62})_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]{1,15})?|PORT_\d{1,5}_(?:TCP|UDP)_ADDR)\Z"
)


def missing_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables that the config reads but `env` does not set; the Collector replaces them with empty text."""
    if subject.variable_names is None:
        return
    set_names = subject.variable_names if subject.on_host else subject.variable_names | _IN_EVERY_POD
    for variable in find_config_variables(subject.config):
        if variable.is_optional or variable.name in set_names:
            continue
        link_match = None if subject.on_host else _SERVICE_LINK.match(variable.name)
        if link_match:
            yield _describe_linked_variable(variable.path, variable.name, link_match[1])
        else:
            near_name_hint = suggest_word(variable.name, subject.variable_names)
            message = f"variable {variable.name} is read here, but not set{near_name_hint}"
            fix = f"Add it to `env`, or give it a default: ${{env:{variable.name}:-VALUE}}."
            yield Fault(variable.path, message, fix)


def _describe_linked_variable(path: Path, name: str, service: str) -> Fault:
    """Return the fault of a variable that a pod has if it starts after a Service of its namespace."""
    service_name = service.lower().replace("_", "-")
    message = (
        f"variable {name} is read here, and a pod has it only if it starts after Service '{service_name}' was made"
    )
    fix = (
        f"Write the Service's name, `{service_name}` with its port, which Kubernetes resolves whenever the pod starts."
    )
    return Fault(path, message, fix, severity="warning")


def proxied_service(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send to a Service through a proxy, because NO_PROXY does not name the Service."""
    if subject.on_host:
        return  # a name of one word is no Service there
    peers_inside = [peer for peer in find_peers(subject.config, "") if _sends_to_service(peer)]
    for peer in peers_inside:
        proxy = find_proxy_for(peer.host, peer.port, peer.scheme, subject.literal_variables)
        if proxy:
            message = f"{proxy.variable} sends what is for {peer.endpoint} to the proxy {proxy.host}"
            no_proxy_value = join_proxy_exceptions(inside_peer.host for inside_peer in peers_inside)
            fix = f"Add `NO_PROXY: {no_proxy_value}` to `env`, or these names to its value; see docs/proxies.md."
            yield Fault(("exporters", peer.exporter), message, fix)


def _sends_to_service(peer: Peer) -> bool:
    """Whether an exporter sends to a Service, and not to a host outside that looks like one."""
    return bool(peer.service) and (peer.is_certain or is_internal_host(peer.host))


RULES = (
    *define_rules("error", missing_variable),
    *define_rules("warning", proxied_service, documentation=_PROXIES),
)
