# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scales a collector: a HorizontalPodAutoscaler, or a ScaledObject of KEDA for triggers. Private.

Sources: the API reference of autoscaling/v2; the specification of ScaledObject in KEDA's documentation; AutoscalerSpec
in the operator's apis/v1beta1, whose metrics of pods go beside its targets of CPU and memory.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.config.paths import section
from ..._otelcol.config.pipelines import PipelineGraph
from ..._otelcol.errors import Problem
from .build import CollectorBuild, Manifest, frame, present
from .workload import SCALED

_COLLECTOR = ("opentelemetry.io/v1beta1", "OpenTelemetryCollector")
# The Collector's own metric: how many requests, items or bytes wait in the queue of an exporter, in the queue's sizer.
QUEUE_METRIC = "otelcol_exporter_queue_size"
# The defaults of sending_queue. Source: NewDefaultQueueConfig of exporterhelper.
_SIZE, _SIZER = 1000, "requests"


def horizontal_pod_autoscaler(build: CollectorBuild) -> Manifest | None:
    """Return the requested autoscaler, or None. Raises Problem when its bounds are crossed."""
    options = build.collector.autoscaling
    if not options or options.get("triggers"):
        return None
    least, most = bounds(build)
    utilized = [_utilization(name, options.get(f"{name}_percent")) for name in ("cpu", "memory")]
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": SCALED[build.collector.mode], "name": build.collector.name},
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [*(metric for metric in utilized if metric), *of_pods(build)],
        **present(behavior=options.get("behavior")),
    }
    return frame(build, "autoscaling/v2", "HorizontalPodAutoscaler", spec=spec)


def scaled_object(build: CollectorBuild) -> Manifest | None:
    """Return the ScaledObject for triggers, or None. KEDA makes an autoscaler of it."""
    collector = build.collector
    options = collector.autoscaling
    if not options.get("triggers"):
        return None
    if options.get("queue_percent"):
        wrong = f"collector '{collector.name}' scales both on `triggers` and on `queue_percent`"
        raise Problem(wrong, fix="Remove `queue_percent`, and write a trigger for the queue, as docs/scaling.md shows.")
    least, most = bounds(build)
    version, kind = _COLLECTOR if collector.backend == "operator" else ("apps/v1", SCALED[collector.mode])
    behavior = {"horizontalPodAutoscalerConfig": {"behavior": options.get("behavior")}}
    spec = {
        "scaleTargetRef": {"apiVersion": version, "kind": kind, "name": collector.name},
        "minReplicaCount": least,
        "maxReplicaCount": most,
        "triggers": options["triggers"],
        **(present(advanced=behavior) if options.get("behavior") else {}),
    }
    return frame(build, "keda.sh/v1alpha1", "ScaledObject", spec=spec)


def of_resource(build: CollectorBuild) -> dict[str, Any]:
    """Return the field `autoscaler` of the custom resource."""
    options = build.collector.autoscaling
    if not options or options.get("triggers"):
        return {}
    least, most = bounds(build)
    autoscaler = {
        "minReplicas": least,
        "maxReplicas": most,
        **present(
            targetCPUUtilization=options.get("cpu_percent") or None,
            targetMemoryUtilization=options.get("memory_percent") or None,
            metrics=of_pods(build),
            behavior=options.get("behavior"),
        ),
    }
    return {"autoscaler": autoscaler}


def bounds(build: CollectorBuild) -> tuple[int, int]:
    """Return the bounds of the autoscaler. Raises Problem when they are crossed."""
    options = build.collector.autoscaling
    least, most = options["min_replicas"], options["max_replicas"]
    if least > most:
        wrong = f"collector '{build.collector.name}' has min_replicas {least} above max_replicas {most}"
        raise Problem(wrong, fix="Swap or raise them.")
    return least, most


def of_pods(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the metrics of pods: how full their queues are on average, in the unit in which the queues count."""
    percent = build.collector.autoscaling.get("queue_percent")
    if not percent:
        return []
    target = {"type": "AverageValue", "averageValue": str(max(_capacity(build) * percent // 100, 1))}
    return [{"type": "Pods", "pods": {"metric": {"name": QUEUE_METRIC}, "target": target}}]


def _capacity(build: CollectorBuild) -> int:
    """Return how much the queues of a pod hold together. Raises Problem if that is unknown, or counted differently.

    An exporter has a queue for each signal of its pipelines, and none if no pipeline uses it.
    """
    queues = [
        settings["sending_queue"]
        for name, _signal in _exporting(build)
        if isinstance(settings := section(build.config, "exporters").get(name), dict)
        and isinstance(settings.get("sending_queue"), dict)
    ]
    queues = [queue for queue in queues if queue.get("enabled") is not False]
    asked, where = f"collector '{build.collector.name}'", "autoscaling.queue_percent"
    if not queues:
        wrong, fix = "no exporter of its config has a `sending_queue`", "Write one, or scale on memory."
        raise Problem(wrong, asked=asked, where=where, fix=fix)
    sizers = sorted({str(queue.get("sizer") or _SIZER) for queue in queues})
    if len(sizers) > 1:
        wrong = f"its queues count in {' and in '.join(sizers)}, and their metric is added up"
        raise Problem(wrong, asked=asked, where=where, fix="Give all queues the same `sizer`.")
    sizes = [queue.get("queue_size", _SIZE) for queue in queues]
    if not all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
        fix = "Write `queue_size` as a number: a variable is known only in the pod."
        raise Problem("the size of a queue is no number", asked=asked, where=where, fix=fix)
    return sum(sizes)


def _exporting(build: CollectorBuild) -> list[tuple[str, str]]:
    """Return each exporter of a pipeline with each signal that it gets."""
    exporting = PipelineGraph.of(build.config).signals_by_id("exporters")
    return [(name, signal) for name, signals in exporting.items() for signal in signals]


def _utilization(resource: str, percent: int | None) -> dict[str, Any] | None:
    if not percent:
        return None
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
