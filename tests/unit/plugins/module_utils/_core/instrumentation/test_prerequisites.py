# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Instrumentations need of Services, certificates and protocols."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation import prerequisites
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation.languages import GRPC, HTTP

from ..helpers import cases
from .helpers import instrumentation


def test_services_are_asked_once_for_all_that_will_be_sent() -> None:
    found = prerequisites.targets([instrumentation("java", "go", "nginx"), instrumentation("go", name="second")])
    common = {"namespace": "telemetry", "service": "gateway", "scheme": "http", "path": ""}
    assert found == [
        {
            **common,
            "port": 4318,
            "protocol": HTTP,
            "signals": ["traces", "metrics", "logs"],
            "languages": ["go", "java"],
        },
        {**common, "port": 4317, "protocol": GRPC, "signals": ["traces"], "languages": ["nginx"]},
    ]


def test_a_bare_name_is_a_service_of_each_annotated_namespace() -> None:
    options: dict[str, Any] = {"collector": {}, "endpoint": "http://agent:4318"}
    spread = instrumentation("python", namespaces=["b", {"name": "a"}], **options)
    assert [item["namespace"] for item in prerequisites.targets([spread])] == ["a", "b"]
    assert [item["namespace"] for item in prerequisites.targets([instrumentation("python", **options)])] == [
        "telemetry"
    ]


def test_certificates_must_be_where_the_pods_are() -> None:
    tls = {"secret_name": "client", "config_map_name": "ca", "ca_file": "ca.crt", "cert_file": "c", "key_file": "k"}
    both = [instrumentation("python", name=name, tls=tls, namespaces=["shop"]) for name in ("a", "b")]
    assert prerequisites.files(both) == [
        {"kind": "Secret", "namespace": "shop", "name": "client"},
        {"kind": "ConfigMap", "namespace": "shop", "name": "ca"},
    ]
    assert prerequisites.files([instrumentation()]) == []


SERVICE = {"spec": {"ports": [{"name": "otlp", "port": 4317}, {"name": "otlp-http", "port": 4318}]}}


def test_a_port_that_is_not_there_is_told_with_those_that_are() -> None:
    assert prerequisites.missing_port(SERVICE, {"port": 4318}) == ""
    assert prerequisites.missing_port(SERVICE, {"port": 1}) == "has no port 1 (it has 4317 otlp, 4318 otlp-http)"
    assert prerequisites.missing_port({"spec": {"ports": [{"port": 5}]}}, {"port": 1}).endswith("(it has 5)")
    assert prerequisites.missing_port({"spec": {}}, {"port": 1}).endswith("(it has none)")


def slice_of(port: str, *ready: bool | None) -> dict[str, Any]:
    return {"ports": [{"name": port}], "endpoints": [{"conditions": {"ready": item}} for item in ready]}


@cases(
    "slices, ready",
    ([slice_of("otlp-http", False, True)], True),
    ([slice_of("otlp-http", None)], True),
    ([{"ports": [{"name": "otlp-http"}], "endpoints": [{}]}], True),
    ([slice_of("otlp-http", False)], False),
    ([slice_of("otlp", True)], False),
    ([{"ports": None, "endpoints": None}], False),
    ([], False),
)
def test_a_ready_endpoint_stands_behind_the_very_port(slices: list[dict[str, Any]], ready: bool) -> None:
    assert prerequisites.is_ready(slices, SERVICE, {"port": 4318}) is ready


GREETING = r'HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x06\x04\x00"'


@cases(
    "protocol, status, message, says, passes",
    (HTTP, 200, "", "", False),
    (HTTP, 401, "no token", "", False),
    (HTTP, 404, "404 page not found", "takes no metrics over HTTP", False),
    (HTTP, 415, "what", r"takes no OTLP over HTTP \(415\), like a server of gRPC", False),
    (HTTP, 418, "what", r"does not answer as OTLP over HTTP does \(418 what\)", False),
    (HTTP, 503, GREETING, "speaks gRPC, but java, python will send http/protobuf", False),
    (HTTP, 503, "connect: connection refused", "does not answer", True),
    (HTTP, 400, "Client sent an HTTP request to an HTTPS server.", "wants TLS", False),
    (HTTP, 503, "tls: first record does not look like a TLS handshake", "speaks no TLS", False),
    (HTTP, 503, "remote error: tls: certificate required", "", False),
    (GRPC, 503, GREETING, "", False),
    (GRPC, 200, "", "", False),
    (GRPC, 415, "unknown", "speaks HTTP, but java, python will send gRPC", False),
    (GRPC, 503, "error trying to reach service: EOF", "closes the connection", False),
    (GRPC, 404, "404 page not found", "speaks HTTP", False),
    (GRPC, 503, "no endpoints available", "does not speak gRPC", True),
)
def test_an_answer_says_what_is_spoken(protocol: str, status: int, message: str, says: str, passes: bool) -> None:
    target = {"protocol": protocol, "languages": ["java", "python"]}
    told, passing = prerequisites.verdict(status, message, target, "metrics")
    assert passing is passes
    assert bool(told) is bool(says)
    assert re.search(says, told)


def test_nothing_is_exported_as_each_protocol_does_it() -> None:
    target = {"protocol": HTTP, "path": "/tenant"}
    assert prerequisites.question(target, "logs") == ("/tenant/v1/logs", "application/x-protobuf", b"")
    path, kind, body = prerequisites.question({**target, "protocol": GRPC}, "traces")
    assert (path.rpartition("/")[2], kind, body) == ("Export", "application/grpc", b"\0" * 5)
