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
from ..._kube.ownership import is_ours
from ..._kube.removal_command import BUILT_IN, removal
from ..._otelcol.config.paths import at, section
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._rollout import restarts
from ..._rollout.failures import owned
from ..pod_config import collector_container
from ..reach import labels_of
from .reader import KINDS, LISTED, ClusterReader, Notes, Object

Answer = TypeVar("Answer")
WORKLOADS = ("deployments", "daemonsets", "statefulsets")
CUSTOM = "opentelemetrycollectors"
PLURALS = {kind: plural for plural, (_version, kind) in KINDS.items() if plural in (*WORKLOADS, CUSTOM)}
MODES = {"Deployment": "deployment", "DaemonSet": "daemonset", "StatefulSet": "statefulset"}
# The operator's label for the role of a workload. Source: internal/manifests/manifestutils of the operator.
_ROLE, _ALLOCATOR = "app.kubernetes.io/component", "opentelemetry-targetallocator"


@dataclass
class DiagnosedTarget:
    """One collector: its objects, its pods, and what of it could not be seen."""

    namespace: str
    name: str
    kind: str
    custom: Object | None = None
    workload: Object | None = None
    pods: list[Object] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def bare(self) -> DiagnosedTarget:
        """Return the same target without its objects, for one that cannot be diagnosed."""
        return DiagnosedTarget(self.namespace, self.name, self.kind, notes=self.notes)

    @property
    def mode(self) -> str:
        """Return the mode, in the words of this collection."""
        given = at(self.custom, ("spec", "mode")) if self.custom else None
        if given:
            return str(given)
        kind = self.workload.get("kind", "") if self.workload else ""
        return MODES.get(kind, "deployment")

    @property
    def pod(self) -> Object:
        """Return a pod that stands for all of them: one that exists, or the template."""
        for pod in self.pods:
            if at(pod, ("status", "phase")) == "Running":
                return pod
        return self.pods[0] if self.pods else section(self.workload, "spec", "template")

    @property
    def pod_namespace(self) -> str:
        """Return where the pod is: a sidecar lives where its application does."""
        return str(at(self.pod, ("metadata", "namespace"), self.namespace))

    @property
    def namespaces(self) -> list[str]:
        """Return where its pods are; those with a sidecar are where applications are."""
        return sorted({pod["metadata"]["namespace"] for pod in self.pods}) or [self.namespace]

    @property
    def container(self) -> Object:
        """Return the container of the collector in its pod; an empty one if it has none."""
        return collector_container(section(self.pod, "spec"))


def alone(target: DiagnosedTarget, call: Callable[[DiagnosedTarget], Answer]) -> Answer:
    """Return what a call returns, for the bare target if it fails: one collector stops the diagnosis of no other."""
    try:
        return call(target)
    except LostError:
        raise
    except Exception as error:
        failed = f"this failed with {type(error).__name__}; report it to the maintainers of o11y.opentelemetry"
        target.notes.add("collector", str(error) if isinstance(error, Problem) else failed)
        return call(target.bare())


def find(reader: ClusterReader, wanted: list[dict[str, Any]]) -> list[DiagnosedTarget]:
    """Return the targets of the diagnosis; one that does not exist has no objects.

    `wanted` is option `collectors` of module collector_diagnose. Raises Problem for an item that names no collector.
    """
    namespaces = list(dict.fromkeys(named["namespace"] for named in wanted))
    reader.read_ahead([(plural, namespace) for namespace in namespaces for plural in LISTED])
    targets: dict[tuple[str, str, str], DiagnosedTarget] = {}
    for named in wanted:
        for target in _named_targets(reader, named):
            targets[target.namespace, target.kind, target.name] = target
    for target in targets.values():
        target.pods = own_pods(reader, target)
    return list(targets.values())


def _named_targets(reader: ClusterReader, named: dict[str, Any]) -> list[DiagnosedTarget]:
    """Return the collectors of one entry of `collectors`; one without objects if there are none.

    Raises Problem for an entry without name and selector, and for a kind that no collector has.
    """
    kind, name, selector = named.get("kind") or "", named.get("name") or "", named.get("selector") or ""
    namespace = named["namespace"]
    if kind and kind not in PLURALS:
        fix = f"Use one of {', '.join(sorted(PLURALS))}, or leave it out."
        raise Problem(f"a collector is no {kind}", asked=f"Diagnose {namespace}/{name}", fix=fix)
    if not name and not selector:
        raise Problem("there is neither a name nor a selector", asked=f"Diagnose in {namespace}", fix="Give one.")
    notes = Notes()
    candidates = _candidates(reader, namespace, kind, name, notes)
    targets = _without_owned([target for target in candidates if _fits(target, name, selector)])
    if targets:
        return targets
    return [DiagnosedTarget(namespace, name or str(selector), kind or "collector", notes=notes)]


def _without_owned(targets: list[DiagnosedTarget]) -> list[DiagnosedTarget]:
    """Leave out the workloads that the operator made for a custom resource among the targets."""
    customs = [target.custom for target in targets if target.custom]

    def is_made(target: DiagnosedTarget) -> bool:
        return any(owned(target.workload or {}, custom) for custom in customs)

    return [target for target in targets if target.custom or not is_made(target)]


def _candidates(reader: ClusterReader, namespace: str, kind: str, name: str, notes: Notes) -> Iterator[DiagnosedTarget]:
    """Yield the custom resources and workloads of a namespace; by name what this user may not list."""
    plurals = (PLURALS[kind],) if kind else (CUSTOM, *WORKLOADS)
    for plural in plurals:
        listed = reader.listed(plural, namespace, notes)
        if listed is None and name:
            named_object = reader.one(plural, namespace, name, notes).value
            listed = [named_object] if named_object else []
        make_target = partial(_target, reader) if plural == CUSTOM else _plain
        for manifest in listed or []:
            yield make_target(manifest)


def _plain(workload: Object) -> DiagnosedTarget:
    """Return a workload that no operator has made."""
    metadata = workload["metadata"]
    return DiagnosedTarget(metadata["namespace"], metadata["name"], workload["kind"], workload=workload)


def _target(reader: ClusterReader, custom: Object) -> DiagnosedTarget:
    """Return a custom resource with the workload that the operator made of it."""
    target = DiagnosedTarget(custom["metadata"]["namespace"], custom["metadata"]["name"], custom["kind"], custom)
    for plural in WORKLOADS:
        for workload in reader.listed(plural, target.namespace, target.notes) or []:
            is_allocator = labels_of(workload).get(_ROLE) == _ALLOCATOR
            if not target.workload and owned(workload, custom) and not is_allocator:
                target.workload = workload
    return target


def _fits(target: DiagnosedTarget, name: str, selector: Any) -> bool:
    """Return whether a collector has this name; without a name, whether it has the labels of the selector."""
    if name:
        return bool(target.name == name)
    return _labels_in(str(selector)).items() <= labels_of(target.custom or target.workload or {}).items()


def _labels_in(selector: str) -> dict[str, str]:
    """Return the labels that a selector names, as KEY=VALUE with commas between them."""
    labels = {}
    for term in selector.split(","):
        key, _equals, value = term.strip().partition("=")
        labels[key] = value
    return labels


def own_pods(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods of a collector that are not going."""
    if target.mode == "sidecar":
        return _with_sidecar(reader, target)
    pods = reader.listed("pods", target.namespace, target.notes) or []
    if not target.workload:
        return []
    owners = [target.workload]
    for replica_set in reader.listed("replicasets", target.namespace, target.notes) or []:
        if owned(replica_set, target.workload):
            owners.append(replica_set)
    found = []
    for pod in pods:
        is_leaving = pod["metadata"].get("deletionTimestamp")
        if not is_leaving and any(owned(pod, owner) for owner in owners):
            found.append(pod)
    return found


def _with_sidecar(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods with this sidecar, which live where applications do; at least those of its own namespace."""
    label = restarts.injected_label(target.namespace, target.name)
    labelled_pods = reader.labelled_pods(f"{restarts.INJECTED}={label}", target.notes)
    if labelled_pods is not None:
        return labelled_pods
    pods = reader.listed("pods", target.namespace, target.notes) or []
    return [pod for pod in pods if labels_of(pod).get(restarts.INJECTED) == label]


def unlisted(reader: ClusterReader, wanted: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the collectors of this collection in the namespaces of a diagnosis that no item of it names.

    Each has the command that removes it. Raises Problem as `find` does.
    """
    known: set[tuple[str, str]] = set()
    for named in wanted:
        for target in _named_targets(reader, named):
            known.add((target.namespace, target.name))
    rows = []
    for namespace in dict.fromkeys(named["namespace"] for named in wanted):
        for plural in (CUSTOM, *WORKLOADS):
            for manifest in _own_collectors(reader, plural, namespace):
                place, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
                if (place, name) not in known:
                    command = removal(place, name, [plural, *BUILT_IN])
                    rows.append({"kind": manifest["kind"], "namespace": place, "name": name, "command": command})
    return rows


def _own_collectors(reader: ClusterReader, plural: str, namespace: str) -> Iterator[Object]:
    """Yield the collectors of one kind that this collection has applied to a namespace."""
    for manifest in reader.listed(plural, namespace, Notes()) or []:
        release = names.release(namespace, manifest["metadata"]["name"])
        if is_ours(manifest, [release], names.OWNER):
            yield manifest
