# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints: their form, and the Service behind them."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation import endpoint
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation.languages import GRPC, HTTP


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "expected"),
    [
        ("http://gateway.telemetry.svc:4317", "gateway.telemetry.svc", 4317, "", GRPC),
        ("http://gateway:4318/", "gateway", 4318, "", HTTP),
        ("https://otlp.example.com", "otlp.example.com", 443, "", ""),
        ("https://otlp.example.com:4318/tenants/a/", "otlp.example.com", 4318, "/tenants/a", HTTP),
        ("http://$(OTEL_NODE_IP):4318", "$(OTEL_NODE_IP)", 4318, "", HTTP),
        ("http://[fd00::1]:4318", "[fd00::1]", 4318, "", HTTP),
    ],
)
def test_a_url_is_read(url: str, host: str, port: int, path: str, expected: str) -> None:
    found = endpoint.parse(url)
    assert (found.url, found.host, found.port, found.path, found.expected) == (url, host, port, path, expected)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gateway:4317", "no http:// or https:// URL"),
        ("grpc://gateway:4317", "no http:// or https:// URL"),
        ("http://:4317", "no http:// or https:// URL"),
        ("http://gateway", "has no port. Write it: 4318"),
        ("http://gateway:http", "is no URL"),
        ("http://gateway:70000", "is no URL"),
        ("http://gateway:4318/v1/traces", "Leave out /v1/traces"),
        ("http://gateway:4318?a=b", "is no base address"),
    ],
)
def test_a_form_that_no_exporter_takes_is_told(url: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        endpoint.parse(url)


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(Problem, match="user or a password") as caught:
        endpoint.parse("https://me:hush@otlp.example.com")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "services"),
    [
        ("http://gateway.telemetry.svc:4318", [("telemetry", "gateway")]),
        ("http://gateway.telemetry.svc.cluster.local:4318", [("telemetry", "gateway")]),
        ("http://gateway:4318", [("a", "gateway"), ("b", "gateway")]),
        ("http://gateway.example:4318", []),
        ("https://otlp.example.com", []),
        ("http://localhost:4318", []),
        ("http://10.0.0.1:4318", []),
        ("http://[fd00::1]:4318", []),
        ("http://$(OTEL_NODE_IP):4318", []),
    ],
)
def test_a_bare_name_is_looked_up_where_the_pods_are(url: str, services: list[tuple[str, str]]) -> None:
    assert endpoint.parse(url).services(("a", "b")) == services


def test_a_collector_has_a_port_for_each_protocol() -> None:
    options = {"name": "gateway", "namespace": "", "http_port": 8318, "grpc_port": 4317}
    assert endpoint.of_collector(options, "here", HTTP, secure=False).url == "http://gateway.here.svc:8318"
    there = {**options, "namespace": "there"}
    assert endpoint.of_collector(there, "here", GRPC, secure=True).url == "https://gateway.there.svc:4317"
