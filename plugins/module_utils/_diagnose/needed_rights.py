# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights the components of a config need at the API server, and which of them an account lacks. Private."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._kube.rights import Right, iter_rule_rights
from .._otelcol.needs.component_table import find_component_needs
from .._otelcol.needs.listeners import started_parts


def list_needed_rights(config: Any) -> dict[str, list[Right]]:
    """Return the rights that each component needs; only those that are started count."""
    needs: dict[str, list[Right]] = {}
    for part in sorted(started_parts(config), key=lambda part: part.path):
        component_row = find_component_needs(part.section, part.type)
        rights: dict[Right, None] = {}
        for rule in component_row.list_rules(part.settings) if component_row else ():
            rights.update(dict.fromkeys(iter_rule_rights(rule)))
        if rights:
            needs["/".join(part.path)] = list(rights)
    return needs


def find_missing_rights(
    needed_rights: Mapping[str, Sequence[Right]], scope_by_right: Mapping[Right, str], account: str, namespace: str
) -> list[dict[str, Any]]:
    """Return what each component lacks. `scope_by_right` says of a right `all`, `namespace` or `none`."""
    rows = []
    for about, rights in needed_rights.items():
        for state in ("none", "namespace"):
            missing_rights = [right for right in rights if scope_by_right.get(right) == state]
            if missing_rights:
                facts = {"about": about, "id": about.partition("/")[2], "account": account, "namespace": namespace}
                rows.append(
                    {
                        **facts,
                        "state": state,
                        "missing": _describe_rights(missing_rights),
                        "rules": _merge_into_rules(missing_rights),
                    }
                )
    return rows


def _describe_rights(rights: Sequence[Right]) -> str:
    """Return rights as people say them: the verbs, then what they are about."""
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


def _merge_into_rules(rights: Sequence[Right]) -> list[dict[str, Any]]:
    """Return rights as rules of a role, as few as they can be."""
    verbs_by_target: dict[tuple[str, str, str, str], list[str]] = {}
    for right in rights:
        verbs_by_target.setdefault((right.path, right.api_group, right.resource, right.name), []).append(right.verb)
    resources_by_rule: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for (path, group, resource, name), verbs_of_target in verbs_by_target.items():
        resources_by_rule.setdefault((path, group, name, tuple(verbs_of_target)), []).append(resource)
    rules: list[dict[str, Any]] = []
    for (path, group, name, allowed_verbs), resources in resources_by_rule.items():
        if path:
            rules.append({"nonResourceURLs": [path], "verbs": list(allowed_verbs)})
            continue
        rule: dict[str, Any] = {"apiGroups": [group], "resources": resources, "verbs": list(allowed_verbs)}
        if name:
            rule["resourceNames"] = [name]
        rules.append(rule)
    return rules
