# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights in namespaces: the roles that give them, and how messages name them. Private.

A right is a verb on a resource or a path (`Right` of rights.py of _kube), a grant a right in one namespace or in the
whole cluster. Roles here are those of Kubernetes: a Role for each namespace, and a ClusterRole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._kube.rights import Right
from .._otelcol.config.paths import list_at
from .._otelcol.errors import Problem, clean_text
from .._otelcol.kube.objects import Manifest

RBAC_GROUP = "rbac.authorization.k8s.io"
# What the name of the user of a ServiceAccount has: system:serviceaccount:NAMESPACE:NAME.
_ACCOUNT_NAME_PARTS = 4


class RbacGrant(NamedTuple):
    """A right in one namespace, or in the whole cluster if the namespace is empty."""

    namespace: str
    right: Right


class AllowedVerb(NamedTuple):
    """A verb, and what it may be done to, both as kubectl writes them: one right as messages name it."""

    verb: str
    target: str
    """Such as `pods`, `deployments.apps 'web'` or `/metrics`."""


class _Rule(NamedTuple):
    """What the resources of one rule have in common. Without names, the rule is about all objects."""

    api_group: str
    """Empty for the core group, such as that of pods."""
    resource_names: tuple[str, ...]
    verbs: tuple[str, ...]

    def as_dict(self, resources: list[str]) -> dict[str, Any]:
        rule: dict[str, Any] = {"apiGroups": [self.api_group], "resources": resources}
        if self.resource_names:
            rule["resourceNames"] = list(self.resource_names)
        return {**rule, "verbs": list(self.verbs)}


def gives_kubelet_pods(role: Manifest | None) -> bool:
    """Whether a role gives the right to the kubelet's list of pods, and not to all of its API, as was usual before."""
    role_resources = {resource for rule in list_at(role, "rules") for resource in list_at(rule, "resources")}
    return "nodes/pods" in role_resources and "nodes/proxy" not in role_resources


def build_rules(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Return the fewest rules that give these rights and no others.

    A rule of Kubernetes gives all its verbs on all its resources, so only what has the same verbs may share a rule. For
    example, `get pods`, `list pods`, `get services` and `list services` become one rule, and `get secrets 'a'` another.
    """
    verbs_by_path: dict[str, set[str]] = {}
    # By API group and resource, then by the name of an object; the empty name stands for all objects.
    verbs_by_resource: dict[tuple[str, str], dict[str, set[str]]] = {}
    for right in set(rights):
        if right.path:
            verbs_by_path.setdefault(right.path, set()).add(right.verb)
        else:
            verbs_by_name = verbs_by_resource.setdefault((right.api_group, right.resource), {})
            verbs_by_name.setdefault(right.name, set()).add(right.verb)
    resources_by_rule: dict[_Rule, list[str]] = {}
    for (group, resource), verbs_by_name in sorted(verbs_by_resource.items()):
        for rule in _build_resource_rules(group, verbs_by_name):
            resources_by_rule.setdefault(rule, []).append(resource)
    resource_rules = [rule.as_dict(resources) for rule, resources in resources_by_rule.items()]
    path_rules = [{"nonResourceURLs": [path], "verbs": sorted(verbs)} for path, verbs in sorted(verbs_by_path.items())]
    return resource_rules + path_rules


def _build_resource_rules(group: str, verbs_by_name: Mapping[str, set[str]]) -> Iterator[_Rule]:
    """Yield the rules about one resource: verbs for all objects, then those that some names have beside them."""
    verbs_for_all = verbs_by_name.get("", set())
    names_by_verbs: dict[tuple[str, ...], list[str]] = {}
    for name, verbs in sorted(verbs_by_name.items()):
        more_verbs = verbs - verbs_for_all
        if name and more_verbs:
            names_by_verbs.setdefault(tuple(sorted(more_verbs)), []).append(name)
    if verbs_for_all:
        yield _Rule(group, (), tuple(sorted(verbs_for_all)))
    for allowed_verbs, names in names_by_verbs.items():
        yield _Rule(group, tuple(names), allowed_verbs)


def build_roles(grants: Iterable[RbacGrant], name: str, subject: Mapping[str, str] | None) -> list[Manifest]:
    """Return a ClusterRole and a Role for each namespace that give these rights, bound to a subject if there is one."""
    rights_by_namespace: dict[str, list[Right]] = {}
    for grant in grants:
        rights_by_namespace.setdefault(grant.namespace, []).append(grant.right)
    manifests: list[Manifest] = []
    for namespace in sorted(rights_by_namespace):
        if namespace:
            manifests.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for namespace, rights in sorted(rights_by_namespace.items()):
        manifests += _build_role(namespace, rights, name, subject)
    return manifests


def _build_role(namespace: str, rights: list[Right], name: str, subject: Mapping[str, str] | None) -> list[Manifest]:
    """Return a role, and its binding if there is a subject."""
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    version = {"apiVersion": f"{RBAC_GROUP}/v1"}
    role = {**version, "kind": kind, "metadata": metadata, "rules": build_rules(rights)}
    if not subject:
        return [role]
    reference = {"apiGroup": RBAC_GROUP, "kind": kind, "name": name}
    binding = {**version, "kind": f"{kind}Binding", "metadata": metadata, "roleRef": reference, "subjects": [subject]}
    return [role, binding]


def build_subject(user_name: str) -> dict[str, str]:
    """Return the subject of a binding for the name of a user, as `kubectl auth whoami` shows it.

    Raises Problem for a ServiceAccount without its namespace: nobody has such a name.
    """
    name_parts = user_name.split(":")
    if name_parts[:2] != ["system", "serviceaccount"]:
        return {"apiGroup": RBAC_GROUP, "kind": "User", "name": user_name}
    if len(name_parts) != _ACCOUNT_NAME_PARTS or not all(name_parts):
        wrong = f"'{clean_text(user_name)}' is no name of a ServiceAccount"
        fix = "Write it as system:serviceaccount:NAMESPACE:NAME."
        raise Problem(wrong, asked="Bind the roles", where="account (otel_rights_account)", fix=fix)
    return {"kind": "ServiceAccount", "namespace": name_parts[2], "name": name_parts[3]}


def describe_grants(grants: Iterable[RbacGrant]) -> str:
    """Return rights as text, by namespace, as kubectl names verbs and resources."""
    allowed_by_namespace: dict[str, set[AllowedVerb]] = {}
    for namespace, right in grants:
        allowed_by_namespace.setdefault(namespace, set()).add(AllowedVerb(right.verb, _describe_target(right)))
    lines = []
    for namespace, allowed_verbs in sorted(allowed_by_namespace.items()):
        place_text = f"in namespace {namespace}" if namespace else "in the whole cluster"
        lines += [f"  {place_text}: {line}" for line in list_right_lines(allowed_verbs)]
    return "\n".join(lines)


def _describe_target(right: Right) -> str:
    """Return what a right is about, as kubectl writes it."""
    if right.path:
        return right.path
    group = f".{right.api_group}" if right.api_group else ""
    name = f" '{right.name}'" if right.name else ""
    return f"{right.resource}{group}{name}"


def list_right_lines(allowed_verbs: set[AllowedVerb]) -> list[str]:
    """Return rights as lines such as `get, list pods, services`: targets with the same verbs are in one line."""
    verbs_by_target: dict[str, list[str]] = {}
    for verb, target in sorted(allowed_verbs):
        verbs_by_target.setdefault(target, []).append(verb)
    targets_by_verbs: dict[str, list[str]] = {}
    for target, verbs in sorted(verbs_by_target.items()):
        targets_by_verbs.setdefault(", ".join(verbs), []).append(target)
    return [f"{verbs} {', '.join(targets)}" for verbs, targets in sorted(targets_by_verbs.items())]
