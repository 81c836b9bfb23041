# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the collectors of a cluster that a user names, whoever deployed them, and their pods.

A collector is a custom resource of the OpenTelemetry operator, or a Deployment, DaemonSet or StatefulSet. The modules
that diagnose collectors, watch waves and capture telemetry find theirs here. For the entry

    {"namespace": "obs", "name": "gateway"}

`find_targets` returns `DiagnosedTarget("obs", "gateway", "OpenTelemetryCollector", custom_resource={…}, workload={…},
pods=[…])`: the target is one collector of the diagnosis. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from ..._kube.live.outage import LostError
from ..._kube.ownership import is_own_object
from ..._kube.release_names import collector_release
from ..._kube.removal_command import BUILT_IN_PLURALS, build_removal_command
from ..._otelcol.config.paths import mapping_at, value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._rollout import stale_sidecars
from ..._rollout.pod_revisions import is_owned_by
from ..pod_config import find_collector_container, find_sidecar_container
from ..result_rows import UnseenRow
from ..service_endpoints import read_labels
from .reader import KINDS, LISTED_PLURALS, ClusterReader, Notes, Object

Answer = TypeVar("Answer")
# The plurals of the kinds that a collector may be.
WORKLOADS = ("deployments", "daemonsets", "statefulsets")
CUSTOM_RESOURCES = "opentelemetrycollectors"
# These plurals by their kind, such as `daemonsets` by `DaemonSet`.
PLURALS = {kind: plural for plural, (_version, kind) in KINDS.items() if plural in (*WORKLOADS, CUSTOM_RESOURCES)}
# What the notes have instead of a plural for a collector that could not be read at all.
_WHOLE_COLLECTOR = "collector"
# How the inventory names a collector that is a workload of a kind.
MODE_BY_KIND = {"Deployment": "deployment", "DaemonSet": "daemonset", "StatefulSet": "statefulset"}
# The operator's label for the role of a workload. Source: internal/manifests/manifestutils of the operator.
_COMPONENT_LABEL = "app.kubernetes.io/component"
_ALLOCATOR = "opentelemetry-targetallocator"


@dataclass
class DiagnosedTarget:
    """One collector: its objects and its pods. Its notes say which of them could not be read, and why."""

    namespace: str
    name: str
    kind: str
    custom_resource: Object | None = None
    """The custom resource of the operator; None if the collector is none."""
    workload: Object | None = None
    """What runs its pods; None for a sidecar, and if it is not seen."""
    pods: list[Object] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)

    def without_objects(self) -> DiagnosedTarget:
        """Return the same target without its objects, which stands for a collector that cannot be diagnosed."""
        return DiagnosedTarget(self.namespace, self.name, self.kind, notes=self.notes)

    def list_hiding_parts(self) -> list[UnseenRow]:
        """Return the unseen parts because of which nobody knows whether a collector without objects exists.

        They are of the kinds that a collector may be, such as `deployments in obs`. What else could not be read, such
        as pods, says nothing about that.
        """
        return self.notes.build_rows_of_kinds((*PLURALS.values(), _WHOLE_COLLECTOR))

    @property
    def mode(self) -> str:
        """The mode as the inventory names it: `deployment`, `daemonset`, `statefulset` or `sidecar`."""
        configured_mode = value_at(self.custom_resource, ("spec", "mode")) if self.custom_resource else None
        if configured_mode:
            return str(configured_mode)
        kind = self.workload.get("kind", "") if self.workload else ""
        return MODE_BY_KIND.get(kind, "deployment")

    @property
    def representative_pod(self) -> Object:
        """A pod that stands for all of them: a running one, else any one, else the template of the workload."""
        for pod in self.pods:
            if value_at(pod, ("status", "phase")) == "Running":
                return pod
        if self.pods:
            return self.pods[0]
        return mapping_at(self.workload, "spec", "template")

    @property
    def pod_namespace(self) -> str:
        """The namespace of the representative pod. A sidecar is in the namespace of its application."""
        return str(value_at(self.representative_pod, ("metadata", "namespace"), self.namespace))

    @property
    def pod_namespaces(self) -> list[str]:
        """The namespaces of its pods. Pods with a sidecar are in the namespaces of their applications."""
        return sorted({pod["metadata"]["namespace"] for pod in self.pods}) or [self.namespace]

    @property
    def collector_container(self) -> Object:
        """The container of the collector in its pod; an empty mapping if there is none."""
        pod_spec = mapping_at(self.representative_pod, "spec")
        # The other containers of a pod with a sidecar are those of the application.
        return find_sidecar_container(pod_spec) if self.mode == "sidecar" else find_collector_container(pod_spec)


class _NamedCollectors(NamedTuple):
    """An entry of option `collectors`: the collectors of a namespace that a user means."""

    namespace: str
    kind: str
    """Empty for any kind."""
    name: str
    """Empty for those that the selector chooses."""
    selector: Any
    """A selector such as `app=gateway`; without effect if there is a name."""

    @property
    def plurals(self) -> Sequence[str]:
        """The plurals of the kinds that the collectors may be."""
        return (PLURALS[self.kind],) if self.kind else (CUSTOM_RESOURCES, *WORKLOADS)


def call_isolated(target: DiagnosedTarget, read_target: Callable[[DiagnosedTarget], Answer]) -> Answer:
    """Return the result of `read_target`. If it fails, note why, and return its result for a target without objects.

    So a collector that cannot be read stops the diagnosis of no other. Raises LostError for a cluster that is lost.
    """
    try:
        return read_target(target)
    except LostError:
        raise
    except Problem as problem:
        failure_text = str(problem)
    except Exception as error:
        failure_text = f"this failed with {type(error).__name__}; report it to the maintainers of o11y.opentelemetry"
    target.notes.note_unseen(_WHOLE_COLLECTOR, failure_text, _WHOLE_COLLECTOR)
    return read_target(target.without_objects())


def find_targets(reader: ClusterReader, collector_options: list[dict[str, Any]]) -> list[DiagnosedTarget]:
    """Return the collectors that a user names. A collector that does not exist is a target without objects.

    `collector_options` is option `collectors` of module collector_diagnose. Raises Problem for an entry that has
    neither a name nor a selector, or the kind of something else, and for a selector of sets.
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
    """Return the collectors of one entry of option `collectors`; a target without objects if there are none.

    Raises Problem for an entry without name and selector, for a kind that no collector has, and for a selector of
    sets.
    """
    named = _read_entry(collector_entry)
    notes = Notes()
    candidates = _find_candidates(reader, named, notes)
    selected_targets = [target for target in candidates if _is_selected(target, named)]
    targets = _drop_operator_workloads(selected_targets)
    if targets:
        return targets
    return [DiagnosedTarget(named.namespace, named.name or str(named.selector), named.kind or "collector", notes=notes)]


def _read_entry(collector_entry: Mapping[str, Any]) -> _NamedCollectors:
    """Return what an entry names. Raises Problem for a kind that no collector has, and without name and selector."""
    named = _NamedCollectors(
        namespace=collector_entry["namespace"],
        kind=collector_entry.get("kind") or "",
        name=collector_entry.get("name") or "",
        selector=collector_entry.get("selector") or "",
    )
    if named.kind and named.kind not in PLURALS:
        fix = f"Use one of {', '.join(sorted(PLURALS))}, or leave it out."
        raise Problem(f"a collector is no {named.kind}", asked=f"Diagnose {named.namespace}/{named.name}", fix=fix)
    if not named.name and not named.selector:
        raise Problem("there is neither a name nor a selector", asked=f"Diagnose in {named.namespace}", fix="Give one.")
    return named


def _drop_operator_workloads(targets: list[DiagnosedTarget]) -> list[DiagnosedTarget]:
    """Leave out the workloads that the operator made for a custom resource among the targets."""
    custom_resources = [target.custom_resource for target in targets if target.custom_resource]

    def is_operator_made(target: DiagnosedTarget) -> bool:
        return any(is_owned_by(target.workload or {}, custom) for custom in custom_resources)

    return [target for target in targets if target.custom_resource or not is_operator_made(target)]


def _find_candidates(reader: ClusterReader, named: _NamedCollectors, notes: Notes) -> Iterator[DiagnosedTarget]:
    """Yield the custom resources and workloads of a namespace, or those of one kind.

    If this user may not list a kind, yield only its object with this name.
    """
    for plural in named.plurals:
        manifests = reader.list_objects(plural, named.namespace, notes)
        if manifests is None and named.name:
            named_object = reader.read_object(plural, named.namespace, named.name, notes).value
            manifests = [named_object] if named_object else []
        for manifest in manifests or []:
            if plural == CUSTOM_RESOURCES:
                yield _make_custom_target(reader, manifest)
            else:
                yield _make_workload_target(manifest)


def _make_workload_target(workload: Object) -> DiagnosedTarget:
    """Return the target of a workload. No operator is known to have made it."""
    metadata = workload["metadata"]
    return DiagnosedTarget(metadata["namespace"], metadata["name"], workload["kind"], workload=workload)


def _make_custom_target(reader: ClusterReader, custom_resource: Object) -> DiagnosedTarget:
    """Return the target of a custom resource, with the workload that the operator made of it."""
    metadata = custom_resource["metadata"]
    target = DiagnosedTarget(metadata["namespace"], metadata["name"], custom_resource["kind"], custom_resource)
    for plural in WORKLOADS:
        for workload in reader.list_objects(plural, target.namespace, target.notes) or []:
            # The operator makes the target allocator of the same custom resource, and it is no collector.
            is_allocator = read_labels(workload).get(_COMPONENT_LABEL) == _ALLOCATOR
            if not target.workload and is_owned_by(workload, custom_resource) and not is_allocator:
                target.workload = workload
    return target


def _is_selected(target: DiagnosedTarget, named: _NamedCollectors) -> bool:
    """Return whether a collector has the name; without a name, whether it has the labels of the selector."""
    if named.name:
        return bool(target.name == named.name)
    wanted_labels = _parse_selector(str(named.selector))
    labels = read_labels(target.custom_resource or target.workload or {})
    return wanted_labels.items() <= labels.items()


def _parse_selector(selector: str) -> dict[str, str]:
    """Return the labels of a selector such as `app=gateway,team==obs`: of labels and values alone.

    It selects among objects that are read already, so no server judges it. Raises Problem for another selector.
    """
    labels = {}
    for term in selector.split(","):
        key, equals, value = term.partition("=")
        is_one_label = len(key.split()) == 1 and not key.rstrip().endswith("!")
        if not equals or not is_one_label:
            wrong = f"the selector '{selector}' has '{term.strip()}', which is other than a label and its value"
            fix = "Write labels with their values, such as `app=gateway,team=obs`."
            raise Problem(wrong, asked="Diagnose", fix=fix)
        labels[key.strip()] = value.removeprefix("=").strip()
    return labels


def list_own_pods(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods of a collector, without those that are being deleted."""
    list_all_pods = _list_sidecar_pods if target.mode == "sidecar" else _list_workload_pods
    own_pods = list_all_pods(reader, target)
    return [pod for pod in own_pods if not pod["metadata"].get("deletionTimestamp")]


def _list_workload_pods(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods that the workload of a collector owns."""
    pods = reader.list_objects("pods", target.namespace, target.notes) or []
    if not target.workload:
        return []
    # The pods of a Deployment belong to its ReplicaSets.
    owners = [target.workload]
    for replica_set in reader.list_objects("replicasets", target.namespace, target.notes) or []:
        if is_owned_by(replica_set, target.workload):
            owners.append(replica_set)
    return [pod for pod in pods if any(is_owned_by(pod, owner) for owner in owners)]


def _list_sidecar_pods(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods with this sidecar, of all namespaces; of its own alone if this user may not list all pods."""
    label = stale_sidecars.injected_label(target.namespace, target.name)
    labelled_pods = reader.list_labelled_pods(f"{stale_sidecars.INJECTED_LABEL}={label}", target.notes)
    if labelled_pods is not None:
        return labelled_pods
    pods = reader.list_objects("pods", target.namespace, target.notes) or []
    return [pod for pod in pods if read_labels(pod).get(stale_sidecars.INJECTED_LABEL) == label]


def find_unlisted_collectors(reader: ClusterReader, collector_options: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the collectors that this collection has applied to the namespaces of a diagnosis and that no entry names.

    Each is a row with its `kind`, `namespace` and `name`, and the `command` that removes it. Raises Problem as
    `find_targets` does.
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
                if (own_namespace, name) in named_collectors:
                    continue
                command = build_removal_command(own_namespace, name, [plural, *BUILT_IN_PLURALS])
                rows.append({"kind": manifest["kind"], "namespace": own_namespace, "name": name, "command": command})
    return rows


def _list_own_collectors(reader: ClusterReader, plural: str, namespace: str) -> Iterator[Object]:
    """Yield the collectors of one kind that this collection has applied to a namespace."""
    for manifest in reader.list_objects(plural, namespace, Notes()) or []:
        release = collector_release(namespace, manifest["metadata"]["name"])
        if is_own_object(manifest, [release], names.OWNER):
            yield manifest
