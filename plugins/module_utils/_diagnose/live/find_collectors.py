# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the collectors to diagnose in a cluster, whoever deployed them, and their pods. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ..._kube.live.outage import LostError
from ..._kube.ownership import is_own_object
from ..._kube.removal_command import BUILT_IN_PLURALS, build_removal_command
from ..._otelcol.config.paths import mapping_at, value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._rollout import restarts
from ..._rollout.failures import is_owned_by
from ..pod_config import find_collector_container
from ..reach import read_labels
from .reader import KINDS, LISTED_PLURALS, ClusterReader, Notes, Object

Answer = TypeVar("Answer")
WORKLOADS = ("deployments", "daemonsets", "statefulsets")
CUSTOM_RESOURCES = "opentelemetrycollectors"
PLURALS = {kind: plural for plural, (_version, kind) in KINDS.items() if plural in (*WORKLOADS, CUSTOM_RESOURCES)}
MODE_BY_KIND = {"Deployment": "deployment", "DaemonSet": "daemonset", "StatefulSet": "statefulset"}
# The operator's label for the role of a workload. Source: internal/manifests/manifestutils of the operator.
_COMPONENT_LABEL, _ALLOCATOR = "app.kubernetes.io/component", "opentelemetry-targetallocator"


@dataclass
class DiagnosedTarget:
    """One collector: its objects, its pods, and what of it could not be seen."""

    namespace: str
    name: str
    kind: str
    custom_resource: Object | None = None
    workload: Object | None = None
    pods: list[Object] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def without_objects(self) -> DiagnosedTarget:
        """Return the same target without its objects, for one that cannot be diagnosed."""
        return DiagnosedTarget(self.namespace, self.name, self.kind, notes=self.notes)

    @property
    def mode(self) -> str:
        """Return the mode, in the words of this collection."""
        configured_mode = value_at(self.custom_resource, ("spec", "mode")) if self.custom_resource else None
        if configured_mode:
            return str(configured_mode)
        kind = self.workload.get("kind", "") if self.workload else ""
        return MODE_BY_KIND.get(kind, "deployment")

    @property
    def representative_pod(self) -> Object:
        """Return a pod that stands for all of them: one that exists, or the template."""
        for pod in self.pods:
            if value_at(pod, ("status", "phase")) == "Running":
                return pod
        return self.pods[0] if self.pods else mapping_at(self.workload, "spec", "template")

    @property
    def pod_namespace(self) -> str:
        """Return where the pod is: a sidecar lives where its application does."""
        return str(value_at(self.representative_pod, ("metadata", "namespace"), self.namespace))

    @property
    def pod_namespaces(self) -> list[str]:
        """Return where its pods are; those with a sidecar are where applications are."""
        return sorted({pod["metadata"]["namespace"] for pod in self.pods}) or [self.namespace]

    @property
    def collector_container(self) -> Object:
        """Return the container of the collector in its pod; an empty one if it has none."""
        return find_collector_container(mapping_at(self.representative_pod, "spec"))


def call_isolated(target: DiagnosedTarget, read_target: Callable[[DiagnosedTarget], Answer]) -> Answer:
    """Return what a call returns, for the bare target if it fails: one collector stops the diagnosis of no other."""
    try:
        return read_target(target)
    except LostError:
        raise
    except Exception as error:
        failure_text = f"this failed with {type(error).__name__}; report it to the maintainers of o11y.opentelemetry"
        target.notes.note_unseen("collector", str(error) if isinstance(error, Problem) else failure_text)
        return read_target(target.without_objects())


def find_targets(reader: ClusterReader, collector_options: list[dict[str, Any]]) -> list[DiagnosedTarget]:
    """Return the targets of the diagnosis; one that does not exist has no objects.

    `collector_options` is option `collectors` of module collector_diagnose. Raises Problem for an item that names no
    collector.
    """
    namespaces = list(dict.fromkeys(collector_entry["namespace"] for collector_entry in collector_options))
    reader.read_ahead([(plural, namespace) for namespace in namespaces for plural in LISTED_PLURALS])
    targets: dict[tuple[str, str, str], DiagnosedTarget] = {}
    for collector_entry in collector_options:
        for target in _find_named_targets(reader, collector_entry):
            targets[target.namespace, target.kind, target.name] = target
    for target in targets.values():
        target.pods = list_own_pods(reader, target)
    return list(targets.values())


def _find_named_targets(reader: ClusterReader, collector_entry: dict[str, Any]) -> list[DiagnosedTarget]:
    """Return the collectors of one entry of `collectors`; one without objects if there are none.

    Raises Problem for an entry without name and selector, and for a kind that no collector has.
    """
    kind, name, selector = (
        collector_entry.get("kind") or "",
        collector_entry.get("name") or "",
        collector_entry.get("selector") or "",
    )
    namespace = collector_entry["namespace"]
    if kind and kind not in PLURALS:
        fix = f"Use one of {', '.join(sorted(PLURALS))}, or leave it out."
        raise Problem(f"a collector is no {kind}", asked=f"Diagnose {namespace}/{name}", fix=fix)
    if not name and not selector:
        raise Problem("there is neither a name nor a selector", asked=f"Diagnose in {namespace}", fix="Give one.")
    notes = Notes()
    candidates = _find_candidates(reader, namespace, kind, name, notes)
    targets = _drop_operator_workloads([target for target in candidates if _is_selected(target, name, selector)])
    if targets:
        return targets
    return [DiagnosedTarget(namespace, name or str(selector), kind or "collector", notes=notes)]


def _drop_operator_workloads(targets: list[DiagnosedTarget]) -> list[DiagnosedTarget]:
    """Leave out the workloads that the operator made for a custom resource among the targets."""
    custom_resources = [target.custom_resource for target in targets if target.custom_resource]

    def is_operator_made(target: DiagnosedTarget) -> bool:
        return any(is_owned_by(target.workload or {}, custom) for custom in custom_resources)

    return [target for target in targets if target.custom_resource or not is_operator_made(target)]


def _find_candidates(
    reader: ClusterReader, namespace: str, kind: str, name: str, notes: Notes
) -> Iterator[DiagnosedTarget]:
    """Yield the custom resources and workloads of a namespace; by name what this user may not list."""
    plurals = (PLURALS[kind],) if kind else (CUSTOM_RESOURCES, *WORKLOADS)
    for plural in plurals:
        manifests = reader.list_objects(plural, namespace, notes)
        if manifests is None and name:
            named_object = reader.read_object(plural, namespace, name, notes).value
            manifests = [named_object] if named_object else []
        make_target = partial(_make_custom_target, reader) if plural == CUSTOM_RESOURCES else _make_workload_target
        for manifest in manifests or []:
            yield make_target(manifest)


def _make_workload_target(workload: Object) -> DiagnosedTarget:
    """Return a workload that no operator has made."""
    metadata = workload["metadata"]
    return DiagnosedTarget(metadata["namespace"], metadata["name"], workload["kind"], workload=workload)


def _make_custom_target(reader: ClusterReader, custom: Object) -> DiagnosedTarget:
    """Return a custom resource with the workload that the operator made of it."""
    target = DiagnosedTarget(custom["metadata"]["namespace"], custom["metadata"]["name"], custom["kind"], custom)
    for plural in WORKLOADS:
        for workload in reader.list_objects(plural, target.namespace, target.notes) or []:
            is_allocator = read_labels(workload).get(_COMPONENT_LABEL) == _ALLOCATOR
            if not target.workload and is_owned_by(workload, custom) and not is_allocator:
                target.workload = workload
    return target


def _is_selected(target: DiagnosedTarget, name: str, selector: Any) -> bool:
    """Return whether a collector has this name; without a name, whether it has the labels of the selector."""
    if name:
        return bool(target.name == name)
    return (
        _parse_selector(str(selector)).items() <= read_labels(target.custom_resource or target.workload or {}).items()
    )


def _parse_selector(selector: str) -> dict[str, str]:
    """Return the labels that a selector names, as KEY=VALUE with commas between them."""
    labels = {}
    for term in selector.split(","):
        key, _equals, value = term.strip().partition("=")
        labels[key] = value
    return labels


def list_own_pods(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods of a collector that are not going."""
    if target.mode == "sidecar":
        return _list_sidecar_pods(reader, target)
    pods = reader.list_objects("pods", target.namespace, target.notes) or []
    if not target.workload:
        return []
    owners = [target.workload]
    for replica_set in reader.list_objects("replicasets", target.namespace, target.notes) or []:
        if is_owned_by(replica_set, target.workload):
            owners.append(replica_set)
    current_pods = []
    for pod in pods:
        is_leaving = pod["metadata"].get("deletionTimestamp")
        if not is_leaving and any(is_owned_by(pod, owner) for owner in owners):
            current_pods.append(pod)
    return current_pods


def _list_sidecar_pods(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods with this sidecar, which live where applications do; at least those of its own namespace."""
    label = restarts.injected_label(target.namespace, target.name)
    labelled_pods = reader.list_labelled_pods(f"{restarts.INJECTED_LABEL}={label}", target.notes)
    if labelled_pods is not None:
        return labelled_pods
    pods = reader.list_objects("pods", target.namespace, target.notes) or []
    return [pod for pod in pods if read_labels(pod).get(restarts.INJECTED_LABEL) == label]


def find_unlisted_collectors(reader: ClusterReader, collector_options: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the collectors of this collection in the namespaces of a diagnosis that no item of it names.

    Each has the command that removes it. Raises Problem as `find` does.
    """
    named_collectors: set[tuple[str, str]] = set()
    for collector_entry in collector_options:
        for target in _find_named_targets(reader, collector_entry):
            named_collectors.add((target.namespace, target.name))
    rows = []
    for namespace in dict.fromkeys(collector_entry["namespace"] for collector_entry in collector_options):
        for plural in (CUSTOM_RESOURCES, *WORKLOADS):
            for manifest in _list_own_collectors(reader, plural, namespace):
                own_namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
                if (own_namespace, name) not in named_collectors:
                    command = build_removal_command(own_namespace, name, [plural, *BUILT_IN_PLURALS])
                    rows.append(
                        {"kind": manifest["kind"], "namespace": own_namespace, "name": name, "command": command}
                    )
    return rows


def _list_own_collectors(reader: ClusterReader, plural: str, namespace: str) -> Iterator[Object]:
    """Yield the collectors of one kind that this collection has applied to a namespace."""
    for manifest in reader.list_objects(plural, namespace, Notes()) or []:
        release = names.collector_release(namespace, manifest["metadata"]["name"])
        if is_own_object(manifest, [release], names.OWNER):
            yield manifest
