# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What exporters over HTTP may do with the signature that they name."""

from __future__ import annotations

from typing import Any

import pytest

from ...helpers import running
from .test_aws import LOGS, THEIRS, allowed, assuming

AMP = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"
WORKSPACE = "arn:aws:aps:us-east-1:123456789012:workspace/ws-1"
Allowed = set[tuple[str, str, str]]


def signed(name: str, settings: dict[str, Any], signer: dict[str, Any] | None = None) -> Allowed:
    auth = {"auth": {"authenticator": "sigv4auth/a"}}
    return allowed(running(exporters={name: settings | auth}, extensions={"sigv4auth/a": signer or {}}))


CASES: list[tuple[str, Any, Any, Allowed]] = [
    ("prometheusremotewrite", {"endpoint": AMP}, {}, {("aps:RemoteWrite", WORKSPACE, "")}),
    ("prometheus_remote_write/x", {"endpoint": AMP}, {"service": "aps"}, {("aps:RemoteWrite", WORKSPACE, "")}),
    (
        "prometheusremotewrite",
        {"endpoint": AMP.replace("aps-workspaces", "aps-workspaces-fips")},
        {},
        {("aps:RemoteWrite", WORKSPACE, "")},
    ),
    (
        "prometheusremotewrite",
        {"endpoint": "https://proxy.example.com/write"},
        {"service": "aps", "region": "us-east-1"},
        {("aps:RemoteWrite", "arn:aws:aps:us-east-1:123456789012:workspace/*", "")},
    ),
    ("prometheusremotewrite", {"endpoint": AMP}, {"assume_role": {"arn": THEIRS}}, assuming(THEIRS)),
    (
        "prometheusremotewrite",
        {"endpoint": AMP},
        {"assume_role": {"arn": THEIRS, "web_identity_token_file": "/token"}},
        set(),
    ),
    ("prometheusremotewrite", {"endpoint": "https://prometheus.example.com"}, {}, set()),
    (
        "otlphttp",
        {"traces_endpoint": "https://xray.eu-west-1.amazonaws.com/v1/traces"},
        {"service": "xray", "region": "eu-west-1"},
        {("xray:PutSpans", "*", "eu-west-1")},
    ),
    (
        "otlp_http",
        {
            "logs_endpoint": "https://logs.us-east-1.amazonaws.com/v1/logs",
            "headers": {"x-aws-log-group": "/app", "X-Aws-Log-Stream": "default"},
        },
        {"service": "logs"},
        {("logs:PutLogEvents", f"{LOGS}/app:log-stream:default", "")},
    ),
    (
        "otlphttp",
        {"metrics_endpoint": "https://monitoring.us-east-1.amazonaws.com/v1/metrics"},
        {},
        {("cloudwatch:PutMetricData", "*", "us-east-1")},
    ),
    ("otlphttp", {"endpoint": "https://otlp.example.com"}, {"service": "execute-api"}, set()),
]


@pytest.mark.parametrize(("name", "settings", "signer", "expected"), CASES)
def test_signed(name: str, settings: Any, signer: Any, expected: Allowed) -> None:
    assert signed(name, settings, signer) == expected


def test_without_a_signature_nothing_is_allowed() -> None:
    assert allowed(running(exporters={"prometheusremotewrite": {"endpoint": AMP}})) == set()
    bearer = {"endpoint": AMP, "auth": {"authenticator": "bearertokenauth"}}
    assert allowed(running(exporters={"prometheusremotewrite": bearer}, extensions={"bearertokenauth": {}})) == set()
