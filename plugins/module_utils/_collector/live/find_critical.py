# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the critical components of a cluster: reads its workloads, and changes nothing. Private.

Module critical_component_info calls it before a run that has `components: detect`. Example of a result:

    {"changed": False, "components": ["coredns", "apiserver"],
     "msg": "The cluster has coredns, apiserver. Not found: kube_proxy, …"}
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import as_problem, explain
from ..._kube.live.cluster import ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.outage import LostError
from ..._kube.live.task_end import run
from ..._otelcol.errors import Problem
from ..critical.critical_found import STATIC_PODS, describe_components, find_components

_REQUEST = "Find the critical components of the cluster, since a collector has `components: detect`"
_LIST_ADVICE = "Or list the components, such as `components: [coredns, cert_manager]`."
_WORKLOADS = ("daemonsets", "deployments", "statefulsets")
_SYSTEM_PODS_PATH = "/api/v1/namespaces/kube-system/pods"


def run_critical_component_info(module: AnsibleModule) -> None:
    """Run the module critical_component_info, and exit with its result or failure."""
    run(module, lambda: {"changed": False, **read_critical_components(module)})


def read_critical_components(module: AnsibleModule) -> dict[str, Any]:
    """Return the names of the components. Raises Problem if the cluster does not answer, or refuses a list."""
    try:
        component_names = find_critical_components(connect(module))
    except (Problem, LostError) as error:
        problem = as_problem(error)
        fix = f"{problem.fix} {_LIST_ADVICE}".strip()
        raise Problem(problem.wrong, asked=_REQUEST, where=problem.where, fix=fix) from error
    return {"components": component_names, "msg": describe_components(component_names)}


def find_critical_components(cluster: Cluster) -> list[str]:
    """Return the names of the components. Raises Problem for a list that this user may not read."""
    lists = cluster.call_in_parallel(lambda plural: _list_objects(cluster, f"/apis/apps/v1/{plural}"), _WORKLOADS)
    pods = _list_objects(cluster, _SYSTEM_PODS_PATH, {"labelSelector": STATIC_PODS})
    return find_components((workload for workloads in lists for workload in workloads), pods)


def _list_objects(cluster: Cluster, path: str, list_query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    try:
        return list(cluster.items(path, list_query))
    except ApiError as error:
        raise explain(error, _REQUEST) from error
