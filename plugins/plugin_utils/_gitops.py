# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the files of a cluster for GitOps, and removes those that it wrote before. Controller only. Private.

A file `.o11y-render` in the folder of each cluster lists what was written there. Nothing else is changed or removed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..module_utils._gitops.gitops_changes import list_changes, render_markdown
from ..module_utils._gitops.gitops_layout import Object, build_file_tree, build_stages, explain_left_out
from ..module_utils._kube.bundle import redact_manifest
from ..module_utils._otelcol.config.config_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import MASK, Problem, join_at_most
from ..module_utils._otelcol.forecast.told_collectors import HostForecasts, render_host_sections
from ..module_utils._otelcol.kube.objects import ref
from ._otelcol import _files, _yaml

# Without an ending that Argo CD takes for a manifest.
MARKER_FILE = ".o11y-render"
ACTION = "Write the files of a cluster"
_MOST_SHOWN = 5
_FIX_OF_MARKER = "Restore it from Git, or remove the folder."
# Objects of published releases that no value of a user gets into; their annotations name Secrets.
_PUBLISHED_KINDS = ("CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
_FILE_HEADER = "# Written by playbook render of o11y.opentelemetry. The next run replaces this file.\n"


@dataclass(frozen=True)
class ClusterFolder:
    """The folder of a cluster below the root, and the files there that an earlier run wrote."""

    root: Path
    path: Path
    host: str
    written_files: frozenset[str]

    @classmethod
    def read_marker(cls, root: Path, path: Path, host: str = "") -> ClusterFolder:
        """Return a folder by its marker. Raises Problem if the marker is below a link, or cannot be understood."""
        marker = path / MARKER_FILE
        _check_path(marker, root)
        if not _files.is_path_of_kind(marker, Path.is_file):
            return cls(root, path, host, frozenset())
        try:
            marker_content = json.loads(_files.read_text_file(marker))
            file_names, owner_host = [str(name) for name in marker_content["files"]], str(marker_content["host"])
        except (ValueError, KeyError, TypeError):
            raise Problem("it does not list files", asked=ACTION, where=str(marker), fix=_FIX_OF_MARKER) from None
        if owner_host != path.name:
            wrong = f"it is of host {owner_host!r}, and its folder is {path.name!r}"
            fix = "Give the folder the name of the host, or remove it."
            raise Problem(wrong, asked=ACTION, where=str(marker), fix=fix)
        _check_names_stay_inside(file_names, marker)
        return cls(root, path, owner_host, frozenset(file_names))

    def write_marker(self, file_names: Iterable[str]) -> None:
        """Write down which files of the folder belong to playbook `render`."""
        marker_text = json.dumps({"host": self.host, "files": sorted(file_names)}, indent=1)
        _files.write_or_check(self.path / MARKER_FILE, f"{marker_text}\n", check=False)

    def remove_files(self, file_names: Iterable[str]) -> None:
        """Remove files, and the folders that are empty then. Raises Problem for a file that cannot be removed."""
        for name in sorted(file_names):
            path = self.path / name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                wrong = f"cannot remove {path}: {error.strerror or error}"
                raise Problem(wrong, asked=ACTION, fix="Remove it yourself, then run again.") from error
            for parent in path.parents:
                if parent == self.root or not _remove_if_empty(parent):
                    break


@dataclass(frozen=True)
class FilePlan:
    """What is to be done in the folder of a cluster.

    `other_folders` are the folders of all other clusters and waves.
    """

    folder: ClusterFolder
    objects_by_file: Mapping[str, list[Object]]
    text_by_file: Mapping[str, str]
    other_folders: Sequence[ClusterFolder]

    @property
    def changed_files(self) -> list[str]:
        """Return the files whose text changes."""
        return sorted(
            name for name, text in self.text_by_file.items() if _has_other_text(self.folder.path / name, text)
        )

    @property
    def obsolete_files(self) -> list[str]:
        """Return the files that an earlier run wrote and that are not needed any more."""
        return sorted(self.folder.written_files - self.text_by_file.keys())

    @property
    def left_folders(self) -> list[ClusterFolder]:
        """Return the folders of waves that the cluster has left."""
        return [folder for folder in self.other_folders if folder.host == self.folder.host]

    @property
    def move_lines(self) -> list[str]:
        """Return how the folder of the cluster moves, as Markdown."""
        (current_folder,) = _list_paths_below_root([self.folder])
        return [
            f"moved from `{earlier_folder}` to `{current_folder}`"
            for earlier_folder in _list_paths_below_root(self.left_folders)
        ]

    def list_unknown_folders(self, hosts: Collection[str]) -> list[ClusterFolder]:
        """Return the folders of hosts that the inventory does not have."""
        return [folder for folder in self.other_folders if folder.host not in hosts]


def write_cluster_files(arguments: Mapping[str, Any], hosts: Collection[str], *, check: bool) -> dict[str, Any]:
    """Write the files of one cluster, and return what changed. Raises Problem before anything is written.

    `hosts` are all of the inventory: a folder of another one is only named.
    """
    plan = _plan_files(arguments)
    _check_paths(plan.folder, plan.text_by_file)
    for left_folder in plan.left_folders:
        _check_paths(left_folder, ())
    changed_files, obsolete_files, left_folders = plan.changed_files, plan.obsolete_files, plan.left_folders
    _check_foreign_files(plan.folder, changed_files)
    change_rows = (
        _compare_meaning([plan.folder, *left_folders], plan.objects_by_file, plan.text_by_file)
        if arguments["compare"]
        else []
    )
    if not check:
        _write_and_remove(plan.folder, plan.text_by_file, obsolete_files, left_folders)
    return {
        "changed": bool(changed_files or obsolete_files or left_folders),
        "folder": str(plan.folder.path),
        "files": sorted(plan.text_by_file),
        "written": changed_files,
        "removed": obsolete_files + _list_paths_below_root(left_folders),
        "report": {"host": arguments["host"], "changes": change_rows, "moved": plan.move_lines},
        "left_out": explain_left_out(arguments["products"]),
        "unknown": _list_paths_below_root(plan.list_unknown_folders(hosts)),
    }


def _plan_files(arguments: Mapping[str, Any]) -> FilePlan:
    """Return what a task asks for. Raises Problem for secrets, and for names that are no folders."""
    root = _files.require_path(arguments["path"]).expanduser().resolve()
    files = build_file_tree(build_stages(arguments["collectors"], arguments["instrumentation"], arguments["products"]))
    _check_no_secrets(files)
    folder_names = [
        _check_folder_name(folder_name) for folder_name in (arguments["wave"], arguments["host"]) if folder_name
    ]
    folder = ClusterFolder.read_marker(root, root.joinpath(*folder_names), arguments["host"])
    texts_by_file = {name: _build_file_text(objects) for name, objects in files.items()}
    other_folders = [other_folder for other_folder in _find_cluster_folders(root) if other_folder.path != folder.path]
    return FilePlan(folder, files, texts_by_file, other_folders)


def _list_paths_below_root(folders: Iterable[ClusterFolder]) -> list[str]:
    return sorted(str(folder.path.relative_to(folder.root)) for folder in folders)


def write_changes_page(
    arguments: Mapping[str, Any], hosts: Iterable[str], forecasts: Sequence[HostForecasts] = ()
) -> dict[str, Any]:
    """Write the page of all clusters, and return it. Raises Problem if it cannot be written.

    `hosts` are all clusters of the inventory: the page names those that are not rendered. `forecasts` stand at its end.
    """
    reports_by_host = {cluster["host"]: cluster for cluster in arguments["clusters"]}
    missing_hosts = [host for host in hosts if host not in reports_by_host]
    page = "\n".join((render_markdown(reports_by_host, missing_hosts), *render_host_sections(forecasts)))
    is_written = _files.write_or_check(_files.require_path(arguments["path"]).expanduser(), page, check=False)
    return {"changed": is_written, "markdown": page, "not_rendered": missing_hosts}


def _write_and_remove(
    folder: ClusterFolder,
    texts_by_file: Mapping[str, str],
    obsolete_files: Collection[str],
    left_folders: Iterable[ClusterFolder],
) -> None:
    """Write and remove. The marker lists more for a moment, so that a killed run leaves no file that nobody owns."""
    if folder.written_files != texts_by_file.keys():
        folder.write_marker(folder.written_files | texts_by_file.keys())
    for name, text in texts_by_file.items():
        _files.write_or_check(folder.path / name, text, check=False)
    folder.remove_files(obsolete_files)
    if folder.written_files != texts_by_file.keys():
        folder.write_marker(texts_by_file)
    for left_folder in left_folders:
        left_folder.remove_files((*left_folder.written_files, MARKER_FILE))


def _compare_meaning(
    folders: Iterable[ClusterFolder], files: Mapping[str, list[Object]], texts_by_file: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return what changes in the meaning of the files; reads only those that differ."""
    written_paths = {name: folder.path / name for folder in folders for name in folder.written_files}
    old_objects: dict[str, list[Object]] = {}
    new_objects: dict[str, list[Object]] = {}
    for name in {*written_paths, *texts_by_file}:
        path = written_paths.get(name)
        if name in texts_by_file and not _has_other_text(path, texts_by_file[name]):
            continue
        if path and path.is_file():
            old_objects[name] = _read_objects(path)
        if name in files:
            new_objects[name] = files[name]
    return list_changes(old_objects, new_objects, _yaml.parse_or_none)


def read_written_objects(root: Path, host: str) -> list[Object]:
    """Return the objects in the files of a cluster that an earlier run wrote, in whichever wave it was.

    Raises Problem for files that cannot be read.
    """
    objects: list[Object] = []
    for folder in _find_cluster_folders(root):
        if folder.host != host:
            continue
        _check_paths(folder, ())
        for path in sorted(folder.path / name for name in folder.written_files):
            if path.is_file():
                objects += _read_objects(path)
    return objects


def _read_objects(path: Path) -> list[Object]:
    """Return the objects of a file. Raises Problem if a person made it no YAML."""
    documents = _yaml.load_all(_files.read_text_file(path), str(path))
    data = [document.data for document in documents]
    return [content for content in data if isinstance(content, dict) and content.get("kind")]


def _build_file_text(objects: Iterable[Object]) -> str:
    return _FILE_HEADER + _yaml.dump(*_yaml.strip_ansible_types(list(objects)))


def _check_folder_name(name: str) -> str:
    """Return a name that is a folder's name. Raises Problem for another one."""
    if name in (".", "..") or "/" in name or "\0" in name or name.startswith("."):
        fix = "Use a name without a slash, which does not begin with a dot."
        raise Problem(f"the name {name!r} is no name of a folder", asked=ACTION, fix=fix)
    return name


def _check_names_stay_inside(file_names: Iterable[str], marker: Path) -> None:
    """Raise Problem for names that lead out of the folder: who can write the marker would remove other files."""
    for name in file_names:
        path = PurePosixPath(name)
        leads_out = path.is_absolute() or ".." in path.parts
        if leads_out or not path.parts or not name.isprintable():
            wrong = f"it names {name!r}, which is not in the folder"
            raise Problem(wrong, asked=ACTION, where=str(marker), fix=_FIX_OF_MARKER)


def _check_paths(folder: ClusterFolder, file_names: Iterable[str]) -> None:
    """Raise Problem if the way to a file that is needed, or that an earlier run wrote, is none of plain folders."""
    for path in sorted({folder.path / name for name in (*file_names, *folder.written_files)}):
        _check_path(path, folder.root)


def _check_path(path: Path, root: Path) -> None:
    """Raise Problem for links below the root, which lead to files of others, and for a folder in place of a file."""
    _check_entry(path, Path.is_dir, "it is a folder, and should be a file")
    for folder in path.parents:
        if folder == root:
            break
        _check_entry(folder, Path.is_file, "it is a file, and should be a folder")


def _check_entry(path: Path, is_wrong: Callable[[Path], bool], wrong: str) -> None:
    """Raise Problem for a link, and for an entry of the wrong kind."""
    if _files.is_path_of_kind(path, Path.is_symlink):
        raise Problem("it is a link", asked=ACTION, where=str(path), fix="Remove the link.")
    if _files.is_path_of_kind(path, is_wrong):
        raise Problem(wrong, asked=ACTION, where=str(path), fix="Move or remove it.")


def _remove_if_empty(folder: Path) -> bool:
    """Remove a folder without files; return whether it did. Another cluster may remove or fill it at the same time."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _check_foreign_files(folder: ClusterFolder, changed_files: Iterable[str]) -> None:
    """Raise Problem for files with names that are needed and that no earlier run wrote."""
    unknown_paths = [folder.path / name for name in changed_files if name not in folder.written_files]
    foreign_paths = [str(path) for path in unknown_paths if _files.is_path_of_kind(path, Path.exists)]
    if foreign_paths:
        wrong = f"playbook render did not write {join_at_most(_MOST_SHOWN, foreign_paths)}, and would replace it"
        raise Problem(wrong, asked=ACTION, fix="Move or remove it, or give another otel_gitops_path.")


def _has_other_text(path: Path | None, text: str) -> bool:
    """Whether a file is missing, or has another text."""
    if path is None or not _files.is_path_of_kind(path, Path.is_file):
        return True
    return _files.write_or_check(path, text, check=True)


def _check_no_secrets(files: Mapping[str, Iterable[Object]]) -> None:
    """Raise Problem for secrets in clear text, which must not get into Git."""
    described_places: list[str] = []
    for name, objects in files.items():
        described_places += [
            f"{name} ({_describe_manifest(manifest)})" for manifest in objects if _has_secret(manifest)
        ]
    if described_places:
        fix = "Name a Secret instead, such as with `env: {TOKEN: {secret: backend, key: token}}`."
        raise Problem(
            f"a secret would stand in clear text in {join_at_most(_MOST_SHOWN, described_places)}",
            asked=ACTION,
            fix=fix,
        )


def _has_secret(manifest: Object) -> bool:
    """Whether an object has a secret in clear text. The data of a Secret are secret, unless it has none."""
    if manifest.get("kind") == "Secret":
        return redact_manifest(manifest, lambda _secret: MASK, _yaml.parse_or_none) != manifest
    if manifest.get("kind") in _PUBLISHED_KINDS:
        return False
    return next(find_secrets_in_objects([manifest], _yaml.parse_or_none), None) is not None


def _describe_manifest(manifest: Object) -> str:
    return " ".join(filter(None, ref(manifest))) if "metadata" in manifest else "values of a chart"


def _find_cluster_folders(root: Path) -> Iterator[ClusterFolder]:
    """Yield the folders of clusters below the root: with waves, one deeper."""
    for marker in sorted((*root.glob(f"*/{MARKER_FILE}"), *root.glob(f"*/*/{MARKER_FILE}"))):
        yield ClusterFolder.read_marker(root, marker.parent)
