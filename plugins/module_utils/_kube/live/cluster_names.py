# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the cluster to which the options of a task lead, such as that of its context. Private.

expected_cluster.py compares them with the names that the user expects, before anything is asked of the cluster. For
example, the option `context: shop` and a kubeconfig in which that context leads to the cluster `shop-eu` give
`ClusterNames(context="shop", name="shop-eu")`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_MAP

from ..._otelcol.bounded.live.bounded_reads import read_file_text
from .kubeconfig import IN_CLUSTER_VARIABLE, read_option
from .kubeconfig_paths import DEFAULT_PATH, expand_tilde
from .libraries import import_library


class ClusterNames(NamedTuple):
    """The context and the name of a cluster; both are empty if the options give an address alone."""

    context: str = ""
    name: str = ""


def find_cluster_names(params: Mapping[str, Any], environ: Mapping[str, str]) -> ClusterNames:
    """Return the names of the cluster: those of the kubeconfig, or that of the EKS cluster.

    Of a kubeconfig that cannot be read, the context that the options name is known: the connection says what is wrong.
    """
    if params.get("eks_cluster"):
        return ClusterNames(name=params["eks_cluster"]["name"])
    # AUTH_ARG_MAP has the option of the task by the name that the client has for it.
    options = {name: read_option(params, environ, name, alias) for alias, name in AUTH_ARG_MAP.items()}
    if _gives_address(options, environ):
        return ClusterNames()
    try:
        configs = _read_kubeconfigs(options["kubeconfig"] or environ.get("KUBECONFIG") or DEFAULT_PATH)
        return _find_names(configs, options["context"])
    except (OSError, LookupError, TypeError, AttributeError, ValueError):
        return ClusterNames(options["context"] or "")


def _gives_address(options: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Return whether the address of the cluster is known without a kubeconfig.

    It is an option, or the task runs in a pod of the cluster.
    """
    if options["host"]:
        return True
    has_kubeconfig = bool(options["kubeconfig"] or options["context"])
    return bool(environ.get(IN_CLUSTER_VARIABLE)) and not has_kubeconfig


def _read_kubeconfigs(kubeconfig_option: Any) -> list[dict[str, Any]]:
    """Return the kubeconfigs that an option names: it is one, or has the paths of some. Raises OSError, ValueError."""
    if isinstance(kubeconfig_option, dict):
        return [kubeconfig_option]
    yaml = import_library("yaml", "PyYAML")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    configs = []
    for name in str(kubeconfig_option).split(os.pathsep):
        path = Path(expand_tilde(name))
        if not name or not path.exists():
            continue
        try:
            configs.append(yaml.load(read_file_text(path), Loader=loader) or {})
        except yaml.YAMLError as error:
            raise ValueError from error
    return configs


def _find_names(configs: list[dict[str, Any]], chosen_context: str | None) -> ClusterNames:
    """Return the names of a context, or of the current one: the first kubeconfig that has it counts."""
    context = chosen_context or _find_current_context(configs)
    for config in configs:
        for entry in config.get("contexts") or []:
            if entry["name"] == context:
                return ClusterNames(context, entry["context"]["cluster"])
    return ClusterNames(context)


def _find_current_context(configs: list[dict[str, Any]]) -> Any:
    """Return the context that the first kubeconfig with one says is the current one, as YAML reads its name."""
    for config in configs:
        if config.get("current-context"):
            return config["current-context"]
    return ""
