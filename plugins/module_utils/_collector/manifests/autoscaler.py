# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `autoscaling` of a collector: a HorizontalPodAutoscaler, or a ScaledObject of KEDA for triggers. Private.

Under the operator, the custom resource has a field `autoscaler` in place of the HorizontalPodAutoscaler.
`backends.py` lists the functions for objects, and `open_telemetry_collector.py` takes the field. Example:
`{min_replicas: 2, max_replicas: 5, cpu_percent: 70}` becomes a HorizontalPodAutoscaler with

    {minReplicas: 2, maxReplicas: 5, metrics: [{type: Resource, resource: {name: cpu, target: {…: 70}}}]}

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

# The Collector's own metric: how many requests, items or bytes wait in the queue of an exporter, in the queue's sizer.
QUEUE_METRIC = "otelcol_exporter_queue_size"
# The defaults of `sending_queue`. Source: NewDefaultQueueConfig of exporterhelper.
_DEFAULT_QUEUE_SIZE = 1000
# What a queue counts. Others are `items` and `bytes`.
_DEFAULT_SIZER = "requests"


class ReplicaBounds(NamedTuple):
    """The least and the largest number of replicas that an autoscaler may choose."""

    min_replicas: int
    max_replicas: int


def render_pod_autoscaler(build: CollectorBuild) -> Manifest | None:
    """Return the HorizontalPodAutoscaler; None if none is requested.

    Raises Problem for bounds that are crossed, and for one without metrics: Kubernetes would add the CPU.
    """
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
    if not metrics:
        wrong = f"collector '{build.collector.name}' has `autoscaling` and nothing that it follows"
        raise Problem(wrong, fix="Set `cpu_percent`, `memory_percent`, `queue_percent` or `triggers`.")
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
    """Return the ScaledObject, of which KEDA makes an autoscaler; None without triggers."""
    collector = build.collector
    options = collector.autoscaling
    if not options.get("triggers"):
        return None
    if options.get("queue_percent"):
        wrong = f"collector '{collector.name}' scales both on `triggers` and on `queue_percent`"
        raise Problem(wrong, fix="Remove `queue_percent`, and write a trigger for the queue, as docs/scaling.md shows.")
    bounds = read_replica_bounds(build)
    if collector.backend == "operator":
        scale_target = {"apiVersion": "opentelemetry.io/v1beta1", "kind": "OpenTelemetryCollector"}
    else:
        scale_target = {"apiVersion": "apps/v1", "kind": SCALED_KINDS[collector.mode]}
    spec = {
        "scaleTargetRef": {**scale_target, "name": collector.name},
        "minReplicaCount": bounds.min_replicas,
        "maxReplicaCount": bounds.max_replicas,
        "triggers": options["triggers"],
    }
    if options.get("behavior"):
        spec["advanced"] = {"horizontalPodAutoscalerConfig": {"behavior": options["behavior"]}}
    return frame_manifest(build, "keda.sh/v1alpha1", "ScaledObject", spec=spec)


def render_autoscaler_field(build: CollectorBuild) -> dict[str, Any]:
    """Return the field `autoscaler` as an entry of the custom resource's spec: `{"autoscaler": {…}}`.

    It is empty if no autoscaler is requested, or if KEDA scales the collector.
    """
    options = build.collector.autoscaling
    if not options or options.get("triggers"):
        return {}
    bounds = read_replica_bounds(build)
    autoscaler = {
        "minReplicas": bounds.min_replicas,
        "maxReplicas": bounds.max_replicas,
        # `or None`: a percentage of 0 turns the target off, and `omit_empty` would keep a 0.
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
    """Return the metrics of pods by which a collector is scaled: how much waits in the queues of a pod on average.

    With `queue_percent: 50` and two queues for 1000 requests each, there is one metric with the `averageValue` 1000.
    """
    percent = build.collector.autoscaling.get("queue_percent")
    if not percent:
        return []
    wanted_fill = max(_sum_queue_capacity(build) * percent // 100, 1)
    target = {"type": "AverageValue", "averageValue": str(wanted_fill)}
    return [{"type": "Pods", "pods": {"metric": {"name": QUEUE_METRIC}, "target": target}}]


def _sum_queue_capacity(build: CollectorBuild) -> int:
    """Return how much room the queues of a pod have together, in the unit in which they count.

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

    An exporter has a queue for each signal of its pipelines, so one in pipelines of traces and logs is here twice.
    """
    exporters = mapping_at(build.config, "exporters")
    queues = []
    for name, signals in PipelineGraph.of(build.config).find_signals_by_id("exporters").items():
        settings = exporters.get(name)
        queue = settings.get("sending_queue") if isinstance(settings, dict) else None
        if isinstance(queue, dict) and queue.get("enabled") is not False:
            queues += [queue] * len(signals)
    return queues
