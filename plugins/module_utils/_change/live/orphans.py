# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warn of pods that run on after somebody has deleted their workload alone. Private.

`kubectl delete deployment gateway --cascade=orphan` deletes a Deployment, and leaves its ReplicaSets and pods without
an owner. Nothing else finds them, so `remove.py` calls this at the end of a removal.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..._kube.live.kinds import ApiResource
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.kube.objects import Manifest, ref
from ..workload_kinds import WORKLOAD_KINDS
from .session import Session, list_readable_objects

_ORPHAN_RESOURCES = (
    ApiResource("apps/v1", "ReplicaSet", "replicasets", is_namespaced=True),
    ApiResource("v1", "Pod", "pods", is_namespaced=True),
)


def warn_of_orphans(session: Session) -> None:
    """Warn of each ReplicaSet and pod without an owner that a workload of the bundle selects."""
    session.report.warnings.extend(map(_describe_orphan, _find_orphans(session)))


def _find_orphans(session: Session) -> Iterator[Manifest]:
    """Yield the ReplicaSets and pods without an owner that the selector of a workload of the bundle selects."""
    selectors_by_namespace: dict[str, list[dict[str, str]]] = {}
    for workload in session.options.manifests:
        if workload["kind"] in WORKLOAD_KINDS:
            pod_selector = mapping_at(workload, "spec", "selector", "matchLabels")
            selectors_by_namespace.setdefault(workload["metadata"]["namespace"], []).append(pod_selector)
    for namespace, selectors in sorted(selectors_by_namespace.items()):
        for resource in _ORPHAN_RESOURCES:
            for manifest in list_readable_objects(session, resource, namespace) or []:
                has_owner = bool(manifest["metadata"].get("ownerReferences"))
                if not has_owner and _is_selected(manifest, selectors):
                    yield manifest


def _is_selected(manifest: Manifest, selectors: list[dict[str, str]]) -> bool:
    """Return whether one of the selectors selects an object. An empty one would match any object, so it counts not."""
    labels = manifest["metadata"].get("labels") or {}
    return any(selector and selector.items() <= labels.items() for selector in selectors)


def _describe_orphan(manifest: Manifest) -> str:
    namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
    command = f"kubectl -n {namespace} delete {manifest['kind'].lower()} {name}"
    return f"{ref(manifest)} runs on: its workload was deleted without its pods. Delete it with `{command}`"
