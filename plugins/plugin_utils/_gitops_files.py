# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the files of a cluster into a repository for GitOps: module gitops_render. Controller only. Private.

Playbook render calls the module for each cluster. For example, cluster `prod` in wave `canary` gets files such as
canary/prod/collectors/telemetry/agent.yml below the folder of all clusters (the root). Only what an earlier run wrote
is replaced or removed; `_cluster_folder.py` knows that. Four kinds of files and folders are told apart:

- A changed file has another text than it is to have, or is missing.
- An obsolete file was written by an earlier run, and nothing needs it now.
- A left folder is one of this cluster in a wave that it is no longer in.
- An unknown folder is one of a host that the inventory lacks. It is named, and stays.

`write_or_check` with `check=True` writes nothing: it returns whether the text of a file would change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..module_utils._gitops.gitops_changes import ClusterReport, FileChange
from ..module_utils._gitops.gitops_inputs import check_rendered_parts
from ..module_utils._gitops.gitops_layout import (
    KUSTOMIZATION,
    Object,
    build_file_tree,
    build_stages,
    explain_left_out,
)
from ..module_utils._kube.bundle import redact_manifest
from ..module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import MASK, Problem, join_at_most
from ..module_utils._otelcol.kube.objects import ref
from ._cluster_folder import ACTION, MARKER_FILE, ClusterFolder, find_cluster_folders
from ._gitops_changes import compare_meaning, has_other_text
from ._otelcol import _files, _yaml

_MOST_SHOWN = 5
# Objects of published releases that no value of a user gets into; their annotations name Secrets.
_PUBLISHED_KINDS = ("CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_FILE_HEADER = "# Written by playbook render of o11y.opentelemetry. The next run replaces this file.\n"


@dataclass(frozen=True)
class FilePlan:
    """The files that the folder of a cluster is to have, and the folders of all other clusters and waves."""

    folder: ClusterFolder
    objects_by_file: Mapping[str, list[Object]]
    """The objects of each file, by its path below the folder."""
    text_by_file: Mapping[str, str]
    """The same as YAML."""
    other_folders: Sequence[ClusterFolder]

    @property
    def left_folders(self) -> list[ClusterFolder]:
        """The folders of waves that the cluster has left."""
        return [folder for folder in self.other_folders if folder.host == self.folder.host]

    @property
    def obsolete_files(self) -> list[str]:
        """The files that an earlier run wrote and that are not needed any more."""
        return sorted(self.folder.written_files - self.text_by_file.keys())

    @property
    def move_lines(self) -> list[str]:
        """How the folder of the cluster moves, as Markdown."""
        return [
            f"moved from `{earlier_folder}` to `{self.folder.path_below_root}`"
            for earlier_folder in _list_paths_below_root(self.left_folders)
        ]

    @property
    def removed_object_folders(self) -> list[Path]:
        """The folders of the cluster with files of an earlier run, if no object is rendered now."""
        if not _has_only_kustomization(self.text_by_file):
            return []
        folders = [self.folder, *self.left_folders]
        return [folder.path for folder in folders if not _has_only_kustomization(folder.written_files)]

    def find_changed_files(self) -> list[str]:
        """Return the files whose text differs from that on disk now; none once they are written."""
        return sorted(name for name, text in self.text_by_file.items() if has_other_text(self.folder.path / name, text))

    def list_unknown_folders(self, hosts: Collection[str]) -> list[ClusterFolder]:
        """Return the folders of hosts that the inventory does not have."""
        return [folder for folder in self.other_folders if folder.host not in hosts]


def write_cluster_files(arguments: Mapping[str, Any], hosts: Collection[str], *, check: bool) -> dict[str, Any]:
    """Write the files of one cluster, and return the result of gitops_render.

    `arguments` are the options of the module. `hosts` are all hosts of the inventory: the folder of a host that is none
    of them is only named. Raises Problem before anything is written: for secrets, for files of others that are in the
    way, and if nothing was rendered for a cluster that has files.
    """
    plan = _plan_files(arguments)
    _check_not_emptied(plan)
    plan.folder.check_paths(plan.text_by_file)
    for left_folder in plan.left_folders:
        left_folder.check_paths()
    changed_files = plan.find_changed_files()
    _check_foreign_files(plan.folder, changed_files)
    changes: list[FileChange] = []
    if arguments["compare"]:
        changes = compare_meaning([plan.folder, *plan.left_folders], plan.objects_by_file, plan.text_by_file)
    if not check:
        _write_and_remove(plan)
    report: ClusterReport = {"host": arguments["host"], "changes": changes, "moved": plan.move_lines}
    return {
        "changed": bool(changed_files or plan.obsolete_files or plan.left_folders),
        "folder": str(plan.folder.path),
        "files": sorted(plan.text_by_file),
        "written": changed_files,
        "removed": plan.obsolete_files + _list_paths_below_root(plan.left_folders),
        "report": report,
        "left_out": explain_left_out(arguments["products"]),
        "unknown": _list_paths_below_root(plan.list_unknown_folders(hosts)),
    }


def _plan_files(arguments: Mapping[str, Any]) -> FilePlan:
    """Return the files that the options describe. Raises Problem for secrets, and for names that no folder can have."""
    root = _files.require_expanded_path(arguments["path"]).resolve()
    rendered_parts = {option: arguments[option] for option in ("collectors", "instrumentation")}
    check_rendered_parts(rendered_parts, arguments["products"])
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


def _has_only_kustomization(files: Collection[str]) -> bool:
    """Return whether files have no object: none but that which lists the stages of a cluster."""
    return set(files) <= {KUSTOMIZATION}


def _check_not_emptied(plan: FilePlan) -> None:
    """Raise Problem if nothing was rendered and an earlier run wrote files: a tool would remove all objects."""
    if plan.removed_object_folders:
        folder_names = join_at_most(_MOST_SHOWN, map(str, plan.removed_object_folders))
        wrong = f"nothing was rendered for {plan.folder.host}, and all its files would be removed"
        fix = f"Give its collectors. Remove the folder {folder_names} yourself if the cluster has nothing any more."
        raise Problem(wrong, asked=ACTION, fix=fix)


def _check_foreign_files(folder: ClusterFolder, changed_files: Iterable[str]) -> None:
    """Raise Problem for files with names that are needed and that no earlier run wrote."""
    unknown_paths = [folder.path / name for name in changed_files if name not in folder.written_files]
    foreign_paths = [str(path) for path in unknown_paths if _files.is_path_of_kind(path, Path.exists)]
    if foreign_paths:
        wrong = f"playbook render did not write {join_at_most(_MOST_SHOWN, foreign_paths)}, and would replace it"
        raise Problem(wrong, asked=ACTION, fix="Move or remove it, or give another otel_gitops_path.")


def _write_and_remove(plan: FilePlan) -> None:
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
    folder.remove_files(plan.obsolete_files)
    if is_list_changed:
        folder.write_marker(needed_files)
    for left_folder in plan.left_folders:
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
