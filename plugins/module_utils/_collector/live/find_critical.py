# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the critical components of a cluster: reads its workloads, and changes nothing. Private."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import explain, lost
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.outage import LostError
from ..._otelcol.errors import Problem
from ..critical.critical_found import STATIC_PODS, found_components, told

_ASKED = "Find the critical components of the cluster, since a collector has `components: detect`"
_LIST = "Or list the components, such as `components: [coredns, cert_manager]`."
_WORKLOADS = ("daemonsets", "deployments", "statefulsets")
_PODS = "/api/v1/namespaces/kube-system/pods"


def run_critical_component_info(module: AnsibleModule) -> None:
    run(module, lambda: {"changed": False, **read(module)})


def read(module: AnsibleModule) -> dict[str, Any]:
    """Return the names of the components. Raises Problem if the cluster does not answer, or refuses a list."""
    try:
        names = components_of(connect(module))
    except (Problem, LostError) as error:
        problem = lost(error) if isinstance(error, LostError) else error
        fix = f"{problem.fix} {_LIST}".strip()
        raise Problem(problem.wrong, asked=_ASKED, where=problem.where, fix=fix) from error
    return {"components": names, "msg": told(names)}


def components_of(cluster: Cluster) -> list[str]:
    """Return the names of the components. Raises Problem for a list that this user may not read."""
    lists = cluster.parallel(lambda plural: _listed(cluster, f"/apis/apps/v1/{plural}"), _WORKLOADS)
    pods = _listed(cluster, _PODS, {"labelSelector": STATIC_PODS})
    return found_components((workload for workloads in lists for workload in workloads), pods)


def _listed(cluster: Cluster, path: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    try:
        return list(cluster.items(path, query))
    except ApiError as error:
        raise explain(error, _ASKED) from error
