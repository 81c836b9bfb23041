# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on the environment of a collector: variables, permissions and consent to them, files and directories.

Sources: confmap/provider/envprovider of the Collector, and the "RBAC" sections of the components. Private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from posixpath import dirname
from typing import Any

from ..config.paths import Path, at, is_inside, items
from ..errors import at_most, near
from ..needs.component_row import NODES_PROXY, ROOT, Component, guarded_rights
from ..needs.component_table import component
from ..needs.derive_needs import config_variables
from ..needs.peers import peers
from ..needs.proxies import proxy_exceptions, proxy_for
from .subject import Deployment, Fault, Subject, about, rules
from .view import Part

_RBAC = "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"
_IDENTITY = "https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html"
_PROXIES = "https://opentelemetry.io/docs/collector/configuration/#proxy-support"
_SHOWN = 3
_LISTS = ("apiGroups", "resources", "verbs")
Granted = set[tuple[str, str, str]]
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


def missing_variable(subject: Subject) -> Iterator[Fault]:
    """Yield variables that the config reads but `env` does not set; the Collector replaces them with empty text."""
    if subject.environment is None:
        return
    there = subject.environment if subject.on_host else subject.environment | IN_EVERY_POD
    for variable in config_variables(subject.config):
        link = None if subject.on_host else _SERVICE_LINK.match(variable.name)
        if variable.optional or variable.name in there:
            continue
        if link:
            yield _linked(variable.path, variable.name, link[1])
        else:
            message = f"variable {variable.name} is read here, but not set{near(variable.name, subject.environment)}"
            fix = f"Add it to `env`, or give it a default: ${{env:{variable.name}:-VALUE}}."
            yield Fault(variable.path, message, fix)


def _linked(path: Path, name: str, service: str) -> Fault:
    """Return the fault of a variable that a pod has if it starts after a Service of its namespace."""
    named = service.lower().replace("_", "-")
    message = f"variable {name} is read here, and a pod has it only if it starts after Service '{named}' was made"
    fix = f"Write the Service's name, `{named}` with its port, which Kubernetes resolves whenever the pod starts."
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
    found = [peer for peer in peers(subject.config, "") if peer.service and (peer.certain or is_inside(peer.host))]
    for peer in found:
        proxy = proxy_for(peer.host, peer.port, peer.scheme, subject.literals)
        if proxy:
            message = f"{proxy.variable} sends what is for {peer.endpoint} to the proxy {proxy.host}"
            missing = proxy_exceptions(one.host for one in found)
            fix = f"Add `NO_PROXY: {missing}` to `env`, or these names to its value; see docs/proxies.md."
            yield Fault(("exporters", peer.exporter), message, fix)


@about("deployment")
def missing_permission(subject: Subject) -> Iterator[Fault]:
    """Yield components that need permissions which the collector's ServiceAccount lacks."""
    if not subject.deployment or subject.deployment.granted is None:
        return
    granted = {one for item in subject.deployment.granted for one in _permissions(item)}
    for part in subject.view.parts:
        row = component(part.section, part.type)
        needed = [one for item in (row.rules(part.settings) if row else ()) for one in _permissions(item)]
        missing = [one for one in needed if not _allows(granted, one)]
        if missing:
            yield _refused(part.path, part.id, missing, subject.deployment)


def _refused(path: Path, component_id: str, missing: list[tuple[str, str, str]], deployment: Deployment) -> Fault:
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


def _permissions(item: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the single grants of an RBAC rule; rules for named objects do not count."""
    groups, resources, verbs = (items(item, key) for key in _LISTS)
    if not items(item, "resourceNames"):
        yield from ((str(group), str(one), str(verb)) for group in groups for one in resources for verb in verbs)


def _allows(granted: Granted, wanted: tuple[str, str, str]) -> bool:
    group, resource, verb = wanted
    names = [resource, "*", f"*/{resource.partition('/')[2]}" if "/" in resource else "*"]
    names += ["nodes/proxy"] if resource == "nodes/pods" else []  # what kubelets asked for before Kubernetes 1.33
    return any((g, name, v) in granted for g in (group, "*") for name in names for v in (verb, "*"))


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
            yield Fault((*part.path, "root_path"), f"nothing is mounted at {root}", _mount(root, "/"))


@about("deployment")
def logs_missing(subject: Subject) -> Iterator[Fault]:
    """Yield file_log and journald that read a directory that is not mounted."""
    for part in _parts(subject, "receivers", "filelog"):
        for index, glob in enumerate(items(part.settings, "include")):
            folder = _folder_of(subject, glob)
            if folder and _is_missing(subject, folder):
                message = f"nothing is mounted at {folder}"
                yield Fault((*part.path, "include", index), message, _mount(folder, folder))
    for part in _parts(subject, "receivers", "journald"):
        directory = part.settings.get("directory") or _JOURNAL
        if isinstance(directory, str) and _is_missing(subject, directory):
            yield Fault(part.path, f"nothing is mounted at {directory}", _mount(directory, directory))


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
    started = {part.path for part in subject.view.parts}
    for path, value in subject.view.leaves:
        if not path or path[-1] not in _FILE_KEYS or not isinstance(value, str):
            continue
        if (path[:2] in started or path[0] == "service") and _is_missing(subject, value):
            folder = dirname(value)
            fix = (
                "Mount the Secret there with `volumes`, or write /etc/otelcol/secrets/NAME/KEY: the role then mounts "
                "the Secret NAME."
            )
            # Read at the start, which then fails.
            is_certain = "tls" in path and _is_released(subject) and not subject.deployment.annotated
            severity = "error" if is_certain else ""
            yield Fault(path, f"nothing is mounted at {folder}", fix, severity=severity)


def _is_released(subject: Subject) -> bool:
    """Whether the image is a released one; an image of the user's own may bring files."""
    return bool(subject.target and subject.target.catalogue.ships(subject.target.distribution))


@about("deployment")
def storage_missing(subject: Subject) -> Iterator[Fault]:
    """Yield file_storage in a directory that is not mounted, or a queue on a volume that ends with the pod."""
    for part in _parts(subject, "extensions", "filestorage"):
        directory = part.settings.get("directory") or _DIRECTORY
        users = ", ".join(f"'{name}'" for name in _users(subject, part.id))
        fix = f"Mount a volume at {directory}; a StatefulSet keeps it when the pod moves."
        if isinstance(directory, str) and _is_missing(subject, directory):
            lost = f", so the queue of {users} is lost with the container" if users else ""
            yield Fault(part.path, f"nothing is mounted at {directory}{lost}", fix)
        elif users and isinstance(directory, str) and subject.deployment and _ends(directory, subject.deployment):
            message = f"the volume at {directory} ends with the pod, and with it the queue of {users}"
            yield Fault(part.path, message, fix)


def _parts(subject: Subject, name: str, kind: str) -> Iterator[Part]:
    if subject.deployment and subject.deployment.mounts is not None:
        yield from subject.view.of(name, kind)


def _is_missing(subject: Subject, path: str) -> bool:
    """Whether an absolute path is outside all volumes; unknown for a path with a variable."""
    mounts = subject.deployment.mounts if subject.deployment else None
    is_absolute = path.startswith("/") and path != "/"
    if mounts is None or not is_absolute or "$" in path or _inside(path, _THERE):
        return False
    folder = path.rstrip("/") + "/"
    has_mounts = any(mount.startswith(folder) for mount in mounts)
    return not has_mounts and not _inside(path, mounts)


def _ends(path: str, deployment: Deployment) -> bool:
    """Whether the innermost volume at a path ends with the pod."""
    around = [mount for mount in deployment.mounts or () if _inside(path, (mount,))]
    return bool(around) and max(around, key=len) in deployment.fleeting


def _inside(path: str, folders: tuple[str, ...]) -> bool:
    return any(path.rstrip("/") == (root := folder.rstrip("/")) or path.startswith(f"{root}/") for folder in folders)


def _mount(inside: str, on_node: str) -> str:
    volume = f"{{name: NAME, mount_path: {inside}, source: {{hostPath: {{path: {on_node}}}}}}}"
    return f"Mount {on_node} of the node there: `volumes: [{volume}]`."


def _users(subject: Subject, storage: str) -> list[str]:
    path: Path = ("sending_queue", "storage")
    return [part.id for part in subject.view.parts if at(part.settings, path) == storage]


@about("deployment")
def consent_missing(subject: Subject) -> Iterator[Fault]:
    """Yield components that need a right which the collector's option `allow` does not name."""
    deployment = subject.deployment
    if deployment is None or deployment.allowed is None:
        return
    rows = [(part, component(part.section, part.type)) for part in subject.view.parts]
    asked = [(part, row, _rights(row, part.settings, deployment)) for part, row in rows if row]
    allow = ", ".join(sorted({*deployment.allowed, *(right for _part, _row, found in asked for right in found)}))
    for part, row, found in asked:
        for right in sorted(found - set(deployment.allowed)):

            def needs(settings: Any, row: Component = row, right: str = right) -> bool:
                return right in _rights(row, settings, deployment)

            message = f"'{part.id}' needs {_words(row, part.settings, right)}, for which this collector has no consent"
            fix = f"Remove the setting, or add `allow: [{allow}]` to the collector."
            yield Fault(_cause(needs, part.settings, part.path), message, fix)


def _rights(row: Component, settings: dict[str, Any], deployment: Deployment) -> set[str]:
    """Return the rights of a component that need consent."""
    found = {right for item in row.rules(settings) for right in guarded_rights(item)}
    as_root = row.root(settings) or (deployment.keeps_on_node and row.state(settings))
    return found | ({ROOT} if as_root else set())


def _words(row: Component, settings: dict[str, Any], right: str) -> str:
    """Return a right as a sentence names it."""
    if right == ROOT:
        return "to run as root"
    item = next(item for item in row.rules(settings) if right in guarded_rights(item))
    resources = ", ".join(map(str, items(item, "resources") or items(item, "nonResourceURLs")))
    groups = ", ".join(f"'{group}'" for group in items(item, "apiGroups") if group)
    verbs = ", ".join(map(str, items(item, "verbs")))
    more = ", which includes commands in every container" if right == NODES_PROXY else ""
    return f"the right to {verbs} {resources}{f' in API group {groups}' if groups else ''} everywhere{more}"


def _cause(needs: Callable[[Any], bool], value: Any, path: Path) -> Path:
    """Return the path of the smallest setting that alone makes a component need something.

    A text is the cause if another one in its place, and a mapping or a list if its absence ends the need.
    """
    if isinstance(value, dict):
        for key, item in reversed(value.items()):
            rest = {name: kept for name, kept in value.items() if name != key}
            if not needs(rest if isinstance(item, (dict, list)) else {**rest, key: _OTHER_TEXT}):

                def within(inner: Any, key: Any = key) -> bool:
                    return needs({**value, key: inner})

                return _cause(within, item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            if needs([item]):
                return _cause(lambda inner: needs([inner]), item, (*path, index))
    return path


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
