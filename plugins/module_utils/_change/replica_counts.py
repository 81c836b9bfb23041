# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of replicas of a workload that an autoscaler sets. Private.

The manifest of such a workload has no number, so that an apply does not undo what the autoscaler has set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.operator_status import COLLECTOR
from .._otelcol.config.paths import mapping_at
from .._otelcol.kube.objects import Manifest, ObjectRef, ref

AUTOSCALER = "HorizontalPodAutoscaler"


def is_scaled_by(workload: Manifest, autoscaler: Manifest) -> bool:
    """Return whether an autoscaler sets the number of replicas of a workload."""
    target = mapping_at(autoscaler, "spec", "scaleTargetRef")
    namespace = autoscaler["metadata"].get("namespace") or ""
    return ObjectRef(str(target.get("kind")), namespace, str(target.get("name"))) == ref(workload)


def find_autoscaled(manifests: Iterable[Manifest]) -> set[ObjectRef]:
    """Return the workloads whose replica count an autoscaler of the bundle sets."""
    manifest_list = list(manifests)
    autoscalers = [manifest for manifest in manifest_list if manifest["kind"] == AUTOSCALER]
    scaled_refs = set()
    for manifest in manifest_list:
        by_operator = manifest["kind"] == COLLECTOR and mapping_at(manifest, "spec").get("autoscaler")
        if by_operator or any(is_scaled_by(manifest, autoscaler) for autoscaler in autoscalers):
            scaled_refs.add(ref(manifest))
    return scaled_refs


def find_kept_replicas(manifest: Manifest, live: Manifest | None, manager: str) -> int | None:
    """Return the replica count to keep; None if nothing has to be kept.

    If a field manager applied the field before and its new manifest drops it, the server resets the count to one.
    Source: Kubernetes' docs on server-side apply, "Transferring ownership".
    """
    if live is None or "replicas" in mapping_at(manifest, "spec"):
        return None
    count: Any = mapping_at(live, "spec").get("replicas")
    if count is None or not any(_owns_replicas(entry, manager) for entry in _list_managed_fields(live)):
        return None
    return int(count)


def _list_managed_fields(live: Manifest) -> list[Mapping[str, Any]]:
    return live["metadata"].get("managedFields") or []


def _owns_replicas(entry: Mapping[str, Any], manager: str) -> bool:
    if (entry.get("manager"), entry.get("operation")) != (manager, "Apply"):
        return False
    return "f:replicas" in mapping_at(entry, "fieldsV1", "f:spec")
