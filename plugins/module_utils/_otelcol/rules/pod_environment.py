# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the environment of a collector: variables, permissions and consent to them, files and directories.

Sources: confmap/provider/envprovider of the Collector, and the "RBAC" sections of the components. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from posixpath import dirname
from typing import Any, NamedTuple

from ..config.paths import Path, at, is_inside, items
from ..errors import at_most, near
from ..needs.component_row import NODES_PROXY, ROOT, Component, guarded_rights
from ..needs.component_table import component
from ..needs.needed_variables import config_variables
from ..needs.peers import Peer, peers
from ..needs.proxies import proxy_exceptions, proxy_for
from .subject import Deployment, Fault, Subject, about, rules
from .view import Part

_RBAC = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
_IDENTITY = "https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html"
_PROXIES = "https://opentelemetry.io/docs/collector/configuration/#proxy-support"
_SHOWN = 3
_LISTS = ("apiGroups", "resources", "verbs")
_GOOD_PRACTICES = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"
_OTHER_TEXT = "other"
# What every container has: from the runtime (runc's init, containerd's and CRI-O's spec), and from the kubelet for the
# Service `kubernetes`, which it links even with `enableServiceLinks: false`.
_API_SERVER = "KUBERNETES_PORT_443_TCP"
IN_EVERY_POD = frozenset(
    (
        *("HOME", "HOSTNAME", "PATH"),
        *("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "KUBERNETES_SERVICE_PORT_HTTPS", "KUBERNETES_PORT"),
        *(_API_SERVER, f"{_API_SERVER}_ADDR", f"{_API_SERVER}_PORT", f"{_API_SERVER}_PROTO"),
    )
)
# Variables of the other Services of a namespace.
_SERVICE_LINK = re.compile(
    r"([A-Z][A-Z0-9_]{0,62})_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]{1,15})?|PORT_\d{1,5}_(?:TCP|UDP)_ADDR)\Z"
)


class Permission(NamedTuple):
    """One grant of an RBAC rule: one API group, one resource and one verb."""

    group: str
    resource: str
    verb: str


def missing_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables that the config reads but `env` does not set; the Collector replaces them with empty text."""
    if subject.environment is None:
        return
    there = subject.environment if subject.on_host else subject.environment | IN_EVERY_POD
    for variable in config_variables(subject.config):
        if variable.optional or variable.name in there:
            continue
        link = None if subject.on_host else _SERVICE_LINK.match(variable.name)
        if link:
            yield _linked_variable(variable.path, variable.name, link[1])
        else:
            message = f"variable {variable.name} is read here, but not set{near(variable.name, subject.environment)}"
            fix = f"Add it to `env`, or give it a default: ${{env:{variable.name}:-VALUE}}."
            yield Fault(variable.path, message, fix)


def _linked_variable(path: Path, name: str, service: str) -> Fault:
    """Return the fault of a variable that a pod has if it starts after a Service of its namespace."""
    own_name = service.lower().replace("_", "-")
    message = f"variable {name} is read here, and a pod has it only if it starts after Service '{own_name}' was made"
    fix = f"Write the Service's name, `{own_name}` with its port, which Kubernetes resolves whenever the pod starts."
    return Fault(path, message, fix, severity="warning")


@about("deployment")
def missing_identity(subject: Subject) -> Iterator[Fault]:
    """Yield collectors that call AWS while nothing gives them credentials; AWS then refuses all requests."""
    actions = subject.deployment.unidentified if subject.deployment else ()
    if actions:
        message = f"it calls AWS ({at_most(_SHOWN, actions)}), and nothing gives its pods credentials"
        fix = (
            "Set `otel_identity_provider`, or name a role in `service_account_annotations`, see docs/identity.md."
            " Suppress this finding if the role of the nodes is meant."
        )
        yield Fault((), message, fix)


def proxied_service(subject: Subject) -> Iterator[Fault]:
    """Yield exporters that send to a Service through a proxy, because NO_PROXY does not name the Service."""
    if subject.on_host:
        return  # a name of one word is no Service there
    peers_inside = [peer for peer in peers(subject.config, "") if _is_of_cluster(peer)]
    for peer in peers_inside:
        proxy = proxy_for(peer.host, peer.port, peer.scheme, subject.literals)
        if proxy:
            message = f"{proxy.variable} sends what is for {peer.endpoint} to the proxy {proxy.host}"
            missing = proxy_exceptions(other.host for other in peers_inside)
            fix = f"Add `NO_PROXY: {missing}` to `env`, or these names to its value; see docs/proxies.md."
            yield Fault(("exporters", peer.exporter), message, fix)


def _is_of_cluster(peer: Peer) -> bool:
    """Whether an exporter sends to a Service, and not to a host outside that looks like one."""
    return bool(peer.service) and (peer.certain or is_inside(peer.host))


@about("deployment")
def missing_permission(subject: Subject) -> Iterator[Fault]:
    """Yield components that need permissions which the collector's ServiceAccount lacks."""
    if not subject.deployment or subject.deployment.granted is None:
        return
    granted = set(_permissions_of(subject.deployment.granted))
    for part in subject.view.parts:
        row = component(part.section, part.type)
        if row is None:
            continue
        needed = _permissions_of(row.rules(part.settings))
        missing = [permission for permission in needed if not _allows(granted, permission)]
        if missing:
            yield _refused(part.path, part.id, missing, subject.deployment)


def _refused(path: Path, component_id: str, missing: list[Permission], deployment: Deployment) -> Fault:
    """Return the fault of a component that needs permissions: it names the first one, and counts the others."""
    group, resource, verb = missing[0]
    more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
    where = f" in API group '{group}'" if group else ""
    message = f"'{component_id}' needs to {verb} {resource}{where}{more}, which the ServiceAccount is not allowed to do"
    fix = f"Add to its ClusterRole: `{{apiGroups: ['{group}'], resources: [{resource}], verbs: [{verb}]}}`."
    if deployment.bound_elsewhere:
        message += f": {deployment.bound_elsewhere}"
        fix = "Name the account of the pods in the binding, or run the pods with the account that it names."
    elif deployment.by_operator:
        fix += " The operator does so itself, if it may create ClusterRoles."
    return Fault(path, message, fix)


def _permissions_of(rbac_rules: Iterable[Mapping[str, Any]]) -> Iterator[Permission]:
    """Yield the single grants of RBAC rules; rules for named objects do not count."""
    for rule in rbac_rules:
        if items(rule, "resourceNames"):
            continue
        groups, resources, verbs = (items(rule, key) for key in _LISTS)
        for group, resource, verb in product(groups, resources, verbs):
            yield Permission(str(group), str(resource), str(verb))


def _allows(granted: set[Permission], needed: Permission) -> bool:
    """Whether a permission is granted, by its own name or by one that covers it."""
    resource = needed.resource
    resources = [resource, "*"]
    if "/" in resource:
        resources.append(f"*/{resource.partition('/')[2]}")
    if resource == "nodes/pods":
        resources.append("nodes/proxy")  # what kubelets asked for before Kubernetes 1.33
    covering = product((needed.group, "*"), resources, (needed.verb, "*"))
    return any(permission in granted for permission in covering)


_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_STORAGE = f"{_CONTRIB}/extension/storage/filestorage"
_DIRECTORY = "/var/lib/otelcol/file_storage"  # the default of file_storage
_JOURNAL = "/var/log/journal"
_LINKS, _LINKED = "/var/log/containers", "/var/log/pods"
_FILE_KEYS = ("ca_file", "cert_file", "key_file", "client_ca_file", "bearer_token_file", "password_file")
# Directories that every image or Kubernetes provides.
_THERE = ("/etc/ssl", "/etc/pki", "/var/run/secrets", "/run/secrets", "/usr", "/proc", "/sys", "/dev")
_GLOB = re.compile(r"[*?\[{]")


@about("deployment")
def root_path_missing(subject: Subject) -> Iterator[Fault]:
    """Yield host_metrics with a root_path that is not mounted; the receiver does not start."""
    for part in _parts(subject, "receivers", "hostmetrics"):
        root = part.settings.get("root_path")
        if isinstance(root, str) and _is_missing(subject, root):
            yield Fault((*part.path, "root_path"), f"nothing is mounted at {root}", _how_to_mount(root, "/"))


@about("deployment")
def logs_missing(subject: Subject) -> Iterator[Fault]:
    """Yield file_log and journald that read a directory that is not mounted."""
    for part in _parts(subject, "receivers", "filelog"):
        for index, glob in enumerate(items(part.settings, "include")):
            folder = _folder_of(subject, glob)
            if folder and _is_missing(subject, folder):
                message = f"nothing is mounted at {folder}"
                yield Fault((*part.path, "include", index), message, _how_to_mount(folder, folder))
    for part in _parts(subject, "receivers", "journald"):
        directory = part.settings.get("directory") or _JOURNAL
        if isinstance(directory, str) and _is_missing(subject, directory):
            fix = _how_to_mount(directory, directory)
            yield Fault(part.path, f"nothing is mounted at {directory}", fix)


def _folder_of(subject: Subject, glob: Any) -> str:
    """Return the folder that a pattern of file_log needs; where it has links that are mounted, that of their files."""
    if not isinstance(glob, str):
        return ""
    folder = _GLOB.split(glob, maxsplit=1)[0].rpartition("/")[0]
    return _LINKED if folder.startswith(_LINKS) and not _is_missing(subject, folder) else folder


@about("deployment")
def file_missing(subject: Subject) -> Iterator[Fault]:
    """Yield certificates and other files in a directory that is not mounted."""
    if not subject.deployment or subject.deployment.mounts is None:
        return
    may_bring_files = subject.deployment.annotated or not _is_released(subject)
    for path, file in _files_in_use(subject):
        if _is_missing(subject, file):
            fix = (
                "Mount the Secret there with `volumes`, or write /etc/otelcol/secrets/NAME/KEY: the role then mounts "
                "the Secret NAME."
            )
            # Read at the start, which then fails.
            is_certain = "tls" in path and not may_bring_files
            yield Fault(path, f"nothing is mounted at {dirname(file)}", fix, severity="error" if is_certain else "")


def _files_in_use(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Yield the files that started components and the service itself read, by their keys."""
    started = {part.path for part in subject.view.parts}
    for path, value in subject.view.leaves:
        if not path or path[-1] not in _FILE_KEYS or not isinstance(value, str):
            continue
        if path[:2] in started or path[0] == "service":
            yield path, value


def _is_released(subject: Subject) -> bool:
    """Whether the image is a released one; an image of the user's own may bring files."""
    return bool(subject.target and subject.target.catalogue.ships(subject.target.distribution))


@about("deployment")
def storage_missing(subject: Subject) -> Iterator[Fault]:
    """Yield file_storage in a directory that is not mounted, or a queue on a volume that ends with the pod."""
    for part in _parts(subject, "extensions", "filestorage"):
        directory = part.settings.get("directory") or _DIRECTORY
        if isinstance(directory, str) and subject.deployment:
            yield from _unsafe_storage(part, directory, subject, subject.deployment)


def _unsafe_storage(part: Part, directory: str, subject: Subject, deployment: Deployment) -> Iterator[Fault]:
    """Yield that a directory of file_storage is lost with its container, or its queue with the pod."""
    users = ", ".join(f"'{name}'" for name in _users_of_storage(subject, part.id))
    fix = f"Mount a volume at {directory}; a StatefulSet keeps it when the pod moves."
    if _is_missing(subject, directory):
        loss = f", so the queue of {users} is lost with the container" if users else ""
        yield Fault(part.path, f"nothing is mounted at {directory}{loss}", fix)
    elif users and _ends_with_pod(directory, deployment):
        message = f"the volume at {directory} ends with the pod, and with it the queue of {users}"
        yield Fault(part.path, message, fix)


def _parts(subject: Subject, name: str, kind: str) -> Iterator[Part]:
    """Yield the started components of a kind, if it is known what is mounted."""
    if subject.deployment and subject.deployment.mounts is not None:
        yield from subject.view.of(name, kind)


def _is_missing(subject: Subject, path: str) -> bool:
    """Whether an absolute path is outside all volumes; unknown for a path with a variable."""
    mounts = subject.deployment.mounts if subject.deployment else None
    if mounts is None or "$" in path:
        return False
    if not path.startswith("/") or path == "/" or _is_below(path, _THERE):
        return False
    folder = path.rstrip("/") + "/"
    has_mounts_inside = any(mount.startswith(folder) for mount in mounts)
    return not has_mounts_inside and not _is_below(path, mounts)


def _ends_with_pod(path: str, deployment: Deployment) -> bool:
    """Whether the innermost volume at a path ends with the pod."""
    around = [mount for mount in deployment.mounts or () if _is_below(path, (mount,))]
    return bool(around) and max(around, key=len) in deployment.fleeting


def _is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of these folders, or inside one."""
    for folder in folders:
        bare_folder = folder.rstrip("/")
        if path.rstrip("/") == bare_folder or path.startswith(f"{bare_folder}/"):
            return True
    return False


def _how_to_mount(inside: str, on_node: str) -> str:
    volume = f"{{name: NAME, mount_path: {inside}, source: {{hostPath: {{path: {on_node}}}}}}}"
    return f"Mount {on_node} of the node there: `volumes: [{volume}]`."


def _users_of_storage(subject: Subject, storage: str) -> list[str]:
    """Return the ids of components whose queue is in a storage."""
    path: Path = ("sending_queue", "storage")
    return [part.id for part in subject.view.parts if at(part.settings, path) == storage]


class _Asking(NamedTuple):
    """A component that may need consent: its part of the config, its row, and the rights that it needs."""

    part: Part
    row: Component
    rights: set[str]


@about("deployment")
def consent_missing(subject: Subject) -> Iterator[Fault]:
    """Yield components that need a right which the collector's option `allow` does not name."""
    deployment = subject.deployment
    if deployment is None or deployment.allowed is None:
        return
    asking = list(_asking_components(subject, deployment))
    all_rights = set(deployment.allowed).union(*(asker.rights for asker in asking))
    allow = ", ".join(sorted(all_rights))
    for part, row, rights in asking:
        for right in sorted(rights - set(deployment.allowed)):
            message = f"'{part.id}' needs {_right_in_words(row, part.settings, right)}"
            fix = f"Remove the setting, or add `allow: [{allow}]` to the collector."
            path = _cause(_needs_right(row, right, deployment), part.settings, part.path)
            yield Fault(path, f"{message}, for which this collector has no consent", fix)


def _asking_components(subject: Subject, deployment: Deployment) -> Iterator[_Asking]:
    for part in subject.view.parts:
        row = component(part.section, part.type)
        if row:
            yield _Asking(part, row, _rights(row, part.settings, deployment))


def _needs_right(row: Component, right: str, deployment: Deployment) -> Callable[[Any], bool]:
    """Return a function that says whether a component with other settings needs a right."""

    def needs_right(settings: Any) -> bool:
        return right in _rights(row, settings, deployment)

    return needs_right


def _rights(row: Component, settings: dict[str, Any], deployment: Deployment) -> set[str]:
    """Return the rights of a component that need consent."""
    rights = {right for rule in row.rules(settings) for right in guarded_rights(rule)}
    if row.root(settings) or (deployment.keeps_on_node and row.state(settings)):
        rights.add(ROOT)
    return rights


def _right_in_words(row: Component, settings: dict[str, Any], right: str) -> str:
    """Return a right as a sentence names it."""
    if right == ROOT:
        return "to run as root"
    rule = next(rule for rule in row.rules(settings) if right in guarded_rights(rule))
    resources = _listed(items(rule, "resources") or items(rule, "nonResourceURLs"))
    groups = _listed(f"'{group}'" for group in items(rule, "apiGroups") if group)
    in_groups = f" in API group {groups}" if groups else ""
    more = ", which includes commands in every container" if right == NODES_PROXY else ""
    return f"the right to {_listed(items(rule, 'verbs'))} {resources}{in_groups} everywhere{more}"


def _listed(words: Iterable[Any]) -> str:
    return ", ".join(str(word) for word in words)


def _cause(needs: Callable[[Any], bool], value: Any, path: Path) -> Path:
    """Return the path of the smallest setting that alone makes a component need something.

    A text is the cause if another one in its place, and a mapping or a list if its absence ends the need.
    """
    if isinstance(value, dict):
        for key, child in reversed(value.items()):
            if not needs(_without_child(value, key)):

                def needs_with_child(other: Any, key: Any = key) -> bool:
                    return needs({**value, key: other})

                return _cause(needs_with_child, child, (*path, key))
    if isinstance(value, list):
        for index, child in enumerate(value):
            if needs([child]):
                return _cause(lambda other: needs([other]), child, (*path, index))
    return path


def _without_child(settings: dict[Any, Any], key: Any) -> dict[Any, Any]:
    """Return settings without a mapping or list in them, or with another text in place of a scalar."""
    rest = {name: child for name, child in settings.items() if name != key}
    return rest if isinstance(settings[key], (dict, list)) else {**rest, key: _OTHER_TEXT}


RULES = (
    *rules("error", missing_variable),
    *rules("warning", missing_identity, documentation=_IDENTITY),
    *rules("warning", proxied_service, documentation=_PROXIES),
    *rules("warning", missing_permission, documentation=_RBAC),
    *rules("error", root_path_missing, documentation=f"{_CONTRIB}/receiver/hostmetricsreceiver"),
    *rules("warning", logs_missing, documentation=f"{_CONTRIB}/receiver/filelogreceiver"),
    *rules("warning", file_missing, documentation="https://opentelemetry.io/docs/collector/configuration/"),
    *rules("warning", storage_missing, documentation=_STORAGE),
    *rules("error", consent_missing, documentation=_GOOD_PRACTICES),
)
