# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint by which Datadog takes OTLP, and its API that lists spans: for tests where its exporter cannot run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.testbed.eks.front import Environ, Start, read, text
from tests.testbed.eks.requests import content, decoded

HOSTS = ("otlp.datadoghq.com",)
KEY_HEADER, APPLICATION_HEADER = "dd-api-key", "dd-application-key"
SPANS = "/api/v2/spans/events"
"""Source: "Get a list of spans" in Datadog's API reference."""


class Intake:
    """A WSGI application that takes what comes with the key. Without a key it takes nothing."""

    def __init__(self, note: Callable[[dict[str, Any]], None]) -> None:
        self.key, self.note = "", note
        self.spans: list[dict[str, str]] = []

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Take it, or refuse it."""
        sent = read(environ)
        good = bool(self.key) and sent.headers.get(KEY_HEADER) == self.key
        url = urlsplit(sent.url)
        told = {"host": url.hostname, "service": "datadog", "operation": url.path, "agent": sent.headers["user-agent"]}
        self.note(told | {"refused": "" if good else "Forbidden", "body": content(sent)})
        if good and url.path == SPANS:
            good = APPLICATION_HEADER in sent.headers
            wanted = parse_qs(url.query)["filter[query]"][0].removeprefix("trace_id:")
            data = [{"type": "spans", "attributes": item} for item in self.spans if item["trace_id"] == wanted]
            return text(start, 200 if good else 403, "application/json", json.dumps({"data": data}).encode())
        if good and url.path == "/v1/traces":
            self.spans += spans(decoded(sent))
        return text(start, 200 if good else 403, sent.headers.get("content-type", ""), b"")


def spans(body: bytes) -> list[dict[str, str]]:
    """Return service and trace of each span of a request of OTLP."""
    found = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        (service,) = (item.value.string_value for item in resource.resource.attributes if item.key == "service.name")
        sent = [span.trace_id.hex() for scope in resource.scope_spans for span in scope.spans]
        found += [{"service": service, "trace_id": trace_id} for trace_id in sent]
    return found
