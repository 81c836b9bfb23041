# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that send records of one size over OTLP as an SDK does, and a backend that knows each record by its name."""

from __future__ import annotations

import gzip
import re
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

KIB, MIB = 2**10, 2**20
# Bytes of a record, about, and how many of them make a load that no default of 8192 records survives.
SIZES = {
    "100 B": (100, 20_000),
    "1 kB": (KIB, 20_000),
    "6 kB": (6 * KIB, 3000),
    "100 kB": (100 * KIB, 200),
    "1 MiB": (MIB - 2 * KIB, 24),
}
# What an SDK sends in one request: so many records, unless they are more than so many bytes.
MAX_REQUEST_RECORDS, MAX_REQUEST_BYTES = 512, 6 * MIB
CLIENTS = 4
NAME = re.compile(rb"<([a-z-]+-\d+)>")
_SERVICE = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
METHODS = {
    name: _SERVICE.format(*names)
    for name, names in {
        "logs": ("logs", "Logs"),
        "traces": ("trace", "Trace"),
        "metrics": ("metrics", "Metrics"),
    }.items()
}
_RETRYABLE_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_RETRYABLE_STATUSES = (429, 502, 503, 504)


def _string_attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _build_logs_request(texts: Sequence[str]) -> Any:
    records = [LogRecord(time_unix_nano=time.time_ns(), body=AnyValue(string_value=text)) for text in texts]
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])])


def _build_traces_request(texts: Sequence[str]) -> Any:
    """Return spans whose text is in two events, as stack traces are."""

    def span(text: str) -> Span:
        head, tail = text[: len(text) // 2], text[len(text) // 2 :]
        events = [
            Span.Event(name="exception", attributes=[_string_attribute("exception.stacktrace", half)])
            for half in (head, tail)
        ]
        number = zlib.crc32(text[:40].encode())
        ids = {"trace_id": number.to_bytes(16, "big"), "span_id": (number + 1).to_bytes(8, "big")}
        now_nanoseconds = time.time_ns()
        return Span(
            name="GET /orders",
            start_time_unix_nano=now_nanoseconds,
            end_time_unix_nano=now_nanoseconds,
            events=events,
            **ids,
        )

    scope = ScopeSpans(spans=[span(text) for text in texts])
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope])])


def _build_metrics_request(texts: Sequence[str]) -> Any:
    points = [
        NumberDataPoint(time_unix_nano=time.time_ns(), as_double=1.5, attributes=[_string_attribute("key", text)])
        for text in texts
    ]
    scope = ScopeMetrics(metrics=[Metric(name="orders.waiting", gauge=Gauge(data_points=points))])
    return ExportMetricsServiceRequest(resource_metrics=[ResourceMetrics(scope_metrics=[scope])])


REQUESTS: dict[str, Callable[[Sequence[str]], Any]] = {
    "logs": _build_logs_request,
    "traces": _build_traces_request,
    "metrics": _build_metrics_request,
}


@dataclass
class Backend:
    """What a backend has, by name, and how often; while `overload_event` is set it answers as one that is overloaded.

    It thinks for some seconds about a request, and stores nothing of one whose client has given up by then.
    """

    stored: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    largest: int = 0
    overload_event: threading.Event = field(default_factory=threading.Event)
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> None:
        """Count the records of a request."""
        names = [name.decode() for name in NAME.findall(body)]
        with self._lock:
            self.stored.update(names)
            self.requests += 1
            self.largest = max(self.largest, len(body))

    def answer(self, body: bytes, context: grpc.ServicerContext) -> bytes:
        """Answer a request over gRPC."""
        if self.overload_event.is_set():
            context.abort(grpc.StatusCode.UNAVAILABLE, "down")
        time.sleep(self.seconds)
        if context.is_active():
            self.take(body)
        return b""


@contextmanager
def run_backend() -> Iterator[tuple[Backend, str]]:
    """Run a backend with the 4 MiB that gRPC has by default, and yield it with its address."""
    backend = Backend()
    handler = grpc.unary_unary_rpc_method_handler(backend.answer)

    class Export(grpc.GenericRpcHandler):
        def service(self, handler_call_details: Any) -> Any:
            return handler if handler_call_details.method in METHODS.values() else None

    server = grpc.server(ThreadPoolExecutor(CLIENTS), handlers=[Export()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield backend, f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@dataclass
class Sent:
    """The names of the records that were taken, and the answers of a server that took none of a request."""

    taken_names: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)


def build_requests(signal: str, size: int, count: int, name: str = "record") -> Iterator[tuple[list[str], bytes]]:
    """Yield the requests of a client: the names of their records, and their bytes."""
    batch_size = max(min(MAX_REQUEST_RECORDS, MAX_REQUEST_BYTES // size), 1)
    for first_number in range(0, count, batch_size):
        record_names = [f"{name}-{number}" for number in range(first_number, min(first_number + batch_size, count))]
        texts = [f"<{record_name}>{'x' * max(size - len(record_name) - 42, 0)}" for record_name in record_names]
        yield record_names, REQUESTS[signal](texts).SerializeToString()


def send_records(url: str, signal: str, size: int, count: int, *, name: str = "record", patience: float = 60) -> Sent:
    """Send records to grpc://HOST:PORT or http://HOST:PORT, each request again while it is refused for now."""
    outcome, deadline = Sent(), time.monotonic() + patience

    def deliver(request: tuple[list[str], bytes]) -> None:
        record_names, body = request
        while (answer := post(body)) and answer.startswith("again") and time.monotonic() < deadline:
            outcome.refusals[answer] += 1
            time.sleep(0.05)
        if answer:
            outcome.refusals[answer] += 1
        else:
            outcome.taken_names.extend(record_names)

    with _open_poster(url, signal) as post, ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(deliver, build_requests(signal, size, count, name)))
    return outcome


@contextmanager
def _open_poster(url: str, signal: str) -> Iterator[Callable[[bytes], str]]:
    """Yield what posts a request and returns why it was not taken: `again …` if it may be sent again, else empty."""
    scheme, _slashes, host = url.partition("://")
    if scheme == "http":
        yield lambda body: _post_over_http(f"{url}/v1/{signal}", body)
        return
    with grpc.insecure_channel(host, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        export = channel.unary_unary(METHODS[signal])
        yield lambda body: _post_over_grpc(export, body)


def _post_over_grpc(export: Any, body: bytes) -> str:
    try:
        export(body, timeout=20)
    except grpc.RpcError as error:
        return f"{'again' if error.code() in _RETRYABLE_CODES else 'never'} {error.code().name} {error.details()}"
    return ""


def _post_over_http(url: str, body: bytes) -> str:
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, gzip.compress(body, 1), headers), timeout=20):
            return ""
    except urllib.error.HTTPError as error:
        return f"{'again' if error.code in _RETRYABLE_STATUSES else 'never'} {error.code} {error.read()!r}"
    except OSError as error:
        return f"again {error}"
