# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes' objects as facts, the rights of components, and what a pod says of its collector."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose import (
    cluster_objects,
    component_rights,
    pod_config,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.rights import Right
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.pod_sources import (
    MountedFile,
    PodSource,
    list_sources,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._telemetry.times import (
    describe_duration,
    seconds_between,
)

from ..helpers import cases

NOW = "2026-01-01T00:10:00Z"
TEXT = "receivers: {}\nservice: {}\n"
MAPS = {"config": {"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": TEXT, "note": "x"}}}
CONFIG = yaml.safe_load("""
receivers: {kubelet_stats: {}, k8s_events: {}, otlp: {}}
processors: {k8s_attributes: {extract: {metadata: [k8s.pod.name]}}}
service: {pipelines: {logs: {receivers: [kubelet_stats, otlp], processors: [k8s_attributes]}}}
""")
STATS = Right("get", "", "nodes/stats")


def test_a_pod_tells_how_its_last_run_ended() -> None:
    ended = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-01-01T00:09:00Z"}
    statuses = [{"name": "app"}, {"name": "c", "restartCount": 2, "lastState": {"terminated": ended}}]
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": statuses}
    row = cluster_objects.describe_pod({"metadata": {"name": "p", "namespace": "ns"}, "status": status}, "c", NOW)
    assert (row["ready"], row["restarts"], row["last_reason"], row["last_seconds_ago"]) == (True, 2, "OOMKilled", 60)
    assert not cluster_objects.describe_pod({"metadata": {"name": "p"}}, "c", NOW)["ready"]


def pod(name: str, phase: str, *, ready: bool) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {"metadata": {"name": name}, "status": {"phase": phase, "conditions": conditions}}


def test_pods_that_crash_come_first_and_then_those_that_have_not_started() -> None:
    pods = [
        pod("well", "Running", ready=True),
        pod("evicted", "Failed", ready=False),
        pod("waits", "Pending", ready=False),
        # A pod in CrashLoopBackOff has phase Running.
        pod("crashes", "Running", ready=False),
    ]
    names = [found["metadata"]["name"] for found in cluster_objects.sort_by_trouble(pods)]
    assert names == ["crashes", "waits", "well", "evicted"]


def event(uid: str, minute: int, kind: str = "Warning", reason: str = "Failed") -> dict[str, Any]:
    about = {"involvedObject": {"uid": uid, "kind": "Pod", "name": "p"}, "metadata": {}, "message": "it\nbroke"}
    return {**about, "type": kind, "reason": reason, "lastTimestamp": f"2026-01-01T00:{minute:02}:00Z"}


def test_recent_warnings_of_ones_own_once_each() -> None:
    events = [event("a", 5), event("a", 8), event("b", 9), event("a", 9, "Normal"), event("a", 9, reason="Other")]
    rows = [
        (row["reason"], row["seconds_ago"], row["message"])
        for row in cluster_objects.list_recent_warnings(events, {"a": 1}, NOW)
    ]
    assert rows == [("Other", 60, "it broke"), ("Failed", 120, "it broke")]
    assert cluster_objects.list_recent_warnings([event("a", 1)], {"a": 1}, "2026-01-01T01:00:00Z") == []


@cases(
    "current, condition, told",
    (2, ("ScalingLimited", "True"), (True, "")),
    (1, ("ScalingLimited", "True"), (False, "")),
    (1, ("ScalingActive", "False"), (False, "no metrics")),
)
def test_autoscalers(current: int, condition: Any, told: Any) -> None:
    listed = [dict(zip(("type", "status", "message"), (*condition, "no metrics"), strict=True))]
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 2}
    scaler = {"metadata": {"name": "h"}, "spec": spec, "status": {"currentReplicas": current, "conditions": listed}}
    (row,) = cluster_objects.list_autoscalers([scaler], [("Deployment", "a")])
    assert (row["at_max"], row["broken"]) == told
    assert cluster_objects.list_autoscalers([scaler], [("Deployment", "b")]) == []


def test_certificates_of_mounted_secrets() -> None:
    ready = {"conditions": [{"type": "Ready", "status": "False", "message": "no issuer"}]}
    item: dict[str, Any] = {"metadata": {"name": "c", "namespace": "ns"}, "spec": {"secretName": "s"}, "status": ready}
    told = {"name": "c", "namespace": "ns", "secret": "s", "ready": False, "message": "no issuer"}
    assert (
        cluster_objects.list_certificate_resources([item], ["s"]),
        cluster_objects.list_certificate_resources([item], ["t"]),
    ) == ([told], [])


def test_targets_limits_and_times() -> None:
    told = cluster_objects.summarize_allocation({"b": {"c-0": 2, "c-1": 0}, "a": {}})
    assert told["jobs"] == [{"name": "a", "targets": 0}, {"name": "b", "targets": 2}]
    assert told["collectors"] == [{"name": "c-0", "targets": 2}, {"name": "c-1", "targets": 0}]
    limits = [
        cluster_objects.read_memory_limit({"resources": {"limits": {"memory": limit}}})
        for limit in ("1Ki", None, "much")
    ]
    assert limits == [1024, 0, 0]
    assert seconds_between("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:01+00:00") == pytest.approx(0.876544)
    assert seconds_between("", NOW) == 0
    assert [describe_duration(5), describe_duration(180), describe_duration(7200), describe_duration(180000)] == [
        "5 s",
        "3 min",
        "2 h",
        "2 days",
    ]


def test_components_in_use_need_rights_which_are_asked_as_the_api_server_wants_it() -> None:
    assert set(component_rights.list_needed_rights(CONFIG)) == {"receivers/kubelet_stats", "processors/k8s_attributes"}
    assert component_rights.list_needed_rights(CONFIG)["receivers/kubelet_stats"] == [STATS]
    assert component_rights.list_needed_rights({}) == {}
    attributes = {"verb": "get", "resource": "nodes", "subresource": "stats", "namespace": ""}
    assert STATS.build_attributes() == {"resourceAttributes": attributes}
    metrics = {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}
    assert Right("get", "", "", path="/metrics").build_attributes("x") == metrics
    assert Right("list", "apps", "replicasets").build_attributes("ns")["resourceAttributes"]["namespace"] == "ns"


def test_what_is_missing_is_merged_and_keeps_names_and_urls() -> None:
    rights = [Right(verb, "apps", name) for name in ("daemonsets", "jobs") for verb in ("get", "list")]
    (row,) = component_rights.find_missing_rights(
        {"receivers/x": [*rights, STATS]}, dict.fromkeys(rights, "none"), "sa", "ns"
    )
    assert row["missing"] == "get, list daemonsets.apps, jobs.apps"
    assert row["rules"] == [{"apiGroups": ["apps"], "resources": ["daemonsets", "jobs"], "verbs": ["get", "list"]}]
    assert (row["about"], row["id"], row["account"], row["state"]) == ("receivers/x", "x", "sa", "none")
    named, url = Right("get", "", "configmaps", "a"), Right("get", "", "", path="/metrics")
    (row,) = component_rights.find_missing_rights(
        {"x/y": [named, url]}, {named: "namespace", url: "namespace"}, "sa", "ns"
    )
    assert row["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["a"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    assert row["missing"] == "get configmaps, /metrics"


@cases(
    "containers, name",
    ([{"name": "app"}, {"name": "x", "args": ["--config=/a"]}], "x"),
    ([{"name": "app"}, {"name": "otc-container"}], "otc-container"),
    ([{"name": "app"}, {"name": "x", "image": "r/opentelemetry-collector:1"}], "x"),
    ([{"name": "app"}], "app"),
    ([], None),
)
def test_the_container(containers: Any, name: str | None) -> None:
    assert pod_config.find_collector_container({"containers": containers} if name else {}).get("name") == name


def test_what_a_pod_needs() -> None:
    spec = yaml.safe_load("""
        volumes:
          - {name: c, configMap: {name: config, items: [{key: k, path: relay.yaml}]}}
          - {name: s, secret: {secretName: tls, optional: true}}
          - {name: p, projected: {sources: [{secret: {name: part}}, {serviceAccountToken: {}}]}}
          - {name: e, emptyDir: {}}
    """)
    container = yaml.safe_load("""
        volumeMounts: [{name: c, mountPath: /conf}, {name: s, mountPath: /tls}]
        env: [{name: A, valueFrom: {secretKeyRef: {name: env, key: k}}}, {name: B, value: b}]
        envFrom: [{configMapRef: {name: all}}]
    """)
    assert list_sources(spec, container) == [
        PodSource("ConfigMap", "config", path="/conf", files=(MountedFile("relay.yaml", "k"),)),
        PodSource("Secret", "tls", optional=True, path="/tls"),
        *(PodSource("Secret", "part"), PodSource("Secret", "env", key="k"), PodSource("ConfigMap", "all")),
    ]


@cases(
    "source, path, key",
    ({"path": "/tls"}, "/tls/tls.crt", "tls.crt"),
    ({"path": "/tls/"}, "/tls/tls.crt", "tls.crt"),
    ({"path": "/tls"}, "/other/tls.crt", ""),
    ({"path": "/tls", "files": (("x", "y"),)}, "/tls/x", "y"),
    ({"path": "/tls", "files": (("x", "y"),)}, "/tls/z", ""),
    ({"path": "/tls.crt", "key": "k"}, "/tls.crt", "k"),
    ({"key": "k"}, "/tls.crt", ""),
)
def test_the_key_behind_a_path(source: dict[str, Any], path: str, key: str) -> None:
    assert PodSource("Secret", "a", **source).find_key_at(path) == key


@cases(
    "container, name, texts",
    ({"args": ["--config=/conf/k"]}, "config", [TEXT]),
    ({"command": ["otelcol", "--config", "file:/conf/k"]}, "config", [TEXT]),
    ({"args": ["--config=env:C"], "env": [{"name": "C", "value": "a: 1"}]}, "other", ["a: 1"]),
    ({}, "config", [TEXT]),
    ({"args": ["--config=/image/own.yaml"]}, "other", []),
    (
        {"args": ["--config", "/conf/k", "--config=env:C"], "env": [{"name": "C", "value": "a: 1"}]},
        "config",
        [TEXT, "a: 1"],
    ),
)
def test_the_configs(container: Any, name: str, texts: list[str]) -> None:
    assert pod_config.list_config_texts(container, [PodSource("ConfigMap", name, path="/conf")], MAPS) == texts


def test_variables_that_are_known_are_filled_in() -> None:
    env = yaml.safe_load("""
        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: HOST, value: jaeger}
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}
    """)
    known = pod_config.read_environment({"env": env}, {"status": {"podIP": "10.0.0.9"}})
    assert known == {"IP": "10.0.0.9", "HOST": "jaeger"}
    value = {"a": ["${env:HOST}:${PORT:-4317}", "${env:TOKEN}", 5], "b": "${env:IP}"}
    assert pod_config.expand_variables(value, known) == {"a": ["jaeger:4317", "${env:TOKEN}", 5], "b": "10.0.0.9"}


def test_a_default_takes_the_place_of_an_unknown_variable_also_if_it_is_empty() -> None:
    assert pod_config.expand_variables(["${A:-x}", "${env:B:-}", "c${env:C:-}"], {}) == ["x", "", "c"]


DETAILED = "2026-01-01T00:09:59Z      -> log.file.path: Str(/var/log/pods/{}_0b1c/otc-container/0.log)"
NORMAL = "2026-01-01T00:09:30Z a line log.file.path=/var/log/pods/{}_0b1c/otc-container/0.log log.iostream=stderr"
OLD = "2026-01-01T00:05:00Z      -> log.file.path: Str(/var/log/pods/{}_0b1c/otc-container/0.log)"
READS = (
    "2026-01-01T00:09:59Z info fileconsumer Started watching file {{path: /var/log/pods/{}_0b1c/otc-container/0.log}}"
)


@pytest.mark.parametrize(
    ("lines", "records"),
    [((DETAILED,), 1), ((DETAILED, NORMAL, NORMAL), 3), ((OLD,), None), ((READS,), None), ((), None)],
)
def test_a_log_with_records_of_itself_is_an_echo(lines: tuple[str, ...], records: int | None) -> None:
    text = "\n".join(line.format("shop_gateway-0") for line in lines)
    expected = [] if records is None else [{"pod": "shop/gateway-0", "records": records, "seconds": 60}]
    assert cluster_objects.count_echoes(text, ["shop/gateway-0", "shop/gateway-1"], NOW) == expected
    assert cluster_objects.count_echoes(text.replace("gateway", "app"), ["shop/gateway-0"], NOW) == []
