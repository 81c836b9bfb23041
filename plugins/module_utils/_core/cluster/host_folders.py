# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workload writes to and no other may at the same time: folders of the nodes, and claims. Private.

An agent locks the files of its state (extension file_storage); a second one that finds them locked does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.paths import at, items
from .operator_status import COLLECTOR


def written(workload: Mapping[str, Any]) -> set[str]:
    """Return the folders of nodes and the claims that the pods of a workload may write to."""
    spec = workload.get("spec") or {}
    pod = spec if workload.get("kind") == COLLECTOR else at(spec, ("template", "spec"), {})
    containers = [pod] if workload.get("kind") == COLLECTOR else items(pod, "containers")
    mounts = [mount for container in containers for mount in items(container, "volumeMounts")]
    names = {mount.get("name") for mount in mounts if not mount.get("readOnly")}
    sources = [_source(volume) for volume in items(pod, "volumes") if volume.get("name") in names]
    return {source for source in sources if source}


def _source(volume: Mapping[str, Any]) -> str:
    folder = at(volume, ("hostPath", "path"))
    claim = at(volume, ("persistentVolumeClaim", "claimName"))
    return f"folder {folder}" if folder else f"claim {claim}" if claim else ""
