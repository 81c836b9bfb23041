# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources the autoscalers of manifests measure, and which containers request none of them.

An autoscaler divides what pods use by what they request. If a container requests nothing, it gets no number, and the
count of pods stays as it is. Source: "Horizontal Pod Autoscaling" in Kubernetes' documentation, and the operator's
internal/webhook/collector_webhook.go. Private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..config.paths import mapping_at, mappings_at, value_at
from ..kube.objects import may_share_namespace
from .manifest_containers import Object

_HPA = "HorizontalPodAutoscaler"
_UTILIZATION = "Utilization"
_DEFAULT_RESOURCES = ("cpu",)  # what an autoscaler without metrics measures
# The shares that the autoscaler of a custom resource may aim at, by resource.
_TARGET_KEYS = {"cpu": "targetCPUUtilization", "memory": "targetMemoryUtilization"}


def scales_workload(candidate: Object, workload: Object) -> bool:
    """Whether a manifest is an autoscaler of a workload, which is in the same namespace."""
    if candidate.get("kind") != _HPA:
        return False
    target = mapping_at(candidate, "spec", "scaleTargetRef")
    is_same_kind = target.get("kind") == workload.get("kind")
    is_named = is_same_kind and target.get("name") == value_at(workload, ("metadata", "name"))
    return is_named and may_share_namespace(candidate, workload)


def find_unrequested_resources(workload: Object, manifests: Iterable[Object]) -> tuple[str, ...]:
    """Return the resources whose share an autoscaler of a workload measures, and that a container does not request."""
    measured_names: list[str] = []
    for candidate in manifests:
        if scales_workload(candidate, workload):
            measured_names += _list_measured_resources(mapping_at(candidate, "spec"))
    containers = list(_list_running_containers(mapping_at(workload, "spec", "template", "spec")))
    return _filter_unrequested(measured_names, containers)


def find_unrequested_in_spec(spec: Object) -> tuple[str, ...]:
    """Return the same for the spec of a custom resource, whose autoscaler the operator makes."""
    autoscaler = mapping_at(spec, "autoscaler")
    if not autoscaler.get("maxReplicas"):  # without it, the operator makes no autoscaler
        return ()
    measured_names = [name for name, key in _TARGET_KEYS.items() if autoscaler.get(key)]
    if not measured_names and not autoscaler.get("metrics"):
        measured_names = list(_DEFAULT_RESOURCES)
    return _filter_unrequested(measured_names, [spec, *mappings_at(spec, "additionalContainers")])


def _list_running_containers(pod: Object) -> Iterator[Object]:
    """Yield the containers that run beside each other: those of the pod, and its sidecars."""
    yield from mappings_at(pod, "containers")
    for container in mappings_at(pod, "initContainers"):
        if container.get("restartPolicy") == "Always":
            yield container


def _list_measured_resources(spec: Object) -> Iterator[str]:
    """Yield the resources of which an autoscaler measures the share of what the whole pod requests."""
    if "targetCPUUtilizationPercentage" in spec or not spec.get("metrics"):
        yield from _DEFAULT_RESOURCES
    for metric in mappings_at(spec, "metrics"):
        is_share = value_at(metric, ("resource", "target", "type")) == _UTILIZATION
        if is_share and metric.get("type") == "Resource":
            yield str(value_at(metric, ("resource", "name")))


def _filter_unrequested(measured_names: Iterable[str], containers: Sequence[Object]) -> tuple[str, ...]:
    """Return the measured resources, each once, that one of the containers does not request."""
    return tuple(name for name in dict.fromkeys(measured_names) if not _is_requested_by_all(containers, name))


def _is_requested_by_all(containers: Iterable[Object], resource: str) -> bool:
    """Whether each container requests or limits a resource: a limit without a request is a request too."""
    for container in containers:
        resource_amounts = mapping_at(container, "resources")
        request = mapping_at(resource_amounts, "requests").get(resource)
        limit = mapping_at(resource_amounts, "limits").get(resource)
        if request is None and limit is None:
            return False
    return True
