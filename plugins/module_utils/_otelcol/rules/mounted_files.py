# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on files and directories that a config names, and that no volume of the pod brings.

Sources: the READMEs of host_metrics, file_log, journald and file_storage. Private.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from posixpath import dirname
from typing import Any

from ..config.paths import Path, at, items
from ..needs.listeners import Part
from .subject import Deployment, Fault, Subject, about, rules

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_CONFIGURATION = "https://opentelemetry.io/docs/collector/configuration/"
_DEFAULT_STORAGE = "/var/lib/otelcol/file_storage"
_DEFAULT_JOURNAL = "/var/log/journal"
_LINKS, _LINKED = "/var/log/containers", "/var/log/pods"
_FILE_KEYS = ("ca_file", "cert_file", "key_file", "client_ca_file", "bearer_token_file", "password_file")
# Directories that every image or Kubernetes provides.
_IN_EVERY_POD = ("/etc/ssl", "/etc/pki", "/var/run/secrets", "/run/secrets", "/usr", "/proc", "/sys", "/dev")
_GLOB = re.compile(r"[*?\[{]")
_FIX_OF_FILES = (
    "Mount the Secret there with `volumes`, or write /etc/otelcol/secrets/NAME/KEY: the role then mounts the Secret "
    "NAME."
)


@about("deployment")
def root_path_missing(subject: Subject) -> Iterator[Fault]:
    """Yield host_metrics with a root_path that is not mounted; the receiver does not start."""
    for part in _parts_of_known_pod(subject, "receivers", "hostmetrics"):
        root = part.settings.get("root_path")
        if isinstance(root, str) and _is_unmounted(subject, root):
            yield Fault((*part.path, "root_path"), f"nothing is mounted at {root}", _how_to_mount(root, "/"))


@about("deployment")
def logs_missing(subject: Subject) -> Iterator[Fault]:
    """Yield file_log and journald that read a directory that is not mounted."""
    for part in _parts_of_known_pod(subject, "receivers", "filelog"):
        for index, glob in enumerate(items(part.settings, "include")):
            folder = _folder_of(subject, glob)
            if folder and _is_unmounted(subject, folder):
                message = f"nothing is mounted at {folder}"
                yield Fault((*part.path, "include", index), message, _how_to_mount(folder, folder))
    for part in _parts_of_known_pod(subject, "receivers", "journald"):
        directory = part.settings.get("directory") or _DEFAULT_JOURNAL
        if isinstance(directory, str) and _is_unmounted(subject, directory):
            fix = _how_to_mount(directory, directory)
            yield Fault(part.path, f"nothing is mounted at {directory}", fix)


def _folder_of(subject: Subject, glob: Any) -> str:
    """Return the folder that a pattern of file_log needs; where it has links that are mounted, that of their files."""
    if not isinstance(glob, str):
        return ""
    folder = _GLOB.split(glob, maxsplit=1)[0].rpartition("/")[0]
    return _LINKED if folder.startswith(_LINKS) and not _is_unmounted(subject, folder) else folder


@about("deployment")
def file_missing(subject: Subject) -> Iterator[Fault]:
    """Yield certificates and other files in a directory that is not mounted."""
    if not subject.deployment or subject.deployment.mounts is None:
        return
    may_bring_files = subject.deployment.annotated or not _is_released(subject)
    for path, file in _files_in_use(subject):
        if _is_unmounted(subject, file):
            is_read_at_start = "tls" in path
            severity = "error" if is_read_at_start and not may_bring_files else ""
            yield Fault(path, f"nothing is mounted at {dirname(file)}", _FIX_OF_FILES, severity=severity)


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
    for part in _parts_of_known_pod(subject, "extensions", "filestorage"):
        directory = part.settings.get("directory") or _DEFAULT_STORAGE
        if isinstance(directory, str) and subject.deployment:
            yield from _unsafe_storage(part, directory, subject, subject.deployment)


def _unsafe_storage(part: Part, directory: str, subject: Subject, deployment: Deployment) -> Iterator[Fault]:
    """Yield that a directory of file_storage is lost with its container, or its queue with the pod."""
    users = ", ".join(f"'{name}'" for name in _users_of_storage(subject, part.id))
    fix = f"Mount a volume at {directory}; a StatefulSet keeps it when the pod moves."
    if _is_unmounted(subject, directory):
        loss = f", so the queue of {users} is lost with the container" if users else ""
        yield Fault(part.path, f"nothing is mounted at {directory}{loss}", fix)
    elif users and _ends_with_pod(directory, deployment):
        message = f"the volume at {directory} ends with the pod, and with it the queue of {users}"
        yield Fault(part.path, message, fix)


def _users_of_storage(subject: Subject, storage: str) -> list[str]:
    """Return the ids of components whose queue is in a storage."""
    path: Path = ("sending_queue", "storage")
    return [part.id for part in subject.view.parts if at(part.settings, path) == storage]


def _ends_with_pod(path: str, deployment: Deployment) -> bool:
    """Whether the innermost volume at a path ends with the pod."""
    around = [mount for mount in deployment.mounts or () if _is_below(path, (mount,))]
    return bool(around) and max(around, key=len) in deployment.fleeting


def _parts_of_known_pod(subject: Subject, name: str, kind: str) -> Iterator[Part]:
    """Yield the started components of a kind, if it is known what is mounted."""
    if subject.deployment and subject.deployment.mounts is not None:
        yield from subject.view.of(name, kind)


def _is_unmounted(subject: Subject, path: str) -> bool:
    """Whether an absolute path is outside all volumes; unknown for a path with a variable."""
    mounts = subject.deployment.mounts if subject.deployment else None
    if mounts is None or "$" in path:
        return False
    if not path.startswith("/") or path == "/" or _is_below(path, _IN_EVERY_POD):
        return False
    folder = path.rstrip("/") + "/"
    has_mounts_inside = any(mount.startswith(folder) for mount in mounts)
    return not has_mounts_inside and not _is_below(path, mounts)


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


RULES = (
    *rules("error", root_path_missing, documentation=f"{_CONTRIB}/receiver/hostmetricsreceiver"),
    *rules("warning", logs_missing, documentation=f"{_CONTRIB}/receiver/filelogreceiver"),
    *rules("warning", file_missing, documentation=_CONFIGURATION),
    *rules("warning", storage_missing, documentation=f"{_CONTRIB}/extension/storage/filestorage"),
)
