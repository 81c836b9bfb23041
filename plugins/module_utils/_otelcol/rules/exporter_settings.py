# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on exporters whatever they export to: endpoints that no request reaches, data that is lost or printed.

Sources: OpenTelemetry's specification of OTLP exporters, and the READMEs of exporterhelper and debug. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.debug: info [verbose-debug] 'debug' writes all received data into the log. Write `verbosity: basic`,
    or remove it once data arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..config.paths import Path, value_at
from ..traits import EXPORTERS, Trait, types_with_traits
from .printing_exporters import PRINTING_EXPORTERS
from .rule_definitions import Fault, about, define_rules
from .subject import Subject
from .view import ENDPOINT_KEYS, uses_endpoint

_DEBUG = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/debugexporter/README.md"
_URLS = "https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp"
_QUEUES = "https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md"
_EXPORTERS_NEEDING_URL = types_with_traits(EXPORTERS, Trait.NEEDS_URL)
# A host without a scheme before it: `backend`, `backend:4318`, `backend.example/v1`. Group 1: the port with its colon.
_BARE_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/|\Z)")
_WITHOUT_QUEUE = (
    "makes senders wait for each request, and gives them its error back: those that do not send again lose data"
)
# The switches that protect data, and what an exporter does without.
_EFFECT_BY_SWITCH: dict[Path, str] = {
    ("retry_on_failure", "enabled"): "drops data that the receiver rejects at the first attempt",
    ("sending_queue", "enabled"): _WITHOUT_QUEUE,
    ("remote_write_queue", "enabled"): _WITHOUT_QUEUE,
}


class _Protocol(NamedTuple):
    """A protocol of OTLP: its usual port, that of the other one, and the exporter that speaks the other one."""

    name: str
    usual_port: int
    other_port: int
    other_exporter: str


_GRPC = _Protocol("gRPC", 4317, 4318, "otlp_http")
_HTTP = _Protocol("HTTP", 4318, 4317, "otlp_grpc")
_PROTOCOL_BY_TYPE = {"otlp": _GRPC, "otlpgrpc": _GRPC, "otlphttp": _HTTP}


@about(exporters=PRINTING_EXPORTERS)
def verbose_debug(subject: Subject) -> Iterator[Fault]:
    """Yield debug exporters that write all data, including personal data, into the log."""
    for part in subject.view.find_parts("exporters", *PRINTING_EXPORTERS):
        if part.settings.get("verbosity") == "detailed" or part.settings.get("loglevel") == "debug":
            fix = "Write `verbosity: basic`, or remove it once data arrives."
            yield Fault(part.path, f"'{part.id}' writes all received data into the log", fix)


@about(exporters=_EXPORTERS_NEEDING_URL)
def endpoint_without_scheme(subject: Subject) -> Iterator[Fault]:
    """Yield URLs of OTLP over HTTP, remote write and Zipkin without a scheme, so that each request fails."""
    for part in subject.view.find_parts("exporters", *_EXPORTERS_NEEDING_URL):
        for key in ENDPOINT_KEYS:
            value = part.settings.get(key)
            if _fails_each_request(value, part.kind) and uses_endpoint(subject.view, part, key):
                message = f"'{value}' is not a URL, so every request of '{part.id}' fails"
                yield Fault((*part.path, key), message, f"Write `https://{value}`, or `http://{value}` without TLS.")


def _fails_each_request(endpoint: Any, exporter_type: str) -> bool:
    """Whether an endpoint is a bare host; without a port, remote write refuses to start instead."""
    host_match = _BARE_HOST.match(endpoint) if isinstance(endpoint, str) else None
    if host_match is None:
        return False
    has_port = bool(host_match[1])
    return has_port or exporter_type != "prometheusremotewrite"


@about(exporters=_PROTOCOL_BY_TYPE)
def port_of_other_protocol(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints of OTLP over gRPC with the port of OTLP over HTTP, and the reverse."""
    for part in subject.view.find_parts("exporters", *_PROTOCOL_BY_TYPE):
        protocol = _PROTOCOL_BY_TYPE[part.kind]
        other_port_pattern = re.compile(rf":{protocol.other_port}(/|\Z)")
        for key in ENDPOINT_KEYS:
            value = part.settings.get(key)
            if isinstance(value, str) and other_port_pattern.search(value):
                message = (
                    f"'{part.id}' uses {protocol.name}, and {protocol.other_port} is the usual port of the other "
                    "protocol of OTLP"
                )
                fix = f"Write port {protocol.usual_port}, or use the exporter {protocol.other_exporter}."
                yield Fault((*part.path, key), message, fix)


def nothing_retried(subject: Subject) -> Iterator[Fault]:
    """Yield exporters with retries or queue turned off; a short outage loses data."""
    for part in subject.view.started_components:
        if part.section != "exporters":
            continue
        for path, effect in _EFFECT_BY_SWITCH.items():
            if value_at(part.settings, path) is False:
                yield Fault((*part.path, *path), f"'{part.id}' {effect}", f"Remove `{path[0]}: {{enabled: false}}`.")


RULES = (
    *define_rules("info", verbose_debug, documentation=_DEBUG),
    *define_rules("error", endpoint_without_scheme, documentation=_URLS),
    *define_rules("warning", port_of_other_protocol, documentation=_URLS),
    *define_rules("warning", nothing_retried, documentation=_QUEUES),
)
