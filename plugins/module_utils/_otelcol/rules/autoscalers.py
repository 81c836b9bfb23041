# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources the autoscalers of manifests measure, and which containers request none of them.

An autoscaler divides what pods use by what they request. If a container requests nothing, it gets no number, and the
count of pods stays as it is. Source: "Horizontal Pod Autoscaling" in Kubernetes' documentation, and the operator's
internal/webhook/collector_webhook.go. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..config.paths import at, mappings, section
from ..kube.objects import may_be_together

Object = Mapping[str, Any]
_HPA = "HorizontalPodAutoscaler"
_SHARE = "Utilization"
_DEFAULT = ("cpu",)  # what an autoscaler without metrics measures
# The shares that the autoscaler of a custom resource may aim at, by resource.
_TARGETS = {"cpu": "targetCPUUtilization", "memory": "targetMemoryUtilization"}


def scales_workload(candidate: Object, workload: Object) -> bool:
    """Whether an object of a stream is an autoscaler of a workload, which is in the same namespace."""
    if candidate.get("kind") != _HPA:
        return False
    target = section(candidate, "spec", "scaleTargetRef")
    is_same_kind = target.get("kind") == workload.get("kind")
    is_named = is_same_kind and target.get("name") == at(workload, ("metadata", "name"))
    return is_named and may_be_together(candidate, workload)


def unrequested_resources(workload: Object, stream: Iterable[Object]) -> tuple[str, ...]:
    """Return the resources whose share an autoscaler of a workload measures, and that a container does not request."""
    measured: list[str] = []
    for candidate in stream:
        if scales_workload(candidate, workload):
            measured += _measured_resources(section(candidate, "spec"))
    containers = list(_running_containers(section(workload, "spec", "template", "spec")))
    return _without_request(measured, containers)


def unrequested_by_custom_resource(spec: Object) -> tuple[str, ...]:
    """Return the same for the spec of a custom resource, whose autoscaler the operator makes."""
    scaler = section(spec, "autoscaler")
    if not scaler.get("maxReplicas"):
        return ()
    measured = [name for name, key in _TARGETS.items() if scaler.get(key)]
    if not measured and not scaler.get("metrics"):
        measured = list(_DEFAULT)
    return _without_request(measured, [spec, *mappings(spec, "additionalContainers")])


def _running_containers(pod: Object) -> Iterator[Object]:
    """Yield the containers that run beside each other: those of the pod, and its sidecars."""
    yield from mappings(pod, "containers")
    for container in mappings(pod, "initContainers"):
        if container.get("restartPolicy") == "Always":
            yield container


def _measured_resources(spec: Object) -> Iterator[str]:
    """Yield the resources of which an autoscaler measures the share of what the whole pod requests."""
    if "targetCPUUtilizationPercentage" in spec or not spec.get("metrics"):
        yield from _DEFAULT
    for metric in mappings(spec, "metrics"):
        is_share = at(metric, ("resource", "target", "type")) == _SHARE
        if is_share and metric.get("type") == "Resource":
            yield str(at(metric, ("resource", "name")))


def _without_request(measured: Iterable[str], containers: Sequence[Object]) -> tuple[str, ...]:
    """Return the measured resources, each once, that one of the containers does not request."""
    return tuple(name for name in dict.fromkeys(measured) if not _all_request(containers, name))


def _all_request(containers: Iterable[Object], resource: str) -> bool:
    """Whether each container requests or limits a resource: Kubernetes requests what is limited."""
    for container in containers:
        amounts = section(container, "resources")
        requested = section(amounts, "requests").get(resource)
        limit = section(amounts, "limits").get(resource)
        if requested is None and limit is None:
            return False
    return True
