# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights a config needs, component by component, and which of them are missing. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..needs.components.table import component
from ..needs.listeners import started


class Right(NamedTuple):
    """One question to the API server: may the account do this?"""

    verb: str
    group: str
    resource: str
    name: str = ""
    path: str = ""

    def attributes(self, namespace: str = "") -> dict[str, Any]:
        """Return the question as a SubjectAccessReview spells it."""
        if self.path:
            return {"nonResourceAttributes": {"verb": self.verb, "path": self.path}}
        resource, _slash, part = self.resource.partition("/")
        told = {"verb": self.verb, "group": self.group, "resource": resource, "subresource": part, "name": self.name}
        return {"resourceAttributes": {**{key: value for key, value in told.items() if value}, "namespace": namespace}}


def needed(config: Any) -> dict[str, list[Right]]:
    """Return the rights that each component needs; only those that are started count."""
    result: dict[str, list[Right]] = {}
    for part in sorted(started(config), key=lambda part: part.path):
        row = component(part.section, part.type)
        rules = row.rules(part.settings) if row else ()
        found = list(dict.fromkeys(right for rule in rules for right in _rights(rule)))
        if found:
            result["/".join(part.path)] = found
    return result


def _rights(rule: Mapping[str, Any]) -> Iterator[Right]:
    for verb in rule["verbs"]:
        for path in rule.get("nonResourceURLs") or ():
            yield Right(verb, "", "", path=path)
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for name in rule.get("resourceNames") or ("",):
                    yield Right(verb, group, resource, name)


def missing(
    wanted: Mapping[str, Sequence[Right]], allowed: Mapping[Right, str], account: str, namespace: str
) -> list[dict[str, Any]]:
    """Return what each component lacks. `allowed` says of a right `all`, `namespace` or `none`."""
    rows = []
    for about, rights in wanted.items():
        for state in ("none", "namespace"):
            lacking = [right for right in rights if allowed.get(right) == state]
            if lacking:
                told = {"about": about, "id": about.partition("/")[2], "account": account, "namespace": namespace}
                rows.append({**told, "state": state, "missing": _text(lacking), "rules": _rules(lacking)})
    return rows


def _text(rights: Sequence[Right]) -> str:
    """Return rights as people say them: the verbs, then what they are about."""
    by_verbs: dict[str, list[str]] = {}
    for rule in _rules(rights):
        what = rule.get("nonResourceURLs") or [
            f"{resource}.{group}" if group else resource
            for group in rule["apiGroups"]
            for resource in rule["resources"]
        ]
        by_verbs.setdefault(", ".join(rule["verbs"]), []).extend(what)
    return "; ".join(f"{verbs} {', '.join(what)}" for verbs, what in by_verbs.items())


def _rules(rights: Sequence[Right]) -> list[dict[str, Any]]:
    """Return rights as rules of a role, as few as they can be."""
    verbs: dict[tuple[str, str, str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.path, right.group, right.resource, right.name), []).append(right.verb)
    merged: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for (path, group, resource, name), allowed in verbs.items():
        merged.setdefault((path, group, name, tuple(allowed)), []).append(resource)
    return [
        {"nonResourceURLs": [path], "verbs": list(allowed)}
        if path
        else {"apiGroups": [group], "resources": resources, "verbs": list(allowed)}
        | ({"resourceNames": [name]} if name else {})
        for (path, group, name, allowed), resources in merged.items()
    ]
