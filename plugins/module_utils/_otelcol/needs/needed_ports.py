# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that pods open for a config, each with a name of its own, and the one that a probe asks. Private.

`find_listeners` finds the ports of a config, and pods and Services need a name for each: two OTLP receivers on 4317 and
5317 become `CollectorPort("otlp-grpc", 4317)` and `CollectorPort("otlp-grpc-2", 5317)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..config.addresses import is_loopback
from .listeners import Listener
from .started_components import StartedComponent

_LONGEST_NAME = 15  # of a port, as Kubernetes takes it


@dataclass(frozen=True)
class CollectorPort:
    """A port that the collector listens on, as pods and Services have it. Clients connect to it if `is_exposed`."""

    name: str
    number: int
    protocol: str = "TCP"
    app_protocol: str | None = None
    is_exposed: bool = True


def name_ports(open_ports: Iterable[Listener]) -> list[CollectorPort]:
    """Return the ports, each once and with a name of its own; those of components come first.

    The collector's own metrics are no port when they are served on the loopback, which is their default.
    """
    ports: dict[tuple[int, str], CollectorPort] = {}
    taken_names: set[str] = set()
    for listener in sorted(open_ports, key=_is_own_metrics):
        is_private = _is_own_metrics(listener) and is_loopback(listener.host)
        if listener.port_and_protocol in ports or is_private:
            continue
        name = make_unique_name(listener.name, taken_names, _LONGEST_NAME)
        ports[listener.port_and_protocol] = CollectorPort(
            name, listener.port, listener.protocol, listener.app_protocol, listener.is_exposed
        )
    return list(ports.values())


def _is_own_metrics(listener: Listener) -> bool:
    """Whether the collector serves its own metrics there."""
    return listener.part is None


def make_unique_name(wanted_name: str, taken_names: set[str], longest_length: int) -> str:
    """Return a name that is not taken and not too long, as near to the wanted one as it can be; it is taken then."""
    name, count = wanted_name[:longest_length].rstrip("-"), 2
    while name in taken_names:
        suffix = f"-{count}"
        name, count = wanted_name[: longest_length - len(suffix)] + suffix, count + 1
    taken_names.add(name)
    return name


def find_probed_port(
    ports: Iterable[CollectorPort], open_ports: Iterable[Listener], health_component: StartedComponent | None
) -> CollectorPort | None:
    """Return the port on which the kubelet asks a component for the health of the Collector; None without an open one.

    `health_component` is that component, or None if there is none.
    """
    if health_component is None:
        return None
    health_ports = set()
    for listener in open_ports:
        if listener.part == health_component and not is_loopback(listener.host):
            health_ports.add(listener.port_and_protocol)
    for port in ports:
        if (port.number, port.protocol) in health_ports:
            return port
    return None
