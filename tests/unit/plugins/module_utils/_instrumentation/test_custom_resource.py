# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource, its samplers and propagators, and the operator that reads it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import (
    instrumentation as requests,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation import (
    sdk_languages as tables,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._instrumentation.custom_resource import (
    build_manifests,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import cases
from .helpers import instrumentation

LABELS = {"control-plane": "controller-manager"}


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


@cases(
    "kind, argument",
    ("always_on", None),
    ("traceidratio", "0"),
    ("parentbased_traceidratio", "1"),
    ("parentbased_traceidratio", 0.25),
    ("jaeger_remote", "endpoint=http://jaeger:14250,pollingIntervalMs=5000,initialSamplingRate=0.25"),
    ("jaeger_remote", None),
    ("xray", "endpoint=http://agent:2000"),
)
def test_what_the_operator_takes(kind: str, argument: Any) -> None:
    expected = {"type": kind} | ({"argument": str(argument)} if argument is not None else {})
    assert requests.build_sampler({"type": kind, "argument": argument}) == expected


@cases(
    "kind, argument, says",
    ("parentbased_traceidrato", "1", "did you mean 'parentbased_traceidratio'"),
    ("parentbased_jaeger_remote", None, "there is no sampler"),  # the webhook knows it, the CRD does not
    ("always_on", "1", "takes no argument, but has '1'"),
    ("traceidratio", None, "takes every trace"),
    ("traceidratio", "1.1", "argument '1.1'. Give a number from 0 to 1"),
    ("traceidratio", "-0.1", "Give a number"),
    ("traceidratio", "nan", "Give a number"),
    ("traceidratio", "much", "Give a number"),
    ("jaeger_remote", "http://jaeger:14250", "Write `key=value`"),
    ("jaeger_remote", "endpoint=", "Write `key=value`"),
    ("jaeger_remote", "polingIntervalMs=1", "did you mean 'pollingIntervalMs'"),
    ("jaeger_remote", "pollingIntervalMs=1s", "a whole number of milliseconds"),
    ("jaeger_remote", "initialSamplingRate=2", "a number from 0 to 1"),
    ("xray", "agent:2000", "Write `key=value`"),
)
def test_what_it_refuses_is_told_before(kind: str, argument: str | None, says: str) -> None:
    with pytest.raises(Problem, match=says):
        requests.build_sampler({"type": kind, "argument": argument})


def test_propagators_come_once_in_their_order_and_wrong_ones_are_told() -> None:
    assert requests.check_propagators(["b3", "tracecontext", "b3"]) == ["b3", "tracecontext"]
    assert (requests.check_propagators(["none"]), requests.check_propagators([])) == (["none"], [])
    with pytest.raises(Problem, match="did you mean 'tracecontext'"):
        requests.check_propagators(["tracecontxt"])
    with pytest.raises(Problem, match="'none' stands beside others"):
        requests.check_propagators(["none", "b3"])


def webhooks(name: str = "mpod.kb.io", **service: str) -> list[dict[str, Any]]:
    client = {"service": {"namespace": "op", "name": "webhook", "path": "/mutate-v1-pod", **service}}
    other = {"name": "other", "clientConfig": {"url": "https://somewhere"}}
    return [{"metadata": {"name": "config"}, "webhooks": [other, {"name": name, "clientConfig": client}]}]


def deployment(*args: str, **env: str) -> dict[str, Any]:
    proxy = {"name": "kube-rbac-proxy", "args": ["--enable-java-instrumentation=false"]}
    variables = [{"name": name, "value": value} for name, value in env.items()] + [{"name": "A", "valueFrom": {}}]
    manager = {"name": "manager", "args": list(args), "env": variables}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [proxy, manager]}}
    return {"metadata": {"name": "operator"}, "spec": {"template": template}}


def test_the_service_that_is_asked_about_pods_and_the_deployment_behind_it() -> None:
    assert tables.find_pod_webhook(webhooks()) == ("config", "op", "webhook")
    for others in (webhooks(name="mine"), webhooks(path="/mine"), [{"metadata": {"name": "empty"}}]):
        assert tables.find_pod_webhook(others) is None
    assert tables.find_deployment([deployment()], LABELS) == deployment()
    assert [tables.find_deployment([deployment()], labels) for labels in ({"a": "b"}, {})] == [None, None]
    assert not tables.is_available(deployment())
    assert tables.is_available({**deployment(), "status": {"availableReplicas": 1}})


@cases(
    "args, env, off",
    ((), {}, ["go", "nginx"]),
    (("--enable-go-instrumentation",), {}, ["nginx"]),
    (("--enable-go-instrumentation=true", "-enable-nginx-instrumentation=1"), {}, []),
    (("--enable-python-instrumentation=false",), {}, ["python", "go", "nginx"]),
    ((), {"ENABLE_NGINX_AUTO_INSTRUMENTATION": "true"}, ["go"]),
    ((), {"ENABLE_APACHE_HTTPD_AUTO_INSTRUMENTATION": "false"}, ["go", "apache_httpd", "nginx"]),
    (("--enable-nginx-instrumentation=false",), {"ENABLE_NGINX_AUTO_INSTRUMENTATION": "true"}, ["go", "nginx"]),
)
def test_switches_are_read_as_the_operator_does(args: tuple[str, ...], env: dict[str, str], off: list[str]) -> None:
    found = tables.list_disabled_languages(deployment(*args, **env), list(tables.LANGUAGES))
    assert [language.name for language in found] == off
