# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Earlier configs of a collector: each is an immutable ConfigMap, which revisions of the workload name. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._kube.ownership import collector_of, label_of
from .._otelcol.config.paths import at, items, section
from .._otelcol.kube.names import PART_LABEL
from .._otelcol.kube.objects import Manifest, Ref, ref
from .._otelcol.kube.pod_references import sources
from .workload_kinds import WORKLOADS

_KIND = "ConfigMap"


def _is_config(manifest: Manifest) -> bool:
    return manifest["kind"] == _KIND and not label_of(manifest, PART_LABEL)


def earlier_configs(left: Iterable[Manifest], manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the configs among the leftovers of a bundle to which a workload of the bundle may go back."""
    collectors = {collector_of(manifest) for manifest in manifests if manifest["kind"] in WORKLOADS}
    collectors.discard("")
    return [manifest for manifest in left if _is_config(manifest) and collector_of(manifest) in collectors]


def renewed_collectors(manifests: Iterable[Manifest], live: Mapping[Ref, Manifest | None]) -> set[str]:
    """Return the collectors whose config is new to the cluster, as namespace and name.

    Earlier configs are deleted only with such a change. Controllers remove old revisions after a run, and a run that
    changes nothing must not find something to delete.
    """
    return {collector_of(config) for config in _new_configs(manifests, live)}


def predecessors(manifests: Iterable[Manifest], live: Mapping[Ref, Manifest | None]) -> dict[Ref, Ref]:
    """Return for each new config the one that it replaces: the live workload mounts it in the same volume."""
    given = list(manifests)
    new_configs = {config["metadata"]["name"]: ref(config) for config in _new_configs(given, live)}
    replaced = {}
    for workload in given:
        if workload["kind"] not in WORKLOADS:
            continue
        mounted_now = mounted(live.get(ref(workload)) or {})
        for volume, name in mounted(workload).items():
            if name in new_configs and volume in mounted_now:
                new_config = new_configs[name]
                replaced[new_config] = new_config._replace(name=mounted_now[volume])
    return replaced


def _new_configs(manifests: Iterable[Manifest], live: Mapping[Ref, Manifest | None]) -> list[Manifest]:
    """Return the configs among some manifests that the cluster does not have."""
    return [manifest for manifest in manifests if _is_config(manifest) and not live.get(ref(manifest))]


def mounted(workload: Manifest) -> dict[str, str]:
    """Return the ConfigMap of each volume of a workload."""
    config_of_volume = {}
    for volume in items(_pod(workload), "volumes"):
        config = at(volume, ("configMap", "name"))
        if config:
            config_of_volume[str(volume.get("name"))] = config
    return config_of_volume


def unnamed_configs(configs: Iterable[Manifest], collectors: set[str], revisions: Iterable[Manifest]) -> list[Manifest]:
    """Return the earlier configs of some collectors that no revision of a workload names."""
    named = set()
    for revision in revisions:
        namespace = str(at(revision, ("metadata", "namespace")))
        for source in sources(_pod(revision), {}):
            named.add(Ref(source.kind, namespace, source.name))
    return [config for config in configs if collector_of(config) in collectors and ref(config) not in named]


def _pod(revision: Manifest) -> dict[str, Any]:
    """Return the pod of a ReplicaSet, or of a ControllerRevision, which holds a patch of the workload."""
    return section(revision, "spec", "template", "spec") or section(revision, "data", "spec", "template", "spec")
