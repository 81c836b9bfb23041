"""What stands for Elasticsearch and Loki in tests: it takes what they take, and shows it.

It runs in a pod (standard library alone) and listens on one port. What it has taken is below /stored; its own metrics,
in Prometheus format, are at a path that nobody finds by himself. Arguments: port.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DOCUMENTS: deque[dict[str, Any]] = deque(maxlen=200_000)
OTLP: deque[str] = deque(maxlen=10_000)
LOGIN = base64.b64encode(f"{os.environ['SINK_USER']}:{os.environ['SINK_PASSWORD']}".encode()).decode()


class Sink(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take documents or logs."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path = urlsplit(self.path).path
        if path == "/_bulk":
            self._store_documents(body)
        elif path == "/otlp/v1/logs":
            OTLP.append(base64.b64encode(body).decode())
            self._answer(200, b"", "application/x-protobuf")
        else:
            self._answer(404, b"{}")

    def do_GET(self) -> None:
        """Show what was taken."""
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        show_stored: Callable[[dict[str, str]], Any] | None = ROUTES.get(url.path)
        if show_stored is None:
            self._answer(404, b"{}")
        elif url.path == METRICS_PATH:
            self._answer(200, show_stored(query).encode(), "text/plain; version=0.0.4")
        else:
            self._answer(200, json.dumps(show_stored(query)).encode())

    def _store_documents(self, body: bytes) -> None:
        if self.headers.get("Authorization") != f"Basic {LOGIN}":
            self._answer(401, b'{"error": {"type": "security_exception"}}')
            return
        lines = [json.loads(line) for line in body.splitlines() if line.strip()]
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            verb, target = next(iter(action.items()))
            DOCUMENTS.append({"index": target.get("_index"), "document": document})
            items.append({verb: {"_index": target.get("_index"), "status": 201}})
        self._answer(200, json.dumps({"took": 1, "errors": False, "items": items}).encode())

    def _answer(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing: its log would be read by the collector, and sent here."""


def find_documents(query: dict[str, str]) -> list[dict[str, Any]]:
    """Return the documents whose index begins, and whose text has in it, what is asked for."""
    index, text = query.get("index", ""), query.get("text", "")
    matching = [
        stored_document for stored_document in list(DOCUMENTS) if str(stored_document["index"]).startswith(index)
    ]
    return [stored_document for stored_document in matching if text in json.dumps(stored_document["document"])]


METRICS_PATH = "/stored/figures"
ROUTES: dict[str, Callable[[dict[str, str]], Any]] = {
    "/": lambda _query: {"version": {"number": "8.17.0"}, "tagline": "You Know, for Search"},
    "/stored/documents": find_documents,
    "/stored/otlp": lambda _query: list(OTLP),
    METRICS_PATH: lambda _query: f"# TYPE sink_documents_total counter\nsink_documents_total {len(DOCUMENTS)}\n",
}


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Sink).serve_forever()
