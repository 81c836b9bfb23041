# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights in namespaces: the roles that give them, and how messages name them. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._kube.rights import Right
from .._otelcol.config.paths import items
from .._otelcol.kube.objects import Manifest

RBAC = "rbac.authorization.k8s.io"
# What the name of the user of a ServiceAccount has: system:serviceaccount:NAMESPACE:NAME.
_PARTS_OF_ACCOUNT = 4


class Grant(NamedTuple):
    """A right in one namespace, or in the whole cluster if the namespace is empty."""

    namespace: str
    right: Right


class _Rule(NamedTuple):
    """What the resources of one rule have in common. Without names, the rule is about all objects."""

    group: str
    names: tuple[str, ...]
    verbs: tuple[str, ...]

    def as_dict(self, resources: list[str]) -> dict[str, Any]:
        rule: dict[str, Any] = {"apiGroups": [self.group], "resources": resources}
        if self.names:
            rule["resourceNames"] = list(self.names)
        return {**rule, "verbs": list(self.verbs)}


def kubelet_pods(role: Manifest | None) -> bool:
    """Whether a role gives the right to the kubelet's list of pods, and not to all of its API, as was usual before."""
    given = {resource for rule in items(role, "rules") for resource in items(rule, "resources")}
    return "nodes/pods" in given and "nodes/proxy" not in given


def rules(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Return the fewest rules that give these rights and no others."""
    verbs_of_path: dict[str, set[str]] = {}
    # By API group and resource, then by the name of an object; the empty name stands for all objects.
    verbs_of_resource: dict[tuple[str, str], dict[str, set[str]]] = {}
    for right in set(rights):
        if right.path:
            verbs_of_path.setdefault(right.path, set()).add(right.verb)
        else:
            verbs_of_name = verbs_of_resource.setdefault((right.group, right.resource), {})
            verbs_of_name.setdefault(right.name, set()).add(right.verb)
    resources_of_rule: dict[_Rule, list[str]] = {}
    for (group, resource), verbs_of_name in sorted(verbs_of_resource.items()):
        for rule in _rules_of_resource(group, verbs_of_name):
            resources_of_rule.setdefault(rule, []).append(resource)
    about_resources = [rule.as_dict(resources) for rule, resources in resources_of_rule.items()]
    about_paths = [{"nonResourceURLs": [path], "verbs": sorted(verbs)} for path, verbs in sorted(verbs_of_path.items())]
    return about_resources + about_paths


def _rules_of_resource(group: str, verbs_of_name: Mapping[str, set[str]]) -> Iterator[_Rule]:
    """Yield the rules about one resource: verbs for all objects, then those that some names have beside them."""
    for_all = verbs_of_name.get("", set())
    names_of_verbs: dict[tuple[str, ...], list[str]] = {}
    for name, verbs in sorted(verbs_of_name.items()):
        more_verbs = verbs - for_all
        if name and more_verbs:
            names_of_verbs.setdefault(tuple(sorted(more_verbs)), []).append(name)
    if for_all:
        yield _Rule(group, (), tuple(sorted(for_all)))
    for allowed_verbs, names in names_of_verbs.items():
        yield _Rule(group, tuple(names), allowed_verbs)


def roles(grants: Iterable[Grant], name: str, subject: Mapping[str, str] | None) -> list[Manifest]:
    """Return a ClusterRole and a Role for each namespace that give these rights, bound to a subject if there is one."""
    rights_of_namespace: dict[str, list[Right]] = {}
    for grant in grants:
        rights_of_namespace.setdefault(grant.namespace, []).append(grant.right)
    manifests: list[Manifest] = []
    for namespace in sorted(rights_of_namespace):
        if namespace:
            manifests.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for namespace, rights in sorted(rights_of_namespace.items()):
        manifests += _role(namespace, rights, name, subject)
    return manifests


def _role(namespace: str, rights: list[Right], name: str, subject: Mapping[str, str] | None) -> list[Manifest]:
    """Return a role, and its binding if there is a subject."""
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    version = {"apiVersion": f"{RBAC}/v1"}
    role = {**version, "kind": kind, "metadata": metadata, "rules": rules(rights)}
    if not subject:
        return [role]
    reference = {"apiGroup": RBAC, "kind": kind, "name": name}
    binding = {**version, "kind": f"{kind}Binding", "metadata": metadata, "roleRef": reference, "subjects": [subject]}
    return [role, binding]


def subject_of(user: str) -> dict[str, str]:
    """Return the subject of a binding for the name of a user, as `kubectl auth whoami` shows it."""
    parts = user.split(":")
    if parts[:2] == ["system", "serviceaccount"] and len(parts) == _PARTS_OF_ACCOUNT:
        return {"kind": "ServiceAccount", "namespace": parts[2], "name": parts[3]}
    return {"apiGroup": RBAC, "kind": "User", "name": user}


def described(grants: Iterable[Grant]) -> str:
    """Return rights as text, by namespace, as kubectl names verbs and resources."""
    targets_of_namespace: dict[str, set[tuple[str, str]]] = {}
    for namespace, right in grants:
        targets_of_namespace.setdefault(namespace, set()).add((right.verb, _target(right)))
    lines = []
    for namespace, targets in sorted(targets_of_namespace.items()):
        where = f"in namespace {namespace}" if namespace else "in the whole cluster"
        lines += [f"  {where}: {line}" for line in lines_of_rights(targets)]
    return "\n".join(lines)


def _target(right: Right) -> str:
    """Return what a right is about, as kubectl writes it."""
    if right.path:
        return right.path
    group = f".{right.group}" if right.group else ""
    name = f" '{right.name}'" if right.name else ""
    return f"{right.resource}{group}{name}"


def lines_of_rights(rights: set[tuple[str, str]]) -> list[str]:
    """Return rights, given as verb and target, as lines: targets with the same verbs together."""
    verbs_of_target: dict[str, list[str]] = {}
    for verb, target in sorted(rights):
        verbs_of_target.setdefault(target, []).append(verb)
    targets_of_verbs: dict[str, list[str]] = {}
    for target, verbs in sorted(verbs_of_target.items()):
        targets_of_verbs.setdefault(", ".join(verbs), []).append(target)
    return [f"{verbs} {', '.join(targets)}" for verbs, targets in sorted(targets_of_verbs.items())]
