# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of Kubernetes RBAC: read from the rules of roles, and asked of the API server. Private.

A right is one verb for one resource of an API group, such as `list pods`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple


class Right(NamedTuple):
    """A right: to do something with a resource, or with a URL path of the API server."""

    verb: str
    api_group: str
    """The API group of the resource; empty for the core."""
    resource: str
    """The plural of a kind, perhaps with a subresource, such as `pods` or `pods/log`."""
    name: str = ""
    """The name of the one object that the right is about; empty for all."""
    path: str = ""
    """A path that is no resource, such as `/metrics`; then there is no resource."""

    def build_attributes(self, namespace: str = "") -> dict[str, Any]:
        """Return the question whether an account has the right, as the spec of a SubjectAccessReview has it."""
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
