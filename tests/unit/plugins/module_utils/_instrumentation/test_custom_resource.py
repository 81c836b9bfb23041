# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource of an Instrumentation."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.custom_resource import (
    build_manifests,
)

from .helpers import instrumentation


def spec(*languages: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = build_manifests(instrumentation(*languages, **options))[1]["spec"]
    return found


def test_the_namespace_comes_first_and_both_are_ours() -> None:
    namespace, resource = build_manifests(instrumentation(labels={"team": "a"}, annotations={"b": "c"}))
    assert (namespace["kind"], namespace["metadata"]["name"]) == ("Namespace", "telemetry")
    assert (resource["apiVersion"], resource["kind"]) == ("opentelemetry.io/v1alpha1", "Instrumentation")
    labels = {
        **{"team": "a", "app.kubernetes.io/managed-by": "o11y.opentelemetry"},
        "o11y.opentelemetry/instrumentation": "default",
        "o11y.opentelemetry/release": "telemetry.default_instrumentation",
    }
    metadata = {"name": "default", "namespace": "telemetry", "labels": labels, "annotations": {"b": "c"}}
    assert resource["metadata"] == metadata
    (alone,) = build_manifests(instrumentation(namespace="default"))
    assert alone["kind"] == "Instrumentation", "the namespace of Kubernetes itself is not ours"


def test_who_speaks_another_protocol_is_sent_elsewhere_and_nothing_is_said_that_was_not_asked_for() -> None:
    found = spec("python", "java", "nginx", java={"protocol": "grpc"}, nginx={"attributes": {"A": "b"}})
    assert found == yaml.safe_load("""
        exporter: {endpoint: "http://gateway.telemetry.svc:4318"}
        python: {env: [{name: OTEL_EXPORTER_OTLP_PROTOCOL, value: http/protobuf}]}
        java:
          env:
            - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://gateway.telemetry.svc:4317"}
            - {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: grpc}
        nginx:
          attrs:
            - {name: A, value: b}
            - {name: NginxModuleOtelExporterEndpoint, value: "http://gateway.telemetry.svc:4317"}
    """)


def test_without_http_the_common_endpoint_is_that_of_grpc() -> None:
    found = spec("apache_httpd", apache_httpd={"version": "2.2", "config_path": "/etc/apache"})
    assert found["exporter"]["endpoint"] == "http://gateway.telemetry.svc:4317"
    assert found["apacheHttpd"] == {"version": "2.2", "configPath": "/etc/apache"}


def test_resources_have_two_names_and_images_come_from_the_given_registry() -> None:
    limits = {"limits": {"cpu": "1"}}
    java = {"image": "ghcr.io/a/java:1", "extensions": [{"image": "ghcr.io/a/ext:2", "dir": "/ext"}]}
    found = spec(
        "java", "dotnet", java={**java, "resources": limits}, dotnet={"resources": limits}, image_registry="m:5/x"
    )
    assert (found["java"]["resources"], found["dotnet"]["resourceRequirements"]) == (limits, limits)
    assert found["java"]["image"] == "m:5/x/a/java:1" and "image" not in found["dotnet"]
    assert found["java"]["extensions"] == [{"image": "m:5/x/a/ext:2", "dir": "/ext"}]


@pytest.mark.parametrize("image_pull_policy", ["Always", "IfNotPresent", "Never"])
def test_each_image_pull_policy_is_passed_on(image_pull_policy: str) -> None:
    assert spec("java", image_pull_policy=image_pull_policy)["imagePullPolicy"] == image_pull_policy


def test_all_else_is_passed_on() -> None:
    given = yaml.safe_load("""
        go: {security_context: {privileged: true}, volume_claim_template: {spec: {}}}
        tls: {secret_name: client, ca_file: ca.crt, cert_file: tls.crt, key_file: tls.key}
        sampler: {type: traceidratio, argument: "0.5"}
        propagators: [b3]
        resource_attributes: {deployment.environment.name: test, a: true}
        kubernetes_uids: true
        labels_as_attributes: true
        env: {B: {secret: s, key: k}, A: 1}
        image_pull_policy: Always
        init_container_security_context: {runAsUser: 1}
    """)
    found = spec("go", **given)
    go = found.pop("go")
    assert (go["securityContext"], go["volumeClaimTemplate"]) == ({"privileged": True}, {"spec": {}})
    assert found == yaml.safe_load("""
        exporter:
          endpoint: https://gateway.telemetry.svc:4318
          tls: {secretName: client, ca_file: ca.crt, cert_file: tls.crt, key_file: tls.key}
        resource: {resourceAttributes: {deployment.environment.name: test, a: "true"}, addK8sUIDAttributes: true}
        defaults: {useLabelsForResourceAttributes: true}
        sampler: {type: traceidratio, argument: "0.5"}
        propagators: [b3]
        env: [{name: A, value: "1"}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}]
        imagePullPolicy: Always
        initContainerSecurityContext: {runAsUser: 1}
    """)
