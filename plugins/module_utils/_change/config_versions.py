# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Earlier configs of a collector: which stay, and which go. Private.

Each config is an immutable ConfigMap. A change of the config makes a new one with a name of its own. For example, a
Deployment whose config has changed twice:

    ReplicaSet gateway-1 mounts ConfigMap gateway-aaa
    ReplicaSet gateway-2 mounts ConfigMap gateway-bbb     (the last two are kept by `revisionHistoryLimit: 2`)
    ReplicaSet gateway-3 mounts ConfigMap gateway-ccc     (the current one)

A ReplicaSet, or a ControllerRevision of other workloads, is a *revision*: `kubectl rollout undo` goes back to one, so
the config that it mounts must stay. `live/stale_listing.py` deletes an earlier config once no revision mounts it any
more, and only in a run that brings a new config. A config is *new* if the cluster does not have it yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.object_names import PART_LABEL
from .._kube.ownership import read_collector_name, read_label
from .._otelcol.config.paths import list_at, mapping_at, value_at
from .._otelcol.kube.objects import Manifest, ObjectRef, ref
from .._otelcol.kube.pod_sources import list_sources
from .workload_kinds import WORKLOAD_KINDS

_CONFIG_KIND = "ConfigMap"


def _is_config(manifest: Manifest) -> bool:
    """Return whether an object is the config of a collector; its other ConfigMaps have the label of a part."""
    return manifest["kind"] == _CONFIG_KIND and not read_label(manifest, PART_LABEL)


def find_earlier_configs(stale_objects: Iterable[Manifest], manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the configs among the stale objects of a bundle to which a workload of the bundle may go back."""
    collectors = {read_collector_name(manifest) for manifest in manifests if manifest["kind"] in WORKLOAD_KINDS}
    collectors.discard("")
    return [
        manifest for manifest in stale_objects if _is_config(manifest) and read_collector_name(manifest) in collectors
    ]


def find_collectors_with_new_config(
    manifests: Iterable[Manifest], live_objects: Mapping[ObjectRef, Manifest | None]
) -> set[str]:
    """Return the collectors whose config is new to the cluster, as namespace and name.

    Earlier configs are deleted only with such a change. Controllers remove old revisions after a run, and a run that
    changes nothing must not find something to delete.
    """
    return {read_collector_name(config) for config in _find_new_configs(manifests, live_objects)}


def find_replaced_configs(
    manifests: Iterable[Manifest], live_objects: Mapping[ObjectRef, Manifest | None]
) -> dict[ObjectRef, ObjectRef]:
    """Return for each new config the one that it replaces: the live workload mounts it in the same volume."""
    manifest_list = list(manifests)
    new_configs = {ref(config) for config in _find_new_configs(manifest_list, live_objects)}
    replaced_configs = {}
    for workload in manifest_list:
        if workload["kind"] not in WORKLOAD_KINDS:
            continue
        workload_ref = ref(workload)
        live_mounts = map_mounted_configs(live_objects.get(workload_ref) or {})
        for volume, config_name in map_mounted_configs(workload).items():
            mounted_config = ObjectRef(_CONFIG_KIND, workload_ref.namespace, config_name)
            if mounted_config in new_configs and volume in live_mounts:
                replaced_configs[mounted_config] = mounted_config._replace(name=live_mounts[volume])
    return replaced_configs


def _find_new_configs(
    manifests: Iterable[Manifest], live_objects: Mapping[ObjectRef, Manifest | None]
) -> list[Manifest]:
    """Return the configs among some manifests that the cluster does not have."""
    return [manifest for manifest in manifests if _is_config(manifest) and not live_objects.get(ref(manifest))]


def map_mounted_configs(workload: Manifest) -> dict[str, str]:
    """Return the name of the ConfigMap of each volume of a workload, by the name of the volume."""
    config_by_volume = {}
    for volume in list_at(_find_pod_spec(workload), "volumes"):
        config_name = value_at(volume, ("configMap", "name"))
        if config_name:
            config_by_volume[str(volume.get("name"))] = config_name
    return config_by_volume


def find_unmounted_configs(
    configs: Iterable[Manifest], collectors: set[str], revisions: Iterable[Manifest]
) -> list[Manifest]:
    """Return the earlier configs of some collectors that no revision of a workload mounts."""
    mounted_refs = set()
    for revision in revisions:
        # A ConfigMap of the same name in another namespace is another one.
        namespace = str(value_at(revision, ("metadata", "namespace")))
        for source in list_sources(_find_pod_spec(revision), {}):
            mounted_refs.add(ObjectRef(source.kind, namespace, source.name))
    unmounted_configs = [config for config in configs if ref(config) not in mounted_refs]
    return [config for config in unmounted_configs if read_collector_name(config) in collectors]


def _find_pod_spec(revision: Manifest) -> dict[str, Any]:
    """Return the pod spec of a workload or a revision.

    A ReplicaSet has it below `spec`. A ControllerRevision holds a patch of the workload below `data`.
    """
    pod_spec = mapping_at(revision, "spec", "template", "spec")
    return pod_spec or mapping_at(revision, "data", "spec", "template", "spec")
