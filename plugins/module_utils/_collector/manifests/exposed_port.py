# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port of a collector that an Ingress, a route or a monitor leads to. Private."""

from __future__ import annotations

from ..._otelcol.errors import Problem
from ..._otelcol.needs.needed_ports import CollectorPort
from .build import CollectorBuild


def find_exposed_port(build: CollectorBuild, name: str, using_option: str = "ingress or routes") -> CollectorPort:
    """Return the port of this name that clients connect to through the Service.

    `using_option` is the option that leads there. Raises Problem if there is no such port, or no Service before it.
    """
    collector = build.collector
    if not collector.wants_service:
        wrong = f"collector '{collector.name}' has no Service for its {using_option}"
        raise Problem(wrong, fix="Set `service: {enabled: true}`.")
    ports = {port.name: port for port in build.exposed_ports}
    if name not in ports:
        fix = f"Its config listens on: {', '.join(ports) or 'nothing'}."
        raise Problem(f"collector '{collector.name}' has no port '{name}' for its {using_option}", fix=fix)
    return ports[name]
