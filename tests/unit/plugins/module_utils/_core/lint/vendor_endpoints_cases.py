# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on AWS and other vendors."""

from __future__ import annotations

from typing import Any

from .cases import Table
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


CASES: Table = {
    "http-only": {
        "X-Ray": (
            grpc("xray.eu-west-1.amazonaws.com:443"),
            "exporters.otlp_grpc.endpoint: 'otlp_grpc' uses gRPC, but xray.eu-west-1.amazonaws.com accepts "
            "only HTTP Use the exporter otlp_http.",
        ),
        "Datadog": (grpc(f"{DATADOG}:443", "otlp/dd"), "exporters.otlp/dd.endpoint: accepts only HTTP"),
        "HTTP": http(endpoint=XRAY),
        "elsewhere": grpc("otlp.example.com:4317"),
        "a variable": grpc("xray.${env:AWS_REGION}.amazonaws.com:443"),
    },
    "intake-path": {
        "a workspace's URL": (
            writer(f"{AMP}/workspaces/ws-1/"),
            f"{AT_WRITER}: endpoint of 'prometheus_remote_write' has /workspaces/ws-1/, which accepts none of "
            "its data Use /workspaces/",
        ),
        "the path of a query": (writer(f"{AMP}/workspaces/ws-1/api/v1/query"), f"{AT_WRITER}: has /workspaces"),
        "a path that the exporter adds": (
            http(endpoint=f"{XRAY}/v1/traces"),
            "exporters.otlp_http.endpoint: has /v1/traces, which accepts none of its data Use no path; the "
            "exporter adds its own.",
        ),
        "a path that the exporter does not add": (
            http(traces_endpoint=XRAY),
            "exporters.otlp_http.traces_endpoint: has no path, which accepts none of its data Use /v1/traces "
            "of the service that takes traces.",
        ),
        "another service": (
            http(metrics_endpoint=f"{XRAY}/v1/metrics"),
            "exporters.otlp_http.metrics_endpoint: of the service that takes metrics",
        ),
        "remote write": writer(f"{AMP}{WRITE}"),
        "a proxy": writer("https://proxy.example.com/workspaces/ws-1"),
        "the host alone": http(endpoint=f"{XRAY}/"),
        "whole endpoints": http(traces_endpoint=f"{XRAY}/v1/traces", logs_endpoint=LOGS),
        "a variable": writer(f"{AMP}${{env:WORKSPACE}}"),
    },
    "intake-header": {
        "no log stream": (
            http(logs_endpoint=LOGS, headers={"x-aws-log-group": "a"}),
            "exporters.otlp_http.logs_endpoint: sends no header x-aws-log-stream to "
            "logs.eu-west-1.amazonaws.com Add `headers: {x-aws-log-stream: …}`.",
        ),
        "no key": (
            http(endpoint=DATADOG, auth={"authenticator": "sigv4auth"}),
            "exporters.otlp_http.endpoint: sends no header dd-api-key to otlp.datadoghq.com",
        ),
        "both": http(logs_endpoint=LOGS, headers=BOTH, auth={"authenticator": "sigv4auth/logs"}),
        "a list": http(endpoint=DATADOG, headers=[{"name": "DD-API-KEY", "value": "${env:KEY}"}]),
        "somebody else's work": http(endpoint=DATADOG, auth={"authenticator": "headers_setter"}),
        "headers that are a variable": http(endpoint=DATADOG, headers="${env:HEADERS}"),
    },
    "datadog-site": {
        "a URL": (
            datadog(site="https://app.datadoghq.eu"),
            "exporters.datadog.api.site: 'https://app.datadoghq.eu' is not a Datadog site Write only the domain",
        ),
        "a nickname": (datadog(site="EU"), "exporters.datadog.api.site: 'EU' is not a Datadog site"),
        "a host": (datadog(site="api.datadoghq.com"), "exporters.datadog.api.site: is not a Datadog site"),
        "a site": datadog(site="us3.datadoghq.com"),
        "a variable": datadog(site="${env:DD_SITE}"),
        "a placeholder": datadog(site="<site>"),
        "the default": datadog(),
    },
    "datadog-key": {
        "a site alone": (
            datadog(key=None, site="datadoghq.com"),
            "exporters.datadog: 'datadog' has no api.key Add `api: {key: '${env:DD_API_KEY}'}`",
        ),
        "nothing": (running(exporters={"datadog/eu": None}), "exporters.datadog/eu: has no api.key"),
        "a key": datadog(),
        "an API that is a variable": running(exporters={"datadog": {"api": "${env:API}"}}),
    },
}


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


CASES |= {
    "region-missing": {
        "none": (
            running(exporters={"awsxray": None}),
            "exporters.awsxray: 'awsxray' has no region, and AWS_REGION is not set Add `region: REGION`",
            NOTHING,
        ),
        "in the config": (running(exporters={"awsemf": {"region": "eu-west-1"}}), "", NOTHING),
        "in the environment": (running(exporters={"awsxray": {}}), "", {"environment": frozenset({"AWS_REGION"})}),
        "a variable that the exporter does not read": (
            running(exporters={"awsemf": {"local_mode": True}}),
            "exporters.awsemf: no region",
            {"environment": frozenset({"AWS_DEFAULT_REGION"})},
        ),
        "a receiver": (
            running(receivers={"awsxray": {"endpoint": "0.0.0.0:2000"}}),
            "receivers.awsxray: 'awsxray' has no region for forwarded requests",
            NOTHING,
        ),
        "a receiver with one": (running(receivers={"awsxray": {"proxy_server": {"region": "eu-west-1"}}}), "", NOTHING),
        "an environment that nobody knows": running(exporters={"awsxray": {}}),
    },
    "signature-mismatch": {
        "another service": (
            signed("xray", "eu-west-1"),
            "extensions.sigv4auth.service: signs for service 'xray', but endpoint of 'prometheusremotewrite' "
            "is in service 'aps' Write `service: aps`",
        ),
        "another region": (signed("aps", "us-east-1"), "extensions.sigv4auth.region: `region: eu-west-1`"),
        "the right ones": signed("aps", "eu-west-1"),
        "what the signer finds by itself": signed(None, ""),
        "a variable": signed("aps", "${env:AWS_REGION}"),
        "a proxy": signed("aps", "us-east-1", "https://proxy.example.com/aps-workspaces.eu-west-1"),
    },
    "signature-missing": {
        "traces": (
            running(exporters={"otlp_http": {"traces_endpoint": AWS_XRAY}}),
            "exporters.otlp_http.traces_endpoint: 'otlp_http' sends to AWS without a signature Add extension sigv4auth",
        ),
        "signed": signed("aps", "eu-west-1"),
        "elsewhere": running(exporters={"otlphttp": {"endpoint": "https://xray.example.com"}}),
    },
}
