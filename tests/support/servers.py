# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve HTTP on a port of this machine until the end of a block."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer


@contextmanager
def serve_http(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
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
def serve_answers(answer: Callable[[BaseHTTPRequestHandler, bytes], RawAnswer]) -> Iterator[str]:
    """Serve what a function answers to a request and its body, one request after the other."""
    lock = threading.Lock()

    def answer_request(handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with lock:
            response = answer(handler, body)
        handler.send_response(response.status)
        for name, value in {**response.headers, "Content-Length": str(len(response.body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(response.body)

    method_handlers = {f"do_{method}": answer_request for method in ("GET", "PATCH", "DELETE", "POST")}
    handler_settings = {"log_message": lambda *_args: None, "protocol_version": "HTTP/1.1"}
    with serve_http(type("Handler", (BaseHTTPRequestHandler,), {**method_handlers, **handler_settings})) as url:
        yield url
