# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of Kubernetes RBAC: as questions to the API server, as rules of roles, and as text. Private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._otelcol.config.paths import items
from .._otelcol.kube.objects import Manifest

RBAC = "rbac.authorization.k8s.io"
SHOWN = 40


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
        asked = {"verb": self.verb, "group": self.group, "resource": resource, "subresource": part, "name": self.name}
        return {"resourceAttributes": {**{key: value for key, value in asked.items() if value}, "namespace": namespace}}


def of_rule(rule: Mapping[str, Any]) -> Iterator[Right]:
    """Yield the rights that a rule of a role gives."""
    for verb in rule["verbs"]:
        for path in rule.get("nonResourceURLs") or ():
            yield Right(verb, "", "", path=path)
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for name in rule.get("resourceNames") or ("",):
                    yield Right(verb, group, resource, name)


def kubelet_pods(role: Manifest | None) -> bool:
    """Whether a role gives the right to the kubelet's list of pods, and not to all of its API, as was usual before."""
    given = {resource for rule in items(role, "rules") for resource in items(rule, "resources")}
    return "nodes/pods" in given and "nodes/proxy" not in given


class Grant(NamedTuple):
    """A right in one namespace, or in the whole cluster if the namespace is empty."""

    namespace: str
    right: Right


def rules(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """Return the fewest rules that give these rights and no others."""
    paths: dict[str, set[str]] = {}
    verbs: dict[tuple[str, str], dict[str, set[str]]] = {}
    for right in set(rights):
        if right.path:
            paths.setdefault(right.path, set()).add(right.verb)
        else:
            verbs.setdefault((right.group, right.resource), {}).setdefault(right.name, set()).add(right.verb)
    alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource), by_name in sorted(verbs.items()):
        everywhere = by_name.get("", set())
        names: dict[tuple[str, ...], list[str]] = {tuple(sorted(everywhere)): [""]} if everywhere else {}
        for name, allowed in sorted(by_name.items()):
            if name and allowed - everywhere:
                names.setdefault(tuple(sorted(allowed - everywhere)), []).append(name)
        for allowed_verbs, named in names.items():
            alike.setdefault((group, tuple(filter(None, named)), allowed_verbs), []).append(resource)
    return [
        {"apiGroups": [group], "resources": resources, **({"resourceNames": list(names)} if names else {})}
        | {"verbs": list(allowed)}
        for (group, names, allowed), resources in alike.items()
    ] + [{"nonResourceURLs": [path], "verbs": sorted(found)} for path, found in sorted(paths.items())]


def roles(grants: Iterable[Grant], name: str, subject: Mapping[str, str] | None) -> list[Manifest]:
    """Return a ClusterRole and a Role for each namespace that give these rights, bound to a subject if there is one."""
    by_namespace: dict[str, list[Right]] = {}
    for grant in grants:
        by_namespace.setdefault(grant.namespace, []).append(grant.right)
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one}} for one in sorted(by_namespace)]
    return [item for item in spaces if item["metadata"]["name"]] + [  # type: ignore[index]
        item for where in sorted(by_namespace) for item in _role(where, by_namespace[where], name, subject)
    ]


def _role(namespace: str, rights: list[Right], name: str, subject: Mapping[str, str] | None) -> list[Manifest]:
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    version = {"apiVersion": f"{RBAC}/v1"}
    role = {**version, "kind": kind, "metadata": metadata, "rules": rules(rights)}
    if not subject:
        return [role]
    of = {"apiGroup": RBAC, "kind": kind, "name": name}
    return [role, {**version, "kind": f"{kind}Binding", "metadata": metadata, "roleRef": of, "subjects": [subject]}]


def subject_of(user: str) -> dict[str, str]:
    """Return the subject of a binding for the name of a user, as `kubectl auth whoami` shows it."""
    parts = user.split(":")
    if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4:  # noqa: PLR2004
        return {"kind": "ServiceAccount", "namespace": parts[2], "name": parts[3]}
    return {"apiGroup": RBAC, "kind": "User", "name": user}


def described(grants: Iterable[Grant]) -> str:
    """Return rights as text, by namespace, as kubectl names verbs and resources."""
    spaces: dict[str, set[tuple[str, str]]] = {}
    for namespace, right in grants:
        group = f".{right.group}" if right.group else ""
        name = f" '{right.name}'" if right.name else ""
        spaces.setdefault(namespace, set()).add((right.verb, right.path or f"{right.resource}{group}{name}"))
    return "\n".join(
        f"  {f'in namespace {namespace}' if namespace else 'in the whole cluster'}: {line}"
        for namespace, found in sorted(spaces.items())
        for line in lines_of_rights(found)
    )


def lines_of_rights(rights: set[tuple[str, str]]) -> list[str]:
    """Return the rights, those with the same verbs together."""
    verbs: dict[str, list[str]] = {}
    for verb, target in sorted(rights):
        verbs.setdefault(target, []).append(verb)
    targets: dict[str, list[str]] = {}
    for target, named in sorted(verbs.items()):
        targets.setdefault(", ".join(named), []).append(target)
    return [f"{named} {', '.join(found)}" for named, found in sorted(targets.items())]
