# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a role gains and loses by a change. Private.

A task returns these lines as `rights`, for people who must agree to more rights. For example, a ClusterRole that may
read pods, and now services in their place:

    obs-gateway: + get, list services (all namespaces)
    obs-gateway: - get, list pods (all namespaces)
"""

from __future__ import annotations

from itertools import product
from typing import Any

from .._otelcol.errors import make_printable
from .._otelcol.kube.objects import Manifest, ref
from .rbac_roles import AllowedVerb, list_right_lines

_ROLE_KINDS = ("ClusterRole", "Role")


def list_changed_rights(role_before: Manifest | None, role_after: Manifest | None) -> list[str]:
    """Return one line for the rights that a role gains, and one for those that it loses, for each set of verbs."""
    role = ref(role_after or role_before or {})
    if role.kind not in _ROLE_KINDS:
        return []
    scope = f"namespace {role.namespace}" if role.namespace else "all namespaces"
    rights_before = _list_rights(role_before)
    rights_after = _list_rights(role_after)
    lines = [f"+ {line}" for line in list_right_lines(rights_after - rights_before)]
    lines += [f"- {line}" for line in list_right_lines(rights_before - rights_after)]
    return [make_printable(f"{role.name}: {line} ({scope})") for line in lines]


def _list_rights(role: Manifest | None) -> set[AllowedVerb]:
    """Return each verb of a role with each target that it may be done to; none for a role that is new or deleted."""
    rights: set[AllowedVerb] = set()
    if role is None:
        return rights
    for rule in role.get("rules") or []:
        verbs = map(str, rule.get("verbs") or [])
        rights.update(AllowedVerb(verb, target) for verb, target in product(verbs, _list_targets(rule)))
    return rights


def _list_targets(rule: dict[str, Any]) -> list[str]:
    """Return what a rule is about: URLs, or resources with their API group as kubectl writes both."""
    targets = [str(url) for url in rule.get("nonResourceURLs") or []]
    resources = rule.get("resources") or []
    groups = rule.get("apiGroups") or []
    resource_names = rule.get("resourceNames") or [None]  # without names, a rule is about all objects
    for resource, group, name in product(resources, groups, resource_names):
        target = f"{resource}.{group}" if group else str(resource)
        if name is not None:
            target += f" '{name}'"
        targets.append(target)
    return targets
