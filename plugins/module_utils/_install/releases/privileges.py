# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release may do in a cluster, compared with what releases of its product may do. Private.

A privilege has a key and a value, such as `ClusterRole secrets` and `get`. The table of a product has the values of
each key, over all releases that were read. Every privilege of a manifest that the table lacks is a difference.

A narrower right is no difference. What the table lacks has to be listed in the inventory to be accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product as combinations
from math import prod
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from . import images
from .manifest import WEBHOOKS, Release, client_configs

_ROLES = ("ClusterRole", "Role")
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
_AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-"
# Volumes that reach neither the node nor a store of others.
_VOLUMES = {"name", "secret", "configMap", "emptyDir", "projected", "downwardAPI"}
# No rule of a release comes near; a rule of more rights than this is one difference instead of millions.
_MOST = 10_000
_TOO_MANY = "more rights than can be listed"

Table = Mapping[str, Sequence[str]]


class Privilege(NamedTuple):
    """A privilege, the object that has it, and how a message says it."""

    where: str
    key: str
    value: str
    said: str

    def __str__(self) -> str:
        """Return the line that shows the privilege, and that accepts it."""
        return f"{self.where}: {self.said}"


def compare(release: Release, table: Mapping[str, Any], accepted: Sequence[str], where: str) -> list[str]:
    """Return the accepted lines that the release does not need. Raises Problem for other privileges than the table's.

    `accepted` has the lines of differences that the user allows, as the message shows them.
    """
    rows: Table = table["privileges"]
    asked = f"Apply the release {release.version.tag} of {release.product.title}"
    try:
        different = sorted({str(one) for one in privileges(release) if not _known(one, rows)})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        wrong, fix = f"an object has a form that Kubernetes does not accept ({error})", "Give the published manifest."
        raise Problem(wrong, asked=asked, where=where, fix=fix) from error
    refused = [line for line in different if line not in accepted]
    if refused:
        known = f"{table['versions'][0]} to {table['versions'][-1]}"
        lines = "".join(f"\n  + {line}" for line in refused)
        raise Problem(
            f"its objects have privileges that no release of {release.product.title} has ({known}):{lines}\n",
            asked=asked,
            where=where,
            fix=(
                "Compare the manifest with the published one. If it is right, list these lines (without the plus sign) "
                "in allow_privileges."
            ),
        )
    return sorted(set(accepted) - set(different))


def privileges(release: Release) -> Iterator[Privilege]:
    own = "" if release.namespace.startswith("kube-") else release.namespace
    names = {kind: _names(release.objects, kind) for kind in (*_ROLES, "ServiceAccount")}
    for item in release.objects:
        for key, value, said in _of_object(item, own, names):
            yield Privilege(_place(item), key, value, said)


_Found = tuple[str, str, str]
_Names = Mapping[str, set[tuple[str, str]]]


def _of_object(item: Manifest, own: str, names: _Names) -> Iterator[_Found]:
    """Yield key, value and words of each privilege of an object."""
    kind, group = item["kind"], str(item["apiVersion"]).rpartition("/")[0]
    full = f"{kind}.{group}" if group else str(kind)
    yield "kind", full, f"kind {full}"
    space = _map(item["metadata"]).get("namespace") or (item["metadata"]["name"] if kind == "Namespace" else own)
    if space != own:
        yield "namespace", str(space), f"namespace {space}"
    for _kinds, find in ((_ROLES, _rights), (WEBHOOKS, _intercepted), (("Service",), _reachable)):
        yield from find(item) if kind in _kinds else ()
    yield from _bound(item, own, names) if kind in _BINDINGS else ()
    for client in client_configs(item):
        target = _map(client.get("service")).get("namespace") or client.get("url")
        if target != own:
            yield "webhook target", str(target), f"webhook calls {target}"
    pod = _map(_map(_map(item.get("spec")).get("template")).get("spec"))
    for value, said in _of_pod(pod, _map(item["metadata"]).get("namespace") or "", names):
        yield "pod", value, said
    for image in images.used([item]):
        yield "image", images.repository(image), f"image {images.repository(image)}"


def _rights(role: Manifest) -> Iterator[_Found]:
    """Yield the rights of a role, and who gets them by aggregation."""
    labels = _map(role["metadata"].get("labels"))
    scopes = [role["kind"], *(name.removeprefix(_AGGREGATED) for name in labels if name.startswith(_AGGREGATED))]
    if role.get("aggregationRule"):
        yield "aggregation", "rights of other roles", "has the rights of other roles (aggregationRule)"
    for rule in _list(role.get("rules")):
        for name, verb in _expanded(_map(rule)):
            for scope in scopes:
                whose = "" if scope in _ROLES else f", as everybody with the role {scope}"
                yield f"{scope} {name}", verb, f"may {verb} {name}{whose}"


def _expanded(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each resource or address of a rule with each verb."""
    verbs = [str(verb) for verb in _list(rule.get("verbs"))]
    groups, resources = _list(rule.get("apiGroups")), _list(rule.get("resources"))
    names = _list(rule.get("resourceNames")) or [""]
    if prod(map(len, (groups, resources, names, verbs))) > _MOST:
        yield _TOO_MANY, "*"
        return
    for group, resource, name, verb in combinations(groups, resources, names, verbs):
        yield f"{_resource(str(group), str(resource))} {name}".rstrip(), verb
    yield from combinations(map(str, _list(rule.get("nonResourceURLs"))), verbs)


def _resource(group: str, resource: str) -> str:
    plural, slash, part = resource.partition("/")
    return f"{plural}.{group}{slash}{part}" if group else resource


def _bound(binding: Manifest, own: str, names: _Names) -> Iterator[_Found]:
    """Yield a role that is not of the release, and subjects that are not its ServiceAccounts."""
    role = _map(binding.get("roleRef"))
    space = _map(binding["metadata"]).get("namespace") or ""
    wanted = (space if role.get("kind") == "Role" else "", str(role.get("name")))
    if wanted not in names.get(str(role.get("kind")), set()):
        yield "role", wanted[1], f"role {wanted[1]}, which is not in the release"
    for subject in map(_map, _list(binding.get("subjects"))):
        found = (str(subject.get("namespace") or ""), str(subject.get("name")))
        if subject.get("kind") != "ServiceAccount" or found not in names["ServiceAccount"] or found[0] != own:
            whom = f"{subject.get('kind')} {'/'.join(filter(None, found))}"
            yield "subject", whom, f"subject {whom}"


def _intercepted(configuration: Manifest) -> Iterator[_Found]:
    """Yield which requests a webhook sees or changes."""
    way = str(configuration["kind"]).removesuffix("WebhookConfiguration").lower()
    for hook in map(_map, _list(configuration.get("webhooks"))):
        for rule in map(_map, _list(hook.get("rules"))):
            parts = [_list(rule.get(name)) for name in ("apiGroups", "resources", "operations")]
            if prod(map(len, parts)) > _MOST:
                yield f"{way} webhook {_TOO_MANY}", "*", f"{way} webhook for {_TOO_MANY}"
                continue
            for group, resource, operation in combinations(*parts):
                name = _resource(str(group), str(resource))
                yield f"{way} webhook {name}", str(operation), f"{way} webhook for {operation} of {name}"


def _reachable(service: Manifest) -> Iterator[_Found]:
    spec = _map(service.get("spec"))
    way = str(spec.get("type") or "ClusterIP")
    if way != "ClusterIP" or spec.get("externalIPs"):
        way = way if way != "ClusterIP" else "externalIPs"
        yield "service", way, f"service reachable by {way}"


def _of_pod(pod: Mapping[str, Any], namespace: str, names: _Names) -> Iterator[tuple[str, str]]:
    """Yield what reaches beyond the pod."""
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield name, f"pod with {name}"
    account = str(pod.get("serviceAccountName") or pod.get("serviceAccount") or "")
    if account and (namespace, account) not in names["ServiceAccount"]:
        yield f"service account {account}", f"pod with the ServiceAccount {account}, which is not in the release"
    yield from _of_volumes(pod)
    for value in _security(pod):
        yield value, f"pod with {value}"
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in map(_map, _list(pod.get(field))):
            for value in _inside(container):
                yield value, f"container {container.get('name')} with {value}"


def _of_volumes(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in map(_map, _list(pod.get("volumes"))):
        for kind in sorted(set(volume) - _VOLUMES):
            path = f" {_map(volume[kind]).get('path')}" if kind == "hostPath" else ""
            yield f"volume {kind}{path}", f"pod with a volume {kind}{path}"


def _inside(container: Mapping[str, Any]) -> Iterator[str]:
    yield from _security(container)
    ports = [_map(port).get("hostPort") for port in _list(container.get("ports"))]
    yield from (f"hostPort {port}" for port in ports if port)


def _security(holder: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the security context of a pod or container gives."""
    context = _map(holder.get("securityContext"))
    given = {
        "privileged": context.get("privileged"),
        "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation"),
        "hostProcess": _map(context.get("windowsOptions")).get("hostProcess"),
        "the user root": context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False,
        f"procMount {context.get('procMount')}": context.get("procMount") not in (None, "Default"),
        **{
            f"{name} Unconfined": _map(context.get(name)).get("type") == "Unconfined"
            for name in ("seccompProfile", "appArmorProfile")
        },
        **{f"capability {name}": True for name in _list(_map(context.get("capabilities")).get("add"))},
    }
    yield from (name for name, has in given.items() if has)


def tabled(release: Release) -> dict[str, list[str]]:
    rows: dict[str, set[str]] = {}
    for one in privileges(release):
        rows.setdefault(one.key, set()).add(one.value)
    return {key: sorted(rows[key]) for key in sorted(rows)}


def _known(one: Privilege, rows: Table) -> bool:
    """Return whether the table has a privilege, or one of which it is a part."""
    scope, _space, name = one.key.partition(" ")
    keys = {one.key}
    if scope in _ROLES:
        # A right to some names is part of the right to all, and a right in a namespace is part of one everywhere.
        keys |= {f"{wide} {what}" for wide in (scope, "ClusterRole") for what in (name, name.partition(" ")[0])}
    return any(one.value in rows.get(key, ()) for key in keys)


def _names(objects: Sequence[Manifest], kind: str) -> set[tuple[str, str]]:
    found = (_map(item["metadata"]) for item in objects if item["kind"] == kind)
    return {(str(one.get("namespace") or ""), str(one["name"])) for one in found}


def _place(item: Manifest) -> str:
    metadata = _map(item["metadata"])
    return f"{item['kind']} {'/'.join(str(metadata[key]) for key in ('namespace', 'name') if metadata.get(key))}"


def _map(value: Any) -> Mapping[str, Any]:
    """Return a mapping; what is none is refused by the API server."""
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
