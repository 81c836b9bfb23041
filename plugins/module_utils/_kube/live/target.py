# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster a run goes to, and whether that is the expected one. Private."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP

from ..._otelcol.bounded.live.bounded_reads import file_text
from ..._otelcol.errors import Failure, Problem
from ..cluster_variables import WAYS
from .api_errors import explain, library, lost
from .cluster import NOT_ALLOWED, ApiError, Cluster
from .connect import connect, run
from .hidden import PARTLY_SECRET
from .kubeconfig import IN_CLUSTER, option
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


class ClusterNames(NamedTuple):
    """What the options call the cluster; empty if they give an address alone."""

    context: str = ""
    name: str = ""


def run_check(module: AnsibleModule) -> None:
    """Read the identity of the cluster, and leave the task."""

    def checked(params: dict[str, Any], role: str = "") -> dict[str, Any]:
        """Return the cluster to which the options of the collectors lead, or those of a role."""
        module_of_role = copy.copy(module)
        module_of_role.params = params
        return check(connect(module_of_role), names_of(params, os.environ), module.params["expected"], role)

    def work() -> dict[str, Any]:
        own = checked(module.params)
        others, warnings = {}, []
        for role, params in targets(module.params).items():
            try:
                others[role] = checked(params, role)
            except (Problem, LostError) as error:
                if module.params["expected"]:
                    raise
                # The role itself fails if it runs. This playbook may not use it.
                problem = lost(error) if isinstance(error, LostError) else error
                warnings.append(f"The cluster of role {role} is unknown. {problem}")
        messages = [own["msg"], *(other.pop("msg") for other in others.values())]
        msg = " ".join(messages)
        for role, other in others.items():
            if differ(other, own):
                warnings.append(f"Role {role} goes to another cluster than the collectors. {msg}")
        return {**own, "msg": msg, "roles": others, "warnings": warnings}

    run(module, work)


def targets(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the connection options of each role with variables of its own, as the role's defaults complete them."""
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


def differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether these are two clusters: by their uids if both are known, otherwise by their servers."""
    key = "uid" if one["uid"] and other["uid"] else "server"
    return bool(one[key] != other[key])


def check(cluster: Cluster, names: ClusterNames, expected: str, role: str = "") -> dict[str, Any]:
    """Return the cluster of a run, or of one role in it. Raises Failure if another one is expected."""
    uid = _uid(cluster)
    described = _described(cluster, names, uid)
    facts = {"server": cluster.server, "context": names.context, "name": names.name, "uid": uid}
    if expected and expected not in (names.name, uid):
        *variables, last_variable = [f"{role or 'otel_collector'}{ending}" for ending in WAYS]
        with_role = f" with role {role}" if role else ""
        raise Failure(
            f"it is cluster {described}",
            asked=f"Go to the cluster {expected}{with_role}",
            where="otel_expected_cluster",
            fix=f"Name the right cluster ({', '.join(variables)} or {last_variable}), "
            "or give the name of this one or the uid of its namespace kube-system.",
            facts={**facts, "refused": True},
        )
    who = f"Role {role}" if role else "This run"
    return {"changed": False, "msg": f"{who} goes to cluster {described}.", **facts}


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


def _current_context(configs: list[Any]) -> Any:
    """Return the context that the first kubeconfig with one says is the current one, as YAML reads its name."""
    for config in configs:
        if config.get("current-context"):
            return config["current-context"]
    return ""


def _names_in(configs: list[Any], chosen: str | None) -> ClusterNames:
    """Return the names of a context, or of the current one: the first kubeconfig that has it counts."""
    context = chosen or _current_context(configs)
    for config in configs:
        for entry in config.get("contexts") or []:
            if entry["name"] == context:
                return ClusterNames(context, entry["context"]["cluster"])
    return ClusterNames(context, "")


def names_of(params: Mapping[str, Any], environ: Mapping[str, str]) -> ClusterNames:
    """Return the names of the cluster: those of the kubeconfig, or that of the EKS cluster."""
    if params.get("eks_cluster"):
        return ClusterNames(name=params["eks_cluster"]["name"])
    given = {name: option(params, environ, name, alias) for alias, name in AUTH_ARG_MAP.items()}
    names_kubeconfig = given["kubeconfig"] or given["context"]
    is_in_cluster = environ.get(IN_CLUSTER) and not names_kubeconfig
    if given["host"] or is_in_cluster:
        return ClusterNames()
    try:
        configs = _configs(given["kubeconfig"] or environ.get("KUBECONFIG") or "~/.kube/config")
        return _names_in(configs, given["context"])
    except (OSError, LookupError, TypeError, AttributeError, ValueError):
        return ClusterNames(given["context"] or "")  # the connection says what is wrong with the kubeconfig


def _configs(given: Any) -> list[dict[str, Any]]:
    """Return the kubeconfigs that an option names: it is one, or has the paths of some. Raises ValueError."""
    if isinstance(given, dict):
        return [given]
    yaml = library("yaml", "PyYAML")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    paths = [Path(name).expanduser() for name in str(given).split(os.pathsep) if name]
    try:
        return [yaml.load(file_text(path), Loader=loader) or {} for path in paths if path.exists()]
    except yaml.YAMLError as error:
        raise ValueError from error
