# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collector of somebody else in an API server in memory, and the facts that a diagnosis collects of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.collect import collect_facts
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.reader import ClusterReader
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _builds

from ...fake_api import FakeApi, reply
from ...live_helpers import obj

NOW = "2026-01-01T00:10:00+00:00"
METRICS = "/api/v1/namespaces/ns/pods/p:8888/proxy/metrics"
LOG = "/api/v1/namespaces/ns/pods/p/log"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
CONFIG = """
receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}, k8s_events: {}}
exporters: {otlp_grpc/jaeger: {endpoint: "${env:BACKEND}:4317"}}
service:
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 8888}}}}]}}
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_grpc/jaeger]}
    logs: {receivers: [k8s_events], exporters: []}
"""


def metadata(name: str, owner: str = "", **more: Any) -> dict[str, Any]:
    owners = {"ownerReferences": [{"uid": owner}]} if owner else {}
    return {"name": name, "namespace": "ns", "uid": name, "labels": {"app": "a"}, **owners, **more}


def spec(change: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    container = {
        "name": "collector",
        "image": "otelcol:1",
        "args": ["--config=/conf/c"],
        "env": [{"name": "BACKEND", "value": "jaeger"}],
        "volumeMounts": [{"name": "c", "mountPath": "/conf"}],
        "resources": {"limits": {"memory": "1Ki"}},
        **change,
    }
    volumes = [{"name": "c", "configMap": {"name": "cm"}}]
    return {"containers": [container], "volumes": volumes, "serviceAccountName": "sa"}


def objects(kind: str = "Deployment", change: Mapping[str, Any] = MappingProxyType({})) -> list[dict[str, Any]]:
    """Return a workload with its pod and its config. `change` are fields of the container that differ."""
    template = {"metadata": {"labels": {"app": "a"}}, "spec": spec(change)}
    state = {"observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}
    phase = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    owner = "r" if kind == "Deployment" else "w"
    workload = {"spec": {"replicas": 1, "template": template}, "status": state}
    return [
        obj(kind, "w", api="apps/v1", metadata=metadata("w", generation=1), **workload),
        obj("ReplicaSet", "r", metadata=metadata("r", "w")),
        obj("Pod", "p", metadata=metadata("p", owner), spec=spec(change), status=phase),
        obj("Pod", "stranger", metadata=metadata("stranger", "z"), spec=spec(), status=phase),
        obj("ConfigMap", "cm", metadata=metadata("cm"), data={"c": CONFIG}),
    ]


def counts(accepted: int, sent: int) -> str:
    return (
        f'otelcol_receiver_accepted_spans{{receiver="otlp"}} {accepted}\n'
        f'otelcol_exporter_sent_spans{{exporter="otlp_grpc/jaeger"}} {sent}\n'
        "otelcol_process_uptime 60\notelcol_process_memory_rss 900\n"
        "otelcol_process_runtime_total_sys_memory_bytes 512\n"
    )


def api(*more: dict[str, Any], kind: str = "Deployment", change: Mapping[str, Any] = MappingProxyType({})) -> FakeApi:
    made = FakeApi(*objects(kind, change), *more)
    made.texts = {METRICS: counts(1, 1), LOG: ""}
    made.trouble = lambda _method, path: reply({"status": {"allowed": True}}) if path == REVIEWS else None
    return made


def facts(made: FakeApi, **item: Any) -> list[dict[str, Any]]:
    cluster = made.cluster()
    given = {"namespace": "ns", **(item or {"name": "w"})}
    params = {"collectors": [given], "window_seconds": 4, "log_seconds": 60, "metrics_port": 8888}
    params["listeners"] = _builds.load_catalogue().listener_rows
    return collect_facts(ClusterReader(cluster, cluster), params, lambda: NOW)
