# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.backends.table import BACKENDS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.manifests import (
    open_telemetry_collector as otelcol,
)

from ..helpers import CONFIG, CONTAINER, LABELS, PODS, build, cases, manifest, running

HASH = "o11y.opentelemetry/spec-hash"
QUEUE = running(
    extensions={"file_storage": {"directory": "/var/lib/otelcol/queue"}, "health_check": {"endpoint": ":1"}}
)


def made(config: Any = None, **options: Any) -> Any:
    return otelcol.open_telemetry_collector(build(config, backend="operator", **options))


def spec(config: Any = None, **options: Any) -> Any:
    return made(config, **options)["spec"]


def stamp(config: Any = None, **options: Any) -> str:
    found: str = spec(config, **options)["podAnnotations"][HASH]
    return found


def test_the_least_custom_resource_is_whole() -> None:
    one = made()
    assert list(one["spec"].pop("podAnnotations")) == [HASH]
    user = {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
    spec = {
        **{"mode": "deployment", "managementState": "managed", "upgradeStrategy": "none", "serviceAccount": "gateway"},
        **{"image": "registry.example/collector:1.2.3", "imagePullPolicy": "IfNotPresent", **CONTAINER},
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user},
        "ports": [{"name": "otlp", "port": 4317, "targetPort": 4317, "protocol": "TCP", "appProtocol": "grpc"}],
        **{"terminationGracePeriodSeconds": 30, "replicas": 2, "networkPolicy": {"enabled": False}},
        "deploymentUpdateStrategy": {"type": "RollingUpdate"},
        "observability": {"metrics": {"disablePrometheusAnnotations": True}},
        "config": {**CONFIG, "exporters": {"debug": {}}},
    }
    assert one == manifest("opentelemetry.io/v1beta1", "OpenTelemetryCollector", spec=spec)


UNSAID = "podSecurityContext replicas podAnnotations terminationGracePeriodSeconds"


@cases(
    "mode, has, has_not",
    ("deployment", "deploymentUpdateStrategy replicas", "daemonSetUpdateStrategy serviceName"),
    ("daemonset", "daemonSetUpdateStrategy", "deploymentUpdateStrategy replicas serviceName"),
    ("statefulset", "serviceName replicas", "deploymentUpdateStrategy daemonSetUpdateStrategy"),
    ("sidecar", "securityContext ports", UNSAID),
)
def test_a_mode_has_the_fields_that_the_operator_reads_in_it(mode: str, has: str, has_not: str) -> None:
    found = spec(mode=mode)
    assert found["mode"] == mode
    assert set(has.split()) <= set(found) and not set(has_not.split()) & set(found)
    keys = ("runAsNonRoot", "runAsUser", "fsGroup")
    user = (True, 10001, None) if mode == "sidecar" else (None, None, None)
    assert tuple(found["securityContext"].get(key) for key in keys) == user


SCALER = {"min_replicas": 1, "max_replicas": 3, "cpu_percent": 80, "memory_percent": None, "behavior": None}
STATSD = running(receivers={"statsd": {}}, extensions={"health_check": {"endpoint": "0.0.0.0:13133"}})
SPREAD = {"labelSelector": {"matchLabels": PODS}, "maxSkew": 1}
MOUNT = {"name": "state", "mountPath": "/var/lib/otelcol/queue"}
FOLDER = {"path": "/var/lib/otelcol/telemetry-gateway", "type": "DirectoryOrCreate"}
PORT = {"name": "statsd", "port": 8125, "targetPort": 8125, "protocol": "UDP", "hostPort": 8125}
FROM_SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "backend", "key": "token"}}}


@cases(
    "config, options, field, value",
    (None, {"autoscaling": SCALER}, "autoscaler", {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilization": 80}),
    (None, {"autoscaling": SCALER}, "replicas", None),
    (None, {"disruption_budget": {"min_available": 1}}, "podDisruptionBudget", {"minAvailable": 1}),
    (None, {"topology_spread": [{"maxSkew": 1}]}, "topologySpreadConstraints", [SPREAD]),
    (STATSD, {"mode": "daemonset"}, "ports", [PORT]),
    (QUEUE, {}, "readinessProbe", {"periodSeconds": 2, "failureThreshold": 3}),
    (QUEUE, {"mode": "statefulset"}, "serviceName", "gateway-headless"),
    (QUEUE, {"mode": "statefulset"}, "volumeMounts", [MOUNT]),
    (QUEUE, {"mode": "daemonset"}, "volumeMounts", [MOUNT]),
    (QUEUE, {"mode": "daemonset"}, "volumes", [{"name": "state", "hostPath": FOLDER}]),
)
def test_the_custom_resource_is_as_asked_for(config: Any, options: Any, field: str, value: Any) -> None:
    assert spec(config, **options).get(field) == value


@pytest.mark.parametrize("mode", BACKENDS["operator"].modes)
def test_no_secret_comes_into_the_resource(mode: str) -> None:
    assert FROM_SECRET in spec(mode=mode, env={"TOKEN": {"secret": "backend", "key": "token"}})["env"]


def test_a_statefulset_claims_its_state_and_bounds_that_are_crossed_are_refused() -> None:
    (claim,) = spec(QUEUE, mode="statefulset")["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "state"
    with pytest.raises(Problem, match="min_replicas 4 above max_replicas 3"):
        spec(autoscaling={**SCALER, "min_replicas": 4})


def test_labels_of_pods_are_labels_of_the_resource_and_a_hash_of_the_users_does_not_replace_ours() -> None:
    labels = made(pod_labels={"team": "a", "o11y.opentelemetry/collector": "mine"}, labels={"b": "c"})["metadata"]
    assert labels["labels"] == {"team": "a", "b": "c", **LABELS}
    assert spec(pod_annotations={HASH: "mine", "a": "b"})["podAnnotations"] == {"a": "b", HASH: stamp()}


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


def test_what_is_null_is_said_where_tools_would_drop_it_and_kept_where_it_means_something() -> None:
    config = """
        receivers: {otlp: {protocols: {grpc: null, http: {tls: null}}}, nop: null}
        processors: null
        exporters: {debug: null}
        service:
          extensions: null
          telemetry: {resource: {service.instance.id: null}}
          pipelines: {traces: {receivers: [otlp], processors: null, exporters: [debug]}}
    """
    wanted = """
        receivers: {otlp: {protocols: {grpc: {}, http: {tls: null}}}, nop: {}}
        exporters: {debug: {}}
        service:
          telemetry: {resource: {service.instance.id: null}}
          pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
    """
    assert otelcol.explicit(yaml.safe_load(config)) == yaml.safe_load(wanted)


@pytest.mark.parametrize("config", [{"receivers": []}, {"service": None}, {"service": {"pipelines": {"traces": 1}}}])
def test_what_is_malformed_stays_for_others_to_judge(config: dict[str, Any]) -> None:
    assert otelcol.explicit(config) == {key: value for key, value in config.items() if value is not None}
