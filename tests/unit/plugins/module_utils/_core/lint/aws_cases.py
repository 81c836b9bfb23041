# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on AWS."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running

AMP = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"
XRAY = "https://xray.eu-west-1.amazonaws.com/v1/traces"
NOTHING: Json = {"environment": frozenset()}


def signed(service: Any, region: Any, endpoint: str = AMP) -> Json:
    writer = {"endpoint": endpoint, "auth": {"authenticator": "sigv4auth"}}
    return running(
        "metrics",
        exporters={"prometheusremotewrite": writer},
        extensions={"sigv4auth": {"service": service, "region": region}},
    )


CASES = [
    Case(
        "region-missing",
        "none",
        running(exporters={"awsxray": None}),
        "exporters.awsxray",
        "'awsxray' has no region, and AWS_REGION is not given Add `region: REGION`",
        NOTHING,
    ),
    Case("region-missing", "in the config", running(exporters={"awsemf": {"region": "eu-west-1"}}), more=NOTHING),
    Case(
        "region-missing",
        "in the environment",
        running(exporters={"awsxray": {}}),
        more={"environment": frozenset({"AWS_REGION"})},
    ),
    Case(
        "region-missing",
        "a variable that the exporter does not read",
        running(exporters={"awsemf": {"local_mode": True}}),
        "exporters.awsemf",
        "no region",
        {"environment": frozenset({"AWS_DEFAULT_REGION"})},
    ),
    Case(
        "region-missing",
        "a receiver",
        running(receivers={"awsxray": {"endpoint": "0.0.0.0:2000"}}),
        "receivers.awsxray",
        "'awsxray' has no region for the questions that it sends on",
        NOTHING,
    ),
    Case(
        "region-missing",
        "a receiver with one",
        running(receivers={"awsxray": {"proxy_server": {"region": "eu-west-1"}}}),
        more=NOTHING,
    ),
    Case("region-missing", "an environment that nobody knows", running(exporters={"awsxray": {}})),
    Case(
        "signature-mismatch",
        "another service",
        signed("xray", "eu-west-1"),
        "extensions.sigv4auth.service",
        "signs for service 'xray', but endpoint of 'prometheusremotewrite' is in service 'aps' Write `service: aps`",
    ),
    Case(
        "signature-mismatch",
        "another region",
        signed("aps", "us-east-1"),
        "extensions.sigv4auth.region",
        "`region: eu-west-1`",
    ),
    Case("signature-mismatch", "the right ones", signed("aps", "eu-west-1")),
    Case("signature-mismatch", "what the signer finds by itself", signed(None, "")),
    Case("signature-mismatch", "a variable", signed("aps", "${env:AWS_REGION}")),
    Case(
        "signature-mismatch",
        "a proxy",
        signed("aps", "us-east-1", "https://proxy.example.com/aps-workspaces.eu-west-1"),
    ),
    Case(
        "signature-missing",
        "traces",
        running(exporters={"otlp_http": {"traces_endpoint": XRAY}}),
        "exporters.otlp_http.traces_endpoint",
        "'otlp_http' sends to AWS without a signature Add extension sigv4auth",
    ),
    Case("signature-missing", "signed", signed("aps", "eu-west-1")),
    Case("signature-missing", "elsewhere", running(exporters={"otlphttp": {"endpoint": "https://xray.example.com"}})),
]
