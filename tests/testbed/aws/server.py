# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: a thread of the test, or a process of its own for what runs outside of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.testbed.aws.app import Application
from tests.testbed.aws.control import PREFIX
from tests.testbed.aws.world import World
from tests.testbed.errors import ClusterError

READY_SECONDS = STOP_SECONDS = ANSWER_SECONDS = 60.0
ROOT = Path(__file__).resolve().parents[3]


class QuietRequestHandler(WSGIRequestHandler):
    """Writes no line for each request, and nothing over connections that we break ourselves."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


class AwsServer:
    """A running server. `url` is the endpoint for every service."""

    def __init__(
        self, world: World, host: str = "127.0.0.1", port: int = 0, certificate: tuple[str, str] | None = None
    ) -> None:
        self.world, self.application = world, Application(world)
        self._server = make_server(
            host, port, self.application, threaded=True, request_handler=QuietRequestHandler, ssl_context=certificate
        )
        self.application.stop = self._server.shutdown
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://{host}:{self._server.server_port}"

    def serve(self) -> None:
        """Answer until somebody stops it."""
        self._server.serve_forever(poll_interval=0.05)
        self._server.server_close()


@contextmanager
def run_in_thread(world: World) -> Iterator[AwsServer]:
    """A server in a thread, until the end of the block."""
    server = AwsServer(world)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.application.stop()
    thread.join()


def send_order(url: str, order: str, /, **parameters: Any) -> dict[str, Any]:
    """Tell a server what to do; see control.py."""
    request = urllib.request.Request(f"{url}{PREFIX}{order}", json.dumps(parameters).encode())
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
        result: dict[str, Any] = json.load(answer)
    return result


def start_process(record: Path, host: str = "127.0.0.1", port: int = 0) -> str:
    """Start a server as a process of its own, note its URL in a file, and return it."""
    command = [sys.executable, "-m", "tests.testbed.aws", "serve", "--host", host, "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with record.with_suffix(".log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    timer = threading.Timer(READY_SECONDS, process.kill)
    timer.start()
    url = (process.stdout.readline() if process.stdout else "").strip()
    timer.cancel()
    if not url:
        log_text = record.with_suffix(".log").read_text()[-2000:]
        raise ClusterError("the AWS of the testbed does not start", log_text or "it ended without a word", "see above")
    record.write_text(url)
    return url


def stop_process(record: Path) -> None:
    """Stop a server that `start_process` has started, and wait until it is gone; one that is gone already is fine."""
    if not record.exists():
        return
    url, deadline = record.read_text(), time.monotonic() + STOP_SECONDS
    with suppress(OSError):
        send_order(url, "stop")
        while time.monotonic() < deadline:
            send_order(url, "calls")
            time.sleep(0.05)
    record.unlink()
