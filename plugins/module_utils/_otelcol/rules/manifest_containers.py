# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What manifests show of the container with a collector: its environment, memory and mounts. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..config.paths import at, items, mappings, section
from ..errors import Problem
from ..kube.objects import may_be_together
from ..needs.quantities import parse_bytes

Object = Mapping[str, Any]
WORKLOADS = {"DaemonSet": "daemonset", "Deployment": "deployment", "StatefulSet": "statefulset"}
_MIB = 2**20


def workloads_in(stream: Iterable[Object]) -> Iterator[Object]:
    """Yield the workloads of a stream that may run a collector."""
    for candidate in stream:
        if candidate.get("kind") in WORKLOADS:
            yield candidate


def mounting_container(workload: Object, config_map: Object) -> Object | None:
    """Return the container of a workload that mounts a ConfigMap; None if none does."""
    if not may_be_together(workload, config_map):
        return None
    pod = section(workload, "spec", "template", "spec")
    name = at(config_map, ("metadata", "name"))
    volumes = {name_of(volume) for volume in mappings(pod, "volumes") if name in _config_map_names(volume)}
    volumes.discard(None)
    for container in mappings(pod, "containers"):
        if any(name_of(mount) in volumes for mount in mappings(container, "volumeMounts")):
            return container
    return None


def _config_map_names(volume: Object) -> Iterator[Any]:
    """Yield the names of the ConfigMaps that a volume has files of."""
    yield at(volume, ("configMap", "name"))
    for source in items(volume, "projected", "sources"):
        yield at(source, ("configMap", "name"))


def environment_of(container: Object) -> frozenset[str] | None:
    """Return the environment variables of a container; None if a ConfigMap or Secret provides some of them."""
    if container.get("envFrom"):
        return None
    return frozenset(str(variable.get("name")) for variable in mappings(container, "env"))


def memory_mib(container: Object) -> int | None:
    """Return the memory that a container may use, in MiB: 0 if nothing limits it, None if the limit is not readable."""
    limit = at(container, ("resources", "limits", "memory"), 0)
    try:
        return parse_bytes(str(limit)) // _MIB
    except Problem:
        return None


def mount_paths(container: Object) -> tuple[str, ...]:
    """Return the paths of all mounts of a container."""
    return tuple(str(mount["mountPath"]) for mount in _mounts_with_path(container))


def fleeting_paths(container: Object, pod: Object) -> tuple[str, ...]:
    """Return the paths of the mounts of a container whose volumes end with the pod."""
    fleeting = [volume.get("name") for volume in mappings(pod, "volumes") if "emptyDir" in volume]
    return tuple(str(mount["mountPath"]) for mount in _mounts_with_path(container) if mount.get("name") in fleeting)


def _mounts_with_path(container: Object) -> list[Object]:
    """Return the mounts of a container that say where they are."""
    return [mount for mount in mappings(container, "volumeMounts") if "mountPath" in mount]


def name_of(manifest: Object) -> str | None:
    """Return the valid name of a volume, mount or port, or None."""
    name = manifest.get("name")
    return name if isinstance(name, str) else None
