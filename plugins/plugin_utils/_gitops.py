# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files of a cluster for GitOps, and the page of changes: modules gitops_render and gitops_changes.

Playbook render calls gitops_render for each cluster, and then gitops_changes once. Only what an earlier run wrote is
replaced or removed (`_cluster_folder.py`). Controller only. Private.

The root is the folder of all clusters, and the folder of a cluster is HOST, or WAVE/HOST with waves. A left folder is
one of this cluster in a wave that it is no longer in. An unknown folder is one of a host that the inventory lacks. An
obsolete file is one that an earlier run wrote and that nothing needs now. `write_or_check` with `check=True` writes
nothing: it returns whether the text of a file would change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from ..module_utils._gitops.gitops_changes import list_changes, render_markdown
from ..module_utils._gitops.gitops_layout import Object, build_file_tree, build_stages, explain_left_out
from ..module_utils._kube.bundle import redact_manifest
from ..module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import MASK, Problem, join_at_most
from ..module_utils._otelcol.forecast.changed_collectors import HostForecasts, render_host_sections
from ..module_utils._otelcol.kube.objects import ref
from ._cluster_folder import ACTION, MARKER_FILE, ClusterFolder, find_cluster_folders
from ._otelcol import _files, _yaml

_MOST_SHOWN = 5
# Objects of published releases that no value of a user gets into; their annotations name Secrets.
_PUBLISHED_KINDS = ("CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_FILE_HEADER = "# Written by playbook render of o11y.opentelemetry. The next run replaces this file.\n"


class ClusterReport(TypedDict):
    """What changes for a cluster: the key `report` of gitops_render, and an item of `clusters` of gitops_changes."""

    host: str
    changes: list[dict[str, str]]
    """How the meaning of its files changes, as `list_changes` has it."""
    moved: list[str]
    """How its folder moves, as Markdown."""


@dataclass(frozen=True)
class FilePlan:
    """The files that the folder of a cluster is to have, and the folders of all other clusters and waves.

    The properties compare with what is on disk now, so they have other values once the files are written.
    """

    folder: ClusterFolder
    objects_by_file: Mapping[str, list[Object]]
    """The objects of each file, by its path below the folder."""
    text_by_file: Mapping[str, str]
    """The same as YAML."""
    other_folders: Sequence[ClusterFolder]

    @property
    def changed_files(self) -> list[str]:
        """The files whose text changes."""
        changed_files: list[str] = []
        for name, text in self.text_by_file.items():
            if _has_other_text(self.folder.path / name, text):
                changed_files.append(name)
        return sorted(changed_files)

    @property
    def obsolete_files(self) -> list[str]:
        """The files that an earlier run wrote and that are not needed any more."""
        return sorted(self.folder.written_files - self.text_by_file.keys())

    @property
    def left_folders(self) -> list[ClusterFolder]:
        """The folders of waves that the cluster has left."""
        return [folder for folder in self.other_folders if folder.host == self.folder.host]

    @property
    def move_lines(self) -> list[str]:
        """How the folder of the cluster moves, as Markdown."""
        return [
            f"moved from `{earlier_folder}` to `{self.folder.path_below_root}`"
            for earlier_folder in _list_paths_below_root(self.left_folders)
        ]

    def list_unknown_folders(self, hosts: Collection[str]) -> list[ClusterFolder]:
        """Return the folders of hosts that the inventory does not have."""
        return [folder for folder in self.other_folders if folder.host not in hosts]


# ── The files of a cluster ──


def write_cluster_files(arguments: Mapping[str, Any], hosts: Collection[str], *, check: bool) -> dict[str, Any]:
    """Write the files of one cluster, and return the result of gitops_render.

    `arguments` are the options of the module. `hosts` are all hosts of the inventory: the folder of a host that is none
    of them is only named. Raises Problem before anything is written: for secrets, and for files of others that are in
    the way.
    """
    plan = _plan_files(arguments)
    plan.folder.check_paths(plan.text_by_file)
    for left_folder in plan.left_folders:
        left_folder.check_paths()
    # These compare with what is on disk, so they are read before anything is written.
    changed_files, obsolete_files, left_folders = plan.changed_files, plan.obsolete_files, plan.left_folders
    _check_foreign_files(plan.folder, changed_files)
    changes: list[dict[str, str]] = []
    if arguments["compare"]:
        changes = _compare_meaning([plan.folder, *left_folders], plan.objects_by_file, plan.text_by_file)
    if not check:
        _write_and_remove(plan, obsolete_files, left_folders)
    report: ClusterReport = {"host": arguments["host"], "changes": changes, "moved": plan.move_lines}
    return {
        "changed": bool(changed_files or obsolete_files or left_folders),
        "folder": str(plan.folder.path),
        "files": sorted(plan.text_by_file),
        "written": changed_files,
        "removed": obsolete_files + _list_paths_below_root(left_folders),
        "report": report,
        "left_out": explain_left_out(arguments["products"]),
        "unknown": _list_paths_below_root(plan.list_unknown_folders(hosts)),
    }


def _plan_files(arguments: Mapping[str, Any]) -> FilePlan:
    """Return the files that the options describe. Raises Problem for secrets, and for names that no folder can have."""
    root = _files.require_path(arguments["path"]).expanduser().resolve()
    stages = build_stages(arguments["collectors"], arguments["instrumentation"], arguments["products"])
    objects_by_file = build_file_tree(stages)
    _check_no_secrets(objects_by_file)
    folder_path = root
    for folder_name in (arguments["wave"], arguments["host"]):
        if folder_name:
            _check_folder_name(folder_name)
            folder_path /= folder_name
    folder = ClusterFolder.read_marker(root, folder_path, arguments["host"])
    text_by_file = {name: _build_file_text(objects) for name, objects in objects_by_file.items()}
    other_folders = [other_folder for other_folder in find_cluster_folders(root) if other_folder.path != folder.path]
    return FilePlan(folder, objects_by_file, text_by_file, other_folders)


def _check_folder_name(name: str) -> None:
    """Raise Problem for a name that no folder can have, or that leads out of its folder, or that is hidden."""
    if name in (".", "..") or "/" in name or "\0" in name or name.startswith("."):
        fix = "Use a name without a slash, which does not begin with a dot."
        raise Problem(f"the name {name!r} is no name of a folder", asked=ACTION, fix=fix)


def _build_file_text(objects: Iterable[Object]) -> str:
    """Return the text of a file of objects."""
    return _FILE_HEADER + _yaml.dump(*_yaml.strip_ansible_types(list(objects)))


def _has_other_text(path: Path | None, text: str) -> bool:
    """Whether a file is missing, or has another text."""
    if path is None or not _files.is_path_of_kind(path, Path.is_file):
        return True
    return _files.write_or_check(path, text, check=True)


def _check_foreign_files(folder: ClusterFolder, changed_files: Iterable[str]) -> None:
    """Raise Problem for files with names that are needed and that no earlier run wrote."""
    unknown_paths = [folder.path / name for name in changed_files if name not in folder.written_files]
    foreign_paths = [str(path) for path in unknown_paths if _files.is_path_of_kind(path, Path.exists)]
    if foreign_paths:
        wrong = f"playbook render did not write {join_at_most(_MOST_SHOWN, foreign_paths)}, and would replace it"
        raise Problem(wrong, asked=ACTION, fix="Move or remove it, or give another otel_gitops_path.")


def _write_and_remove(plan: FilePlan, obsolete_files: Collection[str], left_folders: Iterable[ClusterFolder]) -> None:
    """Write the files of a plan, and remove those that are not needed any more.

    Meanwhile the marker lists both, so that a killed run leaves no file that nobody owns.
    """
    folder = plan.folder
    needed_files = plan.text_by_file.keys()
    is_list_changed = folder.written_files != needed_files
    if is_list_changed:
        folder.write_marker(folder.written_files | needed_files)
    for name, text in plan.text_by_file.items():
        _files.write_or_check(folder.path / name, text, check=False)
    folder.remove_files(obsolete_files)
    if is_list_changed:
        folder.write_marker(needed_files)
    for left_folder in left_folders:
        left_folder.remove_files((*left_folder.written_files, MARKER_FILE))


def _list_paths_below_root(folders: Iterable[ClusterFolder]) -> list[str]:
    """Return the paths of folders for people, in order."""
    return sorted(folder.path_below_root for folder in folders)


# ── Secrets ──


def _check_no_secrets(objects_by_file: Mapping[str, Iterable[Object]]) -> None:
    """Raise Problem for secrets in clear text, which must not get into Git."""
    described_places: list[str] = []
    for name, objects in objects_by_file.items():
        for manifest in objects:
            if _has_secret(manifest):
                described_places.append(f"{name} ({_describe_manifest(manifest)})")
    if described_places:
        wrong = f"a secret would stand in clear text in {join_at_most(_MOST_SHOWN, described_places)}"
        fix = "Name a Secret instead, such as with `env: {TOKEN: {secret: backend, key: token}}`."
        raise Problem(wrong, asked=ACTION, fix=fix)


def _has_secret(manifest: Object) -> bool:
    """Whether an object has a secret in clear text. All data of a Secret are secret."""
    if manifest.get("kind") == "Secret":
        return redact_manifest(manifest, lambda _secret: MASK, _yaml.parse_or_none) != manifest  # else it has no data
    if manifest.get("kind") in _PUBLISHED_KINDS:
        return False
    return next(find_secrets_in_objects([manifest], _yaml.parse_or_none), None) is not None


def _describe_manifest(manifest: Object) -> str:
    """Return which object it is. The values of a chart are no object, and have no metadata."""
    return " ".join(filter(None, ref(manifest))) if "metadata" in manifest else "values of a chart"


# ── What earlier runs wrote ──


def read_written_objects(root: Path, host: str) -> list[Object]:
    """Return the objects in the files of a cluster that an earlier run wrote, in whichever wave it was.

    Raises Problem for files that cannot be read.
    """
    objects: list[Object] = []
    for folder in find_cluster_folders(root):
        if folder.host != host:
            continue
        folder.check_paths()
        for path in sorted(folder.path / name for name in folder.written_files):
            if path.is_file():
                objects += _read_objects(path)
    return objects


def _read_objects(path: Path) -> list[Object]:
    """Return the objects of a file. Raises Problem for a file that is no YAML, as a person may have changed it."""
    objects: list[Object] = []
    for document in _yaml.load_all(_files.read_text_file(path), str(path)):
        if isinstance(document.data, dict) and document.data.get("kind"):
            objects.append(document.data)
    return objects


def _compare_meaning(
    folders: Iterable[ClusterFolder], objects_by_file: Mapping[str, list[Object]], text_by_file: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return how the meaning of the files in some folders changes; files with an equal text are not read."""
    written_path_by_file = {name: folder.path / name for folder in folders for name in folder.written_files}
    old_objects: dict[str, list[Object]] = {}
    new_objects: dict[str, list[Object]] = {}
    for name in {*written_path_by_file, *text_by_file}:
        written_path = written_path_by_file.get(name)
        if name in text_by_file and not _has_other_text(written_path, text_by_file[name]):
            continue
        if written_path and written_path.is_file():
            old_objects[name] = _read_objects(written_path)
        if name in objects_by_file:
            new_objects[name] = objects_by_file[name]
    return list_changes(old_objects, new_objects, _yaml.parse_or_none)


# ── The page of changes ──


def write_changes_page(
    arguments: Mapping[str, Any], hosts: Iterable[str], forecasts: Sequence[HostForecasts] = ()
) -> dict[str, Any]:
    """Write the page of all clusters, and return the result of gitops_changes. Raises Problem if it cannot be written.

    `hosts` are all clusters of the inventory: the page names those that are not rendered. `forecasts` stand at its end.
    """
    clusters: Sequence[ClusterReport] = arguments["clusters"]
    report_by_host = {cluster["host"]: cluster for cluster in clusters}
    missing_hosts = [host for host in hosts if host not in report_by_host]
    page = "\n".join((render_markdown(report_by_host, missing_hosts), *render_host_sections(forecasts)))
    is_written = _files.write_or_check(_files.require_path(arguments["path"]).expanduser(), page, check=False)
    return {"changed": is_written, "markdown": page, "not_rendered": missing_hosts}
