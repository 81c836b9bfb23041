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
from ..api.kinds import Place, Places
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
    places = [place for kind in KINDS if (place := Places(cluster).find(*kind))]
    listed = cluster.parallel(lambda place: _listed(cluster, place), places)
    denied = [place.plural for place, found in zip(places, listed, strict=True) if found is None]
    warnings = [f"This user may not list {plural} of all namespaces, so they are not checked" for plural in denied]
    return {"resources": [item for found in listed for item in found or []], "warnings": warnings}


def _listed(cluster: Cluster, place: Place) -> list[Manifest] | None:
    named = {"apiVersion": place.api_version, "kind": place.kind}
    return listing(place.plural, lambda: [{**item, **named} for item in cluster.items(place.path())])
