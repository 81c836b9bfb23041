# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests.open_telemetry_collector import (
    explicit,
    open_telemetry_collector,
)

from ..helpers import CONFIG, CONTAINER, LABELS, METADATA, PODS, build, cases, running

HASH = "o11y.opentelemetry/spec-hash"
QUEUE = running(
    extensions={"file_storage": {"directory": "/var/lib/otelcol/queue"}, "health_check": {"endpoint": ":1"}}
)


def made(config: Any = None, **options: Any) -> Any:
    return open_telemetry_collector(build(config, backend="operator", **options))


def spec(config: Any = None, **options: Any) -> Any:
    return made(config, **options)["spec"]


def stamp(config: Any = None, **options: Any) -> str:
    found: str = spec(config, **options)["podAnnotations"][HASH]
    return found


def test_the_least_custom_resource_is_whole() -> None:
    manifest = made()
    assert (manifest["apiVersion"], manifest["kind"]) == ("opentelemetry.io/v1beta1", "OpenTelemetryCollector")
    assert manifest["metadata"] == METADATA
    annotations = manifest["spec"].pop("podAnnotations")
    assert list(annotations) == [HASH]
    user = {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
    assert manifest["spec"] == {
        **{"mode": "deployment", "managementState": "managed", "upgradeStrategy": "none"},
        **{"image": "registry.example/collector:1.2.3", "imagePullPolicy": "IfNotPresent"},
        "serviceAccount": "gateway",
        **CONTAINER,
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user},
        "ports": [{"name": "otlp", "port": 4317, "targetPort": 4317, "protocol": "TCP", "appProtocol": "grpc"}],
        "terminationGracePeriodSeconds": 30,
        "replicas": 2,
        "deploymentUpdateStrategy": {"type": "RollingUpdate"},
        "networkPolicy": {"enabled": False},
        "observability": {"metrics": {"disablePrometheusAnnotations": True}},
        "config": {**CONFIG, "exporters": {"debug": {}}},
    }


@cases(
    "mode, has, has_not",
    ("deployment", "deploymentUpdateStrategy replicas", "daemonSetUpdateStrategy serviceName"),
    ("daemonset", "daemonSetUpdateStrategy", "deploymentUpdateStrategy replicas serviceName"),
    ("statefulset", "serviceName replicas", "deploymentUpdateStrategy daemonSetUpdateStrategy"),
    (*("sidecar", "securityContext ports"), "podSecurityContext replicas podAnnotations terminationGracePeriodSeconds"),
)
def test_a_mode_has_the_fields_that_the_operator_reads_in_it(mode: str, has: str, has_not: str) -> None:
    found = spec(mode=mode)
    assert found["mode"] == mode
    assert set(has.split()) <= set(found)
    assert not set(has_not.split()) & set(found)
    security = found["securityContext"]
    assert (security.get("runAsNonRoot"), security.get("runAsUser")) == (
        (True, 10001) if mode == "sidecar" else (None, None)
    )
    assert "fsGroup" not in security


def test_who_is_autoscaled_has_no_replicas() -> None:
    scaler = {"min_replicas": 1, "max_replicas": 3, "cpu_percent": 80, "memory_percent": None, "behavior": None}
    found = spec(autoscaling=scaler)
    assert found["autoscaler"] == {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilization": 80}
    assert "replicas" not in found
    with pytest.raises(Problem, match="min_replicas 4 above max_replicas 3"):
        spec(autoscaling={**scaler, "min_replicas": 4})


def test_a_disruption_budget_is_the_operators() -> None:
    assert spec(disruption_budget={"min_available": 1})["podDisruptionBudget"] == {"minAvailable": 1}
    assert "podDisruptionBudget" not in spec()


def test_an_agent_opens_its_receivers_on_the_node() -> None:
    config = running(receivers={"statsd": {}}, extensions={"health_check": {"endpoint": "0.0.0.0:13133"}})
    assert spec(config, mode="daemonset")["ports"] == [
        {"name": "statsd", "port": 8125, "targetPort": 8125, "protocol": "UDP", "hostPort": 8125}
    ]


def test_state_is_claimed_by_a_statefulset_and_kept_on_the_node_by_an_agent() -> None:
    replica, agent = spec(QUEUE, mode="statefulset"), spec(QUEUE, mode="daemonset")
    assert [item["metadata"]["name"] for item in replica["volumeClaimTemplates"]] == ["state"]
    assert replica["serviceName"] == "gateway-headless"
    assert agent["volumes"][0]["hostPath"]["path"] == "/var/lib/otelcol/telemetry-gateway"
    for found in (replica, agent):
        assert found["volumeMounts"] == [{"name": "state", "mountPath": "/var/lib/otelcol/queue"}]


def test_probes_are_timed_where_the_config_answers_them() -> None:
    assert spec(QUEUE)["readinessProbe"] == {"periodSeconds": 2, "failureThreshold": 3}
    assert "readinessProbe" not in spec()


def test_labels_of_pods_are_labels_of_the_resource() -> None:
    labels = made(pod_labels={"team": "a", "o11y.opentelemetry/collector": "mine"}, labels={"b": "c"})["metadata"]
    assert labels["labels"] == {"team": "a", "b": "c", **LABELS}


def test_spread_pods_are_found_by_the_labels_that_the_operator_gives_them() -> None:
    (found,) = spec(topology_spread=[{"maxSkew": 1}])["topologySpreadConstraints"]
    assert found == {"labelSelector": {"matchLabels": PODS}, "maxSkew": 1}


@cases(
    "same, options",
    (True, {"replicas": 5}),
    (True, {"autoscaling": {"min_replicas": 1, "max_replicas": 2}}),
    (True, {"disruption_budget": {"min_available": 1}}),
    (True, {"update_strategy": {"rollingUpdate": {"maxSurge": 1}}}),
    (True, {"service": {"enabled": False}}),
    (True, {"upgrade_strategy": "automatic"}),
    (False, {"memory_limit": "1Gi"}),
    (False, {"env": {"A": "b"}}),
    (False, {"config": {**CONFIG, "exporters": {"debug": {"verbosity": "basic"}}}}),
    (False, {"host_ports": True}),
    (False, {"priority_class_name": "high"}),
    (False, {"mode": "statefulset"}),
    ids=str,
)
def test_the_hash_changes_with_what_replaces_pods(same: bool, options: dict[str, Any]) -> None:
    assert (stamp(**options) == stamp()) is same


def test_a_hash_of_the_users_does_not_replace_ours() -> None:
    assert spec(pod_annotations={HASH: "mine", "a": "b"})["podAnnotations"] == {"a": "b", HASH: stamp()}


def test_what_is_null_is_said_where_tools_would_drop_it_and_kept_where_it_means_something() -> None:
    config = {
        "receivers": {"otlp": {"protocols": {"grpc": None, "http": {"tls": None}}}, "nop": None},
        "processors": None,
        "exporters": {"debug": None},
        "service": {
            "extensions": None,
            "telemetry": {"resource": {"service.instance.id": None}},
            "pipelines": {"traces": {"receivers": ["otlp"], "processors": None, "exporters": ["debug"]}},
        },
    }
    assert explicit(config) == {
        "receivers": {"otlp": {"protocols": {"grpc": {}, "http": {"tls": None}}}, "nop": {}},
        "exporters": {"debug": {}},
        "service": {
            "telemetry": {"resource": {"service.instance.id": None}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}},
        },
    }


@pytest.mark.parametrize("config", [{"receivers": []}, {"service": None}, {"service": {"pipelines": {"traces": 1}}}])
def test_what_is_malformed_stays_for_others_to_judge(config: dict[str, Any]) -> None:
    assert explicit(config) == {key: value for key, value in config.items() if value is not None}


@pytest.mark.parametrize("mode", BACKENDS["operator"].modes)
def test_no_secret_comes_into_the_resource(mode: str) -> None:
    found = spec(mode=mode, env={"TOKEN": {"secret": "backend", "key": "token"}})
    reference = {"secretKeyRef": {"name": "backend", "key": "token"}}
    assert {"name": "TOKEN", "valueFrom": reference} in found["env"]
