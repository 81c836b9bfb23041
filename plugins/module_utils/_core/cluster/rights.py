# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference of two versions of a Role or ClusterRole, in words. Private."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from ..errors import printable
from .bundle import Manifest, ref

_ROLES = ("ClusterRole", "Role")
Right = tuple[str, str]  # a verb, and what it may be done to


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
        for line in _lines(found)
    ]


def _rights(role: Manifest) -> Iterator[Right]:
    for rule in role.get("rules") or []:
        yield from product(map(str, rule.get("verbs") or []), _objects(rule))


def _objects(rule: dict[str, Any]) -> list[str]:
    """Return what a rule is about: URLs, or resources with their API group as kubectl writes both."""
    names = [f" '{name}'" for name in rule.get("resourceNames") or []] or [""]
    groups = [f".{group}" if group else "" for group in rule.get("apiGroups") or []]
    found = ["".join(parts) for parts in product(map(str, rule.get("resources") or []), groups, names)]
    return [*map(str, rule.get("nonResourceURLs") or []), *found]


def _lines(rights: set[Right]) -> list[str]:
    """Return the rights, those with the same verbs together."""
    verbs: dict[str, list[str]] = {}
    for verb, target in sorted(rights):
        verbs.setdefault(target, []).append(verb)
    targets: dict[str, list[str]] = {}
    for target, named in sorted(verbs.items()):
        targets.setdefault(", ".join(named), []).append(target)
    return [f"{named} {', '.join(found)}" for named, found in sorted(targets.items())]
