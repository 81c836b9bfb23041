# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on files and directories that a config names, and that no volume of the pod brings.

Sources: the READMEs of host_metrics, file_log, journald and file_storage. Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.otlp.tls.ca_file: warning [file-missing] nothing is mounted at /certs. Mount the Secret there with
    `volumes`, or write /etc/otelcol/secrets/NAME/KEY: the role then mounts the Secret NAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from posixpath import dirname

from ..config.paths import Path, list_at, value_at
from ..needs.started_components import StartedComponent
from .rule_definitions import SEVERITY_OF_RULE, Fault, about, define_rules
from .subject import Deployment, Subject

_CONTRIB = "https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main"
_CONFIGURATION = "https://opentelemetry.io/docs/collector/configuration/"
# The defaults of the setting `directory`. Source: the READMEs of file_storage and journald.
_DEFAULT_STORAGE = "/var/lib/otelcol/file_storage"
_DEFAULT_JOURNAL = "/var/log/journal"
# The kubelet keeps links to the logs of containers in the first folder, and the files themselves in the second one.
_FOLDER_OF_LINKS = "/var/log/containers"
_FOLDER_OF_LINKED_FILES = "/var/log/pods"
_QUEUE_STORAGE: Path = ("sending_queue", "storage")
_FILE_KEYS = ("ca_file", "cert_file", "key_file", "client_ca_file", "bearer_token_file", "password_file")
# Directories that every image or Kubernetes provides.
_IN_EVERY_POD = ("/etc/ssl", "/etc/pki", "/var/run/secrets", "/run/secrets", "/usr", "/proc", "/sys", "/dev")
_FIRST_WILDCARD = re.compile(r"[*?\[{]")
_MOUNT_SECRET_FIX = (
    "Mount the Secret there with `volumes`, or write /etc/otelcol/secrets/NAME/KEY: the role then mounts the Secret "
    "NAME."
)


@about("deployment")
def root_path_missing(subject: Subject) -> Iterator[Fault]:
    """Yield host_metrics with a root_path that is not mounted; the receiver does not start."""
    for part in _list_parts_if_mounts_known(subject, "receivers", "hostmetrics"):
        root_path = part.settings.get("root_path")
        if isinstance(root_path, str) and _is_unmounted(subject, root_path):
            yield _report_unmounted_folder((*part.path, "root_path"), root_path, on_node="/")


@about("deployment")
def logs_missing(subject: Subject) -> Iterator[Fault]:
    """Yield file_log and journald that read a directory that is not mounted."""
    for part in _list_parts_if_mounts_known(subject, "receivers", "filelog"):
        yield from _find_unmounted_patterns(subject, part)
    for part in _list_parts_if_mounts_known(subject, "receivers", "journald"):
        journal_directory = part.settings.get("directory") or _DEFAULT_JOURNAL
        if isinstance(journal_directory, str) and _is_unmounted(subject, journal_directory):
            yield _report_unmounted_folder(part.path, journal_directory, on_node=journal_directory)


def _find_unmounted_patterns(subject: Subject, part: StartedComponent) -> Iterator[Fault]:
    """Yield the patterns of a file_log whose folder is not mounted."""
    for index, pattern in enumerate(list_at(part.settings, "include")):
        if not isinstance(pattern, str):
            continue
        folder = _find_folder_of_files(subject, pattern)
        if folder and _is_unmounted(subject, folder):
            yield _report_unmounted_folder((*part.path, "include", index), folder, on_node=folder)


def _find_folder_of_files(subject: Subject, pattern: str) -> str:
    """Return the folder of the files that match a pattern, up to its first wildcard; empty if it names none.

    Where the files are links in a folder that is mounted, return the folder of what they link to, since the receiver
    reads that: `/var/log/pods` for `/var/log/containers/*.log`.
    """
    before_wildcard = _FIRST_WILDCARD.split(pattern, maxsplit=1)[0]
    folder = before_wildcard.rpartition("/")[0]
    if folder.startswith(_FOLDER_OF_LINKS) and not _is_unmounted(subject, folder):
        return _FOLDER_OF_LINKED_FILES
    return folder


@about("deployment")
def file_missing(subject: Subject) -> Iterator[Fault]:
    """Yield certificates and other files in a directory that is not mounted."""
    deployment = subject.deployment
    if deployment is None or deployment.mount_paths is None:
        return
    # A webhook that reads annotations, such as that of Vault, or an image of the user's own may bring the files.
    may_bring_files = deployment.has_user_metadata or not _is_released_image(subject)
    for path, file_path in _list_files_in_use(subject):
        if not _is_unmounted(subject, file_path):
            continue
        is_read_at_start = "tls" in path  # so the Collector does not start without it
        severity = "error" if is_read_at_start and not may_bring_files else SEVERITY_OF_RULE
        yield Fault(path, f"nothing is mounted at {dirname(file_path)}", _MOUNT_SECRET_FIX, severity=severity)


def _list_files_in_use(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Yield the path and the value of the settings by which started components and the service itself read files."""
    started = {part.path for part in subject.view.started_components}
    for path, value in subject.view.scalar_leaves:
        names_file = bool(path) and path[-1] in _FILE_KEYS
        if not names_file or not isinstance(value, str):
            continue
        is_in_use = path[:2] in started or path[0] == "service"
        if is_in_use:
            yield path, value


def _is_released_image(subject: Subject) -> bool:
    """Whether the image is a released one; an image of the user's own may bring files."""
    return bool(subject.target and subject.target.catalogue.is_released(subject.target.distribution))


@about("deployment")
def storage_missing(subject: Subject) -> Iterator[Fault]:
    """Yield file_storage in a directory that is not mounted, or a queue on a volume that ends with the pod."""
    for part in _list_parts_if_mounts_known(subject, "extensions", "filestorage"):
        directory = part.settings.get("directory") or _DEFAULT_STORAGE
        if isinstance(directory, str) and subject.deployment:
            yield from _find_unsafe_storage(part, directory, subject, subject.deployment)


def _find_unsafe_storage(
    part: StartedComponent, directory: str, subject: Subject, deployment: Deployment
) -> Iterator[Fault]:
    """Yield that a directory of file_storage is lost with its container, or the queues in it with the pod."""
    quoted_users = ", ".join(_quote_storage_users(subject, part.id))
    fix = f"Mount a volume at {directory}; a StatefulSet keeps it when the pod moves."
    if _is_unmounted(subject, directory):
        loss = f", so the queue of {quoted_users} is lost with the container" if quoted_users else ""
        yield Fault(part.path, f"nothing is mounted at {directory}{loss}", fix)
    elif quoted_users and _is_lost_with_pod(directory, deployment):
        message = f"the volume at {directory} ends with the pod, and with it the queue of {quoted_users}"
        yield Fault(part.path, message, fix)


def _quote_storage_users(subject: Subject, storage_id: str) -> Iterator[str]:
    """Yield the ids of the components whose queue is in a storage, in quotes."""
    for part in subject.view.started_components:
        if value_at(part.settings, _QUEUE_STORAGE) == storage_id:
            yield f"'{part.id}'"


def _is_lost_with_pod(path: str, deployment: Deployment) -> bool:
    """Whether the innermost volume at a path ends with the pod.

    It hides the outer ones: with volumes at `/var/lib` and `/var/lib/queue`, files in the latter are in its volume.
    """
    volumes_at_path = [mount for mount in deployment.mount_paths or () if _is_below(path, (mount,))]
    if not volumes_at_path:
        return False
    innermost = max(volumes_at_path, key=len)
    return innermost in deployment.fleeting_paths


def _list_parts_if_mounts_known(subject: Subject, section: str, kind: str) -> Iterator[StartedComponent]:
    """Yield the started components of a kind in a section, if it is known what is mounted."""
    if subject.deployment and subject.deployment.mount_paths is not None:
        yield from subject.view.find_parts(section, kind)


def _is_unmounted(subject: Subject, path: str) -> bool:
    """Whether it is certain that no volume has the file or folder at a path, and that no volume is inside of it.

    With volumes at `/certs` and `/var/log/pods`:

    | path | answer | why |
    |---|---|---|
    | `/data/a` | yes | |
    | `/certs/ca.crt` | no | it is in a volume |
    | `/var/log` | no | a volume is inside of it |
    | `/etc/ssl/ca.crt` | no | every pod has this folder |
    | `${env:FOLDER}/a`, `data/a` | no | nobody knows where this is |
    """
    mounts = subject.deployment.mount_paths if subject.deployment else None
    if mounts is None or "$" in path or not path.startswith("/"):
        return False
    if path == "/" or _is_below(path, _IN_EVERY_POD):
        return False
    has_volume = _is_below(path, mounts) or _has_mounts_inside(path, mounts)
    return not has_volume


def _has_mounts_inside(path: str, mounts: Iterable[str]) -> bool:
    """Whether something is mounted inside of a folder: a receiver with `/var/log/**` then finds files."""
    folder = path.rstrip("/") + "/"
    return any(mount.startswith(folder) for mount in mounts)


def _is_below(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of these folders, or inside one."""
    for parent_folder in folders:
        bare_parent = parent_folder.rstrip("/")
        if path.rstrip("/") == bare_parent or path.startswith(f"{bare_parent}/"):
            return True
    return False


def _report_unmounted_folder(place: Path, folder: str, *, on_node: str) -> Fault:
    """Return the fault of a setting that names an unmounted folder; the fix mounts a path of the node there."""
    volume = f"{{name: NAME, mount_path: {folder}, source: {{hostPath: {{path: {on_node}}}}}}}"
    fix = f"Mount {on_node} of the node there: `volumes: [{volume}]`."
    return Fault(place, f"nothing is mounted at {folder}", fix)


RULES = (
    *define_rules("error", root_path_missing, documentation=f"{_CONTRIB}/receiver/hostmetricsreceiver"),
    *define_rules("warning", logs_missing, documentation=f"{_CONTRIB}/receiver/filelogreceiver"),
    *define_rules("warning", file_missing, documentation=_CONFIGURATION),
    *define_rules("warning", storage_missing, documentation=f"{_CONTRIB}/extension/storage/filestorage"),
)
