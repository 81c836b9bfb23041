# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_instrumentation/receiver_answers.py: exports without data, and their answers."""

from __future__ import annotations

import re

from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.receiver_answers import (
    build_empty_export,
    judge_answer,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.sdk_languages import (
    GRPC,
    HTTP,
)

from ..helpers import cases

GREETING = r'HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x06\x04\x00"'


def test_an_empty_export_is_as_each_protocol_does_it() -> None:
    target = {"protocol": HTTP, "path": "/tenant"}
    assert build_empty_export(target, "logs") == ("/tenant/v1/logs", "application/x-protobuf", b"")
    path, kind, body = build_empty_export({**target, "protocol": GRPC}, "traces")
    assert (path.rpartition("/")[2], kind, body) == ("Export", "application/grpc", b"\0" * 5)


@cases(
    "protocol, status, message, says, passes",
    (HTTP, 200, "", "", False),
    (HTTP, 401, "no token", "", False),
    (HTTP, 404, "404 page not found", "takes no metrics over HTTP", False),
    (HTTP, 415, "what", r"takes no OTLP over HTTP \(415\), like a server of gRPC", False),
    (HTTP, 418, "what", r"does not answer as OTLP over HTTP does \(418 what\)", False),
    (HTTP, 503, GREETING, "speaks gRPC, but java, python will send http/protobuf", False),
    (HTTP, 503, "connect: connection refused", "does not answer", True),
    (HTTP, 400, "Client sent an HTTP request to an HTTPS server.", "wants TLS", False),
    (HTTP, 503, "tls: first record does not look like a TLS handshake", "speaks no TLS", False),
    (HTTP, 503, "remote error: tls: certificate required", "", False),
    (GRPC, 503, GREETING, "", False),
    (GRPC, 200, "", "", False),
    (GRPC, 415, "unknown", "speaks HTTP, but java, python will send gRPC", False),
    (GRPC, 503, "error trying to reach service: EOF", "closes the connection", False),
    (GRPC, 404, "404 page not found", "speaks HTTP", False),
    (GRPC, 503, "no endpoints available", "does not speak gRPC", True),
)
def test_an_answer_says_what_is_spoken(protocol: str, status: int, message: str, says: str, passes: bool) -> None:
    target = {"protocol": protocol, "languages": ["java", "python"]}
    fault = judge_answer(status, message, target, "metrics")
    told, passing = fault or ("", False)
    assert passing is passes
    assert bool(told) is bool(says)
    assert re.search(says, told)
