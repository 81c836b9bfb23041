# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of the Collector's container: the user's variables, facts of the pod, and Go's memory limit. Private.

A fact of the pod is what Kubernetes knows of the pod, such as its address. The collector has a fact if its config reads
the variable. For example, a config with `${env:K8S_NODE_NAME}` gives

    [{name: GOMEMLIMIT, value: 409MiB}, {name: K8S_NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName, …}}}, …]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._otelcol.config.addresses import ANY_HOSTS
from ..._otelcol.errors import Problem
from ..._otelcol.needs.needed_variables import DOWNWARD_FIELDS
from .build import CollectorBuild
from .variable_sources import render_field_source, render_variable_source

_MEMORY_LIMIT_VARIABLE = "GOMEMLIMIT"
# Recipes listen at the address of the pod, `POD_ADDRESS` of options.py.
_ADDRESS_VARIABLE = "MY_POD_IP"
# The fields with addresses. In the network of the node, the pod has those of the node.
_ADDRESS_FIELDS = ("status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs")


def render_environment(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the variables. Raises Problem for one of the user that has the name of a fact, and another value."""
    user_variables = build.collector.env
    _check_pod_facts(user_variables)
    entries: list[dict[str, Any]] = []
    if _MEMORY_LIMIT_VARIABLE not in user_variables:
        entries.append({"name": _MEMORY_LIMIT_VARIABLE, "value": build.collector.memory.gomemlimit})
    needed_names = {_ADDRESS_VARIABLE, *(variable.name for variable in build.needs.variables)}
    for name in sorted(needed_names):
        if name in DOWNWARD_FIELDS and name not in user_variables:
            entries.append({"name": name, **render_field_source(DOWNWARD_FIELDS[name])})
    for name in sorted(user_variables):
        entries.append({"name": name, **render_variable_source(name, user_variables[name])})
    return entries


def _check_pod_facts(user_variables: Mapping[str, Any]) -> None:
    """Raise Problem for a variable of the user that has the name of a fact of the pod, and another value.

    Recipes listen at the address of such a variable, for example.
    """
    for name in sorted(DOWNWARD_FIELDS.keys() & user_variables.keys()):
        fact_field = DOWNWARD_FIELDS[name]
        if _serves_as_fact(user_variables[name], fact_field):
            continue
        wrong = f"variable {name} in `env` is not what the pod has as {fact_field}, which recipes read from it"
        fix = f"Remove it, write `{{field: {fact_field}}}`, or use a variable of another name in your config."
        raise Problem(wrong, fix=fix)


def _serves_as_fact(value: Any, fact_field: str) -> bool:
    """Return whether the value of a user's variable serves as well as a fact of the pod.

    | variable | field of the fact | result |
    |---|---|---|
    | `MY_POD_IP: {field: status.hostIP}` | `status.podIP` | yes: an address that the pod may have |
    | `MY_POD_IP: "::"` | `status.podIP` | yes: a recipe that listens at all addresses can be reached as well |
    | `MY_POD_IP: {field: spec.nodeName}` | `status.podIP` | no |
    | `K8S_NODE_NAME: ""` | `spec.nodeName` | no: this fact is no address |
    """
    is_address = fact_field in _ADDRESS_FIELDS
    if not isinstance(value, dict):
        return is_address and value in ANY_HOSTS
    field = value.get("field")
    if field == fact_field or (is_address and field in _ADDRESS_FIELDS):
        return True
    # A component reaches the node by its name too, where DNS knows the names of nodes.
    return fact_field == "status.hostIP" and field == "spec.nodeName"
