# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that notes the tokens it gets, with a certificate of its own."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any


class Api(BaseHTTPRequestHandler):
    """An API server that notes the tokens it gets."""

    tokens: list[str] = []  # noqa: RUF012 - of the class that each test makes

    def do_GET(self) -> None:
        """Answer anything."""
        self.tokens.append(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that is its own CA."""
    key, crt = folder / f"{name}.key", folder / f"{name}.crt"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *subject, "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True)
    return crt, key


@dataclass
class TlsApi:
    """A server: its URL, its CA, and the tokens that it got."""

    url: str
    ca: bytes
    tokens: list[str]


@contextmanager
def serving(folder: Path) -> Iterator[TlsApi]:
    """Serve until the end of the block."""
    crt, key = certificate(folder, "one")
    handler = type("Handler", (Api,), {"tokens": []})
    http = HTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{http.server_port}"
    yield TlsApi(url, crt.read_bytes(), handler.tokens)  # type: ignore[attr-defined]
    http.shutdown()
    thread.join()
