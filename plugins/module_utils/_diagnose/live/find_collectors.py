# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the collectors to diagnose in a cluster, whoever deployed them, and their pods; and list them. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import listing
from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.kinds import ApiResource, ApiResources
from ..._kube.live.outage import LostError
from ..._kube.ownership import is_ours
from ..._kube.removal_command import BUILT_IN, removal
from ..._otelcol.config.paths import at, section
from ..._otelcol.errors import Problem
from ..._otelcol.kube import names
from ..._otelcol.kube.objects import Manifest
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
        return str(given or MODES.get((self.workload or {}).get("kind", ""), "deployment"))

    @property
    def pod(self) -> Object:
        """Return a pod that stands for all of them: one that exists, or the template."""
        ready = [pod for pod in self.pods if at(pod, ("status", "phase")) == "Running"]
        return next(iter([*ready, *self.pods]), section(self.workload, "spec", "template"))

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
    """Return the targets of the diagnosis; one that does not exist has no objects."""
    namespaces = list(dict.fromkeys(item["namespace"] for item in wanted))
    reader.read_ahead([(plural, namespace) for namespace in namespaces for plural in LISTED])
    targets = [target for item in wanted for target in _of_item(reader, item)]
    found = list({(target.namespace, target.kind, target.name): target for target in targets}.values())
    for target in found:
        target.pods = _pods(reader, target)
    return found


def _of_item(reader: ClusterReader, item: dict[str, Any]) -> list[DiagnosedTarget]:
    kind, name, namespace = item.get("kind") or "", item.get("name") or "", item["namespace"]
    if kind and kind not in PLURALS:
        fix = f"Use one of {', '.join(sorted(PLURALS))}, or leave it out."
        raise Problem(f"a collector is no {kind}", asked=f"Diagnose {namespace}/{name}", fix=fix)
    if not name and not item.get("selector"):
        raise Problem("there is neither a name nor a selector", asked=f"Diagnose in {namespace}", fix="Give one.")
    notes = Notes()
    candidates = _candidates(reader, namespace, kind, name, notes)
    targets = _without_owned([target for target in candidates if _fits(target, item)])
    return targets or [DiagnosedTarget(namespace, name or str(item.get("selector")), kind or "collector", notes=notes)]


def _without_owned(targets: list[DiagnosedTarget]) -> list[DiagnosedTarget]:
    """Leave out the workloads that the operator made for a custom resource among the targets."""
    customs = [target.custom for target in targets if target.custom]
    remaining = []
    for target in targets:
        is_made = not target.custom and any(owned(target.workload or {}, custom) for custom in customs)
        if not is_made:
            remaining.append(target)
    return remaining


def _candidates(reader: ClusterReader, namespace: str, kind: str, name: str, notes: Notes) -> Iterator[DiagnosedTarget]:
    for plural in (CUSTOM, *WORKLOADS):
        if kind and PLURALS[kind] != plural:
            continue
        listed = reader.listed(plural, namespace, notes)
        if listed is None and name:
            one = reader.one(plural, namespace, name, notes).value
            listed = [one] if one else []
        for item in listed or []:
            yield _target(reader, item) if plural == CUSTOM else _plain(item)


def _plain(item: Object) -> DiagnosedTarget:
    return DiagnosedTarget(item["metadata"]["namespace"], item["metadata"]["name"], item["kind"], workload=item)


def _target(reader: ClusterReader, custom: Object) -> DiagnosedTarget:
    """Return a custom resource with the workload that the operator made of it."""
    notes = Notes()
    namespace, name = custom["metadata"]["namespace"], custom["metadata"]["name"]
    children = [
        item
        for plural in WORKLOADS
        for item in reader.listed(plural, namespace, notes) or []
        if owned(item, custom) and labels_of(item).get(_ROLE) != _ALLOCATOR
    ]
    return DiagnosedTarget(namespace, name, custom["kind"], custom, children[0] if children else None, notes=notes)


def _fits(target: DiagnosedTarget, item: dict[str, Any]) -> bool:
    if item.get("name"):
        return bool(target.name == item["name"])
    wanted = dict(term.strip().partition("=")[::2] for term in str(item["selector"]).split(","))
    return wanted.items() <= labels_of(target.custom or target.workload or {}).items()


def _pods(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    if target.mode == "sidecar":
        return _with_sidecar(reader, target)
    pods = reader.listed("pods", target.namespace, target.notes) or []
    if not target.workload:
        return []
    replica_sets = reader.listed("replicasets", target.namespace, target.notes) or []
    owners = [target.workload, *(one for one in replica_sets if owned(one, target.workload))]
    own_pods = []
    for pod in pods:
        is_leaving = pod["metadata"].get("deletionTimestamp")
        if not is_leaving and any(owned(pod, owner) for owner in owners):
            own_pods.append(pod)
    return own_pods


def _with_sidecar(reader: ClusterReader, target: DiagnosedTarget) -> list[Object]:
    """Return the pods with this sidecar, which live where applications do; at least those of its own namespace."""
    label = restarts.injected_label(target.namespace, target.name)
    found = reader.labelled_pods(f"{restarts.INJECTED}={label}", target.notes)
    if found is not None:
        return found
    pods = reader.listed("pods", target.namespace, target.notes) or []
    return [pod for pod in pods if labels_of(pod).get(restarts.INJECTED) == label]


def unlisted(reader: ClusterReader, wanted: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the collectors of this collection in the namespaces of a diagnosis that no item of it names."""
    named = {(target.namespace, target.name) for item in wanted for target in _of_item(reader, item)}
    here = [
        (item["kind"], item["metadata"]["namespace"], item["metadata"]["name"], plural)
        for namespace in dict.fromkeys(item["namespace"] for item in wanted)
        for plural in (CUSTOM, *WORKLOADS)
        for item in reader.listed(plural, namespace, Notes()) or []
        if is_ours(item, [names.release(namespace, item["metadata"]["name"])], names.OWNER)
    ]
    return [
        {"kind": kind, "namespace": namespace, "name": name, "command": removal(namespace, name, [plural, *BUILT_IN])}
        for kind, namespace, name, plural in here
        if (namespace, name) not in named
    ]


# Workloads, ConfigMaps and custom resources of the operator, and what shuts the ports of their pods.
INFO_KINDS = (
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("opentelemetry.io/v1beta1", "OpenTelemetryCollector"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
)


def run_collector_info(module: AnsibleModule) -> None:
    run(module, lambda: {"changed": False, **read(connect(module))})


def read(cluster: Cluster) -> dict[str, Any]:
    """Return the objects of all namespaces. A kind that this user may not list is warned of; there may be none."""
    api = ApiResources(cluster)
    served = [api.find(*kind) for kind in INFO_KINDS]
    resources = [resource for resource in served if resource]
    listings = cluster.parallel(lambda resource: _listed(cluster, resource), resources)
    objects: list[Object] = []
    warnings = []
    for resource, listed in zip(resources, listings, strict=True):
        if listed is None:
            warnings.append(f"This user may not list {resource.plural} of all namespaces, so they are not checked")
        else:
            objects += listed
    return {"resources": objects, "warnings": warnings}


def _listed(cluster: Cluster, resource: ApiResource) -> list[Manifest] | None:
    named = {"apiVersion": resource.api_version, "kind": resource.kind}
    return listing(resource.plural, lambda: [{**item, **named} for item in cluster.items(resource.path())])
