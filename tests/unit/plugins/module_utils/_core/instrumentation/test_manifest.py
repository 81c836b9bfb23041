# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.instrumentation.manifest import manifests

from .helpers import instrumentation


def spec(*languages: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = manifests(instrumentation(*languages, **options))[1]["spec"]
    return found


def test_the_namespace_comes_first_and_both_are_ours() -> None:
    namespace, resource = manifests(instrumentation(labels={"team": "a"}, annotations={"b": "c"}))
    assert (namespace["kind"], namespace["metadata"]["name"]) == ("Namespace", "telemetry")
    assert (resource["apiVersion"], resource["kind"]) == ("opentelemetry.io/v1alpha1", "Instrumentation")
    assert resource["metadata"] == {
        "name": "default",
        "namespace": "telemetry",
        "labels": {
            "team": "a",
            "app.kubernetes.io/managed-by": "o11y.opentelemetry",
            "o11y.opentelemetry/instrumentation": "default",
            "o11y.opentelemetry/release": "telemetry.default_instrumentation",
        },
        "annotations": {"b": "c"},
    }


def test_nothing_is_said_that_was_not_asked_for() -> None:
    assert spec("python") == {
        "exporter": {"endpoint": "http://gateway.telemetry.svc:4318"},
        "python": {"env": [{"name": "OTEL_EXPORTER_OTLP_PROTOCOL", "value": "http/protobuf"}]},
    }


def test_who_speaks_another_protocol_is_sent_elsewhere() -> None:
    found = spec("python", "java", "nginx", java={"protocol": "grpc"}, nginx={"attributes": {"A": "b"}})
    elsewhere = "http://gateway.telemetry.svc:4317"
    assert found["exporter"]["endpoint"] == "http://gateway.telemetry.svc:4318"
    assert found["java"]["env"] == [
        {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": elsewhere},
        {"name": "OTEL_EXPORTER_OTLP_PROTOCOL", "value": "grpc"},
    ]
    assert found["nginx"] == {
        "attrs": [{"name": "A", "value": "b"}, {"name": "NginxModuleOtelExporterEndpoint", "value": elsewhere}]
    }


def test_without_http_the_common_endpoint_is_that_of_grpc() -> None:
    found = spec("apache_httpd", apache_httpd={"version": "2.2", "config_path": "/etc/apache"})
    assert found["exporter"]["endpoint"] == "http://gateway.telemetry.svc:4317"
    assert found["apacheHttpd"] == {"version": "2.2", "configPath": "/etc/apache"}


def test_resources_have_two_names() -> None:
    limits = {"limits": {"cpu": "1"}}
    found = spec("java", "dotnet", java={"resources": limits}, dotnet={"resources": limits})
    assert (found["java"]["resources"], found["dotnet"]["resourceRequirements"]) == (limits, limits)


def test_images_come_from_the_given_registry() -> None:
    options = {"image": "ghcr.io/a/java:1", "extensions": [{"image": "ghcr.io/a/ext:2", "dir": "/ext"}]}
    found = spec("java", "python", java=options, image_registry="mirror:5000/x")
    assert found["java"]["image"] == "mirror:5000/x/a/java:1"
    assert found["java"]["extensions"] == [{"image": "mirror:5000/x/a/ext:2", "dir": "/ext"}]
    assert "image" not in found["python"]


def test_all_else_is_passed_on() -> None:
    found = spec(
        "go",
        go={"security_context": {"privileged": True}, "volume_claim_template": {"spec": {}}},
        tls={"secret_name": "client", "ca_file": "ca.crt", "cert_file": "tls.crt", "key_file": "tls.key"},
        sampler={"type": "traceidratio", "argument": "0.5"},
        propagators=["b3"],
        resource_attributes={"deployment.environment.name": "test", "a": True},
        kubernetes_uids=True,
        labels_as_attributes=True,
        env={"B": {"secret": "s", "key": "k"}, "A": 1},
        image_pull_policy="Always",
        init_container_security_context={"runAsUser": 1},
    )
    go = found.pop("go")
    assert (go["securityContext"], go["volumeClaimTemplate"]) == ({"privileged": True}, {"spec": {}})
    assert found == {
        "exporter": {
            "endpoint": "https://gateway.telemetry.svc:4318",
            "tls": {"secretName": "client", "ca_file": "ca.crt", "cert_file": "tls.crt", "key_file": "tls.key"},
        },
        "resource": {
            "resourceAttributes": {"deployment.environment.name": "test", "a": "true"},
            "addK8sUIDAttributes": True,
        },
        "defaults": {"useLabelsForResourceAttributes": True},
        "sampler": {"type": "traceidratio", "argument": "0.5"},
        "propagators": ["b3"],
        "env": [
            {"name": "A", "value": "1"},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        "imagePullPolicy": "Always",
        "initContainerSecurityContext": {"runAsUser": 1},
    }
