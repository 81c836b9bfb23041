# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of a test to its Collector: what it sends, and which targets the Collector scrapes. Private.

A call is one request in HTTP, such as a POST to `/v1/traces`. run_case.py and replay.py send calls to the receivers of
the test.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

from ....module_utils._otelcol.bounded.live.bounded_reads import read_stream
from ....module_utils._otelcol.bounded.read_limits import SMALL_ANSWER_LIMIT
from ....module_utils._otelcol.errors import Problem, clean_text
from .collector_runtime import LOOPBACK, CollectorRuntime

# Seconds between two tries.
_RETRY_SECONDS = 0.02
# Seconds after which a connection is not used again; a Collector closes it after a minute. Source: `idle_timeout` of
# confighttp.
_LONGEST_REST = 10.0
# The first status of HTTP that says no.
_FIRST_FAILURE_STATUS = 400
# How a Collector asks to send again. Source: "OTLP/HTTP Throttling" of the specification of OTLP.
_BUSY_ANSWERS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True)
class Call:
    """A request in HTTP to a port of the Collector."""

    port: int
    path: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedCall(Problem):
    """A request that the Collector refuses. Its words may quote the request."""


class OtlpSender:
    """Sends OTLP to a Collector, by one connection to each port that stays open.

    A call may take `seconds`. A Collector that is busy (429 or 503) gets it again for up to `patience` seconds. A
    replay has some patience, since it is faster than clients, and a test has none.
    """

    def __init__(self, runtime: CollectorRuntime, seconds: float, patience: float = 0.0) -> None:
        self._runtime, self._seconds, self._patience = runtime, seconds, patience
        self._connections: dict[int, _Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_why: object) -> None:
        for connection in self._connections.values():
            connection.close()

    def send_call(self, call: Call) -> None:
        """Send a call. Raises RefusedCall if the Collector refuses it, and Problem if it cannot be reached."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                status, answer = self._connection(call.port).ask_for_answer(call)
            except (OSError, http.client.HTTPException) as error:
                wrong = f"the Collector does not take what the test gives: {error}"
                raise Problem(wrong, fix="Run it again.") from error
            if status < _FIRST_FAILURE_STATUS:
                return
            if status not in _BUSY_ANSWERS or time.monotonic() > deadline:
                answer_text = clean_text(answer.decode(errors="replace"))
                raise RefusedCall(f"the Collector refuses what the test gives: {answer_text}", fix="Correct `given`.")
            time.sleep(_RETRY_SECONDS)

    def _connection(self, port: int) -> _Connection:
        """Return the connection to a port. One that has rested is closed, so that it connects anew."""
        if port not in self._connections:
            self._connections[port] = _Connection(self._runtime, port, self._seconds)
        connection = self._connections[port]
        if connection.has_rested:
            connection.close()
        return connection


def keeps_target(runtime: CollectorRuntime, port: int, job: str, seconds: float) -> bool:
    """Return whether a job of a prometheus receiver keeps its target, as soon as the receiver knows.

    Raises Problem if the receiver does not know within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            with closing(_Connection(runtime, port, seconds)) as connection:
                _status, body = connection.ask_for_answer(Call(port, "/api/v1/targets"))
            targets = json.loads(body)["data"]
            if _has_target(targets["activeTargets"], job):
                return True
            if _has_target(targets["droppedTargets"], job):
                return False
        time.sleep(_RETRY_SECONDS)
    raise Problem(f"the Collector has no target of job '{job}' after {seconds:.0f} s", fix="Give a longer timeout.")


def _has_target(targets: list[dict[str, Any]], job: str) -> bool:
    """Whether one of some targets is of a job."""
    return any(target["scrapePool"] == job for target in targets)


class _Connection(http.client.HTTPConnection):
    """A connection to a port of a Collector in its network. It connects with the first request."""

    def __init__(self, runtime: CollectorRuntime, port: int, seconds: float) -> None:
        super().__init__(LOOPBACK, port)
        self._runtime, self._seconds = runtime, seconds
        self._last_answer = 0.0

    @property
    def has_rested(self) -> bool:
        """Whether the last answer is so long ago that the other end may have closed the connection."""
        return time.monotonic() - self._last_answer > _LONGEST_REST

    def connect(self) -> None:
        """Connect in the network of the Collector. Headers and body leave at once. Raises OSError."""
        self.sock = self._runtime.socket()
        self.sock.settimeout(self._seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect((LOOPBACK, self.port))

    def ask_for_answer(self, call: Call) -> tuple[int, bytes]:
        """Return the status and the body of an answer. Raises OSError and HTTPException."""
        self.request(call.method, call.path, call.body, dict(call.headers))
        answer = self.getresponse()
        body = read_stream(answer.read, SMALL_ANSWER_LIMIT, "the answer")
        self._last_answer = time.monotonic()
        return answer.status, body
