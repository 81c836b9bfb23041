# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a role gains and loses by a change. Private."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from .._kube.rights import lines_of_rights
from .._otelcol.errors import printable
from .._otelcol.kube.objects import Manifest, ref

_ROLES = ("ClusterRole", "Role")


def changed_rights(before: Manifest | None, after: Manifest | None) -> list[str]:
    """Return one line for the rights that a role gains, and one for those that it loses, for each set of verbs."""
    named = ref(after or before or {})
    if named.kind not in _ROLES:
        return []
    scope = f"namespace {named.namespace}" if named.namespace else "all namespaces"
    rights_before = set(_rights(before or {}))
    rights_after = set(_rights(after or {}))
    gained = [f"+ {line}" for line in lines_of_rights(rights_after - rights_before)]
    lost = [f"- {line}" for line in lines_of_rights(rights_before - rights_after)]
    return [printable(f"{named.name}: {line} ({scope})") for line in [*gained, *lost]]


def _rights(role: Manifest) -> Iterator[tuple[str, str]]:
    """Yield each verb with what it may be done to."""
    for rule in role.get("rules") or []:
        yield from product(map(str, rule.get("verbs") or []), _objects(rule))


def _objects(rule: dict[str, Any]) -> list[str]:
    """Return what a rule is about: URLs, or resources with their API group as kubectl writes both."""
    subjects = [str(url) for url in rule.get("nonResourceURLs") or []]
    only_names = rule.get("resourceNames") or [None]
    for resource, group, name in product(rule.get("resources") or [], rule.get("apiGroups") or [], only_names):
        subject = f"{resource}.{group}" if group else str(resource)
        if name is not None:
            subject += f" '{name}'"
        subjects.append(subject)
    return subjects
