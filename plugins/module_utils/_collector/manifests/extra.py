# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Option `extra_manifests`: Kubernetes objects of the user that are deployed and removed with a collector. Private.

`backends.py` calls `label_extra_manifests`. Example: of collector `gateway` in namespace `otel`, the object

    {apiVersion: v1, kind: ConfigMap, metadata: {name: lookup}, data: {…}}

gets the namespace `otel` and the labels of the collector, by which a later run finds the object and removes it when it
is no longer in the option. That search, the pruning, looks for the kinds in `GROUP_BY_KIND` in the namespace of the
collector alone. So an object of another kind or namespace is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._kube.object_names import PART_LABEL
from ..._otelcol.errors import Problem, suggest_word
from ..._otelcol.kube.objects import ObjectRef, api_group, ref
from ..options import Collector
from .build import CollectorBuild, Manifest

# The kinds that an object may have, and their API groups; the group of the core is empty. They are the namespaced kinds
# that are pruned, without workloads and collectors, which other options describe. A kind of the same name in another
# group, such as Knative's Service, is none of them.
GROUP_BY_KIND = {
    "ConfigMap": "",
    "Secret": "",
    "Service": "",
    "ServiceAccount": "",
    "Role": "rbac.authorization.k8s.io",
    "RoleBinding": "rbac.authorization.k8s.io",
    "Ingress": "networking.k8s.io",
    "NetworkPolicy": "networking.k8s.io",
    "HTTPRoute": "gateway.networking.k8s.io",
    "GRPCRoute": "gateway.networking.k8s.io",
    "Route": "route.openshift.io",
    "HorizontalPodAutoscaler": "autoscaling",
    "PodDisruptionBudget": "policy",
    "PodMonitor": "monitoring.coreos.com",
    "PrometheusRule": "monitoring.coreos.com",
    "ServiceMonitor": "monitoring.coreos.com",
    "Certificate": "cert-manager.io",
    "Issuer": "cert-manager.io",
    "TriggerAuthentication": "keda.sh",
}
_OTHER_KINDS_ADVICE = "Apply others with kubernetes.core.k8s: this collection could not find them again to remove them."


@dataclass(frozen=True)
class _Fault:
    """Why an object cannot be one of the collector's."""

    wrong: str
    """The end of a sentence that begins with `the object`, such as `has no apiVersion`."""
    fix: str
    """What the user does about it, as a sentence."""


def label_extra_manifests(
    build: CollectorBuild, derived_manifests: Sequence[Manifest], operator_refs: Iterable[ObjectRef] = ()
) -> list[Manifest]:
    """Return the objects with the labels of the collector, which a user's label cannot replace.

    `derived_manifests` are the objects that this collection makes of the collector's other options, and `operator_refs`
    names those that the operator makes. Raises Problem for an object that has a fault, or that is one of these.
    """
    collector = build.collector
    # Who makes an object with this name already, as the part of a sentence: "ConfigMap x, which the operator makes …".
    owner_by_ref = {ref(manifest): "the collector has already" for manifest in derived_manifests}
    owner_by_ref |= dict.fromkeys(operator_refs, "the operator makes for the collector")
    labelled_manifests = []
    for index, extra_manifest in enumerate(collector.extra_manifests):
        fault = _find_fault(extra_manifest, collector.namespace, owner_by_ref)
        if fault:
            asked, where = f"collector '{collector.name}'", f"extra_manifests[{index}]"
            raise Problem(f"the object {fault.wrong}", asked=asked, where=where, fix=fault.fix)
        labelled_manifests.append(_label_manifest(extra_manifest, collector))
    return labelled_manifests


def _label_manifest(manifest: Mapping[str, Any], collector: Collector) -> Manifest:
    """Return an object with the namespace and the labels of the collector."""
    metadata = manifest["metadata"]
    labels = {**(metadata.get("labels") or {}), **collector.object_labels, PART_LABEL: "extra"}
    return {**manifest, "metadata": {**metadata, "namespace": collector.namespace, "labels": labels}}


def _find_fault(manifest: Mapping[str, Any], namespace: str, owner_by_ref: Mapping[ObjectRef, str]) -> _Fault | None:
    """Return the first fault of an object; None without any.

    `namespace` is that of the collector. `owner_by_ref` has the objects of the collector that are made anyway.
    """
    kind = str(manifest.get("kind") or "")
    return _find_kind_fault(kind, manifest.get("apiVersion")) or _find_metadata_fault(
        kind, manifest.get("metadata") or {}, namespace, owner_by_ref
    )


def _find_kind_fault(kind: str, api_version: Any) -> _Fault | None:
    """Return what is wrong with the kind or the apiVersion of an object; None if both are good."""
    version = api_version if isinstance(api_version, str) else ""
    if kind not in GROUP_BY_KIND:
        return _Fault(
            f"has kind '{kind}'{suggest_word(kind, GROUP_BY_KIND)}",
            f"Kinds: {', '.join(sorted(GROUP_BY_KIND))}. {_OTHER_KINDS_ADVICE}",
        )
    if not version:
        return _Fault("has no apiVersion", "Write the whole object.")
    if api_group(version) != GROUP_BY_KIND[kind]:
        group = GROUP_BY_KIND[kind] or "the core"
        return _Fault(f"is a {kind} of {version}, not of {group}", f"Correct the apiVersion. {_OTHER_KINDS_ADVICE}")
    return None


def _find_metadata_fault(
    kind: str, metadata: Any, namespace: str, owner_by_ref: Mapping[ObjectRef, str]
) -> _Fault | None:
    """Return what is wrong with the labels, the name or the namespace of an object; None if all are good."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("labels") or {}, dict):
        wrong = "has metadata or labels that are no mapping"
        return _Fault(wrong, "Write `metadata: {name: NAME, labels: {KEY: VALUE}}`.")
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        return _Fault("has no metadata.name", "Give it a name, as text; generateName would be a new one each time.")
    if (metadata.get("namespace") or namespace) != namespace:
        return _Fault(f"is of namespace {metadata['namespace']}", f"Leave it out, or use {namespace}.")
    owner = owner_by_ref.get(ObjectRef(kind, namespace, name))
    if owner:
        return _Fault(f"is {kind} {name}, which {owner}", "Give it another name.")
    return None
