# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datadog's OTLP endpoint and its API that lists spans, for tests of the recipes that send to Datadog.

The Collector of the testbed lacks Datadog's own exporter, so tests send OTLP.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.testbed.eks.front import Environ, Start, read, respond
from tests.testbed.eks.requests import content_base64, decompressed
from tests.testbed.eks.signatures import Sent

HOSTS = ("otlp.datadoghq.com",)
KEY_HEADER, APPLICATION_HEADER = "dd-api-key", "dd-application-key"
TRACES = "/v1/traces"
SPANS = "/api/v2/spans/events"
"""Source: "Get a list of spans" in Datadog's API reference."""


class Intake:
    """The WSGI application that answers as Datadog. It refuses requests without the API key.

    `note` records each request for tests. The key itself is not recorded.
    """

    def __init__(self, note: Callable[[dict[str, Any]], None]) -> None:
        self.note = note
        self.key = ""
        """The API key that is accepted; empty to refuse all requests."""
        self.spans: list[dict[str, str]] = []
        """`service` and `trace_id` of each span that came."""

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer one request."""
        sent = read(environ)
        path = urlsplit(sent.url).path
        is_admitted = bool(self.key) and sent.headers.get(KEY_HEADER) == self.key
        self._record(sent, refused="" if is_admitted else "Forbidden")
        kind = sent.headers.get("content-type", "")
        if not is_admitted:
            return respond(start, 403, kind, b"")
        if path == SPANS:
            return self._answer_search(start, sent)
        if path == TRACES:
            self.spans += spans(decompressed(sent))
        return respond(start, 200, kind, b"")

    def _record(self, sent: Sent, refused: str) -> None:
        url = urlsplit(sent.url)
        self.note(
            {
                "host": url.hostname,
                "service": "datadog",
                "operation": url.path,
                "agent": sent.headers.get("user-agent", ""),
                "refused": refused,
                "body": content_base64(sent),
            }
        )

    def _answer_search(self, start: Start, sent: Sent) -> Iterable[bytes]:
        """List the spans of one trace. Datadog's API needs an application key beside the API key; any is accepted."""
        query = parse_qs(urlsplit(sent.url).query).get("filter[query]", [""])[0]
        trace_id = query.removeprefix("trace_id:")
        listed = [{"type": "spans", "attributes": span} for span in self.spans if span["trace_id"] == trace_id]
        status = 200 if APPLICATION_HEADER in sent.headers else 403
        return respond(start, status, "application/json", json.dumps({"data": listed}).encode())


def spans(body: bytes) -> list[dict[str, str]]:
    """Return `service` and `trace_id` of each span of a request of OTLP.

    Raises ValueError unless each resource has one attribute `service.name`.
    """
    found = []
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        attributes = resource_spans.resource.attributes
        (service,) = (pair.value.string_value for pair in attributes if pair.key == "service.name")
        for scope_spans in resource_spans.scope_spans:
            found += [{"service": service, "trace_id": span.trace_id.hex()} for span in scope_spans.spans]
    return found
