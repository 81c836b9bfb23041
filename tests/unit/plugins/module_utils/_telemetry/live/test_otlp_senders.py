# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send to an address: over UDP, and with files of TLS that cannot be read."""

from __future__ import annotations

import json
import re
import socket

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_payloads import build_xray_segment
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.live.otlp_senders import (
    NotSentError,
    create_sender,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.otlp_target import (
    GRPC,
    HTTP,
    XRAY,
    OtlpTarget,
)


def test_a_segment_goes_over_udp_as_the_sdks_of_xray_send_it() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        target = OtlpTarget.from_endpoint(f"127.0.0.1:{server.getsockname()[1]}", XRAY, {}, {})
        assert create_sender(target)("traces", build_xray_segment("traces", "6925a1b0c0ffee01", "svc"), 5) == b""
        header, document = map(json.loads, server.recv(2000).splitlines())
    assert header == {"format": "json", "version": 1}
    assert (document["name"], document["annotations"]) == ("svc", {"o11y_probe_id": "6925a1b0c0ffee01"})
    assert re.fullmatch(r"1-6925a1b0-[0-9a-f]{24}", document["trace_id"])
    assert document["start_time"] < document["end_time"]


def test_an_address_that_nobody_knows_is_told() -> None:
    target = OtlpTarget.from_endpoint("no such host", XRAY, {}, {})
    assert target.url == "http://no such host:2000"
    with pytest.raises(NotSentError, match="no such host"):
        create_sender(target)("traces", b"", 1)


@pytest.mark.parametrize("protocol", [GRPC, HTTP])
@pytest.mark.parametrize("option", ["ca_file", "cert_file", "key_file"])
def test_a_file_of_tls_that_cannot_be_read_is_named_before_anything_is_sent(protocol: str, option: str) -> None:
    target = OtlpTarget.from_endpoint("https://127.0.0.1:1", protocol, {}, {option: "/none.pem"})
    with pytest.raises(Problem, match=r"a file of tls cannot be read: .*/none\.pem.*Correct its path"):
        create_sender(target)


def test_files_of_tls_do_not_matter_to_a_url_without_it() -> None:
    target = OtlpTarget.from_endpoint("http://127.0.0.1:1", HTTP, {}, {"ca_file": "/none.pem"})
    with pytest.raises(NotSentError, match="Connection refused"):
        create_sender(target)("logs", b"", 1)
