# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import http.client
import socket
from contextlib import closing
from typing import cast

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import sink

EMPTY = b'{"resourceLogs": []}'


@pytest.mark.parametrize(("error", "said"), [(ConnectionResetError("gone"), ""), (KeyError("x"), "KeyError: 'x'")])
def test_a_broken_connection_is_not_told_and_a_fault_is(
    capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    """A Collector that stops breaks its connections; the output of a play is no place for that."""

    def handler(*_arguments: object) -> None:
        raise error

    with sink.Server(socket.create_server(("127.0.0.1", 0)), handler) as server:
        server.process_request_thread(server.socket, ("127.0.0.1", 1))
    printed = capsys.readouterr().err
    assert said in printed
    assert bool(said) is bool(printed)


def test_exporters_send_one_request_after_the_other_on_a_connection() -> None:
    kept = sink.ArrivedRecords({}, {"/page": ["a 1"]})
    with sink.serve_sink(socket.create_server(("127.0.0.1", 0)), kept) as address:
        host, port = address.removeprefix("http://").split(":")
        with closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
            sockets = set()
            for _number in range(3):
                connection.request("POST", "/otlp_http%2Fa/v1/logs", EMPTY, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (200, b"{}")
                sockets.add(cast("socket.socket", connection.sock).getsockname())
            connection.request("GET", "/page")
            assert connection.getresponse().read() == b"a 1"
        assert len(sockets) == 1
        with socket.create_connection((host, int(port)), timeout=60) as odd:
            odd.sendall(b"nonsense\r\n\r\n")
            assert b" 400 " in odd.recv(4096)
    assert kept.requests.total() == 3


def test_a_client_that_watches_learns_at_once_that_it_does() -> None:
    """It asks without `sendInitialEvents` after it has listed, and nothing is sent to it then."""
    with (
        sink.serve_sink(socket.create_server(("127.0.0.1", 0)), sink.ArrivedRecords({}, {})) as address,
        closing(http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)) as connection,
    ):
        connection.request("GET", "/api/v1/pods?watch=true")
        assert connection.getresponse().status == 200
