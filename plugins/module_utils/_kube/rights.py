# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of Kubernetes RBAC: as questions to the API server, and out of the rules of roles. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple


class Right(NamedTuple):
    """One question to the API server: may the account do this?"""

    verb: str
    api_group: str
    resource: str
    name: str = ""
    path: str = ""

    def build_attributes(self, namespace: str = "") -> dict[str, Any]:
        """Return the question as a SubjectAccessReview spells it."""
        if self.path:
            return {"nonResourceAttributes": {"verb": self.verb, "path": self.path}}
        resource, _slash, subresource = self.resource.partition("/")
        attributes = {
            "verb": self.verb,
            "group": self.api_group,
            "resource": resource,
            "subresource": subresource,
            "name": self.name,
        }
        given_attributes = {key: value for key, value in attributes.items() if value}
        return {"resourceAttributes": {**given_attributes, "namespace": namespace}}


def iter_rule_rights(rule: Mapping[str, Any]) -> Iterator[Right]:
    """Yield the rights that a rule of a role gives."""
    paths = rule.get("nonResourceURLs") or ()
    groups = rule.get("apiGroups") or ()
    resources = rule.get("resources") or ()
    names = rule.get("resourceNames") or ("",)
    for verb in rule["verbs"]:
        for path in paths:
            yield Right(verb, "", "", path=path)
        for group, resource, name in product(groups, resources, names):
            yield Right(verb, group, resource, name)
