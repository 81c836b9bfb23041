# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own objects of a collector. Private.

They live and go with the collector, so they are of kinds that a later run looks for when it prunes, and in the
collector's namespace: its prune selector reads no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..._otelcol.errors import Problem, near
from ..._otelcol.kube.names import PART_LABEL
from ..._otelcol.kube.objects import Ref, group_of, ref
from .build import CollectorBuild, Manifest

# Namespaced kinds that are pruned, and their API groups, without workloads and collectors: those are what other options
# describe. A kind of the same name in another group, such as Knative's Service, is none of them.
KINDS = {
    **dict.fromkeys(("ConfigMap", "Secret", "Service", "ServiceAccount"), ""),
    **dict.fromkeys(("Role", "RoleBinding"), "rbac.authorization.k8s.io"),
    **dict.fromkeys(("Ingress", "NetworkPolicy"), "networking.k8s.io"),
    **dict.fromkeys(("HTTPRoute", "GRPCRoute"), "gateway.networking.k8s.io"),
    "Route": "route.openshift.io",
    "HorizontalPodAutoscaler": "autoscaling",
    "PodDisruptionBudget": "policy",
    **dict.fromkeys(("PodMonitor", "PrometheusRule", "ServiceMonitor"), "monitoring.coreos.com"),
    **dict.fromkeys(("Certificate", "Issuer"), "cert-manager.io"),
    "TriggerAuthentication": "keda.sh",
}
_APART = "Apply others with kubernetes.core.k8s: this collection could not find them again to remove them."


def manifests(build: CollectorBuild, made: Sequence[Manifest], by_operator: Iterable[Ref] = ()) -> list[Manifest]:
    """Return the objects with the labels of the collector, which a user's label cannot replace.

    Raises Problem for one that could not be kept, or that is one of those that are `made` for the collector anyway, by
    this collection or by the operator.
    """
    taken = {ref(item): "the collector has already" for item in made}
    taken |= dict.fromkeys(by_operator, "the operator makes for the collector")
    return [_owned(build, index, item, taken) for index, item in enumerate(build.collector.extra_manifests)]


def _owned(build: CollectorBuild, index: int, item: dict[str, Any], taken: Mapping[Ref, str]) -> Manifest:
    collector = build.collector
    for wrong, fix in _faults(item, collector.namespace, taken):
        asked = f"collector '{collector.name}'"
        raise Problem(f"the object {wrong}", asked=asked, where=f"extra_manifests[{index}]", fix=fix)
    metadata = item["metadata"]
    labels = {**(metadata.get("labels") or {}), **collector.object_labels, PART_LABEL: "extra"}
    return {**item, "metadata": {**metadata, "namespace": collector.namespace, "labels": labels}}


def _faults(item: dict[str, Any], place: str, taken: Mapping[Ref, str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an object, each with its fix. A check may rely on those before it."""
    kind, metadata = str(item.get("kind") or ""), item.get("metadata") or {}
    yield from _faults_of_kind(kind, item.get("apiVersion"))
    if not isinstance(metadata, dict) or not isinstance(metadata.get("labels") or {}, dict):
        yield "has metadata or labels that are no mapping", "Write `metadata: {name: NAME, labels: {KEY: VALUE}}`."
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield "has no metadata.name", "Give it a name, as text; generateName would be a new one each time."
    if (metadata.get("namespace") or place) != place:
        yield f"is of namespace {metadata['namespace']}", f"Leave it out, or use {place}."
    if whose := taken.get(Ref(kind, place, metadata["name"])):
        yield f"is {kind} {metadata['name']}, which {whose}", "Give it another name."


def _faults_of_kind(kind: str, given: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the kind and the apiVersion of an object."""
    version = given if isinstance(given, str) else ""
    if kind not in KINDS:
        yield f"has kind '{kind}'{near(kind, KINDS)}", f"Kinds: {', '.join(sorted(KINDS))}. {_APART}"
    if not version:
        yield "has no apiVersion", "Write the whole object."
    if group_of(version) != KINDS[kind]:
        group = KINDS[kind] or "the core"
        yield f"is a {kind} of {version}, not of {group}", f"Correct the apiVersion. {_APART}"
