# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a cluster in a repository for GitOps: what earlier runs wrote there, and which paths are safe.

A file `.o11y-render` in the folder, its marker, lists what playbook `render` has written, such as
`{"host": "prod", "files": ["collectors/telemetry/agent.yml"]}`. Nothing else is changed or removed. The repository may
be written by others, so no link in it is followed, and no name in that list leads out of the folder: `../../x` is
refused. `_gitops_files.py` and `_gitops_changes.py` call this file. Controller only. Private.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..module_utils._otelcol.errors import Problem
from ._otelcol import _files

# Without an ending that Argo CD takes for a manifest.
MARKER_FILE = ".o11y-render"
ACTION = "Write the files of a cluster"
_FIX_OF_MARKER = "Restore it from Git, or remove the folder."


@dataclass(frozen=True)
class ClusterFolder:
    """The folder of a cluster, and the files there that an earlier run wrote."""

    root: Path
    """The folder of all clusters."""
    path: Path
    host: str
    """The cluster by its name in the inventory."""
    written_files: frozenset[str]
    """The files by their paths below the folder."""

    @classmethod
    def read_marker(cls, root: Path, path: Path, host: str = "") -> ClusterFolder:
        """Return a folder with the files that its marker lists; none without a marker.

        `host` is the cluster if there is no marker. Raises Problem if a link leads to the marker, if it lists no files,
        or if it is of another folder.
        """
        marker = path / MARKER_FILE
        _check_path(marker, root)
        if not _files.is_path_of_kind(marker, Path.is_file):
            return cls(root, path, host, frozenset())
        try:
            marker_content = json.loads(_files.read_text_file(marker))
            file_names = [str(name) for name in marker_content["files"]]
            owner_host = str(marker_content["host"])
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

    def check_paths(self, new_files: Iterable[str] = ()) -> None:
        """Raise Problem if a file that is needed, or that an earlier run wrote, is not below plain folders."""
        for path in sorted({self.path / name for name in (*new_files, *self.written_files)}):
            _check_path(path, self.root)

    @property
    def path_below_root(self) -> str:
        """The path for people, such as `wave-1/prod`."""
        return str(self.path.relative_to(self.root))


def find_cluster_folders(root: Path) -> Iterator[ClusterFolder]:
    """Yield the folders of all clusters below the root: `HOST`, or `WAVE/HOST` with waves. Each has a marker."""
    for marker in sorted((*root.glob(f"*/{MARKER_FILE}"), *root.glob(f"*/*/{MARKER_FILE}"))):
        yield ClusterFolder.read_marker(root, marker.parent)


def _check_names_stay_inside(file_names: Iterable[str], marker: Path) -> None:
    """Raise Problem for names that lead out of the folder: who can write the marker would remove other files."""
    for name in file_names:
        path = PurePosixPath(name)
        leads_out = path.is_absolute() or ".." in path.parts
        if leads_out or not path.parts or not name.isprintable():
            wrong = f"it names {name!r}, which is not in the folder"
            raise Problem(wrong, asked=ACTION, where=str(marker), fix=_FIX_OF_MARKER)


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
