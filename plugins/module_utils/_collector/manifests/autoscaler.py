# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `autoscaling` of a collector: a HorizontalPodAutoscaler, or a ScaledObject of KEDA for triggers. Private.

Under the operator, the custom resource has a field `autoscaler` in place of the HorizontalPodAutoscaler.

Sources: the API reference of autoscaling/v2; the specification of ScaledObject in KEDA's documentation; AutoscalerSpec
in the operator's apis/v1beta1, whose metrics of pods go beside its targets of CPU and memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


class ReplicaBounds(NamedTuple):
    """The least and the largest number of replicas that an autoscaler may choose."""

    min_replicas: int
    max_replicas: int


def render_pod_autoscaler(build: CollectorBuild) -> Manifest | None:
    """Return the requested autoscaler, or None. Raises Problem when its bounds are crossed."""
    options = build.collector.autoscaling
    if not options or options.get("triggers"):
        return None
    bounds = read_replica_bounds(build)
    metrics = []
    for resource in ("cpu", "memory"):
        percent = options.get(f"{resource}_percent")
        if percent:
            target = {"type": "Utilization", "averageUtilization": percent}
            metrics.append({"type": "Resource", "resource": {"name": resource, "target": target}})
    metrics += list_pod_metrics(build)
    spec = {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": SCALED_KINDS[build.collector.mode],
            "name": build.collector.name,
        },
        "minReplicas": bounds.min_replicas,
        "maxReplicas": bounds.max_replicas,
        "metrics": metrics,
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
    bounds = read_replica_bounds(build)
    version, kind = _COLLECTOR_KIND if collector.backend == "operator" else ("apps/v1", SCALED_KINDS[collector.mode])
    spec = {
        "scaleTargetRef": {"apiVersion": version, "kind": kind, "name": collector.name},
        "minReplicaCount": bounds.min_replicas,
        "maxReplicaCount": bounds.max_replicas,
        "triggers": options["triggers"],
    }
    if options.get("behavior"):
        spec["advanced"] = {"horizontalPodAutoscalerConfig": {"behavior": options["behavior"]}}
    return frame_manifest(build, "keda.sh/v1alpha1", "ScaledObject", spec=spec)


def render_autoscaler_field(build: CollectorBuild) -> dict[str, Any]:
    """Return the field `autoscaler` of the custom resource; no field without one, or if KEDA scales the collector."""
    options = build.collector.autoscaling
    if not options or options.get("triggers"):
        return {}
    bounds = read_replica_bounds(build)
    autoscaler = {
        "minReplicas": bounds.min_replicas,
        "maxReplicas": bounds.max_replicas,
        **omit_empty(
            targetCPUUtilization=options.get("cpu_percent") or None,
            targetMemoryUtilization=options.get("memory_percent") or None,
            metrics=list_pod_metrics(build),
            behavior=options.get("behavior"),
        ),
    }
    return {"autoscaler": autoscaler}


def read_replica_bounds(build: CollectorBuild) -> ReplicaBounds:
    """Return the bounds of the autoscaler. Raises Problem when they are crossed."""
    options = build.collector.autoscaling
    min_replicas, max_replicas = options["min_replicas"], options["max_replicas"]
    if min_replicas > max_replicas:
        wrong = f"collector '{build.collector.name}' has min_replicas {min_replicas} above max_replicas {max_replicas}"
        raise Problem(wrong, fix="Swap or raise them.")
    return ReplicaBounds(min_replicas, max_replicas)


def list_pod_metrics(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the metrics of pods: how full their queues are on average, in the unit in which the queues count."""
    percent = build.collector.autoscaling.get("queue_percent")
    if not percent:
        return []
    queue_target = {"type": "AverageValue", "averageValue": str(max(_sum_queue_capacity(build) * percent // 100, 1))}
    return [{"type": "Pods", "pods": {"metric": {"name": QUEUE_METRIC}, "target": queue_target}}]


def _sum_queue_capacity(build: CollectorBuild) -> int:
    """Return how much the queues of a pod hold together, in the unit in which they count.

    Raises Problem if there is no queue, if the queues count in different units, or if the size of one is unknown.
    """
    queues = _list_queues(build)
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


def _list_queues(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the settings `sending_queue` of all queues of a pod.

    An exporter has a queue for each signal of its pipelines, and none if no pipeline uses it.
    """
    exporters = mapping_at(build.config, "exporters")
    queues = []
    for name, signals in PipelineGraph.of(build.config).find_signals_by_id("exporters").items():
        settings = exporters.get(name)
        queue = settings.get("sending_queue") if isinstance(settings, dict) else None
        if isinstance(queue, dict) and queue.get("enabled") is not False:
            queues += [queue] * len(signals)
    return queues
