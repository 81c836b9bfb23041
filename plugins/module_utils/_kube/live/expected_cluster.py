# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out to which cluster a run goes, and fail if it is not the expected one: module cluster_check. Private.

The playbooks of this collection call the module before they change anything. The user names the expected cluster with
`otel_expected_cluster`. A role may have a connection of its own, by variables such as `cert_manager_kubeconfig`; its
cluster is checked too. Messages are:

    This run goes to cluster production at https://10.0.0.1:6443, context prod, uid 8f6c….
    Go to the cluster production: it is cluster staging at https://10.0.0.2:6443, … (at otel_expected_cluster). …
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.errors import Failure, Problem
from ..cluster_variables import OPTIONS_BY_ENDING
from .api_errors import as_problem, explain
from .cluster import NOT_ALLOWED, ApiError, Cluster
from .cluster_names import ClusterNames, find_cluster_names
from .connect import connect
from .hidden import PARTLY_SECRET
from .outage import LostError
from .task_end import run

# The options of module cluster_check; `inputs`, `switches` and `inventory` are read by its action.
ARGUMENTS: dict[str, Any] = {
    "expected": {"default": ""},
    "roles": {"type": "dict", "default": {}, **PARTLY_SECRET},
    "inputs": {"type": "list", "elements": "str", "default": []},
    "switches": {"type": "dict", "default": {}},
    "inventory": {"type": "bool", "default": False},
}
# In these roles, the name of the EKS cluster is for calls of AWS too, such as those for an add-on of EKS. So they may
# have it beside a kubeconfig, which alone says then how they connect.
AWS_ROLES = ("otel_operator", "otel_identity")
# The namespace whose uid identifies a cluster: it is made with the cluster, and nobody can delete it.
IDENTITY_PATH = "/api/v1/namespaces/kube-system"


class TargetRow(TypedDict):
    """A cluster as the result of the module has it."""

    server: str
    context: str
    """The context of the kubeconfig; empty without one."""
    name: str
    """The name in the kubeconfig, or that of the EKS cluster; empty if the options give an address alone."""
    uid: str
    """The uid of the namespace kube-system; empty if this user may not read it."""


class _CheckedCluster(NamedTuple):
    """The cluster of the run or of a role, which is the expected one."""

    row: TargetRow
    msg: str
    """Such as `Role cert_manager goes to cluster production at https://10.0.0.1:6443, uid 8f6c….`"""


def run_check(module: AnsibleModule) -> None:
    """Run module cluster_check, and exit with its result or failure."""
    run(module, lambda: _check_all(module))


def _check_all(module: AnsibleModule) -> dict[str, Any]:
    """Return the result: the cluster of the collectors, and those of roles. Raises Failure for an unexpected one."""
    run_cluster = _check_connection(module, module.params)
    clusters_by_role: dict[str, _CheckedCluster] = {}
    warnings = []
    for role, params in find_other_options(module.params).items():
        try:
            clusters_by_role[role] = _check_connection(module, params, role)
        except (Problem, LostError) as error:
            # Whoever expects a cluster wants to be sure before anything changes.
            if module.params["expected"]:
                raise
            # Otherwise this is no reason to stop: this playbook may not use the role, and the role fails if it runs.
            problem = as_problem(error)
            warnings.append(f"The cluster of role {role} is unknown. {problem}")
    sentences = [run_cluster.msg]
    sentences += [role_cluster.msg for role_cluster in clusters_by_role.values()]
    msg = " ".join(sentences)
    for role, role_cluster in clusters_by_role.items():
        if are_two_clusters(role_cluster.row, run_cluster.row):
            warnings.append(f"Role {role} goes to another cluster than the collectors. {msg}")
    role_rows = {role: {"changed": False, **role_cluster.row} for role, role_cluster in clusters_by_role.items()}
    return {"changed": False, "msg": msg, **run_cluster.row, "roles": role_rows, "warnings": warnings}


def _check_connection(module: AnsibleModule, params: dict[str, Any], role: str = "") -> _CheckedCluster:
    """Connect with the options of the run or of a role, and return their cluster. Raises Failure for a wrong one."""
    # kubernetes.core reads the options of a connection from a module. So a copy of it has those of the role, and shares
    # all else with the module of the task, such as the secrets that no message shows.
    module_for_options = copy.copy(module)
    module_for_options.params = params
    cluster = connect(module_for_options)
    return _check_cluster(cluster, find_cluster_names(params, os.environ), module.params["expected"], role)


def find_other_options(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the connection options of each role that has another connection than the collectors.

    `params` are the options of the module. At `roles` they have variables of roles; an option that no variable sets is
    the same as for the collectors. For example:

        {"kubeconfig": "a.yml", "context": None, "roles": {"cert_manager_kubeconfig": "b.yml"}, …}
        → {"cert_manager": {"kubeconfig": "b.yml", "context": None, …}}

    Raises Problem for a variable that names no cluster.
    """
    other_by_role = {}
    for role, role_options in _complete_options(params).items():
        if role in AWS_ROLES and (role_options["kubeconfig"] or role_options["context"]):
            role_options["eks_cluster"] = None
        if any(role_options[option] != params[option] for option in OPTIONS_BY_ENDING.values()):
            other_by_role[role] = role_options
    return other_by_role


def _complete_options(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the options of each role of which a variable is there: those of the module, replaced by its variables.

    An empty variable replaces an option too, as in the defaults of the roles: the role then has no such option.
    """
    options_by_role: dict[str, dict[str, Any]] = {}
    for variable, value in sorted((params["roles"] or {}).items()):
        ending = _find_ending(variable)
        role_options = options_by_role.setdefault(variable.removesuffix(ending), dict(params))
        role_options[OPTIONS_BY_ENDING[ending]] = value or None
    return options_by_role


def _find_ending(variable: str) -> str:
    """Return the ending of a variable that names a cluster, such as `_kubeconfig`. Raises Problem for another one."""
    for ending in OPTIONS_BY_ENDING:
        if variable.endswith(ending):
            return ending
    raise Problem(
        f"'{variable}' names no cluster", where="roles", fix=f"Variables end in {', '.join(OPTIONS_BY_ENDING)}."
    )


def are_two_clusters(first_cluster: TargetRow, second_cluster: TargetRow) -> bool:
    """Return whether two clusters differ: by their uids if both are known, otherwise by their servers."""
    # One cluster may have several addresses, such as those of its load balancers, and one uid.
    if first_cluster["uid"] and second_cluster["uid"]:
        return first_cluster["uid"] != second_cluster["uid"]
    return first_cluster["server"] != second_cluster["server"]


def _check_cluster(cluster: Cluster, names: ClusterNames, expected: str, role: str) -> _CheckedCluster:
    """Ask a cluster for its uid, and return what is known of it. Raises Failure if another cluster is expected.

    `expected` is a name or a uid. If it is empty, any cluster is right. `role` is empty for the cluster of the run.
    """
    uid = _read_cluster_uid(cluster)
    description = _describe_cluster(cluster, names, uid)
    row: TargetRow = {"server": cluster.server, "context": names.context, "name": names.name, "uid": uid}
    if expected and expected not in (names.name, uid):
        raise _build_refusal(description, expected, role, row)
    subject = f"Role {role}" if role else "This run"
    return _CheckedCluster(row, f"{subject} goes to cluster {description}.")


def _build_refusal(description: str, expected: str, role: str, row: TargetRow) -> Failure:
    """Return the failure of a run whose cluster is not the expected one."""
    # The cluster of the run is that of role otel_collector.
    *variables, last_variable = [f"{role or 'otel_collector'}{ending}" for ending in OPTIONS_BY_ENDING]
    role_text = f" with role {role}" if role else ""
    return Failure(
        f"it is cluster {description}",
        asked=f"Go to the cluster {expected}{role_text}",
        where="otel_expected_cluster",
        fix=f"Name the right cluster ({', '.join(variables)} or {last_variable}), "
        "or give the name of this one or the uid of its namespace kube-system.",
        facts={**row, "refused": True},
    )


def _describe_cluster(cluster: Cluster, names: ClusterNames, uid: str) -> str:
    """Return the known names of a cluster, such as `production at https://10.0.0.1:6443, context prod, uid 8f6c…`."""
    description = f"{names.name or 'without a name'} at {cluster.server}"
    if names.context:
        description += f", context {names.context}"
    return f"{description}, uid {uid or 'unknown, since this user may not read the namespace kube-system'}"


def _read_cluster_uid(cluster: Cluster) -> str:
    """Return the uid of the namespace kube-system, which tells clusters apart; empty if this user may not read it."""
    try:
        namespace = cluster.get(IDENTITY_PATH) or {}
    except ApiError as error:
        if error.status == NOT_ALLOWED:
            return ""
        raise explain(error, "Find out which cluster this is") from error
    return str((namespace.get("metadata") or {}).get("uid") or "")
