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
    old, new = (set(_rights(side or {})) for side in (before, after))
    return [
        printable(f"{named.name}: {sign} {line} ({scope})")
        for sign, found in (("+", new - old), ("-", old - new))
        for line in lines_of_rights(found)
    ]


def _rights(role: Manifest) -> Iterator[tuple[str, str]]:
    """Yield each verb with what it may be done to."""
    for rule in role.get("rules") or []:
        yield from product(map(str, rule.get("verbs") or []), _objects(rule))


def _objects(rule: dict[str, Any]) -> list[str]:
    """Return what a rule is about: URLs, or resources with their API group as kubectl writes both."""
    names = [f" '{name}'" for name in rule.get("resourceNames") or []] or [""]
    groups = [f".{group}" if group else "" for group in rule.get("apiGroups") or []]
    found = ["".join(parts) for parts in product(map(str, rule.get("resources") or []), groups, names)]
    return [*map(str, rule.get("nonResourceURLs") or []), *found]
