# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on ports that two parts of a collector open.

Source: net.Listen of Go and bind(2); default ports from the catalogue. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    receivers.zipkin/2: error [port-clash] TCP port 9411 is already taken by receivers.zipkin. Give one of them
    another port.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..config.addresses import ANY_HOSTS, LOCALHOST, hosts_overlap
from ..config.paths import format_path
from ..needs.listeners import Listener
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_CONFIGURATION = "https://opentelemetry.io/docs/collector/configuration/"
_TELEMETRY = "https://opentelemetry.io/docs/collector/internal-telemetry/"
# The only hosts that may share an address with a host of another name, such as `localhost` with `127.0.0.1`;
# `hosts_overlap` says whether they do. So no listener needs to be compared with all others on its port.
_HOSTS_OVERLAPPING_OTHERS = (*ANY_HOSTS, LOCALHOST, "127.0.0.1")


def port_clash(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints that another component of the collector opens too; the second one fails at start."""
    # Only listeners that can start are kept here: one that clashes opens no port, so no later one clashes with it.
    listeners_by_port: dict[tuple[int, str], dict[str, Listener]] = {}
    for listener in subject.view.listeners:
        listeners_by_host = listeners_by_port.setdefault(listener.port_and_protocol, {})
        first_listener = _find_overlapping_listener(listeners_by_host, listener.host)
        if first_listener is None:
            listeners_by_host[listener.host] = listener
            continue
        # The listener without a component is the one of the collector's own metrics.
        is_for_own_metrics_port = first_listener.part is None and _is_prometheus_exporter(listener)
        if not is_for_own_metrics_port:
            port_number, protocol = listener.port_and_protocol
            message = f"{protocol} port {port_number} is already taken by {format_path(first_listener.path)}"
            yield Fault(listener.path, message, "Give one of them another port.")


def _find_overlapping_listener(listeners_by_host: dict[str, Listener], host: str) -> Listener | None:
    """Return the listener that already uses a port on an overlapping address."""
    if host in listeners_by_host:
        return listeners_by_host[host]
    candidate_hosts = [*listeners_by_host] if host in ANY_HOSTS else _HOSTS_OVERLAPPING_OTHERS
    for candidate_host in candidate_hosts:
        if candidate_host in listeners_by_host and hosts_overlap(candidate_host, host):
            return listeners_by_host[candidate_host]
    return None


@about(exporters=["prometheus"])
def own_metrics_port(subject: Subject) -> Iterator[Fault]:
    """Yield prometheus exporters on the port of the collector's own metrics."""
    metrics_readers = [listener for listener in subject.view.listeners if listener.part is None]
    exporters = [listener for listener in subject.view.listeners if _is_prometheus_exporter(listener)]
    for exporter in exporters:
        for metrics_reader in metrics_readers:
            if metrics_reader.port_and_protocol == exporter.port_and_protocol:
                yield _report_metrics_port(exporter, metrics_reader)


def _report_metrics_port(exporter: Listener, metrics_reader: Listener) -> Fault:
    """Return the fault of an exporter that opens the port of the collector's own metrics."""
    message = f"port {exporter.port} serves the collector's own metrics"
    fix = "Use another port, such as 8889."
    if hosts_overlap(metrics_reader.host, exporter.host):
        return Fault(exporter.path, f"{message}; the exporter cannot start", fix)
    shared_port_message = f"{message}, on another address: a scraper gets only one of both"
    return Fault(exporter.path, shared_port_message, fix, severity="warning")


def _is_prometheus_exporter(listener: Listener) -> bool:
    """Whether an exporter prometheus opens a port."""
    part = listener.part
    return part is not None and part.section == "exporters" and part.kind == "prometheus"


RULES = (
    *define_rules("error", port_clash, documentation=_CONFIGURATION),
    *define_rules("error", own_metrics_port, documentation=_TELEMETRY),
)
