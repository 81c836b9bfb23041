# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from manifests the container with a collector: its environment, memory and mounts. Private.

from_manifests.py asks here. What a manifest does not show is None. A fleeting path is the path of a mount whose volume
ends with the pod, as an emptyDir does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..config.paths import list_at, mapping_at, mappings_at, value_at
from ..errors import Problem
from ..kube.objects import may_share_namespace
from ..needs.quantities import parse_bytes

Object = Mapping[str, Any]
"""A manifest, or a part of one such as a container."""
MODE_BY_WORKLOAD_KIND = {"DaemonSet": "daemonset", "Deployment": "deployment", "StatefulSet": "statefulset"}
_MIB = 2**20


def list_workloads(manifests: Iterable[Object]) -> Iterator[Object]:
    """Yield the workloads that may run a collector."""
    for candidate in manifests:
        if candidate.get("kind") in MODE_BY_WORKLOAD_KIND:
            yield candidate


def find_mounting_container(workload: Object, config_map: Object) -> Object | None:
    """Return the container of a workload that mounts a ConfigMap; None if none does."""
    if not may_share_namespace(workload, config_map):
        return None
    pod_spec = mapping_at(workload, "spec", "template", "spec")
    config_map_name = value_at(config_map, ("metadata", "name"))
    volumes = {
        valid_name(volume)
        for volume in mappings_at(pod_spec, "volumes")
        if config_map_name in _list_config_map_names(volume)
    }
    volumes.discard(None)  # a mount without a name is not that of a volume without one
    for container in mappings_at(pod_spec, "containers"):
        if any(valid_name(mount) in volumes for mount in mappings_at(container, "volumeMounts")):
            return container
    return None


def _list_config_map_names(volume: Object) -> Iterator[Any]:
    """Yield the names of the ConfigMaps that a volume has files of."""
    yield value_at(volume, ("configMap", "name"))
    for source in list_at(volume, "projected", "sources"):
        yield value_at(source, ("configMap", "name"))


def read_environment(container: Object) -> frozenset[str] | None:
    """Return the environment variables of a container; None if a ConfigMap or Secret provides some of them."""
    if container.get("envFrom"):
        return None
    return frozenset(str(variable.get("name")) for variable in mappings_at(container, "env"))


def read_memory_mib(container: Object) -> int | None:
    """Return the memory that a container may use, in MiB: 0 if nothing limits it, None if the limit is not readable."""
    limit = value_at(container, ("resources", "limits", "memory"), 0)  # a number of bytes, or a text such as `512Mi`
    try:
        return parse_bytes(str(limit)) // _MIB
    except Problem:
        return None


def list_mount_paths(container: Object) -> tuple[str, ...]:
    """Return the paths of all mounts of a container."""
    return tuple(str(mount["mountPath"]) for mount in _list_mounts_with_path(container))


def list_fleeting_paths(container: Object, pod_spec: Object) -> tuple[str, ...]:
    """Return the paths of the mounts of a container whose volumes end with the pod."""
    fleeting_names = [volume.get("name") for volume in mappings_at(pod_spec, "volumes") if "emptyDir" in volume]
    return tuple(
        str(mount["mountPath"]) for mount in _list_mounts_with_path(container) if mount.get("name") in fleeting_names
    )


def _list_mounts_with_path(container: Object) -> list[Object]:
    """Return the mounts of a container that say where they are."""
    return [mount for mount in mappings_at(container, "volumeMounts") if "mountPath" in mount]


def valid_name(manifest: Object) -> str | None:
    """Return the valid name of a volume, mount or port, or None."""
    name = manifest.get("name")
    return name if isinstance(name, str) else None
