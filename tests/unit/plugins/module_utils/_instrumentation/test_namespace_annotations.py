# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations of namespaces, and what Instrumentations need of Services."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import (
    custom_resource as manifest,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.namespace_annotations import (
    build_annotation_patch,
    build_namespace,
    find_kept_annotation_warnings,
    find_second_language_warnings,
    map_annotations,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.sdk_languages import (
    GRPC,
    HTTP,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import OWNER

from ..helpers import cases
from .helpers import instrumentation

PYTHON, JAVA = (f"instrumentation.opentelemetry.io/inject-{name}" for name in ("python", "java"))
OURS = "telemetry/default"
TWICE = [{"name": "shop", "language": "java"}, {"name": "shop", "language": "python"}]
SERVICE = {"spec": {"ports": [{"name": "otlp", "port": 4317}, {"name": "otlp-http", "port": 4318}]}}
GREETING = r'HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x06\x04\x00"'


def test_a_namespace_is_annotated_with_the_full_name_for_one_language() -> None:
    httpd = instrumentation("apache_httpd", namespaces=["web"])
    found = map_annotations([httpd, instrumentation(namespaces=["shop"])])
    web = {"instrumentation.opentelemetry.io/inject-apache-httpd": OURS}
    assert found == {"web": web, "shop": {PYTHON: OURS}}
    assert build_namespace("shop", found["shop"])["metadata"] == {"name": "shop", "annotations": {PYTHON: OURS}}
    chosen = [{"name": "shop", "language": "java"}, {"name": "shop", "language": "java"}]
    assert map_annotations([instrumentation("java", "python", namespaces=chosen)]) == {"shop": {JAVA: OURS}}


@cases(
    "entries, says",
    (["shop"], "does not say which of java, python its pods are. Write `{name: shop, language: java}`"),
    ([{"name": "shop", "language": "pyton"}], "'pyton'; did you mean 'python'"),
    ([{"name": "shop", "language": "go"}], "Languages of this Instrumentation: java, python"),
    (TWICE, "two Instrumentations or languages"),
    ([{"name": "shop", "language": 5}], "not an entry of `namespaces`"),
    ([{"name": "shop", "language": ["java"]}], "not an entry of `namespaces`"),
    ([{"name": "shop", "language": True}], "not an entry of `namespaces`"),
    ([{"language": "java"}], "not an entry of `namespaces`"),
    ([{"name": "shop", "languages": ["java"]}], "not an entry of `namespaces`"),
    ([5], "not an entry of `namespaces`"),
    ([{"name": "Shop", "language": "java"}], "not a valid namespace"),
)
def test_what_would_instrument_no_pod_is_told(entries: list[Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        map_annotations([instrumentation("java", "python", namespaces=entries)])


def test_two_instrumentations_do_not_share_a_namespace() -> None:
    both = [instrumentation(name=name, namespaces=["shop"]) for name in ("a", "b")]
    with pytest.raises(Problem, match="instrumentation 'b': namespace 'shop' is given to two"):
        map_annotations(both)


def live(*managers: str, **annotations: str) -> dict[str, Any]:
    """Return a namespace whose annotations these field managers wrote, without any this collection's."""
    named = {f"instrumentation.opentelemetry.io/inject-{key}": value for key, value in annotations.items()}
    fields = {"f:metadata": {"f:annotations": {".": {}, **{f"f:{key}": {} for key in named}}}}
    written = [{"manager": one, "operation": "Update", "fieldsV1": fields} for one in managers or [OWNER]]
    metadata = {"name": "shop", "annotations": named | {"team": OURS}, "managedFields": written}
    return {"metadata": metadata}


@cases(
    "before, wanted, patch",
    (live(), {PYTHON: OURS}, {PYTHON: OURS}),
    (live(python=OURS), {PYTHON: OURS}, {}),
    (live(python="telemetry/second"), {PYTHON: OURS}, {PYTHON: OURS}),
    (live(java=OURS), {PYTHON: OURS}, {JAVA: None, PYTHON: OURS}),
    (live(python=OURS, java="other/one"), {}, {PYTHON: None}),
    (live(java="true"), {}, {}),
    (live("kubectl-edit", python=OURS), {PYTHON: OURS}, {}),
    (live("kubectl-edit", python=OURS), {}, {}),
    (live(OWNER, "argocd-controller", python=OURS), {}, {}),
    ({"metadata": {"name": "shop", "annotations": {PYTHON: OURS}}}, {}, {}),
    ({"metadata": {"name": "shop"}}, {}, {}),
)
def test_nothing_but_ours_is_changed(before: Any, wanted: Any, patch: Any) -> None:
    assert build_annotation_patch(before, wanted, [OURS, "telemetry/second"]) == patch


@pytest.mark.parametrize("value", ["true", "false", "other/one", ""])
def test_what_somebody_else_wrote_is_not_replaced(value: str) -> None:
    fix = r"kubectl annotate namespace shop instrumentation\.opentelemetry\.io/inject-python-"
    with pytest.raises(Problem, match=fix):
        build_annotation_patch(live(python=value), {PYTHON: OURS}, [OURS])
    with pytest.raises(Problem, match="inject-python: telemetry/second already, from field manager kubectl-edit"):
        build_annotation_patch(
            live("kubectl-edit", python="telemetry/second"), {PYTHON: OURS}, [OURS, "telemetry/second"]
        )


@cases(
    "before, wanted, says",
    (live(python=OURS), {}, []),
    (live("kubectl-edit", python="other/one"), {}, []),
    (live("kubectl-edit", python=OURS), {PYTHON: OURS}, []),
    (live("kubectl-edit", python=OURS), {}, ["field manager kubectl-edit"]),
    (live(OWNER, "argocd-controller", python=OURS), {}, ["field manager o11y.opentelemetry, argocd-controller"]),
    ({"metadata": {"name": "shop", "annotations": {PYTHON: OURS}}}, {}, ["an unknown field manager"]),
)
def test_what_others_wrote_for_our_instrumentation_is_named(before: Any, wanted: Any, says: list[str]) -> None:
    found = find_kept_annotation_warnings(before, wanted, [OURS])
    keeps = [f"Namespace shop keeps the annotation {PYTHON}: {OURS} of {who}." for who in says]
    assert [keep in text for keep, text in zip(keeps, found, strict=True)] == [True] * len(says)


@cases(
    "before, wanted, says",
    (
        live(python=OURS, java="true"),
        {PYTHON: OURS},
        [f"Namespace shop asks for a second language, with {JAVA}: true."],
    ),
    (live(python=OURS, java="False"), {PYTHON: OURS}, []),
    (live(python=OURS, java=OURS), {PYTHON: OURS}, []),
    (live(java="true"), {}, []),
)
def test_a_second_language_of_others_in_a_wanted_namespace_is_told(before: Any, wanted: Any, says: list[str]) -> None:
    found = find_second_language_warnings(before, wanted, [OURS])
    assert [text.partition(" The operator")[0] for text in found] == says


def test_services_are_asked_once_for_all_that_will_be_sent_as_each_protocol_does_it() -> None:
    found = manifest.list_targets([instrumentation("java", "go", "nginx"), instrumentation("go", name="second")])
    common = {"namespace": "telemetry", "service": "gateway", "scheme": "http", "path": ""}
    http = {"port": 4318, "protocol": HTTP, "signals": ["traces", "metrics", "logs"], "languages": ["go", "java"]}
    grpc = {"port": 4317, "protocol": GRPC, "signals": ["traces"], "languages": ["nginx"]}
    assert found == [common | http, common | grpc]
    target = {"protocol": HTTP, "path": "/tenant"}
    assert manifest.build_empty_export(target, "logs") == ("/tenant/v1/logs", "application/x-protobuf", b"")
    path, kind, body = manifest.build_empty_export({**target, "protocol": GRPC}, "traces")
    assert (path.rpartition("/")[2], kind, body) == ("Export", "application/grpc", b"\0" * 5)


def test_a_bare_name_is_a_service_and_certificates_are_files_of_each_annotated_namespace() -> None:
    options: dict[str, Any] = {"collector": {}, "endpoint": "http://agent:4318"}
    for given, names in (({}, ["telemetry"]), ({"namespaces": ["b", {"name": "a"}]}, ["a", "b"])):
        made = instrumentation("python", **given, **options)
        assert [item["namespace"] for item in manifest.list_targets([made])] == names
    tls = {"secret_name": "client", "config_map_name": "ca", "ca_file": "ca.crt", "cert_file": "c", "key_file": "k"}
    both = [instrumentation("python", name=name, tls=tls, namespaces=["shop"]) for name in ("a", "b")]
    files = [{"kind": "Secret", "name": "client"}, {"kind": "ConfigMap", "name": "ca"}]
    assert manifest.list_needed_files(both) == [{**file, "namespace": "shop"} for file in files]
    assert manifest.list_needed_files([instrumentation()]) == []


def test_a_port_that_is_not_there_is_told_with_those_that_are() -> None:
    assert manifest.explain_missing_port(SERVICE, {"port": 4318}) == ""
    assert manifest.explain_missing_port(SERVICE, {"port": 1}) == "has no port 1 (it has 4317 otlp, 4318 otlp-http)"
    assert manifest.explain_missing_port({"spec": {"ports": [{"port": 5}]}}, {"port": 1}).endswith("(it has 5)")
    assert manifest.explain_missing_port({"spec": {}}, {"port": 1}).endswith("(it has none)")


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
    assert manifest.has_ready_endpoint(slices, SERVICE, {"port": 4318}) is ready


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
    told, passing = manifest.judge_answer(status, message, target, "metrics")
    assert passing is passes
    assert bool(told) is bool(says)
    assert re.search(says, told)
