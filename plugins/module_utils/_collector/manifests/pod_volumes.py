# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volumes of a collector's pods beside that of its config: for components, for state, and the user's. Private.

For example, recipe host_metrics of an agent has the volume `{name: hostfs, hostPath: {path: /}}`, and its container
mounts that at `/hostfs`. The claims of a StatefulSet are no volumes of the pod: `workload.py` has them.
"""

from __future__ import annotations

from typing import Any

from ..._otelcol.needs.needed_mounts import Mount
from ..options import Collector
from ..platform import Platform
from .build import CollectorBuild, omit_empty

STATE_VOLUME = "state"
# The folder of a node below which each agent has a folder for its state.
_STATE_FOLDER = "/var/lib/otelcol"


def list_volumes(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the volumes that follow from the config, and the user's."""
    collector = build.collector
    volumes = [{"name": mount.name, **mount.volume_source} for mount in build.needs.mounts]
    if build.needs.state_directories and collector.mode != "statefulset":
        volumes.append({"name": STATE_VOLUME, **_render_state_source(build)})
    volumes += [{"name": volume["name"], **volume["source"]} for volume in collector.volumes]
    return volumes


def _render_state_source(build: CollectorBuild) -> dict[str, Any]:
    """Return the source of the volume for state: a folder of the node for an agent, else one that ends with the pod."""
    if not keeps_state_on_node(build.collector, build.platform):
        return {"emptyDir": {}}
    path = f"{_STATE_FOLDER}/{build.collector.namespace}-{build.collector.name}"
    return {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}


def keeps_state_on_node(collector: Collector, platform: Platform) -> bool:
    """Return whether state is kept in a folder of the node, where it outlives the pod."""
    is_writable = platform.host_paths_writable and platform.allows_folder(_STATE_FOLDER)
    return collector.mode == "daemonset" and is_writable


def list_volume_mounts(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return where the container mounts the volumes of `list_volumes`, and those of a StatefulSet's claims."""
    mounts = [_render_needed_mount(mount) for mount in build.needs.mounts]
    mounts += [{"name": STATE_VOLUME, "mountPath": path} for path in build.needs.state_directories]
    for volume in build.collector.volumes:
        is_read_only = bool(volume.get("read_only", True))
        mounts.append({"name": volume["name"], "mountPath": volume["mount_path"], "readOnly": is_read_only})
    return mounts


def _render_needed_mount(mount: Mount) -> dict[str, Any]:
    """Return where the container mounts a volume that a component needs."""
    fields = {"name": mount.name, "mountPath": mount.path, "readOnly": mount.is_read_only}
    return {**fields, **omit_empty(mountPropagation=mount.propagation)}
