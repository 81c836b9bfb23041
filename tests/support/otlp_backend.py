# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An OTLP/HTTP backend that answers as its address says, and clients that send a few records a second."""

from __future__ import annotations

import gzip
import json
import random
import secrets
import ssl
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
from .background import repeated

LARGEST, PER_SECOND, SLOW, HANG = 6000, 6, 0.5, 120
PERIOD, PER_REQUEST = 0.25, 2


class Backend(BaseHTTPRequestHandler):
    """An OTLP/HTTP backend; the first part of the path is how it answers."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[Counter[tuple[str | None, int]]] = Counter()
    over = threading.Event()

    def do_POST(self) -> None:
        """Answer as the path says."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        way = self.path.split("/")[1]
        if way in ("hang", "slow"):
            self.over.wait(HANG if way == "hang" else SLOW)
        code = self._strict(body) if way == "take" else 404 if way == "nowhere" else 200
        answer = self._partial() if way == "partial" else b"{}"
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _strict(self, body: bytes) -> int:
        if self.headers.get("Authorization") != "Bearer good":
            return 401
        if self.headers.get("X-Scope-OrgID") != "team":
            return 403
        if self.headers.get("Content-Encoding", "gzip") != "gzip":
            return 415
        if len(body) > LARGEST:
            return 413
        now = (self.headers.get("X-Pod"), int(time.monotonic()))
        self.asked[now] += 1
        return 429 if self.asked[now] > PER_SECOND else 200

    def _partial(self) -> bytes:
        kind = {"logs": "rejectedLogRecords", "traces": "rejectedSpans"}.get(self.path.split("/")[-1])
        return json.dumps({"partialSuccess": {kind: 2, "errorMessage": "too old"}} if kind else {}).encode()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path | None = None) -> Iterator[str]:
    """Serve the backend, with TLS if there is a folder for its certificate, and yield its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    server.daemon_threads, server.block_on_close = True, False
    server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]  # clients of a wrong protocol
    if folder:
        certificates.main(folder, ["127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        Backend.over.set()
        server.shutdown()
        server.server_close()


@contextmanager
def sending(host: str) -> Iterator[None]:
    """Send log records and spans to a pod until the end of the block.

    Every fourth record or so is of a health check, none is of an error.
    """

    def send() -> None:
        for signal, body in (("logs", _records()), ("traces", _spans())):
            with suppress(OSError):
                _post(f"http://{host}:4318/v1/{signal}", body)

    with repeated(send, PERIOD):
        yield


def _post(url: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    request = urllib.request.Request(url, gzip.compress(json.dumps(body).encode(), 1), headers, method="POST")
    with urllib.request.urlopen(request, timeout=2):
        pass


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _records() -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": str(time.time_ns()),
            "severityNumber": 9,
            "body": {"stringValue": secrets.token_hex(200)},
            "attributes": [_text("tenant", "a"), _text("path", random.choice(("/health", "/a", "/b", "/c")))],
        }
        for _number in range(PER_REQUEST)
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


def _spans() -> dict[str, Any]:
    now = time.time_ns()
    spans = [
        {
            "traceId": secrets.token_hex(16),
            "spanId": secrets.token_hex(8),
            "name": "work",
            "kind": 2,
            "startTimeUnixNano": str(now - 1000),
            "endTimeUnixNano": str(now),
            "attributes": [_text("body", secrets.token_hex(150))],
        }
        for _number in range(PER_REQUEST)
    ]
    return {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
