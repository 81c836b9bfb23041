# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutators of secrets, transport, reliability and AWS, and the table of all mutators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.lint.subject import Subject

from . import around, build, cloud, flow, resource, wiring
from .edits import NEW, Mutator, added, plus, put

SECRET = "hunter2-hunter2"
AMP = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write"
XRAY = "https://xray.eu-west-1.amazonaws.com/v1/traces"
LOGS = "https://logs.eu-west-1.amazonaws.com/v1/logs"


def _http(**settings: Any) -> tuple[str, str, dict[str, Any]]:
    return ("exporters", "otlp_http", {"endpoint": "https://otlp.example.com", **settings})


def _grpc(**settings: Any) -> tuple[str, str, dict[str, Any]]:
    return ("exporters", "otlp_grpc", {"endpoint": "otlp.example.com:4317", **settings})


def region_missing(subject: Subject) -> Iterator[Subject]:
    for kind, signal in (("awsxray", "traces"), ("awsemf", "metrics"), ("awscloudwatchlogs", "logs")):
        yield plus(subject, "exporters", kind, {}, signal, environment=frozenset({"AWS_DEFAULT_REGION"}))
    yield plus(subject, "receivers", "awsxray", {"proxy_server": {}}, environment=frozenset())


def signature_mismatch(subject: Subject) -> Iterator[Subject]:
    rows = [("xray", "eu-west-1", AMP), ("aps", "us-east-1", AMP), ("aps", "eu-west-1", XRAY), ("xray", "a", XRAY)]
    for service, region, endpoint in rows:
        kind, signal = ("prometheusremotewrite", "metrics") if endpoint == AMP else ("otlp_http", "traces")
        made = plus(subject, "extensions", "sigv4auth", {"service": service, "region": region})
        key = "endpoint" if endpoint == AMP else "traces_endpoint"
        settings = {key: endpoint, "auth": {"authenticator": f"sigv4auth/{NEW}"}}
        yield plus(made, "exporters", kind, settings, signal)


def open_receiver(subject: Subject) -> Iterator[Subject]:
    for host in ("0.0.0.0", "[::]", ""):
        settings = {"protocols": {"grpc": {"endpoint": f"{host}:4999"}}}
        yield plus(subject, "receivers", "otlp", settings)
        yield plus(subject, "receivers", "zipkin", {"endpoint": f"{host}:9999"})


def nothing_retried(subject: Subject) -> Iterator[Subject]:
    yield plus(subject, *_grpc(retry_on_failure={"enabled": False}))
    yield plus(subject, *_http(sending_queue={"enabled": False}))
    queue = {"endpoint": "https://example.com", "remote_write_queue": {"enabled": False}}
    yield plus(subject, "exporters", "prometheusremotewrite", queue, "metrics")


def unverified_certificate(subject: Subject) -> Iterator[Subject]:
    yield plus(subject, *_grpc(tls={"insecure_skip_verify": True}))
    yield plus(subject, "receivers", "kubelet_stats", {"insecure_skip_verify": True}, "metrics")
    yield put(plus(subject, *_http()), ("exporters", f"otlp_http/{NEW}", "tls", "insecure_skip_verify"), True)


MUTATORS: dict[str, Mutator] = {
    **wiring.MUTATORS,
    **build.MUTATORS,
    **flow.MUTATORS,
    **around.MUTATORS,
    **cloud.MUTATORS,
    **resource.MUTATORS,
    "plaintext-secret": added(
        [
            _http(headers={"Authorization": f"Bearer {SECRET}"}),
            _http(headers={"api-key": SECRET}),
            _http(endpoint=f"https://user:{SECRET}@example.com"),
            _grpc(tls={"key_pem": "-----BEGIN PRIVATE KEY-----\nabc"}),
            ("exporters", "datadog", {"api": {"key": SECRET}}),
            ("extensions", "basicauth", {"client_auth": {"username": "me", "password": SECRET}}),
            ("receivers", "mysql", {"password": SECRET}, "metrics"),
        ]
    ),
    "placeholder": added(
        [
            _http(endpoint="https://<your-host>:4318"),
            _grpc(endpoint="<HOST>:4317"),
            _http(headers={"x-tenant": "<tenant id>"}),
            ("exporters", "awsxray", {"region": "<region>"}),
        ]
    ),
    "clear-text": added(
        [
            _http(endpoint="http://otlp.example.com:4318"),
            _http(traces_endpoint="http://otlp.example.com/v1/traces"),
            _grpc(tls={"insecure": True}),
        ]
    ),
    "clear-text-inside": added(
        [
            _grpc(endpoint="gateway.telemetry.svc:4317", tls={"insecure": True}),
            _http(endpoint="http://gateway:4318"),
            _grpc(endpoint="${env:HOST}:4317", tls={"insecure": True}),
        ]
    ),
    "unverified-certificate": unverified_certificate,
    "open-receiver": open_receiver,
    "open-diagnostics": added(
        [("extensions", kind, {"endpoint": f"{host}:1999"}) for kind in ("pprof", "zpages") for host in ("0.0.0.0", "")]
    ),
    "verbose-debug": added([("exporters", "debug", {"verbosity": "detailed"}, one) for one in ("traces", "logs")]),
    "nothing-retried": nothing_retried,
    "region-missing": region_missing,
    "signature-mismatch": signature_mismatch,
    "signature-missing": added(
        [
            ("exporters", "otlp_http", {"traces_endpoint": XRAY}),
            ("exporters", "otlp_http", {"logs_endpoint": LOGS}, "logs"),
            ("exporters", "prometheusremotewrite", {"endpoint": AMP}, "metrics"),
        ]
    ),
}
