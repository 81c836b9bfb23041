# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on AWS and other vendors."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json, running

AMP = "https://aps-workspaces.eu-west-1.amazonaws.com"
WRITE = "/workspaces/ws-1/api/v1/remote_write"
XRAY = "https://xray.eu-west-1.amazonaws.com"
LOGS = "https://logs.eu-west-1.amazonaws.com/v1/logs"
DATADOG = "https://otlp.datadoghq.com"
AT_WRITER = "exporters.prometheus_remote_write.endpoint"
BOTH = {"x-aws-log-group": "a", "X-Aws-Log-Stream": "b"}


def writer(endpoint: str) -> Json:
    return running("metrics", exporters={"prometheus_remote_write": {"endpoint": endpoint}})


def http(**settings: Any) -> Json:
    return running(exporters={"otlp_http": settings})


def grpc(endpoint: str, name: str = "otlp_grpc") -> Json:
    return running(exporters={name: {"endpoint": endpoint}})


def datadog(**api: Any) -> Json:
    return running(exporters={"datadog": {"api": {"key": "${env:DD_API_KEY}", **api}}})


CASES = [
    Case(
        "http-only",
        "X-Ray",
        grpc("xray.eu-west-1.amazonaws.com:443"),
        "exporters.otlp_grpc.endpoint",
        "'otlp_grpc' uses gRPC, but xray.eu-west-1.amazonaws.com accepts only HTTP Use the exporter otlp_http.",
    ),
    Case("http-only", "Datadog", grpc(f"{DATADOG}:443", "otlp/dd"), "exporters.otlp/dd.endpoint", "accepts only HTTP"),
    Case("http-only", "HTTP", http(endpoint=XRAY)),
    Case("http-only", "elsewhere", grpc("otlp.example.com:4317")),
    Case("http-only", "a variable", grpc("xray.${env:AWS_REGION}.amazonaws.com:443")),
    Case(
        "intake-path",
        "a workspace's URL",
        writer(f"{AMP}/workspaces/ws-1/"),
        AT_WRITER,
        "endpoint of 'prometheus_remote_write' has /workspaces/ws-1/, which accepts none of its data Use /workspaces/",
    ),
    Case(
        "intake-path",
        "the path of a query",
        writer(f"{AMP}/workspaces/ws-1/api/v1/query"),
        AT_WRITER,
        "has /workspaces",
    ),
    Case(
        "intake-path",
        "a path that the exporter adds",
        http(endpoint=f"{XRAY}/v1/traces"),
        "exporters.otlp_http.endpoint",
        "has /v1/traces, which accepts none of its data Use no path; the exporter adds its own.",
    ),
    Case(
        "intake-path",
        "a path that the exporter does not add",
        http(traces_endpoint=XRAY),
        "exporters.otlp_http.traces_endpoint",
        "has no path, which accepts none of its data Use /v1/traces of the service that takes traces.",
    ),
    Case(
        "intake-path",
        "another service",
        http(metrics_endpoint=f"{XRAY}/v1/metrics"),
        "exporters.otlp_http.metrics_endpoint",
        "of the service that takes metrics",
    ),
    Case("intake-path", "remote write", writer(f"{AMP}{WRITE}")),
    Case("intake-path", "a proxy", writer("https://proxy.example.com/workspaces/ws-1")),
    Case("intake-path", "the host alone", http(endpoint=f"{XRAY}/")),
    Case("intake-path", "whole endpoints", http(traces_endpoint=f"{XRAY}/v1/traces", logs_endpoint=LOGS)),
    Case("intake-path", "a variable", writer(f"{AMP}${{env:WORKSPACE}}")),
    Case(
        "intake-header",
        "no log stream",
        http(logs_endpoint=LOGS, headers={"x-aws-log-group": "a"}),
        "exporters.otlp_http.logs_endpoint",
        "sends no header x-aws-log-stream to logs.eu-west-1.amazonaws.com Add `headers: {x-aws-log-stream: …}`.",
    ),
    Case(
        "intake-header",
        "no key",
        http(endpoint=DATADOG, auth={"authenticator": "sigv4auth"}),
        "exporters.otlp_http.endpoint",
        "sends no header dd-api-key to otlp.datadoghq.com",
    ),
    Case("intake-header", "both", http(logs_endpoint=LOGS, headers=BOTH, auth={"authenticator": "sigv4auth/logs"})),
    Case("intake-header", "a list", http(endpoint=DATADOG, headers=[{"name": "DD-API-KEY", "value": "${env:KEY}"}])),
    Case("intake-header", "somebody else's work", http(endpoint=DATADOG, auth={"authenticator": "headers_setter"})),
    Case("intake-header", "headers that are a variable", http(endpoint=DATADOG, headers="${env:HEADERS}")),
    Case(
        "datadog-site",
        "a URL",
        datadog(site="https://app.datadoghq.eu"),
        "exporters.datadog.api.site",
        "'https://app.datadoghq.eu' is not a Datadog site Write only the domain",
    ),
    Case("datadog-site", "a nickname", datadog(site="EU"), "exporters.datadog.api.site", "'EU' is not a Datadog site"),
    Case(
        "datadog-site",
        "a host",
        datadog(site="api.datadoghq.com"),
        "exporters.datadog.api.site",
        "is not a Datadog site",
    ),
    Case("datadog-site", "a site", datadog(site="us3.datadoghq.com")),
    Case("datadog-site", "a variable", datadog(site="${env:DD_SITE}")),
    Case("datadog-site", "a placeholder", datadog(site="<site>")),
    Case("datadog-site", "the default", datadog()),
    Case(
        "datadog-key",
        "a site alone",
        datadog(key=None, site="datadoghq.com"),
        "exporters.datadog",
        "'datadog' has no api.key Add `api: {key: '${env:DD_API_KEY}'}`",
    ),
    Case("datadog-key", "nothing", running(exporters={"datadog/eu": None}), "exporters.datadog/eu", "has no api.key"),
    Case("datadog-key", "a key", datadog()),
    Case("datadog-key", "an API that is a variable", running(exporters={"datadog": {"api": "${env:API}"}})),
]


AWS_AMP = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"
AWS_XRAY = "https://xray.eu-west-1.amazonaws.com/v1/traces"
NOTHING: Json = {"environment": frozenset()}


def signed(service: Any, region: Any, endpoint: str = AWS_AMP) -> Json:
    writer = {"endpoint": endpoint, "auth": {"authenticator": "sigv4auth"}}
    return running(
        "metrics",
        exporters={"prometheusremotewrite": writer},
        extensions={"sigv4auth": {"service": service, "region": region}},
    )


CASES += [
    Case(
        "region-missing",
        "none",
        running(exporters={"awsxray": None}),
        "exporters.awsxray",
        "'awsxray' has no region, and AWS_REGION is not set Add `region: REGION`",
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
        "'awsxray' has no region for forwarded requests",
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
        running(exporters={"otlp_http": {"traces_endpoint": AWS_XRAY}}),
        "exporters.otlp_http.traces_endpoint",
        "'otlp_http' sends to AWS without a signature Add extension sigv4auth",
    ),
    Case("signature-missing", "signed", signed("aps", "eu-west-1")),
    Case("signature-missing", "elsewhere", running(exporters={"otlphttp": {"endpoint": "https://xray.example.com"}})),
]
