# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster a run goes to, and whether that is the expected one. Private."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import Failure, Problem
from ..cluster_variables import WAYS
from .api_errors import explain, lost
from .cluster import NOT_ALLOWED, ApiError, Cluster
from .cluster_names import ClusterNames, cluster_names
from .connect import connect, run
from .hidden import PARTLY_SECRET
from .outage import LostError

ARGUMENTS: dict[str, Any] = {
    "expected": {"default": ""},
    "roles": {"type": "dict", "default": {}, **PARTLY_SECRET},
    "inputs": {"type": "list", "elements": "str", "default": []},
    "switches": {"type": "dict", "default": {}},
    "inventory": {"type": "bool", "default": False},
}
# With a kubeconfig, the name of the EKS cluster is for AWS alone in these roles.
FOR_AWS = ("otel_operator", "otel_identity")
# Its uid is the usual identity of a cluster: it is made with the cluster, and nobody can delete it.
IDENTITY = "/api/v1/namespaces/kube-system"


def run_check(module: AnsibleModule) -> None:
    """Say to which cluster a run goes, and each role with a cluster of its own; then leave the task."""
    run(module, lambda: _check_all(module))


def _check_all(module: AnsibleModule) -> dict[str, Any]:
    """Return the cluster of the collectors, and those of roles. Raises Failure for one that is not the expected."""
    own = _check_one(module, module.params)
    by_role: dict[str, dict[str, Any]] = {}
    warnings = []
    for role, params in other_options(module.params).items():
        try:
            by_role[role] = _check_one(module, params, role)
        except (Problem, LostError) as error:
            if module.params["expected"]:
                raise
            # The role itself fails if it runs. This playbook may not use it.
            problem = lost(error) if isinstance(error, LostError) else error
            warnings.append(f"The cluster of role {role} is unknown. {problem}")
    msg = " ".join([own["msg"], *(found.pop("msg") for found in by_role.values())])
    for role, found in by_role.items():
        if are_two_clusters(found, own):
            warnings.append(f"Role {role} goes to another cluster than the collectors. {msg}")
    return {**own, "msg": msg, "roles": by_role, "warnings": warnings}


def _check_one(module: AnsibleModule, params: dict[str, Any], role: str = "") -> dict[str, Any]:
    """Return the cluster to which the options of the collectors lead, or those of a role."""
    module_of_role = copy.copy(module)  # kubernetes.core reads the options of a connection from a module
    module_of_role.params = params
    cluster, names = connect(module_of_role), cluster_names(params, os.environ)
    return _expected_cluster(cluster, names, module.params["expected"], role)


def other_options(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of each role whose connection is another one, as the role's defaults complete them.

    `params["roles"]` has variables of roles, such as `cert_manager_kubeconfig`. Raises Problem for one of them that
    names no cluster.
    """
    by_role: dict[str, dict[str, Any]] = {}
    for variable, value in sorted((params["roles"] or {}).items()):
        ending = _ending_of(variable)
        role = variable.removesuffix(ending)
        by_role.setdefault(role, dict(params))[WAYS[ending]] = value or None
    for role in FOR_AWS:
        if role in by_role and (by_role[role]["kubeconfig"] or by_role[role]["context"]):
            by_role[role]["eks_cluster"] = None
    different = {}
    for role, options in by_role.items():
        if any(options[way] != params[way] for way in WAYS.values()):
            different[role] = options
    return different


def _ending_of(variable: str) -> str:
    """Return how the name of a variable that names a cluster ends. Raises Problem for another variable."""
    for ending in WAYS:
        if variable.endswith(ending):
            return ending
    raise Problem(f"'{variable}' names no cluster", where="roles", fix=f"Variables end in {', '.join(WAYS)}.")


def are_two_clusters(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two results are of two clusters: by their uids if both are known, otherwise by their servers."""
    key = "uid" if one["uid"] and other["uid"] else "server"
    return bool(one[key] != other[key])


def _expected_cluster(cluster: Cluster, names: ClusterNames, expected: str, role: str) -> dict[str, Any]:
    """Return the cluster of a run, or of one role in it, as a result. Raises Failure if another one is expected.

    `expected` is a name or a uid. If it is empty, any cluster is right.
    """
    uid = _uid(cluster)
    described = _described(cluster, names, uid)
    facts = {"server": cluster.server, "context": names.context, "name": names.name, "uid": uid}
    if expected and expected not in (names.name, uid):
        raise _refusal(described, expected, role, facts)
    who = f"Role {role}" if role else "This run"
    return {"changed": False, "msg": f"{who} goes to cluster {described}.", **facts}


def _refusal(described: str, expected: str, role: str, facts: Mapping[str, Any]) -> Failure:
    """Return why a run does not go to a cluster that is not the expected one."""
    *variables, last_variable = [f"{role or 'otel_collector'}{ending}" for ending in WAYS]
    with_role = f" with role {role}" if role else ""
    return Failure(
        f"it is cluster {described}",
        asked=f"Go to the cluster {expected}{with_role}",
        where="otel_expected_cluster",
        fix=f"Name the right cluster ({', '.join(variables)} or {last_variable}), "
        "or give the name of this one or the uid of its namespace kube-system.",
        facts={**facts, "refused": True},
    )


def _described(cluster: Cluster, names: ClusterNames, uid: str) -> str:
    """Return what is known of a cluster, as part of a sentence."""
    described = f"{names.name or 'without a name'} at {cluster.server}"
    if names.context:
        described += f", context {names.context}"
    return f"{described}, uid {uid or 'unknown, since this user may not read the namespace kube-system'}"


def _uid(cluster: Cluster) -> str:
    """Return the uid of the namespace kube-system, which tells clusters apart; empty if this user may not read it."""
    try:
        namespace = cluster.get(IDENTITY) or {}
    except ApiError as error:
        if error.status == NOT_ALLOWED:
            return ""
        raise explain(error, "Find out which cluster this is") from error
    return str((namespace.get("metadata") or {}).get("uid") or "")
