# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read about a collector of a host, before it is deployed. Private.

`_host_render.py` of plugin_utils returns a summary of each collector, and prints its lines, such as:

    otelcol-agent.service (contrib 0.158.0) listens on 127.0.0.1:4317/tcp
    agent: its unit has ProtectHome=read-only: receivers.file_log, it reads files in home folders
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from .._host_change.service_environment import ServiceEnvironment
from .host_build import HostBuild, bracket_host


class HostSummary(TypedDict):
    """What people read about a collector, as module host_render returns it."""

    name: str
    service: str
    """The name of its unit."""
    config: str
    """The config as recipes and users write it."""
    program: str
    """The path of its program, or its distribution and version."""
    listens: list[str]
    """Its ports, as `127.0.0.1:4317/tcp`."""
    relaxations: list[str]
    """The settings of its unit that are less strict than the sandbox, with the reasons."""
    lacking: list[str]
    """What it does without, and which consent gives it."""
    sends_to: list[Mapping[str, str]]
    """The collectors of the inventory that get its data."""
    services: list[str]
    """The services of the host that send to it."""
    permissions: list[str]
    """The actions that its AWS role must allow."""


def summarize_host(build: HostBuild) -> HostSummary:
    """Return what people read about a collector."""
    collector = build.collector
    listen_texts = []
    for listener in build.listeners:
        listen_texts.append(f"{bracket_host(listener.host)}:{listener.port}/{listener.protocol.lower()}")
    return {
        "name": collector.name,
        "service": collector.service_name,
        "config": build.composed_text,
        "program": build.program.path or f"{build.program.distribution} {build.program.version}",
        "listens": listen_texts,
        "relaxations": [str(relaxation) for relaxation in build.host_needs.relaxations],
        "lacking": list(build.host_needs.lacking_lines),
        "sends_to": list(build.receiving_collectors),
        "services": [_describe_service(service) for service in build.sending_services],
        "permissions": [f"{', '.join(grant.actions)} ({grant.source_page})" for grant in build.needs.aws_grants],
    }


def _describe_service(service: ServiceEnvironment) -> str:
    restart_text = "is restarted for that" if service.may_restart else "is not restarted"
    return f"{service.unit} sends to {service.variables['OTEL_EXPORTER_OTLP_ENDPOINT']}, and {restart_text}"


def describe_host(summary: HostSummary) -> Iterator[str]:
    """Yield the lines that people read about a collector."""
    listens = ", ".join(summary["listens"]) or "no port"
    yield f"{summary['service']} ({summary['program']}) listens on {listens}"
    for line in summary["relaxations"]:
        yield f"{summary['name']}: its unit has {line}"
    for line in summary["permissions"]:
        yield f"{summary['name']}: its AWS role needs {line}"
    yield from describe_lacks(summary)
    for line in summary["services"]:
        yield f"{summary['name']}: {line}"


def describe_lacks(summary: HostSummary) -> Iterator[str]:
    """Yield the lines on what a collector does without, and which consent gives it."""
    for line in summary["lacking"]:
        yield f"{summary['name']}: {line}"
