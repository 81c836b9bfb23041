# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources the autoscalers of manifests measure, and which containers request none of them.

An autoscaler divides what pods use by what they request. If a container requests nothing, it gets no number, and the
count of pods stays as it is. Source: "Horizontal Pod Autoscaling" in Kubernetes' documentation, and the operator's
internal/webhook/collector_webhook.go. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..config.paths import at, mappings, section

Object = Mapping[str, Any]
_HPA = "HorizontalPodAutoscaler"
_SHARE = "Utilization"
_DEFAULT = ("cpu",)  # what an autoscaler without metrics measures


def scales_workload(item: Object, workload: Object) -> bool:
    """Whether an object of a stream is an autoscaler of a workload."""
    target = section(item, "spec", "scaleTargetRef")
    names = (workload.get("kind"), at(workload, ("metadata", "name")))
    return item.get("kind") == _HPA and (target.get("kind"), target.get("name")) == names


def unrequested(workload: Object, stream: Iterable[Object]) -> tuple[str, ...]:
    """Return the resources whose share an autoscaler of a workload measures, and that a container does not request."""
    containers = list(_running(section(workload, "spec", "template", "spec")))
    measured = (one for item in stream if scales_workload(item, workload) for one in _measured(section(item, "spec")))
    return _missing(measured, containers)


def unrequested_by_resource(spec: Object) -> tuple[str, ...]:
    """Return the same for the spec of a custom resource, whose autoscaler the operator makes."""
    scaler = section(spec, "autoscaler")
    if not scaler.get("maxReplicas"):
        return ()
    targets = {"cpu": "targetCPUUtilization", "memory": "targetMemoryUtilization"}
    asked = [name for name, key in targets.items() if scaler.get(key)]
    return _missing(
        asked or ([] if scaler.get("metrics") else _DEFAULT), [spec, *mappings(spec, "additionalContainers")]
    )


def _running(pod: Object) -> Iterator[Object]:
    """Yield the containers that run beside each other: those of the pod, and its sidecars."""
    yield from mappings(pod, "containers")
    yield from (one for one in mappings(pod, "initContainers") if one.get("restartPolicy") == "Always")


def _measured(spec: Object) -> Iterator[str]:
    """Yield the resources of which an autoscaler measures the share of what the whole pod requests."""
    if "targetCPUUtilizationPercentage" in spec or not spec.get("metrics"):
        yield from _DEFAULT
    for metric in mappings(spec, "metrics"):
        if metric.get("type") == "Resource" and at(metric, ("resource", "target", "type")) == _SHARE:
            yield str(at(metric, ("resource", "name")))


def _missing(measured: Iterable[str], containers: Iterable[Object]) -> tuple[str, ...]:
    """Return what a container neither requests nor limits: Kubernetes requests what is limited."""
    found = list(containers)
    return tuple(name for name in dict.fromkeys(measured) if not all(_requests(one, name) for one in found))


def _requests(container: Object, name: str) -> bool:
    return any(section(container, "resources", part).get(name) is not None for part in ("requests", "limits"))
