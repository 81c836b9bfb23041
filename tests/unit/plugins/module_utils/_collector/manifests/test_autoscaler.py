# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scales a collector, under both backends."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.manifests.autoscaler import (
    render_autoscaler_field,
    render_pod_autoscaler,
    render_scaled_object,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.support.cases import cases

from ...helpers import build, running

BOUNDS = {"min_replicas": 2, "max_replicas": 4}


def metric(name: str, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}


@cases(
    "more, metrics",
    ({"cpu_percent": 80, "memory_percent": None}, [metric("cpu", 80)]),
    ({"memory_percent": 7}, [metric("memory", 7)]),
    ({"cpu_percent": 80, "memory_percent": 7, "behavior": {"scaleDown": {}}}, [metric("cpu", 80), metric("memory", 7)]),
)
def test_an_autoscaler_follows_only_what_it_is_told(more: dict[str, Any], metrics: list[Any]) -> None:
    made: Any = render_pod_autoscaler(build(mode="statefulset", autoscaling={**BOUNDS, **more}))
    assert (made["spec"]["metrics"], made["spec"]["scaleTargetRef"]["kind"]) == (metrics, "StatefulSet")
    assert made["spec"].get("behavior") == more.get("behavior")


def test_bounds_that_are_crossed_are_refused_and_may_be_the_same() -> None:
    with pytest.raises(Problem, match=r"'gateway' has min_replicas 4 above max_replicas 3\. Swap or raise them\."):
        render_pod_autoscaler(build(autoscaling={"min_replicas": 4, "max_replicas": 3}))
    same = {"min_replicas": 3, "max_replicas": 3, "cpu_percent": 80}
    assert render_pod_autoscaler(build(autoscaling=same)) is not None
    assert render_pod_autoscaler(build()) is None


def test_an_autoscaler_that_would_follow_nothing_is_refused() -> None:
    with pytest.raises(Problem, match=r"'gateway' has `autoscaling` and nothing that it follows\. Set `cpu_percent`, "):
        render_pod_autoscaler(build(autoscaling={**BOUNDS, "cpu_percent": 0, "memory_percent": None}))


def exporting(**queues: Any) -> Any:
    """Return a config with an exporter for each queue."""
    return running(exporters={f"otlp_grpc/{name}": {"sending_queue": queue} for name, queue in queues.items()})


@cases(
    "queues, target",
    ({"a": {}}, "500"),
    ({"a": {"queue_size": 300}, "b": {"queue_size": 100, "sizer": "requests"}}, "200"),
    ({"a": {"queue_size": 300, "sizer": "items"}, "b": {"enabled": False, "sizer": "bytes"}}, "150"),
    ({"a": {"queue_size": 1}}, "1"),
)
def test_half_full_queues_scale_up(queues: Any, target: str) -> None:
    order = build(exporting(**queues), autoscaling={**BOUNDS, "queue_percent": 50})
    wanted = {"metric": {"name": "otelcol_exporter_queue_size"}}
    wanted |= {"target": {"type": "AverageValue", "averageValue": target}}
    made: Any = render_pod_autoscaler(order)
    assert made["spec"]["metrics"] == [{"type": "Pods", "pods": wanted}]
    assert render_autoscaler_field(order)["autoscaler"]["metrics"] == [{"type": "Pods", "pods": wanted}]


@cases(
    "pipelines, target",
    ({"traces": ["otlp_grpc/a"], "traces/more": ["otlp_grpc/a"]}, "500"),
    ({"traces": ["otlp_grpc/a"], "metrics": ["otlp_grpc/a"], "logs/x": ["otlp_grpc/a", "otlp_grpc/b"]}, "1600"),
)
def test_an_exporter_has_a_queue_for_each_signal_of_its_pipelines(pipelines: dict[str, Any], target: str) -> None:
    config = exporting(a={}, b={"queue_size": 200}, unused={"queue_size": 7000, "sizer": "bytes"})
    config["service"]["pipelines"] = {name: {"exporters": exporters} for name, exporters in pipelines.items()}
    made: Any = render_pod_autoscaler(build(config, autoscaling={**BOUNDS, "queue_percent": 50}))
    assert made["spec"]["metrics"][0]["pods"]["target"]["averageValue"] == target


@cases(
    "config, said",
    (running(), "no exporter of its config has a `sending_queue`"),
    (exporting(a={"enabled": False}), "no exporter of its config"),
    (exporting(a={}, b={"sizer": "items"}), "its queues count in items and in requests"),
    (exporting(a={"queue_size": "${env:SIZE}"}), "the size of a queue is no number"),
    (exporting(a={"queue_size": True}), "the size of a queue is no number"),
)
def test_a_queue_whose_size_is_unknown_is_refused(config: Any, said: str) -> None:
    with pytest.raises(Problem, match=f"{said}.*queue_percent"):
        render_pod_autoscaler(build(config, autoscaling={**BOUNDS, "queue_percent": 50}))


@cases(
    "backend, mode, target",
    ("kubernetes", "deployment", ("apps/v1", "Deployment")),
    ("kubernetes", "statefulset", ("apps/v1", "StatefulSet")),
    ("operator", "deployment", ("opentelemetry.io/v1beta1", "OpenTelemetryCollector")),
)
def test_triggers_make_a_scaled_object_instead(backend: str, mode: str, target: tuple[str, str]) -> None:
    options = {**BOUNDS, "cpu_percent": 80, "triggers": [{"type": "cron"}], "behavior": {"scaleDown": {}}}
    order = build(backend=backend, mode=mode, autoscaling=options)
    made: Any = render_scaled_object(order)
    spec, reference = made["spec"], made["spec"]["scaleTargetRef"]
    assert (reference["apiVersion"], reference["kind"], reference["name"]) == (*target, "gateway")
    assert (spec["minReplicaCount"], spec["maxReplicaCount"], spec["triggers"]) == (2, 4, [{"type": "cron"}])
    assert spec["advanced"] == {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": {}}}}
    assert (render_pod_autoscaler(order), render_autoscaler_field(order)) == (None, {})


def test_triggers_and_a_percentage_of_queues_are_two_ways() -> None:
    assert render_scaled_object(build(autoscaling=BOUNDS)) is None
    with pytest.raises(Problem, match="scales both on `triggers` and on `queue_percent`"):
        render_scaled_object(build(autoscaling={**BOUNDS, "triggers": [{"type": "cron"}], "queue_percent": 1}))
