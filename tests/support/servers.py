# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve HTTP on a port of this machine until the end of a block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import Answered


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with a handler, and yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler, bytes], Answered]) -> Iterator[str]:
    """Serve what a function answers to a request and its body, one request after the other."""
    lock = threading.Lock()

    def serve(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with lock:
            answered = answer(handler, body)
        handler.send_response(answered.status)
        for name, value in {**answered.headers, "Content-Length": str(len(answered.body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answered.body)

    ways = {f"do_{method}": serve for method in ("GET", "PATCH", "DELETE", "POST")}
    quiet = {"log_message": lambda *_args: None, "protocol_version": "HTTP/1.1"}
    with serving(type("Handler", (BaseHTTPRequestHandler,), {**ways, **quiet})) as url:
        yield url
