# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights the components of a config need at the API server, and which of them an account lacks.

`live/account_rights.py` asks the API server which rights an account has, and the checks of `checks_trust.py` search the
rows that `find_missing_rights` returns. A right of a row is a `Right` of `_kube/rights.py`, such as `list pods`.
Private.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._kube.rights import Right, iter_rule_rights
from .._otelcol.needs.component_table import find_component_needs
from .._otelcol.needs.started_components import list_started_components


def list_needed_rights(config: Any) -> dict[str, list[Right]]:
    """Return the rights that each component needs, such as `receivers/k8s_events`; only components that start count."""
    rights_by_component: dict[str, list[Right]] = {}
    for component in sorted(list_started_components(config), key=lambda component: component.path):
        component_needs = find_component_needs(component.section, component.type)
        rights: dict[Right, None] = {}
        for rule in component_needs.list_rules(component.settings) if component_needs else ():
            rights.update(dict.fromkeys(iter_rule_rights(rule)))
        if rights:
            rights_by_component["/".join(component.path)] = list(rights)
    return rights_by_component


def find_missing_rights(
    needed_rights: Mapping[str, Sequence[Right]], scope_by_right: Mapping[Right, str], account: str, namespace: str
) -> list[dict[str, Any]]:
    """Return what each component lacks, such as this row:

        {about: receivers/k8s_events, id: k8s_events, account: gateway, namespace: obs, state: none,
         missing: "list, watch events", rules: [{apiGroups: [""], resources: [events], verbs: [list, watch]}]}

    `scope_by_right` says of a right that the account has it in its own `namespace` only, or nowhere (`none`). Rights
    that it does not name are there.
    """
    rows: list[dict[str, Any]] = []
    for about, rights in needed_rights.items():
        # Rights that are missing everywhere and those that are missing elsewhere have different fixes, so each has a
        # row.
        for state in ("none", "namespace"):
            missing_rights = [right for right in rights if scope_by_right.get(right) == state]
            if missing_rights:
                rows.append(
                    {
                        "about": about,
                        "id": about.partition("/")[2],
                        "account": account,
                        "namespace": namespace,
                        "state": state,
                        "missing": _describe_rights(missing_rights),
                        "rules": _merge_into_rules(missing_rights),
                    }
                )
    return rows


def _describe_rights(rights: Sequence[Right]) -> str:
    """Return rights as people say them, such as `get, list pods, deployments.apps; get /metrics`."""
    targets_by_verbs: dict[str, list[str]] = {}
    for rule in _merge_into_rules(rights):
        targets_by_verbs.setdefault(", ".join(rule["verbs"]), []).extend(_list_rule_targets(rule))
    return "; ".join(f"{verbs} {', '.join(targets)}" for verbs, targets in targets_by_verbs.items())


def _list_rule_targets(rule: Mapping[str, Any]) -> list[str]:
    """Return the targets of a rule of RBAC: paths of the API server, or resources such as `deployments.apps`."""
    if rule.get("nonResourceURLs"):
        return list(rule["nonResourceURLs"])
    targets = []
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            targets.append(f"{resource}.{group}" if group else resource)
    return targets


class _RuleTarget(NamedTuple):
    """What a right is about: a path of the API server, or a resource, perhaps one object of it."""

    path: str
    group: str
    resource: str
    name: str


class _RuleKey(NamedTuple):
    """What the resources of one rule have in common."""

    path: str
    group: str
    name: str
    verbs: tuple[str, ...]


def _merge_into_rules(rights: Sequence[Right]) -> list[dict[str, Any]]:
    """Return rights as rules of a role, as few as they can be.

    First the verbs of each target are put together, then the targets with the same verbs:

        get pods, list pods, get nodes, list nodes    →    {apiGroups: [""], resources: [pods, nodes], verbs: [get,
        list]}
    """
    verbs_by_target: dict[_RuleTarget, list[str]] = {}
    for right in rights:
        target = _RuleTarget(right.path, right.api_group, right.resource, right.name)
        verbs_by_target.setdefault(target, []).append(right.verb)
    resources_by_rule: dict[_RuleKey, list[str]] = {}
    for target, verbs in verbs_by_target.items():
        rule_key = _RuleKey(target.path, target.group, target.name, tuple(verbs))
        resources_by_rule.setdefault(rule_key, []).append(target.resource)
    return [_build_rule(rule_key, resources) for rule_key, resources in resources_by_rule.items()]


def _build_rule(rule_key: _RuleKey, resources: list[str]) -> dict[str, Any]:
    """Return a rule of a role."""
    if rule_key.path:
        return {"nonResourceURLs": [rule_key.path], "verbs": list(rule_key.verbs)}
    rule: dict[str, Any] = {"apiGroups": [rule_key.group], "resources": resources, "verbs": list(rule_key.verbs)}
    if rule_key.name:
        rule["resourceNames"] = [rule_key.name]
    return rule
