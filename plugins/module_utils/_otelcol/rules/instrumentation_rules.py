# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on Instrumentations: where applications send to, compared with the collectors in the same files.

Source: the operator's docs/api/instrumentations.md, and internal/manifests/collector/service.go for the ports that the
Service of a collector has: those of its receivers, and `spec.ports`. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..config.paths import Path, at, items, mappings, section
from ..kube.service_names import service_of
from .subject import Fault, Subject, about, rules

_API = "https://github.com/open-telemetry/opentelemetry-operator/blob/main/docs/api/instrumentations.md"
_VARIABLE = re.compile(r"OTEL_EXPORTER_OTLP(_[A-Z]+)?_ENDPOINT\Z")
_USUAL_PORTS = {"http": 80, "https": 443}


@about("resource")
def instrumentation_endpoint(subject: Subject) -> Iterator[Fault]:
    """Yield endpoints of Instrumentations at a collector of the same files that does not listen on that port."""
    resource = subject.resource or {}
    if resource.get("kind") != "Instrumentation":
        return
    namespace = str(at(resource, ("metadata", "namespace"), ""))
    for path, endpoint in _endpoints(section(resource, "spec")):
        host, port = _address(endpoint)
        found = service_of(host, namespace) if host else None
        ports = subject.opened.get((found.namespace, found.name)) if found else None
        if ports and port not in ports:
            known = ", ".join(map(str, sorted(ports)))
            message = f"no receiver of the collector behind {host} listens on port {port}"
            yield Fault(path, message, f"Its ports are {known}. For OTLP these are 4317 (gRPC) and 4318 (HTTP).")


def _endpoints(spec: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield where applications send to: the exporter of an Instrumentation, and variables of all or of a language."""
    endpoint = at(spec, ("exporter", "endpoint"))
    if isinstance(endpoint, str):
        yield ("spec", "exporter", "endpoint"), endpoint
    for language in ("", *(key for key, value in spec.items() if isinstance(value, dict))):
        here: Path = (language, "env") if language else ("env",)
        for index, one in enumerate(items(spec, *map(str, here))):
            name, value = at(one, ("name",)), at(one, ("value",))
            if isinstance(value, str) and _VARIABLE.match(str(name)):
                yield ("spec", *here, index, "value"), value


def _address(endpoint: str) -> tuple[str, int]:
    """Return host and port of a URL; no host where these are not known, as with a variable in it."""
    try:
        url = urlsplit(endpoint)
        return ("", 0) if "$" in endpoint else (url.hostname or "", url.port or _USUAL_PORTS.get(url.scheme, 0))
    except ValueError:
        return "", 0


def opened_by(resource: Mapping[str, Any], config: Any, ports: set[int]) -> frozenset[int]:
    """Return the ports of the Service of a custom resource, given those of its receivers; none if some are unknown."""
    more = {one.get("port") for one in mappings(section(resource, "spec"), "ports")}
    unknown = ":${" in str(section(config, "receivers")) or at(resource, ("spec", "mode")) == "sidecar"
    return frozenset() if unknown else frozenset(ports | {one for one in more if isinstance(one, int)})


RULES = (*rules("error", instrumentation_endpoint, documentation=_API),)
