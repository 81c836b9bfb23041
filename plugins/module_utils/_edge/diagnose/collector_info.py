# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what runs collectors, and where their configs may be. Private."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._core.cluster.bundle import Manifest
from ..api.cluster import Cluster
from ..api.connect import connect
from ..api.explain import listing
from ..api.kinds import ApiResource, ApiResources
from ..api.translate import run

# Workloads and ConfigMaps that somebody wrote, and the custom resources of the operator.
KINDS = (
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("v1", "ConfigMap"),
    ("opentelemetry.io/v1beta1", "OpenTelemetryCollector"),
)


def run_collector_info(module: AnsibleModule) -> None:
    """Read, and leave the task."""
    run(module, lambda: {"changed": False, **read(connect(module))})


def read(cluster: Cluster) -> dict[str, Any]:
    """Return the objects of all namespaces. A kind that this user may not list is warned of; there may be none."""
    resources = [resource for kind in KINDS if (resource := ApiResources(cluster).find(*kind))]
    listed = cluster.parallel(lambda resource: _listed(cluster, resource), resources)
    denied = [resource.plural for resource, found in zip(resources, listed, strict=True) if found is None]
    warnings = [f"This user may not list {plural} of all namespaces, so they are not checked" for plural in denied]
    return {"resources": [item for found in listed for item in found or []], "warnings": warnings}


def _listed(cluster: Cluster, resource: ApiResource) -> list[Manifest] | None:
    named = {"apiVersion": resource.api_version, "kind": resource.kind}
    return listing(resource.plural, lambda: [{**item, **named} for item in cluster.items(resource.path())])
