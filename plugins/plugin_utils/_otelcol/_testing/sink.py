# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that keeps what exporters send, answers as a Kubernetes API, and has pages to scrape.

In the config of a test, each exporter of the user is replaced by one that sends to this server (replaced_ends.py). It
has the name of the user's exporter in its path: a POST to `/otlp_grpc%2Fbackend/v1/traces` has the spans that
`otlp_grpc/backend` sends. run_case.py serves a sink for each test, and replay.py one that only counts. Private.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from ....module_utils._otelcol.bounded.read_limits import ANSWER_LIMIT
from ....module_utils._otelcol.testing.read_records import read_records
from ....module_utils._otelcol.testing.records import RECORD_KINDS_BY_SIGNAL, Record
from . import kubernetes_answers
from .collector_runtime import LOOPBACK

# The words of the first line of a request: its method, its path and the version of HTTP.
_REQUEST_LINE_WORDS = 3
# How many headers a request may have, and how many bytes one of them may have: those of http.client.
_MOST_FIELDS = 100
_LONGEST_FIELD = 65536
# The answer to a request of an exporter.
_ACCEPTED_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
# Types of content: of answers in JSON, and of pages in the two formats of metrics.
_JSON = "application/json"
_PROMETHEUS = "text/plain; version=0.0.4"
_OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


class ArrivedRecords:
    """Everything that arrived, by exporter and kind of records.

    `objects` are those of the test's cluster, by resource, and `pages` the texts to scrape, by path. `requests` counts
    the requests of each exporter, `scraped` those for each page. `closing` is set when the test ends.
    """

    def __init__(self, objects: Mapping[str, list[dict[str, Any]]], pages: Mapping[str, Sequence[str]]) -> None:
        self.objects = objects
        self.pages = pages
        self.scraped = Counter[str]()
        self.arrived_records: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        self.requests = Counter[str]()
        self.last_request_time = time.monotonic()
        self.closing = threading.Event()
        self._lock = threading.Lock()

    def keep(self, path: str, body: bytes) -> None:
        """Keep a request of an exporter; its path is `/EXPORTER/v1/SIGNAL`, with the name in the form of URLs."""
        exporter, _v1, pipeline_kind = path.strip("/").split("/")
        signal = RECORD_KINDS_BY_SIGNAL[pipeline_kind]
        records = list(read_records(signal, json.loads(body)))
        with self._lock:
            self.arrived_records[unquote(exporter)][signal] += records
            self.requests[exporter] += 1
            self.last_request_time = time.monotonic()

    def next_page(self, path: str) -> str:
        """Return the next text of a page; the last text is returned again and again."""
        with self._lock:
            texts = self.pages[path]
            self.scraped[path] += 1
            return texts[min(self.scraped[path], len(texts)) - 1]

    def has_given(self, path: str, times: int) -> bool:
        """Return whether pages of a path have been scraped so often."""
        return self.scraped[path] >= times


class Server(ThreadingHTTPServer):
    """A server whose connections may break: those of a Collector that stops do."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__((LOOPBACK, 0), handler, bind_and_activate=False)
        # The library has made a socket of this machine; `listener` may be one of the Collector's own network.
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell all other errors."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve_sink(listener: socket.socket, sink: ArrivedRecords) -> Iterator[str]:
    """Let a sink answer at a socket until the context ends; yield its address."""
    server = Server(listener, type("Handler", (_Handler,), {"sink": sink}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        sink.closing.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers exporters, receivers that scrape, and processors that ask a cluster."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """An answer leaves at once, and does not wait until its headers have arrived."""
    sink: ArrivedRecords
    raw_requestline: bytes
    fields: Mapping[str, str]
    """The headers of the request, by their names in lower case."""

    def parse_request(self) -> bool:
        """Read what a request begins with. The library reads headers as those of mail, which takes most of the time."""
        self.requestline = self.raw_requestline.decode("latin-1").strip()
        self.command, self.request_version, self.close_connection = "", self.protocol_version, True
        words = self.requestline.split()
        if len(words) != _REQUEST_LINE_WORDS:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        self.command, self.path, self.request_version = words
        self.fields = self._read_fields()
        self.close_connection = self.fields.get("connection", "").lower() == "close"
        return True

    def _read_fields(self) -> dict[str, str]:
        """Return the headers of a request, by their names in lower case."""
        fields: dict[str, str] = {}
        for _number in range(_MOST_FIELDS):
            line = self.rfile.readline(_LONGEST_FIELD).decode("latin-1").strip()
            if not line:
                break
            name, _colon, value = line.partition(":")
            fields[name.lower()] = value.strip()
        return fields

    def do_POST(self) -> None:
        """Keep what an exporter sends."""
        size = int(self.fields["content-length"])
        if size > ANSWER_LIMIT:
            self.close_connection = True
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self.sink.keep(self.path, self.rfile.read(size))
        self.wfile.write(_ACCEPTED_ANSWER)

    def do_GET(self) -> None:
        """Answer with a page to scrape, or as the Kubernetes API."""
        path = urlsplit(self.path).path
        if path in self.sink.pages:
            text = self.sink.next_page(path)
            self._answer(text.encode(), _OPEN_METRICS if text.rstrip().endswith("# EOF") else _PROMETHEUS)
            return
        request = kubernetes_answers.parse_request(self.path, self.fields.get("accept", ""))
        if request.is_watch:
            self._start_watch(kubernetes_answers.build_watch_events(request, self.sink.objects))
        else:
            self._answer(kubernetes_answers.build_object_list(request, self.sink.objects))

    def _start_watch(self, events: bytes) -> None:
        """Send the events with which a watch begins. Nothing changes until the test ends."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _JSON)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(events)
        self.wfile.flush()
        self.sink.closing.wait()

    def _answer(self, body: bytes, content_type: str = _JSON) -> None:
        """Send a body of a type of content."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing: a task's output is Ansible's."""
