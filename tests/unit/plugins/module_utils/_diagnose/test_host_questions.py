# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is asked about a collector, and why no test data is sent to it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.host_questions import (
    build_host_question,
    explain_missing_test_data,
)

from tests.support.cases import cases


def config(**http: Any) -> dict[str, Any]:
    return {
        "receivers": {"otlp": {"protocols": {"http": http or None}}},
        "exporters": {"otlp_grpc": {"endpoint": "gateway:4317"}},
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["otlp_grpc"]}}},
    }


@cases(
    "http, url",
    ({}, "http://localhost:4318"),
    ({"endpoint": "0.0.0.0:4318"}, "http://127.0.0.1:4318"),
    ({"endpoint": "[::]:1"}, "http://[::1]:1"),
    ({"endpoint": "10.0.0.1:1", "tls": {"cert_file": "/c"}}, "https://10.0.0.1:1"),
    ({"endpoint": "0.0.0.0:1", "transport": "tcp"}, "http://127.0.0.1:1"),
    ({"endpoint": "0.0.0.0:1", "traces_url_path": "/v1/traces"}, "http://127.0.0.1:1"),
)
def test_test_data_goes_to_the_receiver(http: dict[str, Any], url: str) -> None:
    question = build_host_question("a", config(**http))
    assert (question["url"], question["signals"], explain_missing_test_data(config(**http))) == (url, ["traces"], "")


@cases(
    "http, why",
    ({"endpoint": "${env:MY_IP}:4318"}, "the address of its OTLP receiver over HTTP is known only when it starts"),
    ({"endpoint": "${env:ENDPOINT}"}, "the address of its OTLP receiver over HTTP is known only when it starts"),
    (
        {"endpoint": "0.0.0.0:${env:PORT:-4318}"},
        "the address of its OTLP receiver over HTTP is known only when it starts",
    ),
    ({"endpoint": "/run/x.sock", "transport": "unix"}, "its OTLP receiver over HTTP listens on no port"),
    ({"endpoint": "0.0.0.0:1", "traces_url_path": "/spans"}, "its OTLP receiver over HTTP has paths of its own"),
    ({"endpoint": "0.0.0.0:1", "auth": {"authenticator": "a"}}, "its OTLP receiver over HTTP requires a login"),
)
def test_a_collector_that_is_not_tested_says_why(http: dict[str, Any], why: str) -> None:
    question = build_host_question("a", config(**http))
    assert (question["url"], question["signals"], explain_missing_test_data(config(**http))) == ("", [], why)


@pytest.mark.parametrize("transport", ["tcp4", "tcp6", None])
def test_other_transports_of_ports_are_tested(transport: str | None) -> None:
    assert explain_missing_test_data(config(endpoint="0.0.0.0:1", transport=transport)) == ""
