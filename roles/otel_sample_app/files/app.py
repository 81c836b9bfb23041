"""One service of the sample application. It sends a span for each request, and asks the service NEXT_URL if set.

`/` returns the trace ID, `/fail` does so with status 500 and spans with an error, `/metrics` returns the counter
http_requests_total, and `/healthz` says that the service is up. With REQUESTS_PER_SECOND it calls itself so often, and
of 100 calls FAIL_PERCENT go to `/fail`.
The SDK reads OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_ENDPOINT from the environment.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

SERVICE, NEXT_URL = os.environ["OTEL_SERVICE_NAME"], os.environ.get("NEXT_URL")
TOTAL = Counter({"http_requests_total": 0})


class TimedIds(RandomIdGenerator):
    """Trace IDs that begin with the time in seconds, as X-Ray exporters before 0.86.0 require them."""

    def generate_trace_id(self) -> int:
        return int(time.time()) << 96 | super().generate_trace_id() & (1 << 96) - 1


provider = TracerProvider(id_generator=TimedIds())
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("sample-app")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer("ok")
        elif self.path == "/metrics":
            self.answer("".join(f"# TYPE {name} counter\n{name} {value}\n" for name, value in TOTAL.items()))
        else:
            self.serve()

    def serve(self) -> None:
        """Answer one request as part of the trace in its headers, or of a new trace."""
        TOTAL["http_requests_total"] += 1
        headers = {name.lower(): value for name, value in self.headers.items()}
        context = propagate.extract(headers)
        with tracer.start_as_current_span("GET /", context, trace.SpanKind.SERVER) as span:
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            body = {"service": SERVICE, "trace_id": trace_id}
            if NEXT_URL:
                body["next"] = ask_next_service(NEXT_URL)
            fails = self.path == "/fail"
            if fails:
                span.set_status(trace.StatusCode.ERROR, "asked to fail")
        self.answer(json.dumps(body) + "\n", 500 if fails else 200)

    def answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        """Write no access log."""


def ask_next_service(url: str) -> dict[str, object]:
    """Return the answer of the next service, which continues this trace."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
        body: dict[str, object] = json.load(answer)
        return body


def generate_load(rate: int, fail_percent: int) -> None:
    """Call this service for ever, one call after the other. The failing calls are spread evenly."""
    for call_number in count():
        start = time.monotonic()
        fails = (call_number + 1) * fail_percent // 100 > call_number * fail_percent // 100
        with suppress(OSError):  # /fail answers with 500
            urllib.request.urlopen(f"http://localhost:8080/{'fail' if fails else ''}", timeout=5).read()
        time.sleep(max(0.0, start + 1 / rate - time.monotonic()))


if __name__ == "__main__":
    if "REQUESTS_PER_SECOND" in os.environ:
        load_arguments = int(os.environ["REQUESTS_PER_SECOND"]), int(os.environ.get("FAIL_PERCENT", "0"))
        threading.Thread(target=generate_load, args=load_arguments, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the SDK sends its last spans at exit
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
