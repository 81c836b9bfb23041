"""A web application with telemetry of its own: a span for each request, sent over OTLP to localhost, as SDKs do."""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENDPOINT = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318")
SERVICE = {"key": "service.name", "value": {"stringValue": "otel-sample"}}


class Handler(BaseHTTPRequestHandler):
    """Answers, and says afterwards how long it took."""

    def do_GET(self) -> None:
        start = time.time_ns()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Hello, world!\n")
        send(span("handleRequest", start, time.time_ns()))


def span(name: str, start: int, end: int) -> dict[str, Any]:
    """Return a span that went well."""
    ids = {"traceId": secrets.token_hex(16), "spanId": secrets.token_hex(8)}
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(end)}
    return {**ids, **times, "name": name, "kind": 2, "status": {"code": 1, "message": ""}}


def send(item: dict[str, Any]) -> None:
    """Send it; who serves requests does so also when nobody takes spans."""
    scope = {"scope": {"name": "http-server"}, "spans": [item]}
    body = {"resourceSpans": [{"resource": {"attributes": [SERVICE]}, "scopeSpans": [scope]}]}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{ENDPOINT}/v1/traces", json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except OSError as error:
        print(f"not sent: {error}", flush=True)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
