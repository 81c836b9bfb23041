# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client dials has a port, and what a finding says to write is an address."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules import rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.findings import run_rules
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from .cases import target


def fixes_of(endpoint: str) -> list[str]:
    config = {
        "receivers": {"otlp": {"protocols": {"grpc": None}}},
        "exporters": {"otlp_grpc": {"endpoint": endpoint}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}}},
    }
    found = run_rules(rules.RULES, Subject(config, target=target()))
    of_endpoint = [finding.fix for finding in found if finding.path == "exporters.otlp_grpc.endpoint"]
    return [fix for fix in of_endpoint if fix.startswith("Write `")]


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("gateway", "gateway:4317"),
        ("https://me@gateway/v1", "gateway:4317"),
        ("[::1]", "[::1]:4317"),
        ("[2001:db8::1]/v1", "[2001:db8::1]:4317"),
        ("http://[::1]/x", "[::1]:4317"),
        ("::1", "[::1]:4317"),
        ("unixhost.example.com", "unixhost.example.com:4317"),
        ("vsock-host", "vsock-host:4317"),
        ("xds.example.com", "xds.example.com:4317"),
    ],
)
def test_an_address_without_a_port_is_told_with_one_that_has_it(endpoint: str, address: str) -> None:
    assert fixes_of(endpoint) == [f"Write `{address}`."]


@pytest.mark.parametrize(
    "endpoint",
    ["gateway:4317", "[::1]:4317", "unix:///run/otlp.sock", "unix:run/otlp.sock", "vsock:2:4317", "xds:///a"],
)
def test_what_needs_no_other_port_is_left_alone(endpoint: str) -> None:
    assert fixes_of(endpoint) == []
