# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which new objects replace old ones, so that a collector always receives telemetry. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..collector.names import COLLECTOR_LABEL
from .bundle import Manifest, Ref, ref
from .host_ports import template_ports, written
from .operator_status import COLLECTOR

RUNS = ("Deployment", "DaemonSet", "StatefulSet", COLLECTOR)
AUTOSCALER = "HorizontalPodAutoscaler"


def replaces(new: Manifest, old: Manifest) -> bool:
    """Return whether a workload replaces another: both have the same collector label, or the old one has none."""
    if new["kind"] not in RUNS or old["kind"] not in RUNS or ref(new) == ref(old):
        return False
    if new["metadata"].get("namespace") != old["metadata"].get("namespace"):
        return False
    collector = _label(old)
    return collector in ("", _label(new))


def _label(manifest: Manifest) -> str:
    return str((manifest["metadata"].get("labels") or {}).get(COLLECTOR_LABEL) or "")


def goes_first(old: Manifest, group: Iterable[Manifest]) -> bool:
    """Return whether an old object must be deleted before a group is applied.

    Two workloads cannot share a host port or write to the same host path. An autoscaler would overwrite the replica
    count of a workload that now sets its own.
    """
    if old["kind"] == AUTOSCALER:
        return any(_scales(old, new) and "replicas" in (new.get("spec") or {}) for new in group)
    ports, folders = template_ports(old), written(old)
    return any(replaces(new, old) and (_share(ports, template_ports(new)) or folders & written(new)) for new in group)


def _share(held: Iterable[Any], wanted: Iterable[Any]) -> bool:
    others = list(wanted)
    return any(port.clashes(other) for port in held for other in others)


def _scales(autoscaler: Manifest, workload: Manifest) -> bool:
    target = (autoscaler.get("spec") or {}).get("scaleTargetRef") or {}
    namespace = autoscaler["metadata"].get("namespace") or ""
    return Ref(str(target.get("kind")), namespace, str(target.get("name"))) == ref(workload)


def awaited(old: Iterable[Manifest], manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the workloads of a bundle that must be ready before the old ones are deleted."""
    leaving = list(old)
    return [new for new in manifests if any(replaces(new, item) for item in leaving)]


def remade(manifest: Manifest, live: Manifest | None) -> bool:
    """Return whether an object must be recreated to change: the operator rejects a change of mode."""
    if manifest["kind"] != COLLECTOR or live is None:
        return False
    modes = [(item.get("spec") or {}).get("mode") or "deployment" for item in (manifest, live)]
    return modes[0] != modes[1]


def autoscaled(manifests: Iterable[Manifest]) -> set[Ref]:
    """Return the workloads whose replica count an autoscaler of the bundle sets."""
    given = list(manifests)
    scalers = [item for item in given if item["kind"] == AUTOSCALER]
    return {
        ref(item)
        for item in given
        if any(_scales(scaler, item) for scaler in scalers)
        or (item["kind"] == COLLECTOR and (item.get("spec") or {}).get("autoscaler"))
    }


def kept_replicas(manifest: Manifest, live: Manifest | None, manager: str) -> int | None:
    """Return the replica count to keep: the server resets it to one when its only field manager drops the field.

    Source: Kubernetes' docs on server-side apply, "Transferring ownership".
    """
    count: Any = ((live or {}).get("spec") or {}).get("replicas")
    if count is None or "replicas" in (manifest.get("spec") or {}):
        return None
    return int(count) if any(_owns(entry, manager) for entry in _entries(live or {})) else None


def _entries(live: Manifest) -> list[Mapping[str, Any]]:
    return live["metadata"].get("managedFields") or []


def _owns(entry: Mapping[str, Any], manager: str) -> bool:
    if (entry.get("manager"), entry.get("operation")) != (manager, "Apply"):
        return False
    return "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
