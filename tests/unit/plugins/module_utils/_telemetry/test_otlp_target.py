# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints of users, as a probe reads them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.otlp_target import (
    OtlpTarget,
)

from tests.support.cases import cases


@cases(
    "endpoint, protocol, tls, url",
    ("a:4317", "grpc", {}, "http://a:4317"),
    ("a", "grpc", {}, "http://a:4317"),
    ("a", "grpc", {"ca_file": "/ca"}, "https://a:4317"),
    ("a", "grpc", {"insecure": False}, "https://a:4317"),
    ("a", "grpc", {"ca_file": "/ca", "insecure": True}, "http://a:4317"),
    ("http://a", "http/protobuf", {"ca_file": "/ca"}, "http://a:4318"),
    ("https://a/otlp/", "http/protobuf", {"insecure": True}, "https://a:4318/otlp"),
)
def test_where_to_send(endpoint: str, protocol: str, tls: dict[str, Any], url: str) -> None:
    assert OtlpTarget.from_endpoint(endpoint, protocol, {}, tls).url == url


def test_a_scheme_in_capital_letters_is_tls_too() -> None:
    target = OtlpTarget.from_endpoint("HTTPS://a:4317", "grpc", {"authorization": "token"}, {})
    assert (target.is_secure, target.url) == (True, "https://a:4317")


@cases(
    "endpoint, words",
    ("host:abc", "'host:abc' has a port that is no number from 1 to 65535"),
    ("host:99999", "no number from 1 to 65535"),
    ("https://host:0", "no number from 1 to 65535"),
    ("[::1", "'[::1' is no address"),
    ("http://", "'http://' names no host"),
    (":4317", "names no host"),
    ("unix:///run/otlp.sock", "names no host"),
    (f"{'x' * 70}.ns.svc:4317", "has a part of more than 63 characters"),
    ("a..svc:4317", "has an empty part"),
    (".svc:4317", "has an empty part"),
)
def test_an_endpoint_that_no_receiver_can_have_is_told(endpoint: str, words: str) -> None:
    with pytest.raises(Problem, match=re.escape(words)) as told:
        OtlpTarget.from_endpoint(endpoint, "grpc", {}, {})
    assert "Write `HOST:PORT`" in str(told.value)


def test_a_login_in_a_wrong_endpoint_is_not_shown() -> None:
    with pytest.raises(Problem) as told:
        OtlpTarget.from_endpoint("https://me:hunter2@host:abc?token=hunter3", "grpc", {}, {})
    assert "hunter" not in str(told.value)


@cases(
    "endpoint, protocol",
    ("a:4318", "grpc"),
    ("http://a:4318", "http/protobuf"),
    ("HTTPS://a", "http/protobuf"),
    ("https://a:4317", "grpc"),
    ("https://a:43170", "http/protobuf"),
    ("http://[fd00::4317]", "http/protobuf"),
    ("httpd.shop:50051", "grpc"),
)
def test_a_url_is_of_http_unless_it_has_the_port_of_grpc(endpoint: str, protocol: str) -> None:
    assert OtlpTarget.from_endpoint(endpoint, None, {}, {}).protocol == protocol
