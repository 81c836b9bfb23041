# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scales a collector: a HorizontalPodAutoscaler, or a ScaledObject of KEDA for triggers. Private.

Sources: the API reference of autoscaling/v2; the specification of ScaledObject in KEDA's documentation; AutoscalerSpec
in the operator's apis/v1beta1, whose metrics of pods go beside its targets of CPU and memory.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.config.paths import mapping_at
from ..._otelcol.config.pipelines import PipelineGraph
from ..._otelcol.errors import Problem
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty
from .workload import SCALED_KINDS

_COLLECTOR_KIND = ("opentelemetry.io/v1beta1", "OpenTelemetryCollector")
# The Collector's own metric: how many requests, items or bytes wait in the queue of an exporter, in the queue's sizer.
QUEUE_METRIC = "otelcol_exporter_queue_size"
# The defaults of sending_queue. Source: NewDefaultQueueConfig of exporterhelper.
_DEFAULT_QUEUE_SIZE, _DEFAULT_SIZER = 1000, "requests"


def render_pod_autoscaler(build: CollectorBuild) -> Manifest | None:
    """Return the requested autoscaler, or None. Raises Problem when its bounds are crossed."""
    options = build.collector.autoscaling
    if not options or options.get("triggers"):
        return None
    min_replicas, max_replicas = read_replica_bounds(build)
    utilization_metrics = [_utilization_metric(name, options.get(f"{name}_percent")) for name in ("cpu", "memory")]
    spec = {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": SCALED_KINDS[build.collector.mode],
            "name": build.collector.name,
        },
        "minReplicas": min_replicas,
        "maxReplicas": max_replicas,
        "metrics": [*(metric for metric in utilization_metrics if metric), *list_pod_metrics(build)],
        **omit_empty(behavior=options.get("behavior")),
    }
    return frame_manifest(build, "autoscaling/v2", "HorizontalPodAutoscaler", spec=spec)


def render_scaled_object(build: CollectorBuild) -> Manifest | None:
    """Return the ScaledObject for triggers, or None. KEDA makes an autoscaler of it."""
    collector = build.collector
    options = collector.autoscaling
    if not options.get("triggers"):
        return None
    if options.get("queue_percent"):
        wrong = f"collector '{collector.name}' scales both on `triggers` and on `queue_percent`"
        raise Problem(wrong, fix="Remove `queue_percent`, and write a trigger for the queue, as docs/scaling.md shows.")
    min_replicas, max_replicas = read_replica_bounds(build)
    version, kind = _COLLECTOR_KIND if collector.backend == "operator" else ("apps/v1", SCALED_KINDS[collector.mode])
    behavior = {"horizontalPodAutoscalerConfig": {"behavior": options.get("behavior")}}
    spec = {
        "scaleTargetRef": {"apiVersion": version, "kind": kind, "name": collector.name},
        "minReplicaCount": min_replicas,
        "maxReplicaCount": max_replicas,
        "triggers": options["triggers"],
        **(omit_empty(advanced=behavior) if options.get("behavior") else {}),
    }
    return frame_manifest(build, "keda.sh/v1alpha1", "ScaledObject", spec=spec)


def render_autoscaler_field(build: CollectorBuild) -> dict[str, Any]:
    """Return the field `autoscaler` of the custom resource."""
    options = build.collector.autoscaling
    if not options or options.get("triggers"):
        return {}
    min_replicas, max_replicas = read_replica_bounds(build)
    autoscaler = {
        "minReplicas": min_replicas,
        "maxReplicas": max_replicas,
        **omit_empty(
            targetCPUUtilization=options.get("cpu_percent") or None,
            targetMemoryUtilization=options.get("memory_percent") or None,
            metrics=list_pod_metrics(build),
            behavior=options.get("behavior"),
        ),
    }
    return {"autoscaler": autoscaler}


def read_replica_bounds(build: CollectorBuild) -> tuple[int, int]:
    """Return the bounds of the autoscaler. Raises Problem when they are crossed."""
    options = build.collector.autoscaling
    min_replicas, max_replicas = options["min_replicas"], options["max_replicas"]
    if min_replicas > max_replicas:
        wrong = f"collector '{build.collector.name}' has min_replicas {min_replicas} above max_replicas {max_replicas}"
        raise Problem(wrong, fix="Swap or raise them.")
    return min_replicas, max_replicas


def list_pod_metrics(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the metrics of pods: how full their queues are on average, in the unit in which the queues count."""
    percent = build.collector.autoscaling.get("queue_percent")
    if not percent:
        return []
    queue_target = {"type": "AverageValue", "averageValue": str(max(_sum_queue_capacity(build) * percent // 100, 1))}
    return [{"type": "Pods", "pods": {"metric": {"name": QUEUE_METRIC}, "target": queue_target}}]


def _sum_queue_capacity(build: CollectorBuild) -> int:
    """Return how much the queues of a pod hold together. Raises Problem if that is unknown, or counted differently.

    An exporter has a queue for each signal of its pipelines, and none if no pipeline uses it.
    """
    queues = [
        settings["sending_queue"]
        for name, _signal in _list_exporter_signals(build)
        if isinstance(settings := mapping_at(build.config, "exporters").get(name), dict)
        and isinstance(settings.get("sending_queue"), dict)
    ]
    queues = [queue for queue in queues if queue.get("enabled") is not False]
    asked, where = f"collector '{build.collector.name}'", "autoscaling.queue_percent"
    if not queues:
        wrong, fix = "no exporter of its config has a `sending_queue`", "Write one, or scale on memory."
        raise Problem(wrong, asked=asked, where=where, fix=fix)
    sizers = sorted({str(queue.get("sizer") or _DEFAULT_SIZER) for queue in queues})
    if len(sizers) > 1:
        wrong = f"its queues count in {' and in '.join(sizers)}, and their metric is added up"
        raise Problem(wrong, asked=asked, where=where, fix="Give all queues the same `sizer`.")
    sizes = [queue.get("queue_size", _DEFAULT_QUEUE_SIZE) for queue in queues]
    if not all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
        fix = "Write `queue_size` as a number: a variable is known only in the pod."
        raise Problem("the size of a queue is no number", asked=asked, where=where, fix=fix)
    return sum(sizes)


def _list_exporter_signals(build: CollectorBuild) -> list[tuple[str, str]]:
    """Return each exporter of a pipeline with each signal that it gets."""
    signals_by_exporter = PipelineGraph.of(build.config).find_signals_by_id("exporters")
    return [(name, signal) for name, signals in signals_by_exporter.items() for signal in signals]


def _utilization_metric(resource: str, percent: int | None) -> dict[str, Any] | None:
    if not percent:
        return None
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
