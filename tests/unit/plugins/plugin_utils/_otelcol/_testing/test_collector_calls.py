# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import (
    collector_calls,
    collector_runtime,
)


class Busy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


class Resting(Busy):
    """A receiver whose connections have rested for so long that it has closed them, which no answer says before."""

    def do_POST(self) -> None:
        super().do_POST()
        self.close_connection = True


@contextmanager
def receiver(handler: type[Busy]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_connection_that_rests_while_another_one_is_used_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture may have no logs for some minutes in which it has traces, and the two may have a receiver each."""
    monkeypatch.setattr(collector_calls, "_LONGEST_REST", 0.1)
    place = collector_runtime.LocalRuntime(Path())
    with (
        receiver(Resting) as rests,
        receiver(Busy) as is_used,
        collector_calls.OtlpSender(place, 60) as sender,
    ):
        sender.send_call(collector_calls.Call(rests, "/v1/logs", "POST", b"{}"))
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            sender.send_call(collector_calls.Call(is_used, "/v1/traces", "POST", b"{}"))
        sender.send_call(collector_calls.Call(rests, "/v1/logs", "POST", b"{}"))
