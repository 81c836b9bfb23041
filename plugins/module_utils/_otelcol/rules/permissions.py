# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on what a collector may do: at the API of Kubernetes by RBAC, and at AWS by its credentials.

Sources: the sections "RBAC" of the components, and the API groups of Kubernetes. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    processors.k8s_attributes: warning [missing-permission] 'k8s_attributes' needs to watch pods, which the
    ServiceAccount is not allowed to do. Add to its ClusterRole: `{apiGroups: [''], resources: [pods], verbs:
    [watch]}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from ..config.paths import Path, list_at
from ..errors import join_at_most
from ..needs.components_with_needs import find_components_with_needs
from .rule_definitions import Fault, about, define_rules
from .subject import Deployment, Subject

_IDENTITY = "https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html"
_RBAC = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
_SHOWN_ACTIONS = 3
_KEYS_OF_RULES = ("apiGroups", "resources", "verbs")


class Permission(NamedTuple):
    """One grant of an RBAC rule: one API group, one resource and one verb."""

    api_group: str
    resource: str
    verb: str


@about("deployment")
def missing_identity(subject: Subject) -> Iterator[Fault]:
    """Yield collectors that call AWS while nothing gives them credentials; AWS then refuses all requests."""
    actions = subject.deployment.unidentified_calls if subject.deployment else ()
    if actions:
        message = f"it calls AWS ({join_at_most(_SHOWN_ACTIONS, actions)}), and nothing gives its pods credentials"
        fix = (
            "Set `otel_identity_provider`, or name a role in `service_account_annotations`, see docs/identity.md."
            " Suppress this finding if the role of the nodes is meant."
        )
        yield Fault((), message, fix)


@about("deployment")
def missing_permission(subject: Subject) -> Iterator[Fault]:
    """Yield components that need permissions which the collector's ServiceAccount lacks."""
    if not subject.deployment or subject.deployment.granted_rules is None:
        return
    granted_permissions = set(_list_permissions(subject.deployment.granted_rules))
    for row, part in find_components_with_needs(subject.view.started_components):
        needed_permissions = _list_permissions(row.list_rules(part.settings))
        missing_permissions = [
            permission for permission in needed_permissions if not _is_granted(granted_permissions, permission)
        ]
        if missing_permissions:
            yield _report_missing_permissions(part.path, part.id, missing_permissions, subject.deployment)


def _list_permissions(rbac_rules: Iterable[Mapping[str, Any]]) -> Iterator[Permission]:
    """Yield the single grants of RBAC rules; rules for named objects do not count."""
    for rule in rbac_rules:
        if list_at(rule, "resourceNames"):  # components list and watch all objects of a resource
            continue
        groups, resources, verbs = (list_at(rule, key) for key in _KEYS_OF_RULES)
        for group, resource, verb in product(groups, resources, verbs):
            yield Permission(str(group), str(resource), str(verb))


def _is_granted(granted_permissions: set[Permission], needed_permission: Permission) -> bool:
    """Whether a permission is granted, by its own name or by one that covers it."""
    resource = needed_permission.resource
    covering_resources = [resource, "*"]
    if "/" in resource:
        covering_resources.append(f"*/{resource.partition('/')[2]}")
    if resource == "nodes/pods":
        covering_resources.append("nodes/proxy")  # what kubelets asked for before Kubernetes 1.33
    covering_grants = product((needed_permission.api_group, "*"), covering_resources, (needed_permission.verb, "*"))
    return any(permission in granted_permissions for permission in covering_grants)


def _report_missing_permissions(
    path: Path, component_id: str, missing_permissions: list[Permission], deployment: Deployment
) -> Fault:
    """Return the fault of a component that needs permissions: it names the first one, and counts the others."""
    group, resource, verb = missing_permissions[0]
    count_of_others = f", and {len(missing_permissions) - 1} more" if len(missing_permissions) > 1 else ""
    in_group = f" in API group '{group}'" if group else ""
    message = (
        f"'{component_id}' needs to {verb} {resource}{in_group}{count_of_others}, which the ServiceAccount is not"
        " allowed to do"
    )
    fix = f"Add to its ClusterRole: `{{apiGroups: ['{group}'], resources: [{resource}], verbs: [{verb}]}}`."
    if deployment.bound_elsewhere:
        message += f": {deployment.bound_elsewhere}"
        fix = "Name the account of the pods in the binding, or run the pods with the account that it names."
    elif deployment.by_operator:
        fix += " The operator does so itself, if it may create ClusterRoles."
    return Fault(path, message, fix)


RULES = (
    *define_rules("warning", missing_identity, documentation=_IDENTITY),
    *define_rules("warning", missing_permission, documentation=_RBAC),
)
