# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of nodes and the claims that pods write to. Private.

Two workloads that write to the same one cannot run beside each other (see replacement_order.py). A claim is
a PersistentVolumeClaim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.operator_status import COLLECTOR
from .._otelcol.config.paths import list_at, mapping_at, value_at


def list_written_volumes(workload: Mapping[str, Any]) -> set[str]:
    """Return what the pods of a workload can write to, as texts such as `folder /var/lib/otelcol` and `claim queue`."""
    if workload.get("kind") == COLLECTOR:  # its spec has the fields of a pod and of its container
        pod_spec = mapping_at(workload, "spec")
        containers = [pod_spec]
    else:
        pod_spec = mapping_at(workload, "spec", "template", "spec")
        containers = list_at(pod_spec, "containers")
    writable_names = _list_writable_names(containers)
    sources = {
        _describe_source(volume) for volume in list_at(pod_spec, "volumes") if volume.get("name") in writable_names
    }
    return sources - {""}


def _list_writable_names(containers: Iterable[Mapping[str, Any]]) -> set[Any]:
    """Return the names of the volumes that some containers mount to write to them."""
    writable_names = set()
    for container in containers:
        for mount in list_at(container, "volumeMounts"):
            if not mount.get("readOnly"):
                writable_names.add(mount.get("name"))
    return writable_names


def _describe_source(volume: Mapping[str, Any]) -> str:
    """Return the folder of the node or the claim of a volume, or an empty text for a volume of another kind."""
    folder = value_at(volume, ("hostPath", "path"))
    if folder:
        return f"folder {folder}"
    claim = value_at(volume, ("persistentVolumeClaim", "claimName"))
    return f"claim {claim}" if claim else ""
