# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of an Instrumentation that could not work: endpoints, and what each language exports."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import export_endpoints
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import (
    sdk_languages as languages,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.instrumentation import build_sampler
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import cases
from .helpers import instrumentation

PYTHON = "Python exports by http/protobuf, but port 4317 .* is that of grpc. Send it to port 4318; "


@cases(
    "options, says",
    ({"name": "A"}, "not a valid name"),
    ({"namespace": "a_b"}, "not a valid namespace"),
    ({"languages": {}}, "has no languages. Give `languages`, of java, nodejs"),
    ({"endpoint": "http://g:4318"}, "both `collector` and `endpoint`"),
    ({"resource_attributes": {"team": "a,b"}}, "'team' has a comma.*%2C"),
    ({"labels": {"a": None}}, "labels has a value that is not text"),
    ({"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://g:4318"}}, "Give `endpoint` of the language"),
    ({"python": {"env": {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}}}, "Give `protocol` of the language"),
    ({"sampler": {"type": "always_of"}}, "instrumentation 'default': there is no sampler.*'always_off'"),
)
def test_it_is_told_what_is_wrong(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        instrumentation(**options)


@cases(
    "env", {"API_TOKEN": "hush"}, {"DB_PASSWORD": "hush"}, {"OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer hush"}
)
def test_secrets_stand_in_no_resource_and_no_message(env: dict[str, str]) -> None:
    with pytest.raises(Problem, match=r"clear text.*secret: NAME") as caught:
        instrumentation(env=env)
    assert "hush" not in str(caught.value)


@cases(
    "tls, says",
    ({"secret_name": "a", "cert_file": "tls.crt"}, "one of cert_file and key_file"),
    ({"secret_name": "a"}, "uses no file"),
    ({"config_map_name": "a"}, "uses no file"),
    ({"ca_file": "ca.crt"}, "no config_map_name or secret_name"),
    ({"config_map_name": "a", "ca_file": "ca", "cert_file": "c", "key_file": "k"}, "has cert_file, but no secret_name"),
)
def test_certificates_that_the_operator_would_leave_out_are_told(tls: dict[str, str], says: str) -> None:
    with pytest.raises(Problem, match=says):
        instrumentation(tls=tls)


def test_references_harmless_headers_and_paths_in_the_container_are_fine() -> None:
    env = {"API_TOKEN": {"secret": "a", "key": "b"}, "OTEL_EXPORTER_OTLP_HEADERS": "x-scope-orgid=shop"}
    tls = {"ca_file": "/ca.crt", "cert_file": "/tls.crt", "key_file": "/tls.key", "secret_name": None}
    found = instrumentation(env=env, tls=tls)
    assert (found.env, set(found.tls), found.reference) == (
        env,
        {"ca_file", "cert_file", "key_file"},
        "telemetry/default",
    )


@cases(
    "url, host, port, path, expected",
    ("http://gateway.telemetry.svc:4317", "gateway.telemetry.svc", 4317, "", languages.GRPC),
    ("http://gateway:4318/", "gateway", 4318, "", languages.HTTP),
    ("https://otlp.example.com", "otlp.example.com", 443, "", ""),
    ("https://otlp.example.com:4318/tenants/a/", "otlp.example.com", 4318, "/tenants/a", languages.HTTP),
    ("http://$(OTEL_NODE_IP):4318", "$(OTEL_NODE_IP)", 4318, "", languages.HTTP),
    ("http://[fd00::1]:4318", "[fd00::1]", 4318, "", languages.HTTP),
    ("http://[$(OTEL_NODE_IP)]:4318", "[$(OTEL_NODE_IP)]", 4318, "", languages.HTTP),
)
def test_a_url_is_read(url: str, host: str, port: int, path: str, expected: str) -> None:
    found = export_endpoints.parse_endpoint(url)
    assert (found.url, found.host, found.port, found.path, found.expected_protocol) == (url, host, port, path, expected)


@cases(
    "url, says",
    ("gateway:4317", "not an http:// or https:// URL"),
    ("grpc://gateway:4317", "not an http:// or https:// URL"),
    ("http://:4317", "not an http:// or https:// URL"),
    ("https://gateway:0", "has no port"),
    ("http://gateway", "has no port. Write it: 4318"),
    ("http://gateway:http", "is not a URL"),
    ("http://gateway:70000", "is not a URL"),
    ("http://gateway:4318/v1/traces", "Leave out /v1/traces"),
    ("http://gateway:4318?a=b", "is not a base address"),
)
def test_a_form_that_no_exporter_takes_is_told(url: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        export_endpoints.parse_endpoint(url)


@cases(
    "url, says",
    ("https://me:hush@otlp.example.com", "user or a password"),
    ("https://me:hush@otlp.example.com:http", "user or a password"),
    ("https://me:1/hush@otlp.example.com:4318", "user or a password"),
    ("https://me:1?hush@otlp.example.com:4318", "user or a password"),
    ("https://me:#hush@otlp.example.com:4318", "user or a password"),
    ("https://me:x://hush@otlp.example.com:4318", "user or a password"),
    ("https://me:hush\u2100@otlp.example.com", "user or a password"),
    ("ftp://me:hush@otlp.example.com:21", "user or a password"),
    ("me:hush@otlp.example.com:4317", "user or a password"),
    ("http://otlp.example.com:4318?key=hush", "'http://otlp.example.com:4318' is not a base address"),
    ("http://otlp.example.com?key=hush", "'http://otlp.example.com' has no port"),
    ("otlp.example.com:4318#hush", "'otlp.example.com:4318' is not an http:// or https:// URL"),
)
def test_a_password_is_refused_and_not_repeated(url: str, says: str) -> None:
    with pytest.raises(Problem, match=says) as caught:
        export_endpoints.parse_endpoint(url)
    assert "hush" not in str(caught.value)


@cases(
    "url, services",
    ("http://gateway.telemetry.svc:4318", [("telemetry", "gateway")]),
    ("http://gateway.telemetry.svc.cluster.local:4318", [("telemetry", "gateway")]),
    ("http://gateway-0.gateway.telemetry.svc:4318", [("telemetry", "gateway")]),
    ("http://gateway:4318", [("a", "gateway"), ("b", "gateway")]),
    ("http://gateway.example:4318", []),
    ("https://otlp.example.com", []),
    ("http://localhost:4318", []),
    ("http://10.0.0.1:4318", []),
    ("http://[fd00::1]:4318", []),
    ("http://$(OTEL_NODE_IP):4318", []),
)
def test_a_bare_name_is_looked_up_where_the_pods_are(url: str, services: list[tuple[str, str]]) -> None:
    assert export_endpoints.parse_endpoint(url).list_meant_services(("a", "b")) == services


def test_a_collector_has_a_port_for_each_protocol_and_languages_send_to_that_of_their_default() -> None:
    options = {"name": "gateway", "namespace": "", "http_port": 8318, "grpc_port": 4317}
    assert (
        export_endpoints.build_collector_endpoint(options, "here", languages.HTTP, secure=False).url
        == "http://gateway.here.svc:8318"
    )
    there = {**options, "namespace": "there"}
    assert (
        export_endpoints.build_collector_endpoint(there, "here", languages.GRPC, secure=True).url
        == "https://gateway.there.svc:4317"
    )
    exported = instrumentation(*languages.LANGUAGES).exports
    found = {item.language.name: (item.protocol, item.endpoint.port) for item in exported}
    http = dict.fromkeys(("java", "nodejs", "python", "dotnet", "go"), (languages.HTTP, 4318))
    assert found == {**http, **dict.fromkeys(("apache_httpd", "nginx"), (languages.GRPC, 4317))}


@cases(
    "language, options, says",
    ("python", {"protocol": "grpc"}, "Python cannot export by grpc.*or an `image` of your own"),
    ("nginx", {"protocol": "http/protobuf", "image": "mine"}, "nginx cannot export by http/protobuf.*Use grpc"),
    ("java", {"protocol": "grcp"}, "did you mean 'grpc'"),
    ("python", {"endpoint": "http://g.t.svc:4317"}, PYTHON),
    ("java", {"endpoint": "http://g.t.svc:4317"}, "Send it to port 4318, or give it `protocol: grpc`"),
    ("java", {"endpoint": "http://g.t.svc:4318", "protocol": "grpc"}, "Send it to port 4317"),
    ("nginx", {"endpoint": "http://g.t.svc:4318", "image": "mine"}, "Send it to port 4317; "),
)
def test_a_protocol_that_is_not_spoken_is_told_with_the_way_out(language: str, options: Any, says: str) -> None:
    with pytest.raises(Problem, match=f"instrumentation 'default': .*{says}"):
        instrumentation(language, **{language: options})


def test_an_image_of_ones_own_may_speak_more_and_of_other_ports_nothing_is_guessed() -> None:
    (found,) = instrumentation("python", python={"protocol": "grpc", "image": "mine"}).exports
    assert (found.protocol, found.endpoint.port) == (languages.GRPC, 4317)
    (found,) = instrumentation("python", collector={}, endpoint="http://g.t.svc:80").exports
    assert found.endpoint.port == 80


def test_somewhere_it_must_send_and_certificates_need_https() -> None:
    with pytest.raises(Problem, match="does not say where to send to"):
        instrumentation("python", collector={})
    tls = {"ca_file": "/etc/ca.crt"}
    with pytest.raises(Problem, match="has `tls`, but Python sends to http://g:4318"):
        instrumentation("python", collector={}, endpoint="http://g:4318", tls=tls)
    assert instrumentation("python", tls=tls).exports[0].endpoint.scheme == "https"


@cases(
    "common, own, signals",
    ({}, {}, "traces metrics logs"),
    ({"OTEL_METRICS_EXPORTER": "none"}, {}, "traces logs"),
    ({"OTEL_METRICS_EXPORTER": "none"}, {"OTEL_METRICS_EXPORTER": "prometheus,otlp"}, "traces metrics logs"),
    ({}, {"OTEL_LOGS_EXPORTER": {"config_map": "a", "key": "b"}}, "traces metrics logs"),
)
def test_what_is_switched_off_is_not_sent(common: Any, own: Any, signals: str) -> None:
    (found,) = instrumentation("python", env=common, python={"env": own}).exports
    assert " ".join(found.signals) == signals


@cases("argument, written", (0, "0"), (0.25, "0.25"), ("1", "1"))
def test_the_ratio_of_a_sampler_may_be_any_number_from_0_to_1(argument: Any, written: str) -> None:
    sampler = build_sampler({"type": "traceidratio", "argument": argument})
    assert sampler == {"type": "traceidratio", "argument": written}


@cases("argument", None, "")
def test_a_ratio_without_a_number_is_refused(argument: Any) -> None:
    with pytest.raises(Problem, match="has no argument, so it takes every trace"):
        build_sampler({"type": "traceidratio", "argument": argument})
