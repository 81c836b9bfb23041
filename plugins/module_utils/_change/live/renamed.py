# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for the collector that a new one was before its name changed. Private.

apply.py calls this, and earlier_names.py decides whether two collectors are the same: only their names differ. An
unlisted workload is one of this collection that the bundle does not have. The warning begins, for example:

    Deployment obs/gateway still runs, is not in the inventory, and has the config of Deployment obs/entry, which is new
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..._kube.live.kinds import PRUNED_KINDS, ApiResource, default_api_version
from ..._kube.ownership import read_label, read_release_label
from ..._kube.release_names import release_selector
from ..._otelcol.kube.names import COLLECTOR_LABEL
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..earlier_names import describe_renaming, find_unlisted_workloads, is_renamed, read_named_config
from ..workload_kinds import POD_RUNNING_KINDS
from .session import Session, list_objects

_CONFIGS = ApiResource("v1", "ConfigMap", "configmaps", is_namespaced=True)


def warn_of_earlier_names(session: Session, live_objects: Mapping[ObjectRef, Manifest | None]) -> None:
    """Warn of each collector that still runs under the name that a new one had. Without a new one, nothing is read."""
    for new_workload in session.options.manifests:
        if (
            new_workload["kind"] in POD_RUNNING_KINDS
            and read_label(new_workload, COLLECTOR_LABEL)
            and not live_objects[ref(new_workload)]
        ):
            session.report.warnings.extend(_find_renamings(session, new_workload))


def _find_renamings(session: Session, new_workload: Manifest) -> Iterator[str]:
    """Yield a warning for each collector that a new one may have been."""
    namespace = new_workload["metadata"]["namespace"]
    resource = session.resources.find_resource(default_api_version(new_workload["kind"]), new_workload["kind"])
    if resource is None:
        return
    live_workloads = list_objects(session, resource, namespace, {"labelSelector": COLLECTOR_LABEL}) or []
    unlisted_workloads = find_unlisted_workloads(
        live_workloads, session.options.manifests, session.options.field_manager
    )
    if not unlisted_workloads:
        return
    live_configs = list_objects(session, _CONFIGS, namespace, {"labelSelector": COLLECTOR_LABEL}) or []
    live_configs_by_name = _index_configs(live_configs, namespace)
    new_config = read_named_config(new_workload, _index_configs(session.options.manifests, namespace))
    for old_workload in unlisted_workloads:
        if is_renamed(read_named_config(old_workload, live_configs_by_name), new_config):
            yield describe_renaming(old_workload, new_workload, _list_plurals(session, old_workload))


def _index_configs(manifests: Iterable[Manifest], namespace: str) -> dict[str, Manifest]:
    """Return the ConfigMaps of a namespace among some objects, by name."""
    configs_by_name: dict[str, Manifest] = {}
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap" and manifest["metadata"]["namespace"] == namespace:
            configs_by_name[manifest["metadata"]["name"]] = manifest
    return configs_by_name


def _list_plurals(session: Session, old_workload: Manifest) -> list[str]:
    """Return of which kinds an earlier collector has objects, as far as this user may list them."""
    query = {"labelSelector": release_selector([read_release_label(old_workload)])}
    plurals = []
    for kind in PRUNED_KINDS:
        resource = session.resources.find_resource(default_api_version(kind), kind)
        if resource is None:
            continue
        namespace = old_workload["metadata"]["namespace"] if resource.is_namespaced else ""
        if list_objects(session, resource, namespace, query):
            plurals.append(resource.plural)
    return plurals
