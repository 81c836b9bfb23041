# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on ports that two parts of one collector want.

Source: net.Listen of Go and bind(2); default ports from the catalogue. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.addresses import ANY, overlap
from ..config.paths import dotted
from .finding import Fault, rule
from .subject import Subject
from .view import Listener, view

_DOCUMENTATION = "https://opentelemetry.io/docs/collector/configuration/"
_TELEMETRY = "https://opentelemetry.io/docs/collector/internal-telemetry/"


def port_clash(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints that another part of the same collector has opened; the second one fails at start."""
    held: dict[tuple[int, str], dict[str, Listener]] = {}
    for listener in view(subject).listeners:
        hosts = held.setdefault(listener.end, {})
        first = _holder(hosts, listener.host)
        if first is None:
            hosts[listener.host] = listener
        elif not (first.part is None and _is_prometheus_exporter(listener)):
            number, protocol = listener.end
            yield Fault(
                listener.path,
                f"{protocol} port {number} is already taken by {dotted(first.path)}",
                "Give one of them an `endpoint` with another port.",
            )


def own_metrics_port(subject: Subject) -> Iterator[Fault]:
    """Yield prometheus exporters on the port of the collector's own metrics."""
    readers = [item for item in view(subject).listeners if item.part is None]
    for listener in filter(_is_prometheus_exporter, view(subject).listeners):
        for reader in readers:
            if reader.end == listener.end:
                clash = overlap(reader.host, listener.host)
                yield Fault(
                    listener.path,
                    f"port {listener.port} has the collector's own metrics"
                    + ("; it cannot start" if clash else ", on another address: whoever scrapes it gets one of both"),
                    "Write another port, 8889 by custom.",
                    severity="" if clash else "warning",
                )


def _holder(hosts: dict[str, Listener], host: str) -> Listener | None:
    """Return who has a port on an address that this host shares; only a wildcard looks at all the others."""
    if host in hosts:
        return hosts[host]
    candidates = hosts if host in ANY else [*ANY, *(name for name in ("localhost", "127.0.0.1") if name != host)]
    return next((hosts[name] for name in candidates if name in hosts and overlap(name, host)), None)


def _is_prometheus_exporter(listener: Listener) -> bool:
    return listener.part is not None and listener.part[0] == "exporters" and listener.part.kind == "prometheus"


RULES = (
    rule("error", port_clash, documentation=_DOCUMENTATION),
    rule("error", own_metrics_port, documentation=_TELEMETRY),
)
