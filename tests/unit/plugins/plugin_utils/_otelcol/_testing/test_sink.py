# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket

import pytest
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._testing import sink


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
