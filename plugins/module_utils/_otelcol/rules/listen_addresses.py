# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the addresses on which components listen.

Which settings these are, _data/catalogue/ports.json says. `otelcol validate` reads few of them; the others are refused
by net.Listen of Go when the Collector starts. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..languages.formats import broken_listener, listening_address
from ..needs.listeners import Endpoint, written_endpoints
from .subject import Fault, Subject, about, rules

_DOCUMENTATION = "https://opentelemetry.io/docs/security/config-best-practices/"
_SOCKETS = ("unix:", "/", "@")
# Texts of a template that is not rendered yet.
_TEMPLATE = "{{"


@about("listeners")
def listen_address(subject: Subject) -> Iterator[Fault]:
    """Yield addresses on which a component cannot listen: the Collector does not start, `otelcol validate` takes them.

    A server takes a host and a port: no URL, no path, no port alone, and no port above 65535.
    """
    for part in subject.view.parts:
        for one in written_endpoints(part, subject.listeners):
            why = "" if one.row.checked or _is_open(one) else broken_listener(one.text)
            if why:
                host = "0.0.0.0" if one.row.exposed else "localhost"
                yield Fault(
                    one.path, f"'{one.text}' {why}", f"Write `{listening_address(one.text, one.row.port, host)}`."
                )


def _is_open(one: Endpoint) -> bool:
    """Whether an address is not known yet, or one of a socket where the component takes these."""
    is_socket = one.row.sockets and one.text.startswith(_SOCKETS)
    return not one.text or "$" in one.text or _TEMPLATE in one.text or is_socket


RULES = rules("error", listen_address, documentation=_DOCUMENTATION)
