# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An OTLP/HTTP backend that answers as its address says, and clients that send a few records a second.

Usage: python -m tests.support.otlp_backend ADDRESS FOLDER; it serves on two ports of the address, with and without TLS,
prints both, and ends when its input ends. GET /NAME returns which of the records <NAME-…> the backend has stored.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import secrets
import ssl
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from . import certificates
from .background import repeat_in_background

LARGEST_BODY, PER_SECOND, SLOW, HANG = 6000, 6, 0.5, 120
PERIOD, PER_REQUEST = 0.25, 2
REJECTED_RECORDS, RECORD = 2, re.compile(rb"<([-.0-9a-z]+)>")


class Backend(BaseHTTPRequestHandler):
    """An OTLP/HTTP backend; the first part of the path is how it answers."""

    protocol_version = "HTTP/1.1"
    request_counts: ClassVar[Counter[tuple[str | None, int]]] = Counter()
    stored: ClassVar[set[str]] = set()
    over = threading.Event()

    def do_GET(self) -> None:
        """Show what is stored."""
        self._send_answer(
            200, json.dumps([name for name in list(self.stored) if name.startswith(self.path[1:])]).encode()
        )

    def do_POST(self) -> None:
        """Answer as the path says."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        behavior = self.path.split("/")[1]
        if behavior in ("hang", "slow"):
            self.over.wait(HANG if behavior == "hang" else SLOW)
        code = self._strict_status(body) if behavior == "take" else 404 if behavior == "nowhere" else 200
        if code == 200:
            self._store(body, REJECTED_RECORDS if behavior == "partial" else 0)
        self._send_answer(code, self._partial_success() if behavior == "partial" else b"{}")

    def _store(self, body: bytes, rejected_count: int) -> None:
        plain_body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.stored.update(record.decode() for record in RECORD.findall(plain_body)[rejected_count:])

    def _send_answer(self, code: int, answer: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _strict_status(self, body: bytes) -> int:
        if self.headers.get("Authorization") != "Bearer good":
            return 401
        if self.headers.get("X-Scope-OrgID") != "team":
            return 403
        if self.headers.get("Content-Encoding", "gzip") != "gzip":
            return 415
        if len(body) > LARGEST_BODY:
            return 413
        client_second = (self.headers.get("X-Pod"), int(time.monotonic()))
        self.request_counts[client_second] += 1
        return 429 if self.request_counts[client_second] > PER_SECOND else 200

    def _partial_success(self) -> bytes:
        rejected_field = {"logs": "rejectedLogRecords", "traces": "rejectedSpans"}.get(self.path.split("/")[-1])
        return json.dumps(
            {"partialSuccess": {rejected_field: REJECTED_RECORDS, "errorMessage": "too old"}} if rejected_field else {}
        ).encode()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serve_backend(folder: Path | None = None, address: str = "127.0.0.1") -> Iterator[str]:
    """Serve the backend, with TLS if there is a folder for its certificate, and yield its host and port."""
    server = ThreadingHTTPServer((address, 0), Backend)
    server.daemon_threads, server.block_on_close = True, False
    server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]  # clients of a wrong protocol
    if folder:
        certificates.main(folder, [address])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"{address}:{server.server_port}"
    finally:
        Backend.over.set()
        server.shutdown()
        server.server_close()


@contextmanager
def send_continuously(host: str) -> Iterator[None]:
    """Send log records and spans to a pod until the end of the block.

    Every fourth record or so is of a health check, none is of an error.
    """

    def send() -> None:
        for signal in SIGNALS:
            with suppress(OSError):
                post_records(signal, f"http://{host}:4318")

    with repeat_in_background(send, PERIOD):
        yield


def post_records(signal: str, url: str, name: str = "", seconds: float = 2) -> None:
    """Send items of a signal, the records that `records` lists, to a receiver."""
    body = SIGNALS[signal]([f"<{record_name}>" for record_name in list_record_names(name)])
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    content = gzip.compress(json.dumps(body).encode(), 1)
    request = urllib.request.Request(f"{url}/v1/{signal}", content, headers, method="POST")
    with urllib.request.urlopen(request, timeout=seconds):
        pass


def list_record_names(name: str) -> list[str]:
    """Return the names of the records in the request of a name."""
    return [f"{name}{number}" for number in range(PER_REQUEST)]


def _string_attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _build_logs(names: list[str]) -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": str(time.time_ns()),
            "severityNumber": 9,
            "body": {"stringValue": secrets.token_hex(200)},
            "attributes": [
                _string_attribute("tenant", "a"),
                _string_attribute("path", random.choice(("/health", "/a", "/b", "/c"))),
                _string_attribute("record", record_name),
            ],
        }
        for record_name in names
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


def _build_spans(names: list[str]) -> dict[str, Any]:
    now_nanoseconds = time.time_ns()
    spans = [
        {
            "traceId": secrets.token_hex(16),
            "spanId": secrets.token_hex(8),
            "name": "work",
            "kind": 2,
            "startTimeUnixNano": str(now_nanoseconds - 1000),
            "endTimeUnixNano": str(now_nanoseconds),
            "attributes": [_string_attribute("body", secrets.token_hex(150)), _string_attribute("record", record_name)],
        }
        for record_name in names
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}


SIGNALS = {"logs": _build_logs, "traces": _build_spans}


if __name__ == "__main__":
    host, certificate_folder = sys.argv[1:]
    with serve_backend(None, host) as plain_address, serve_backend(Path(certificate_folder), host) as tls_address:
        print(json.dumps({"authority": plain_address, "tls": tls_address}), flush=True)
        sys.stdin.read()
