# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on Instrumentations: where applications send to, compared with the collectors in the same files.

Source: the operator's docs/api/instrumentations.md, and internal/manifests/collector/service.go for the ports that the
Service of a collector has: those of its receivers, and `spec.ports`. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    spec.exporter.endpoint: error [instrumentation-endpoint] no receiver of the collector behind c-collector listens
    on port 80. Its ports are 4317, 4318, 8888. For OTLP these are 4317 (gRPC) and 4318 (HTTP).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..config.paths import Path, list_at, mapping_at, mappings_at, value_at
from ..kube.service_names import resolve_service
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_API = "https://github.com/open-telemetry/opentelemetry-operator/blob/main/docs/api/instrumentations.md"
_ENDPOINT_VARIABLE = re.compile(r"OTEL_EXPORTER_OTLP(_[A-Z]+)?_ENDPOINT\Z")
_USUAL_PORTS = {"http": 80, "https": 443}


@about("custom_resource")
def instrumentation_endpoint(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints of Instrumentations at a collector of the same files that does not listen on that port."""
    resource = subject.custom_resource or {}
    if resource.get("kind") != "Instrumentation":
        return
    namespace = str(value_at(resource, ("metadata", "namespace"), ""))
    for path, endpoint in _find_endpoints(mapping_at(resource, "spec")):
        host, port = _split_url(endpoint)
        if not host:
            continue
        service = resolve_service(host, namespace)
        ports = subject.opened_ports.get((service.namespace, service.name))
        if ports and port not in ports:
            known_ports = ", ".join(str(known_port) for known_port in sorted(ports))
            message = f"no receiver of the collector behind {host} listens on port {port}"
            yield Fault(path, message, f"Its ports are {known_ports}. For OTLP these are 4317 (gRPC) and 4318 (HTTP).")


def _find_endpoints(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield where applications send to: the exporter of an Instrumentation, and variables of all or of a language."""
    endpoint = value_at(spec, ("exporter", "endpoint"))
    if isinstance(endpoint, str):
        yield ("spec", "exporter", "endpoint"), endpoint
    yield from _find_variable_endpoints(spec, ("spec", "env"))
    for language_name, settings in spec.items():
        if isinstance(settings, dict):
            yield from _find_variable_endpoints(settings, ("spec", language_name, "env"))


def _find_variable_endpoints(settings: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the endpoints in the environment variables of a spec or of a language."""
    for index, variable in enumerate(list_at(settings, "env")):
        name, value = value_at(variable, ("name",)), value_at(variable, ("value",))
        if isinstance(value, str) and _ENDPOINT_VARIABLE.match(str(name)):
            yield (*path, index, "value"), value


def _split_url(endpoint: str) -> tuple[str, int]:
    """Return host and port of a URL; no host where these are not known, as with a variable in it."""
    if "$" in endpoint:
        return "", 0
    try:
        url = urlsplit(endpoint)
        port = url.port or _USUAL_PORTS.get(url.scheme, 0)
    except ValueError:
        return "", 0
    return url.hostname or "", port


def find_opened_ports(resource: Mapping[str, Any], config: Any, ports: set[int]) -> frozenset[int]:
    """Return the ports of the Service of a custom resource, given those of its receivers; none if some are unknown."""
    has_variable_port = ":${" in str(mapping_at(config, "receivers"))
    is_sidecar = value_at(resource, ("spec", "mode")) == "sidecar"
    if has_variable_port or is_sidecar:
        return frozenset()
    listed_ports = {port.get("port") for port in mappings_at(mapping_at(resource, "spec"), "ports")}
    return frozenset(ports | {port for port in listed_ports if isinstance(port, int)})


RULES = (*define_rules("error", instrumentation_endpoint, documentation=_API),)
