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

from tests.testbed.eks.front import Environ, StartResponse, read_request, send_response
from tests.testbed.eks.requests import decompress_body, encode_body
from tests.testbed.eks.signatures import SentRequest

HOSTS = ("otlp.datadoghq.com",)
KEY_HEADER, APPLICATION_HEADER = "dd-api-key", "dd-application-key"
TRACES_PATH = "/v1/traces"
SPANS_PATH = "/api/v2/spans/events"
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

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = read_request(environ)
        path = urlsplit(request.url).path
        is_admitted = bool(self.key) and request.headers.get(KEY_HEADER) == self.key
        self._record(request, refusal_code="" if is_admitted else "Forbidden")
        content_type = request.headers.get("content-type", "")
        if not is_admitted:
            return send_response(start_response, 403, content_type, b"")
        if path == SPANS_PATH:
            return self._answer_search(start_response, request)
        if path == TRACES_PATH:
            self.spans += list_spans(decompress_body(request))
        return send_response(start_response, 200, content_type, b"")

    def _record(self, request: SentRequest, refusal_code: str) -> None:
        url = urlsplit(request.url)
        self.note(
            {
                "host": url.hostname,
                "service": "datadog",
                "operation": url.path,
                "agent": request.headers.get("user-agent", ""),
                "refused": refusal_code,
                "body": encode_body(request),
            }
        )

    def _answer_search(self, start_response: StartResponse, request: SentRequest) -> Iterable[bytes]:
        """List the spans of one trace. Datadog's API needs an application key beside the API key; any is accepted."""
        query = parse_qs(urlsplit(request.url).query).get("filter[query]", [""])[0]
        trace_id = query.removeprefix("trace_id:")
        matching_spans = [{"type": "spans", "attributes": span} for span in self.spans if span["trace_id"] == trace_id]
        status = 200 if APPLICATION_HEADER in request.headers else 403
        return send_response(start_response, status, "application/json", json.dumps({"data": matching_spans}).encode())


def list_spans(body: bytes) -> list[dict[str, str]]:
    """Return `service` and `trace_id` of each span of a request of OTLP.

    Raises ValueError unless each resource has one attribute `service.name`.
    """
    span_records = []
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        attributes = resource_spans.resource.attributes
        (service,) = (pair.value.string_value for pair in attributes if pair.key == "service.name")
        for scope_spans in resource_spans.scope_spans:
            span_records += [{"service": service, "trace_id": span.trace_id.hex()} for span in scope_spans.spans]
    return span_records
