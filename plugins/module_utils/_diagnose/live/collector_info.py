# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the objects of a cluster that run collectors, have their configs, or open or shut their ports. Private.

Module collector_info returns them as they are: its caller checks the configs with the rules of module
pipeline_validate.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import list_if_allowed
from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect
from ..._kube.live.kinds import ApiResource, ApiResources
from ..._kube.live.task_end import run
from ..._otelcol.kube.objects import Manifest

# The API version and the kind of what is listed.
_LISTED_KINDS = (
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("opentelemetry.io/v1beta1", "OpenTelemetryCollector"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
)


def run_collector_info(module: AnsibleModule) -> None:
    """List the objects of the cluster that the options of the module name, and leave the task."""
    run(module, lambda: {"changed": False, **read_cluster_objects(connect(module))})


def read_cluster_objects(cluster: Cluster) -> dict[str, Any]:
    """Return the objects of all namespaces as `resources`, and `warnings` of kinds that this user may not list.

    A kind that the cluster does not have, such as a custom resource, has no objects.
    """
    api = ApiResources(cluster)
    kinds = [api.find_resource(version, kind) for version, kind in _LISTED_KINDS]
    served_kinds = [kind for kind in kinds if kind]
    listings = cluster.call_in_parallel(lambda kind: _list_kind(cluster, kind), served_kinds)
    objects: list[Manifest] = []
    warnings = []
    for kind, kind_objects in zip(served_kinds, listings, strict=True):
        if kind_objects is None:
            warnings.append(f"This user may not list {kind.plural} of all namespaces, so they are not checked")
        else:
            objects += kind_objects
    return {"resources": objects, "warnings": warnings}


def _list_kind(cluster: Cluster, kind: ApiResource) -> list[Manifest] | None:
    """Return the objects of a kind; None if this user may not list them.

    In a list, the API server leaves out `apiVersion` and `kind` of each object, so they are added here.
    """
    kind_fields = {"apiVersion": kind.api_version, "kind": kind.kind}
    return list_if_allowed(
        kind.plural, lambda: [{**manifest, **kind_fields} for manifest in cluster.items(kind.build_path())]
    )
