# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The privileges that the objects of a release have in a cluster. Private.

A privilege is a value of a key, and privileges.py compares both with those of earlier releases. For example, a rule of
the ClusterRole `manager` that may get Secrets is

    Privilege(key="ClusterRole secrets", value="get", description="may get secrets")

and the line that shows it is `ClusterRole manager: may get secrets`. pod_privileges.py has those of pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product as combinations
from typing import Any, NamedTuple

from ..._kube.namespaced_name import NamespacedName
from ..._otelcol.kube.objects import Manifest
from .image_references import read_image_repository
from .manifest import WEBHOOKS, Release, iter_client_configs
from .pinned_images import iter_workload_images
from .pod_privileges import iter_template_privileges
from .unchecked_values import iter_mappings, list_or_empty, mapping_or_empty

# The kinds that have rules, and those that bind them to subjects.
_ROLES = ("ClusterRole", "Role")
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
# The beginning of a label by which a role of Kubernetes, such as `admin`, gets the rights of a ClusterRole.
_AGGREGATION_LABEL = "rbac.authorization.k8s.io/aggregate-to-"
# A rule with more rights than this counts as one privilege, which is not in the table. No rule of a release comes near.
_MOST_RIGHTS = 10_000
_TOO_MANY = "more rights than can be listed"

# The names of the objects of a release, by kind.
_Names = Mapping[str, set[NamespacedName]]


class Privilege(NamedTuple):
    """A privilege, without the object that has it."""

    key: str
    """Such as `ClusterRole secrets`."""
    value: str
    """Such as `get`."""
    description: str
    """Such as `may get secrets`."""
    wider_keys: Sequence[str] = ()
    """The keys of privileges that include this one, such as `ClusterRole secrets` for the key `Role secrets`."""


class OwnedPrivilege(NamedTuple):
    """A privilege, and the object that has it."""

    object_name: str
    """Such as `ClusterRole manager`."""
    privilege: Privilege

    @property
    def line(self) -> str:
        """The line that shows the privilege, and that accepts it."""
        return f"{self.object_name}: {self.privilege.description}"


class _Right(NamedTuple):
    """A right that a rule of a role gives."""

    verb: str
    resource: str
    """Such as deployments.apps/scale, or the path of a URL."""
    name: str = ""
    """The only object of the resource that the right is for; empty for all objects."""

    @property
    def target(self) -> str:
        """What the right is for, as keys and lines have it."""
        return f"{self.resource} {self.name}".rstrip()


def iter_privileges(release: Release) -> Iterator[OwnedPrivilege]:
    """Yield each privilege of each object of a release."""
    own_namespace = "" if release.namespace.startswith("kube-") else release.namespace
    names_by_kind = {kind: _list_names(release.objects, kind) for kind in (*_ROLES, "ServiceAccount")}
    for manifest in release.objects:
        for privilege in _iter_object_privileges(manifest, own_namespace, names_by_kind):
            yield OwnedPrivilege(_full_name(manifest), privilege)


def _iter_object_privileges(manifest: Manifest, own_namespace: str, names_by_kind: _Names) -> Iterator[Privilege]:
    """Yield the privileges of an object. The kind says which of them it can have."""
    kind = manifest["kind"]
    yield from _iter_identity(manifest, own_namespace)
    if kind in _ROLES:
        yield from _iter_rights(manifest, own_namespace)
    if kind in WEBHOOKS:
        yield from _iter_intercepted_requests(manifest)
    if kind == "Service":
        yield from _iter_outside_access(manifest)
    if kind in _BINDINGS:
        yield from _iter_binding_privileges(manifest, own_namespace, names_by_kind)
    yield from _iter_webhook_targets(manifest, own_namespace)
    for pod_privilege in iter_template_privileges(manifest, names_by_kind["ServiceAccount"]):
        yield Privilege("pod", pod_privilege.value, pod_privilege.description)
    for image in iter_workload_images([manifest]):
        name = read_image_repository(image)
        yield Privilege("image", name, f"image {name}")


def _iter_identity(manifest: Manifest, own_namespace: str) -> Iterator[Privilege]:
    """Yield the kind of an object, and its namespace if that is not the release's own."""
    kind = manifest["kind"]
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    full_kind = f"{kind}.{group}" if group else str(kind)
    yield Privilege("kind", full_kind, f"kind {full_kind}")
    namespace = mapping_or_empty(manifest["metadata"]).get("namespace")
    if not namespace:
        namespace = manifest["metadata"]["name"] if kind == "Namespace" else own_namespace
    if namespace != own_namespace:
        yield Privilege(f"namespace {namespace}", full_kind, f"namespace {namespace}")


def _iter_rights(role: Manifest, own_namespace: str) -> Iterator[Privilege]:
    """Yield the rights of a role. By aggregation, roles of Kubernetes such as `admin` may get the same rights."""
    role_scope = _role_scope(role, own_namespace)
    labels = mapping_or_empty(role["metadata"].get("labels"))
    aggregated_roles = [name.removeprefix(_AGGREGATION_LABEL) for name in labels if name.startswith(_AGGREGATION_LABEL)]
    if role.get("aggregationRule"):
        yield Privilege("aggregation", "rights of other roles", "has the rights of other roles (aggregationRule)")
    for rule in list_or_empty(role.get("rules")):
        for right in _expand_rule(mapping_or_empty(rule)):
            description = f"may {right.verb} {right.target}"
            wider_keys = _list_wider_keys(role_scope, right)
            yield Privilege(f"{role_scope} {right.target}", right.verb, description, wider_keys)
            for role_name in aggregated_roles:
                shared_description = f"{description}, as everybody with the role {role_name}"
                yield Privilege(f"{role_name} {right.target}", right.verb, shared_description)


def _list_wider_keys(role_scope: str, right: _Right) -> list[str]:
    """Return the keys of the rights that include a right, such as `Role leases` for `Role leases one`.

    A right to one name is part of the right to all, and a right in a namespace is part of one everywhere.
    """
    return [
        f"{role_scope} {right.resource}",
        f"ClusterRole {right.target}",
        f"ClusterRole {right.resource}",
    ]


def _role_scope(role: Manifest, own_namespace: str) -> str:
    """Return where the rights of a role count: `ClusterRole`, `Role`, or `Role/NAMESPACE` for another namespace."""
    namespace = str(mapping_or_empty(role["metadata"]).get("namespace") or own_namespace)
    is_elsewhere = role["kind"] == "Role" and namespace != own_namespace
    return f"Role/{namespace}" if is_elsewhere else str(role["kind"])


def _expand_rule(rule: Mapping[str, Any]) -> Iterator[_Right]:
    """Yield each right of a rule: every verb for every resource and for every path of a URL."""
    verbs = [str(verb) for verb in list_or_empty(rule.get("verbs"))]
    groups = list_or_empty(rule.get("apiGroups"))
    resources = list_or_empty(rule.get("resources"))
    resource_names = list_or_empty(rule.get("resourceNames")) or [""]
    addresses = list_or_empty(rule.get("nonResourceURLs"))
    target_count = len(groups) * len(resources) * len(resource_names) + len(addresses)
    if target_count * len(verbs) > _MOST_RIGHTS:
        yield _Right("*", _TOO_MANY)
        return
    for group, resource, name, verb in combinations(groups, resources, resource_names, verbs):
        yield _Right(verb, _resource_name(str(group), str(resource)), str(name))
    for address, verb in combinations(addresses, verbs):
        yield _Right(verb, str(address))


def _resource_name(group: str, resource: str) -> str:
    """Return a resource with its group, such as deployments.apps/scale; pods for one of the core group."""
    plural, slash, subresource = resource.partition("/")
    return f"{plural}.{group}{slash}{subresource}" if group else resource


def _iter_intercepted_requests(configuration: Manifest) -> Iterator[Privilege]:
    """Yield the requests that the webhooks of an object see (ValidatingWebhookConfiguration) or change (Mutating…)."""
    webhook_type = str(configuration["kind"]).removesuffix("WebhookConfiguration").lower()
    for webhook in iter_mappings(configuration.get("webhooks")):
        for rule in iter_mappings(webhook.get("rules")):
            yield from _iter_requests_of_rule(f"{webhook_type} webhook", rule)


def _iter_requests_of_rule(webhook_title: str, rule: Mapping[str, Any]) -> Iterator[Privilege]:
    """Yield each request that a rule of a webhook is for: every operation on every resource."""
    groups = list_or_empty(rule.get("apiGroups"))
    resources = list_or_empty(rule.get("resources"))
    operations = list_or_empty(rule.get("operations"))
    if len(groups) * len(resources) * len(operations) > _MOST_RIGHTS:
        yield Privilege(f"{webhook_title} {_TOO_MANY}", "*", f"{webhook_title} for {_TOO_MANY}")
        return
    for group, resource, operation in combinations(groups, resources, operations):
        name = _resource_name(str(group), str(resource))
        yield Privilege(f"{webhook_title} {name}", str(operation), f"{webhook_title} for {operation} of {name}")


def _iter_outside_access(service: Manifest) -> Iterator[Privilege]:
    """Yield how a Service is reached from outside of the cluster."""
    spec = mapping_or_empty(service.get("spec"))
    service_type = str(spec.get("type") or "ClusterIP")
    if service_type == "ClusterIP" and spec.get("externalIPs"):
        service_type = "externalIPs"
    if service_type != "ClusterIP":
        yield Privilege("service", service_type, f"service reachable by {service_type}")


def _iter_binding_privileges(binding: Manifest, own_namespace: str, names_by_kind: _Names) -> Iterator[Privilege]:
    """Yield the role of a binding if the release does not have it, and subjects that are not its ServiceAccounts."""
    namespace = str(mapping_or_empty(binding["metadata"]).get("namespace") or "")
    role = mapping_or_empty(binding.get("roleRef"))
    kind, name = str(role.get("kind")), str(role.get("name"))
    role_namespace = namespace if kind == "Role" else ""
    if NamespacedName(role_namespace, name) not in names_by_kind.get(kind, set()):
        yield Privilege("role", name, f"role {name}, which is not in the release")
    for subject in iter_mappings(binding.get("subjects")):
        if not _is_own_account(subject, own_namespace, names_by_kind):
            subject_path = "/".join(filter(None, (str(subject.get("namespace") or ""), str(subject.get("name")))))
            subject_name = f"{subject.get('kind')} {subject_path}"
            yield Privilege("subject", subject_name, f"subject {subject_name}")


def _is_own_account(subject: Mapping[str, Any], own_namespace: str, names_by_kind: _Names) -> bool:
    """Return whether a subject is a ServiceAccount of the release, in its own namespace."""
    namespace = str(subject.get("namespace") or "")
    if subject.get("kind") != "ServiceAccount" or namespace != own_namespace:
        return False
    return NamespacedName(namespace, str(subject.get("name"))) in names_by_kind["ServiceAccount"]


def _iter_webhook_targets(manifest: Manifest, own_namespace: str) -> Iterator[Privilege]:
    """Yield where the webhooks of an object send requests, if that is not the release's own namespace."""
    for client in iter_client_configs(manifest):
        target = mapping_or_empty(client.get("service")).get("namespace") or client.get("url")
        if target != own_namespace:
            yield Privilege("webhook target", str(target), f"webhook calls {target}")


def _list_names(objects: Sequence[Manifest], kind: str) -> set[NamespacedName]:
    """Return namespace and name of each object of a kind."""
    object_names = set()
    for manifest in objects:
        if manifest["kind"] == kind:
            metadata = mapping_or_empty(manifest["metadata"])
            object_names.add(NamespacedName(str(metadata.get("namespace") or ""), str(metadata["name"])))
    return object_names


def _full_name(manifest: Manifest) -> str:
    """Return kind, namespace and name of an object as messages show it."""
    metadata = mapping_or_empty(manifest["metadata"])
    path = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    return f"{manifest['kind']} {path}"
