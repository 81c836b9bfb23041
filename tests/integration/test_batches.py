# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same load through a real Collector with processor `batch`, and with its batches in the exporter's queue."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.cluster import RawAnswer
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.batch_processor import (
    move_batches_to_exporters,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.migrate.data_edits import (
    ConfigChange,
    apply_edits,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.build_facts import TargetBuild

from tests.support.servers import serve_answers

from .test_real_collector import program, target  # noqa: F401 - fixtures

REQUESTS, SPANS, CLIENTS = 500, 20, 8
PATIENCE = 30.0  # seconds
UNAVAILABLE = 503


@dataclass
class Sent:
    """The spans that the Collector accepted, those that the backend got by request, and what was refused."""

    accepted: set[str] = field(default_factory=set)
    requests: list[set[str]] = field(default_factory=list)
    refusals: set[int] = field(default_factory=set)
    down: threading.Event = field(default_factory=threading.Event)

    @property
    def stored(self) -> set[str]:
        return set().union(*self.requests)

    def answer(self, _handler: BaseHTTPRequestHandler, body: bytes) -> RawAnswer:
        """Answer as the backend."""
        if self.down.is_set():
            return RawAnswer(UNAVAILABLE, {}, b"")
        spans = [
            one for item in json.loads(body)["resourceSpans"] for scope in item["scopeSpans"] for one in scope["spans"]
        ]
        self.requests.append({span["spanId"] for span in spans})
        return RawAnswer(200, {"Content-Type": "application/json"}, b"{}")

    def send(self, port: int, first: int) -> None:
        """Send every request of one client."""
        connection = HTTPConnection("127.0.0.1", port)
        for number in range(first, REQUESTS, CLIENTS):
            ids = [f"{number * SPANS + index + 1:016x}" for index in range(SPANS)]
            spans = [{"traceId": f"{number + 1:032x}", "spanId": one, "name": "a"} for one in ids]
            body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                response.read()
            if response.status == 200:
                self.accepted.update(ids)
            else:
                self.refusals.add(response.status)


def config(port: int, backend: str, queue: dict[str, Any]) -> dict[str, Any]:
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "processors": {"batch": {"send_batch_size": 1000, "timeout": "1s"}},
        "exporters": {
            "otlp_http": {
                "endpoint": backend,
                "encoding": "json",
                "compression": "none",
                "sending_queue": queue,
                "retry_on_failure": {"initial_interval": "100ms", "max_interval": "100ms"},
            }
        },
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["otlp_http"]}},
        },
    }


@contextmanager
def running(
    program: Path,  # noqa: F811
    file: Path,
    port: int,
    host: str = "127.0.0.1",
    **environment: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Collector, and end it as Kubernetes does: it has sent what it holds when the block is over."""
    with (
        (file.with_suffix(".log")).open("wb") as log,
        subprocess.Popen(
            [program, "--config", file], stdout=log, stderr=log, env={**os.environ, "GOGC": "off", **environment}
        ) as one,
    ):
        try:
            end = time.monotonic() + PATIENCE
            while socket.socket().connect_ex((host, port)) and time.monotonic() < end and one.poll() is None:
                threading.Event().wait(0.05)
            yield one
        finally:
            one.send_signal(signal.SIGTERM)
            one.wait(PATIENCE)


def sent(program: Path, file: Path, made: TargetBuild | None, queue: dict[str, Any], down: bool) -> Sent:  # noqa: F811
    """Return what becomes of the load; with a target, the batches are moved into the exporter first."""
    load = Sent()
    if down:
        load.down.set()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serve_answers(load.answer) as backend:
        settings = config(port, backend, queue)
        if made:
            settings = with_moved_batches(settings, made)
        file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        with running(program, file, port), ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda first: load.send(port, first), range(CLIENTS)))
            load.down.clear()
            if down:  # a Collector that ends tries no request again
                wait_for_spans(load, len(load.accepted) if made else 1)
    return load


def with_moved_batches(settings: dict[str, Any], made: TargetBuild) -> dict[str, Any]:
    """Return a config whose exporters make the batches of its processors."""
    moves = [one for one in move_batches_to_exporters(settings, made) if isinstance(one, ConfigChange)]
    moved: dict[str, Any] = apply_edits(settings, [edit for one in moves for edit in one.edits])
    assert "batch" not in moved["processors"]
    return moved


def wait_for_spans(load: Sent, count: int) -> None:
    """Wait until the backend has so many spans, as long as that may take."""
    end = time.monotonic() + PATIENCE
    while len(load.stored) < count and time.monotonic() < end:
        threading.Event().wait(0.05)


def test_batches_are_equal_and_a_shutdown_loses_nothing(program: Path, target: TargetBuild, tmp_path: Path) -> None:  # noqa: F811
    """The number of requests may differ by those that a timeout ends early."""
    results = [sent(program, tmp_path / f"{one is None}.yaml", one, {}, down=False) for one in (None, target)]
    for result in results:
        assert len(result.accepted) == REQUESTS * SPANS and result.stored == result.accepted
        assert max(map(len, result.requests)) <= 1000 + SPANS
    assert abs(len(results[0].requests) - len(results[1].requests)) <= 2


def test_a_full_queue_is_told_to_clients_instead_of_lost(program: Path, target: TargetBuild, tmp_path: Path) -> None:  # noqa: F811
    """The queue has room for two batches, and the backend is down while the load is sent."""
    old, new = (
        sent(program, tmp_path / f"{one is None}.yaml", one, {"queue_size": 2}, down=True) for one in (None, target)
    )
    assert old.refusals == set() and len(old.accepted - old.stored) > REQUESTS * SPANS / 2
    assert new.refusals == {UNAVAILABLE} and new.accepted and new.stored == new.accepted
