# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of nodes and the claims that pods write to. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.operator_status import COLLECTOR
from .._otelcol.config.paths import at, items, section


def written_volumes(workload: Mapping[str, Any]) -> set[str]:
    """Return the host paths and volume claims that the pods of a workload can write to."""
    if workload.get("kind") == COLLECTOR:  # its spec has the fields of a pod and of its container
        pod = section(workload, "spec")
        containers = [pod]
    else:
        pod = section(workload, "spec", "template", "spec")
        containers = items(pod, "containers")
    writable = _writable_volumes(containers)
    sources = {_source(volume) for volume in items(pod, "volumes") if volume.get("name") in writable}
    return sources - {""}


def _writable_volumes(containers: Iterable[Mapping[str, Any]]) -> set[Any]:
    """Return the names of the volumes that some containers mount to write to them."""
    writable = set()
    for container in containers:
        for mount in items(container, "volumeMounts"):
            if not mount.get("readOnly"):
                writable.add(mount.get("name"))
    return writable


def _source(volume: Mapping[str, Any]) -> str:
    """Return the folder of the node or the claim of a volume, or an empty text for a volume of another kind."""
    folder = at(volume, ("hostPath", "path"))
    if folder:
        return f"folder {folder}"
    claim = at(volume, ("persistentVolumeClaim", "claimName"))
    return f"claim {claim}" if claim else ""
