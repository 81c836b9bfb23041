# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints of users, as a probe reads them."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.otlp_target import OtlpTarget

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
    assert OtlpTarget.of(endpoint, protocol, {}, tls).url == url


def test_a_scheme_in_capital_letters_is_tls_too() -> None:
    target = OtlpTarget.of("HTTPS://a:4317", "grpc", {"authorization": "token"}, {})
    assert (target.is_secure, target.url) == (True, "https://a:4317")
