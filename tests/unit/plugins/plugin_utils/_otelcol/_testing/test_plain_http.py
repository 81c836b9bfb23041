# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers are read as http.client reads them, and what is none is a broken connection."""

from __future__ import annotations

import http.client
import io
import socket
from typing import cast

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.bounded.read_limits import SMALL_ANSWER
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing.plain_http import (
    read_answer,
    send_request,
)

from tests.support.cases import cases

OK = b"HTTP/1.1 200 OK\r\n"


class OneAnswer:
    """What http.client takes for a socket."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._answer)


@cases(
    "answer, stays_open",
    (OK + b"Content-Length: 2\r\n\r\n{}HTTP", True),
    (OK + b"content-LENGTH:0\r\nX-Odd\r\n\r\n", True),
    (OK + b"Content-Length: 2\r\nConnection: Close\r\n\r\n{}", False),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nA;note=x\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", True),
    (OK + b"\r\nall until the end", False),
    (b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy", True),
    (b"HTTP/1.1 204 No Content\r\n\r\n", True),
)
def test_an_answer_is_read_as_the_library_reads_it(answer: bytes, stays_open: bool) -> None:
    of_library = http.client.HTTPResponse(cast("socket.socket", OneAnswer(answer)), method="POST")
    of_library.begin()
    assert read_answer(io.BytesIO(answer)) == (of_library.status, of_library.read(), stays_open)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"SSH-2.0-OpenSSH 200\r\n\r\n",
        OK + b"Content-Length: 9\r\n\r\nshort",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: many\r\n\r\n",
        OK + b"Content-Length: 99999999999\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n",
    ],
)
def test_what_is_no_answer_is_a_broken_connection(answer: bytes) -> None:
    with pytest.raises(ConnectionError):
        read_answer(io.BytesIO(answer))


def test_a_body_has_a_limit_however_it_comes() -> None:
    chunk = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    endless = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (SMALL_ANSWER >> 20) + chunk
    for answer in (endless, OK + b"\r\n" + b"x" * (SMALL_ANSWER + 1)):
        with pytest.raises(Problem, match="the answer"):
            read_answer(io.BytesIO(answer))


def test_a_request_is_sent_whole() -> None:
    here, there = socket.socketpair()
    with here, there:
        send_request(here, "POST /v1/logs", {"Content-Type": "application/json"}, b"{}")
        head = b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        assert there.recv(4096) == head + b"\r\n{}"
