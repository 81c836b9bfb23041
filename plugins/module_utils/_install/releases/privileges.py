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
from typing import Any, NamedTuple

from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .image_references import repository
from .manifest import WEBHOOKS, Release, client_configs
from .pinned_images import images_of_workloads

_ROLES = ("ClusterRole", "Role")
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")
_AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-"
# Volumes that reach neither the node nor a store of others.
_VOLUMES = {"name", "secret", "configMap", "emptyDir", "projected", "downwardAPI"}
# What a pod may set without reaching further. Source: Kubernetes' documentation, Pod Security Standards, Baseline.
_SELINUX_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SYSCTLS = (
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"),
    *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl"),
    *("net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"),
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
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
        different = sorted({str(privilege) for privilege in privileges(release) if not _is_known(privilege, rows)})
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


class _Found(NamedTuple):
    """A privilege of an object: its key and value in the table, and how a message says it."""

    key: str
    value: str
    said: str


_Names = Mapping[str, set[tuple[str, str]]]


def privileges(release: Release) -> Iterator[Privilege]:
    """Yield each privilege of each object of a release."""
    own_namespace = "" if release.namespace.startswith("kube-") else release.namespace
    names = {kind: _names_of(release.objects, kind) for kind in (*_ROLES, "ServiceAccount")}
    for manifest in release.objects:
        for key, value, said in _privileges_of(manifest, own_namespace, names):
            yield Privilege(_place(manifest), key, value, said)


def _privileges_of(manifest: Manifest, own_namespace: str, names: _Names) -> Iterator[_Found]:
    kind = manifest["kind"]
    yield from _identity(manifest, own_namespace)
    if kind in _ROLES:
        yield from _rights(manifest, own_namespace)
    if kind in WEBHOOKS:
        yield from _intercepted(manifest)
    if kind == "Service":
        yield from _reachable(manifest)
    if kind in _BINDINGS:
        yield from _bound(manifest, own_namespace, names)
    for client in client_configs(manifest):
        target = _map(client.get("service")).get("namespace") or client.get("url")
        if target != own_namespace:
            yield _Found("webhook target", str(target), f"webhook calls {target}")
    template = _map(_map(manifest.get("spec")).get("template"))
    namespace = _map(manifest["metadata"]).get("namespace") or ""
    for value, said in _of_pod(_map(template.get("spec")), namespace, names):
        yield _Found("pod", value, said)
    for value, said in _of_annotations(_map(_map(template.get("metadata")).get("annotations"))):
        yield _Found("pod", value, said)
    for image in images_of_workloads([manifest]):
        name = repository(image)
        yield _Found("image", name, f"image {name}")


def _identity(manifest: Manifest, own_namespace: str) -> Iterator[_Found]:
    """Yield the kind of an object, and that it is in another namespace than the release's own."""
    kind = manifest["kind"]
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    full_kind = f"{kind}.{group}" if group else str(kind)
    yield _Found("kind", full_kind, f"kind {full_kind}")
    namespace = _map(manifest["metadata"]).get("namespace")
    if not namespace:
        namespace = manifest["metadata"]["name"] if kind == "Namespace" else own_namespace
    if namespace != own_namespace:
        yield _Found(f"namespace {namespace}", full_kind, f"namespace {namespace}")


def _rights(role: Manifest, own_namespace: str) -> Iterator[_Found]:
    """Yield the rights of a role, and who gets them by aggregation."""
    scope_of_role = _scope(role, own_namespace)
    labels = _map(role["metadata"].get("labels"))
    aggregated_roles = [name.removeprefix(_AGGREGATED) for name in labels if name.startswith(_AGGREGATED)]
    if role.get("aggregationRule"):
        yield _Found("aggregation", "rights of other roles", "has the rights of other roles (aggregationRule)")
    for rule in _list(role.get("rules")):
        for name, verb in _expanded(_map(rule)):
            right = f"may {verb} {name}"
            yield _Found(f"{scope_of_role} {name}", verb, right)
            for scope in aggregated_roles:
                yield _Found(f"{scope} {name}", verb, f"{right}, as everybody with the role {scope}")


def _scope(role: Manifest, own_namespace: str) -> str:
    """Return where the rights of a role count: its kind, with the namespace if that is not the release's own."""
    namespace = str(_map(role["metadata"]).get("namespace") or own_namespace)
    is_elsewhere = role["kind"] == "Role" and namespace != own_namespace
    return f"Role/{namespace}" if is_elsewhere else str(role["kind"])


def _expanded(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each resource or address of a rule with each verb."""
    verbs = [str(verb) for verb in _list(rule.get("verbs"))]
    groups = _list(rule.get("apiGroups"))
    resources = _list(rule.get("resources"))
    names = _list(rule.get("resourceNames")) or [""]
    addresses = _list(rule.get("nonResourceURLs"))
    subjects = len(groups) * len(resources) * len(names) + len(addresses)
    if subjects * len(verbs) > _MOST:
        yield _TOO_MANY, "*"
        return
    for group, resource, name, verb in combinations(groups, resources, names, verbs):
        yield f"{_resource(str(group), str(resource))} {name}".rstrip(), verb
    for address, verb in combinations(addresses, verbs):
        yield str(address), verb


def _resource(group: str, resource: str) -> str:
    """Return a resource as RBAC is spoken of: deployments.apps/scale, or pods of the core group."""
    plural, slash, subresource = resource.partition("/")
    return f"{plural}.{group}{slash}{subresource}" if group else resource


def _bound(binding: Manifest, own_namespace: str, names: _Names) -> Iterator[_Found]:
    """Yield a role that is not of the release, and subjects that are not its ServiceAccounts."""
    namespace = str(_map(binding["metadata"]).get("namespace") or "")
    role = _map(binding.get("roleRef"))
    kind, name = str(role.get("kind")), str(role.get("name"))
    role_namespace = namespace if kind == "Role" else ""
    if (role_namespace, name) not in names.get(kind, set()):
        yield _Found("role", name, f"role {name}, which is not in the release")
    for subject in _maps(binding.get("subjects")):
        if not _is_own_account(subject, own_namespace, names):
            path = "/".join(filter(None, (str(subject.get("namespace") or ""), str(subject.get("name")))))
            text = f"{subject.get('kind')} {path}"
            yield _Found("subject", text, f"subject {text}")


def _is_own_account(subject: Mapping[str, Any], own_namespace: str, names: _Names) -> bool:
    """Return whether a subject is a ServiceAccount of the release, in its own namespace."""
    namespace = str(subject.get("namespace") or "")
    if subject.get("kind") != "ServiceAccount" or namespace != own_namespace:
        return False
    return (namespace, str(subject.get("name"))) in names["ServiceAccount"]


def _intercepted(configuration: Manifest) -> Iterator[_Found]:
    """Yield which requests a webhook sees or changes."""
    way = str(configuration["kind"]).removesuffix("WebhookConfiguration").lower()
    for webhook in _maps(configuration.get("webhooks")):
        for rule in _maps(webhook.get("rules")):
            groups = _list(rule.get("apiGroups"))
            resources = _list(rule.get("resources"))
            operations = _list(rule.get("operations"))
            if len(groups) * len(resources) * len(operations) > _MOST:
                yield _Found(f"{way} webhook {_TOO_MANY}", "*", f"{way} webhook for {_TOO_MANY}")
                continue
            for group, resource, operation in combinations(groups, resources, operations):
                name = _resource(str(group), str(resource))
                yield _Found(f"{way} webhook {name}", str(operation), f"{way} webhook for {operation} of {name}")


def _reachable(service: Manifest) -> Iterator[_Found]:
    """Yield how a Service is reached from outside of the cluster."""
    spec = _map(service.get("spec"))
    way = str(spec.get("type") or "ClusterIP")
    if way == "ClusterIP" and spec.get("externalIPs"):
        way = "externalIPs"
    if way != "ClusterIP":
        yield _Found("service", way, f"service reachable by {way}")


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
        for container in _maps(pod.get(field)):
            for value in _of_container(container):
                yield value, f"container {container.get('name')} with {value}"


def _of_annotations(annotations: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the containers that an annotation of the pod takes out of AppArmor."""
    for name, profile in annotations.items():
        if str(name).startswith(_APP_ARMOR) and not _is_confined(str(profile)):
            container = str(name).removeprefix(_APP_ARMOR)
            yield f"appArmorProfile {profile}", f"container {container} with appArmorProfile {profile}"


def _is_confined(profile: str) -> bool:
    return profile in ("", "runtime/default") or profile.startswith("localhost/")


def _of_volumes(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the volumes of a pod that reach the node or a store of others."""
    for volume in _maps(pod.get("volumes")):
        for kind in sorted(set(volume) - _VOLUMES):
            path = f" {_map(volume[kind]).get('path')}" if kind == "hostPath" else ""
            yield f"volume {kind}{path}", f"pod with a volume {kind}{path}"


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    yield from _security(container)
    for port in _maps(container.get("ports")):
        if port.get("hostPort"):
            yield f"hostPort {port['hostPort']}"
    callers = {name: container.get(name) for name in _PROBES} | dict(_map(container.get("lifecycle")))
    for name, caller in callers.items():
        for way in ("httpGet", "tcpSocket"):
            host = _map(_map(caller).get(way)).get("host")
            if host:
                yield f"{name} of host {host}"


def _security(holder: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the security context of a pod or container gives."""
    context = _map(holder.get("securityContext"))
    if context.get("privileged"):
        yield "privileged"
    if context.get("allowPrivilegeEscalation"):
        yield "allowPrivilegeEscalation"
    if _map(context.get("windowsOptions")).get("hostProcess"):
        yield "hostProcess"
    if context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False:
        yield "the user root"
    if context.get("procMount") not in (None, "Default"):
        yield f"procMount {context['procMount']}"
    for profile in ("seccompProfile", "appArmorProfile"):
        if _map(context.get(profile)).get("type") == "Unconfined":
            yield f"{profile} Unconfined"
    yield from _kernel_settings(context)
    for capability in _list(_map(context.get("capabilities")).get("add")):
        yield f"capability {capability}"


def _kernel_settings(context: Mapping[str, Any]) -> Iterator[str]:
    """Yield the labels of SELinux and the settings of the kernel that take a pod out of its limits."""
    labels = _map(context.get("seLinuxOptions"))
    for part in ("user", "role"):
        if labels.get(part):
            yield f"SELinux {part} {labels[part]}"
    if labels.get("type") and labels["type"] not in _SELINUX_TYPES:
        yield f"SELinux type {labels['type']}"
    for setting in _maps(context.get("sysctls")):
        if setting.get("name") not in _SYSCTLS:
            yield f"sysctl {setting.get('name')}"


def tabled(release: Release) -> dict[str, list[str]]:
    """Return the rows of a table for a release: the values of each key, both sorted."""
    rows: dict[str, set[str]] = {}
    for privilege in privileges(release):
        rows.setdefault(privilege.key, set()).add(privilege.value)
    return {key: sorted(rows[key]) for key in sorted(rows)}


def _is_known(privilege: Privilege, rows: Table) -> bool:
    """Return whether the table has a privilege, or one of which it is a part."""
    keys = {privilege.key}
    scope, _space, right = privilege.key.partition(" ")
    if scope.partition("/")[0] in _ROLES:
        # A right to some names is part of the right to all, and a right in a namespace is part of one everywhere.
        right_to_all_names = right.partition(" ")[0]
        for wider_scope in (scope, "ClusterRole"):
            keys |= {f"{wider_scope} {right}", f"{wider_scope} {right_to_all_names}"}
    return any(privilege.value in rows.get(key, ()) for key in keys)


def _names_of(objects: Sequence[Manifest], kind: str) -> set[tuple[str, str]]:
    """Return namespace and name of each object of a kind."""
    names = set()
    for manifest in objects:
        if manifest["kind"] == kind:
            metadata = _map(manifest["metadata"])
            names.add((str(metadata.get("namespace") or ""), str(metadata["name"])))
    return names


def _place(manifest: Manifest) -> str:
    """Return kind, namespace and name of an object as messages show it."""
    metadata = _map(manifest["metadata"])
    path = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    return f"{manifest['kind']} {path}"


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the elements of a list as mappings."""
    for element in _list(value):
        yield _map(element)


def _map(value: Any) -> Mapping[str, Any]:
    """Return a mapping; what is none is refused by the API server."""
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
