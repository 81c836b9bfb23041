"""A small web application for tests: it counts its requests, asks another one where there is one, and tells of both.

Standard library alone, in a pod. `/metrics` has `http_requests_total`. AWS_XRAY_DAEMON_ADDRESS gets a segment of every
request by UDP, as the SDKs of X-Ray send it; OTEL_EXPORTER_OTLP_ENDPOINT gets a span over HTTP. BACKEND is the URL of
the other one. What could not be sent is in `telemetry_failed_total`.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = os.environ["NAME"]
COUNTS: Counter[str] = Counter()
LOCK = threading.Lock()


def count(name: str, number: int = 1) -> None:
    """Add to a counter."""
    with LOCK:
        COUNTS[name] += number


class Request:
    """One request and its place in a trace (W3C Trace Context)."""

    def __init__(self, traceparent: str | None) -> None:
        # The first bytes are the time, which X-Ray asks of its identifiers.
        fresh = f"{int(time.time()):08x}{os.urandom(12).hex()}"
        parts = (traceparent or f"00-{fresh}--01").split("-")
        self.trace, self.parent = parts[1], parts[2]
        self.span, self.began = os.urandom(8).hex(), time.time()

    def ask(self, url: str) -> str:
        """Ask the other application, as a part of this trace."""
        headers = {"traceparent": f"00-{self.trace}-{self.span}-01"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
            return str(answer.read().decode())

    def segment(self) -> bytes:
        """Return what the SDKs of X-Ray send."""
        document = {
            "name": NAME,
            "id": self.span,
            "trace_id": f"1-{self.trace[:8]}-{self.trace[8:]}",
            "start_time": self.began,
            "end_time": time.time(),
            "http": {"request": {"method": "GET", "url": f"http://{NAME}/"}, "response": {"status": 200}},
            **({"parent_id": self.parent} if self.parent else {}),
        }
        return b'{"format": "json", "version": 1}\n' + json.dumps(document).encode()

    def otlp(self) -> bytes:
        """Return what the SDKs of OpenTelemetry send."""
        span = {
            "traceId": self.trace,
            "spanId": self.span,
            "name": "GET /",
            "kind": 2,
            "startTimeUnixNano": str(int(self.began * 1e9)),
            "endTimeUnixNano": str(time.time_ns()),
            **({"parentSpanId": self.parent} if self.parent else {}),
        }
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": NAME}}]}
        return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}).encode()

    def tell(self) -> None:
        """Send both, where there is somebody to take them."""
        if daemon := os.environ.get("AWS_XRAY_DAEMON_ADDRESS"):
            host, _, port = daemon.rpartition(":")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(self.segment(), (host, int(port)))
        if endpoint := os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{endpoint}/v1/traces", self.otlp(), headers)
            with urllib.request.urlopen(request, timeout=5):
                pass


class Handler(BaseHTTPRequestHandler):
    """Answers people and Prometheus."""

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path == "/metrics":
            self._answer("".join(f"# TYPE {name} counter\n{name} {value}\n" for name, value in COUNTS.items()))
            return
        request = Request(self.headers.get("traceparent"))
        backend = os.environ.get("BACKEND")
        text = f"{NAME} {request.ask(backend) if backend else request.trace}"
        count("http_requests_total")
        try:
            request.tell()
        except OSError:
            count("telemetry_failed_total")
        self._answer(text)

    def _answer(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    count("http_requests_total", 0)
    count("telemetry_failed_total", 0)
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
