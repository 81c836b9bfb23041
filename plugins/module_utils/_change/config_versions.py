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
from .replacement_order import WORKLOADS

_KIND = "ConfigMap"


def _is_config(item: Manifest) -> bool:
    return item["kind"] == _KIND and not label_of(item, PART_LABEL)


def earlier(left: Iterable[Manifest], manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the configs among the leftovers of a bundle to which a workload of the bundle may go back."""
    staying = {collector_of(item) for item in manifests if item["kind"] in WORKLOADS} - {""}
    return [item for item in left if _is_config(item) and collector_of(item) in staying]


def renewed(manifests: Iterable[Manifest], live: Mapping[Ref, Manifest | None]) -> set[str]:
    """Return the collectors whose config is new to the cluster, as namespace and name.

    Earlier configs are deleted only with such a change. Controllers remove old revisions after a run, and a run that
    changes nothing must not find something to delete.
    """
    return {collector_of(item) for item in manifests if _is_config(item) and not live.get(ref(item))}


def predecessors(manifests: Iterable[Manifest], live: Mapping[Ref, Manifest | None]) -> dict[Ref, Ref]:
    """Return for each new config the one that it replaces: the live workload mounts it in the same volume."""
    given = list(manifests)
    new = {item["metadata"]["name"]: ref(item) for item in given if _is_config(item) and not live.get(ref(item))}
    pairs = [(mounted(item), mounted(live.get(ref(item)) or {})) for item in given if item["kind"] in WORKLOADS]
    return {
        new[name]: new[name]._replace(name=old[volume])
        for wanted, old in pairs
        for volume, name in wanted.items()
        if name in new and volume in old
    }


def mounted(workload: Manifest) -> dict[str, str]:
    """Return the ConfigMap of each volume of a workload."""
    volumes = items(_pod(workload), "volumes")
    return {str(volume.get("name")): name for volume in volumes if (name := at(volume, ("configMap", "name")))}


def unnamed(configs: Iterable[Manifest], of: set[str], revisions: Iterable[Manifest]) -> list[Manifest]:
    """Return the earlier configs of some collectors that no revision of a workload names."""
    named = {
        (str(at(item, ("metadata", "namespace"))), source.name)
        for item in revisions
        for source in sources(_pod(item), {})
        if source.kind == _KIND
    }
    going = (item for item in configs if collector_of(item) in of)
    return [item for item in going if (item["metadata"]["namespace"], item["metadata"]["name"]) not in named]


def _pod(revision: Manifest) -> dict[str, Any]:
    """Return the pod of a ReplicaSet, or of a ControllerRevision, which holds a patch of the workload."""
    return section(revision, "spec", "template", "spec") or section(revision, "data", "spec", "template", "spec")
