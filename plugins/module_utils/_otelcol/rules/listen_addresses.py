# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the addresses on which components listen.

_data/catalogue/ports.json says in which settings these addresses stand. `otelcol validate` reads few of them; the
others are refused by net.Listen of Go when the Collector starts. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.prometheus.endpoint: error [listen-address] 'prometheus' has no port. Write `0.0.0.0:PORT`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..languages.go_addresses import find_listener_fault, suggest_listening_address
from ..needs.listeners import ListenEndpoint, list_written_endpoints
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_DOCUMENTATION = "https://opentelemetry.io/docs/security/config-best-practices/"
# How the address of a Unix socket begins: `unix:/run/a.sock`, `/run/a.sock`, or `@name` for one without a file.
_SOCKET_PREFIXES = ("unix:", "/", "@")
# What is in an address of a template that is not rendered yet.
_TEMPLATE_SIGN = "{{"


@about("listeners")
def listen_address(subject: Subject) -> Iterator[Fault]:
    """Yield addresses on which a component cannot listen: the Collector does not start, `otelcol validate` takes them.

    A server takes a host and a port: no URL, no path, no port alone, and no port above 65535.
    """
    for part in subject.view.started_components:
        for endpoint in list_written_endpoints(part, subject.listeners):
            # Checks of constraints.json report an address that `otelcol validate` reads.
            if endpoint.row.is_checked or _is_unknown_or_socket(endpoint):
                continue
            problem = find_listener_fault(endpoint.text)
            if problem:
                host = "0.0.0.0" if endpoint.row.is_exposed else "localhost"
                valid_address = suggest_listening_address(endpoint.text, endpoint.row.port, host)
                yield Fault(endpoint.path, f"'{endpoint.text}' {problem}", f"Write `{valid_address}`.")


def _is_unknown_or_socket(endpoint: ListenEndpoint) -> bool:
    """Whether an address is not known yet, or is one of a Unix socket, if the component takes these."""
    address = endpoint.text
    is_unknown = not address or "$" in address or _TEMPLATE_SIGN in address
    is_socket = endpoint.row.takes_sockets and address.startswith(_SOCKET_PREFIXES)
    return is_unknown or is_socket


RULES = define_rules("error", listen_address, documentation=_DOCUMENTATION)
