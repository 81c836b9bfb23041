# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the objects of a cluster that run collectors, hold their configs, or open or shut their ports. Private."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import listing
from ..._kube.live.cluster import Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.kinds import ApiResource, ApiResources
from ..._otelcol.kube.objects import Manifest

# The API version and the kind of what is listed.
_KINDS = (
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
    run(module, lambda: {"changed": False, **read(connect(module))})


def read(cluster: Cluster) -> dict[str, Any]:
    """Return the objects of all namespaces as `resources`, and `warnings` of kinds that this user may not list.

    A kind that the cluster does not have, such as a custom resource, has no objects.
    """
    api = ApiResources(cluster)
    kinds = [api.find(version, kind) for version, kind in _KINDS]
    served_kinds = [kind for kind in kinds if kind]
    listings = cluster.parallel(lambda kind: _listed(cluster, kind), served_kinds)
    objects: list[Manifest] = []
    warnings = []
    for kind, listed in zip(served_kinds, listings, strict=True):
        if listed is None:
            warnings.append(f"This user may not list {kind.plural} of all namespaces, so they are not checked")
        else:
            objects += listed
    return {"resources": objects, "warnings": warnings}


def _listed(cluster: Cluster, kind: ApiResource) -> list[Manifest] | None:
    """Return the objects of a kind; None if this user may not list them. A list names the kind of no object."""
    named = {"apiVersion": kind.api_version, "kind": kind.kind}
    return listing(kind.plural, lambda: [{**manifest, **named} for manifest in cluster.items(kind.path())])
