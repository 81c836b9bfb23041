# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates and names of certificates, and which files of a config they are in."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose import certificates
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.certificates import Certificate
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.diagnose.subject import Source

NOW = "2026-03-01T00:00:00Z"


def certificate(start: str = "2026-01-01T00:00:00Z", end: str = "2026-06-01T00:00:00Z", *names: str) -> Certificate:
    return Certificate("CN=a", "CN=ca", start, end, names, False)


@pytest.mark.parametrize(
    ("start", "end", "state", "left"),
    [
        ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "valid", "92 days"),
        ("2026-01-01T00:00:00Z", "2026-03-05T00:00:00Z", "soon", "4 days"),
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "expired", "28 days"),
        ("2026-04-01T00:00:00Z", "2026-06-01T00:00:00Z", "not_yet_valid", "92 days"),
    ],
)
def test_dates(start: str, end: str, state: str, left: str) -> None:
    row = certificates.dates(certificate(start, end), NOW)
    assert (row["state"], row["left"]) == (state, left)


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (["a.ns.svc"], "a.ns.svc", True),
        (["*.ns.svc"], "a.ns.svc", True),
        (["*.svc"], "a.ns.svc", False),
        ([], "a", False),
    ],
)
def test_names(names: list[str], host: str, covered: bool) -> None:
    assert certificates.covers(names, host) is covered


def test_services_that_a_certificate_is_not_for() -> None:
    services = [{"name": "a", "namespace": "ns"}, {"name": "b", "namespace": "ns"}]
    made = certificate("", "", "a.ns")
    assert certificates.uncovered(made, services) == ["b.ns.svc"]


def test_files_of_a_config_are_found_in_what_is_mounted() -> None:
    config: dict[str, Any] = {
        "receivers": {
            "otlp": {"protocols": {"grpc": {"tls": {"cert_file": "/tls/tls.crt", "key_file": "/tls/tls.key"}}}}
        },
        "exporters": {"otlp/a": {"tls": {"ca_file": "/ca/ca.crt", "cert_file": "/elsewhere/x"}}},
    }
    sources = [
        Source("Secret", "mine", path="/tls"),
        Source("ConfigMap", "ca", path="/ca", files=(("ca.crt", "root"),)),
    ]
    found = certificates.used(config, sources)
    assert [(use.about, use.role, use.kind, use.name, use.key) for use in found] == [
        ("in", "cert_file", "Secret", "mine", "tls.crt"),
        ("exporters/otlp/a", "ca_file", "ConfigMap", "ca", "root"),
    ]
