# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on ports that two parts of a collector open.

Source: net.Listen of Go and bind(2); default ports from the catalogue. Private.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.addresses import ANY, hosts_overlap
from ..config.paths import dotted
from ..needs.listeners import Listener
from .subject import Fault, Subject, about, rules

_CONFIGURATION = "https://opentelemetry.io/docs/collector/configuration/"
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


def _holder(hosts: dict[str, Listener], host: str) -> Listener | None:
    """Return the listener that already uses a port on an overlapping address."""
    if host in hosts:
        return hosts[host]
    candidates = [*hosts] if host in ANY else [*ANY, "localhost", "127.0.0.1"]
    for candidate in candidates:
        if candidate in hosts and hosts_overlap(candidate, host):
            return hosts[candidate]
    return None


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
    """Return the fault of an exporter that opens the port of the collector's own metrics."""
    message = f"port {exporter.port} serves the collector's own metrics"
    fix = "Use another port, such as 8889."
    if hosts_overlap(reader.host, exporter.host):
        return Fault(exporter.path, f"{message}; the exporter cannot start", fix)
    elsewhere = f"{message}, on another address: a scraper gets only one of both"
    return Fault(exporter.path, elsewhere, fix, severity="warning")


def _is_prometheus_exporter(listener: Listener) -> bool:
    """Whether an exporter prometheus opens a port."""
    part = listener.part
    return part is not None and part.section == "exporters" and part.kind == "prometheus"


RULES = (
    *rules("error", port_clash, documentation=_CONFIGURATION),
    *rules("error", own_metrics_port, documentation=_TELEMETRY),
)
