# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own objects of a collector. Private.

They live and go with the collector, so they are of kinds that a later run looks for when it prunes, and in the
collector's namespace: its prune selector reads no other.
"""

from __future__ import annotations

from typing import Any

from ..._errors import Problem, near
from ..._kube.names import PART_LABEL
from .build import CollectorBuild, Manifest

# Namespaced kinds that are pruned, without workloads and collectors: those are what other options describe.
KINDS = (
    *("ConfigMap", "Secret", "Service", "ServiceAccount", "Role", "RoleBinding"),
    *("Ingress", "NetworkPolicy", "HTTPRoute", "GRPCRoute", "Route"),
    *("HorizontalPodAutoscaler", "PodDisruptionBudget", "PodMonitor", "ServiceMonitor", "Certificate", "Issuer"),
)


def manifests(build: CollectorBuild) -> list[Manifest]:
    """Return the objects with the labels of the collector, which a user's label cannot replace. Raises Problem."""
    return [_owned(build, index, item) for index, item in enumerate(build.collector.extra_manifests)]


def _owned(build: CollectorBuild, index: int, item: dict[str, Any]) -> Manifest:
    collector = build.collector
    metadata = item.get("metadata") or {}
    kind, namespace = str(item.get("kind") or ""), metadata.get("namespace", collector.namespace)
    faults = (
        (kind not in KINDS, f"has kind '{kind}'{near(kind, KINDS)}", f"Kinds: {', '.join(sorted(KINDS))}. {_APART}"),
        (not item.get("apiVersion"), "has no apiVersion", "Write the whole object."),
        (
            not metadata.get("name"),
            "has no metadata.name",
            "Give it a name; generateName would be a new one each time.",
        ),
        (
            namespace != collector.namespace,
            f"is of namespace {namespace}",
            f"Leave it out, or use {collector.namespace}.",
        ),
    )
    for holds, wrong, fix in faults:
        if holds:
            asked = f"collector '{collector.name}'"
            raise Problem(f"the object {wrong}", asked=asked, where=f"extra_manifests[{index}]", fix=fix)
    labels = {**(metadata.get("labels") or {}), **collector.object_labels, PART_LABEL: "extra"}
    return {**item, "metadata": {**metadata, "namespace": namespace, "labels": labels}}


_APART = "Apply others with kubernetes.core.k8s: this collection could not find them again to remove them."
