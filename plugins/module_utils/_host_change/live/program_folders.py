# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of the Collector's programs on a host, which all collectors of the host share. Private.

`Store` has an object of this class. A folder is named by distribution, version and sum, such as
`/opt/otelcol/contrib-0.158.0-1a2b3c4d5e6f`. program_installation.py fills it, and collector_removal.py removes those
that no release names any more.
"""

from __future__ import annotations

from pathlib import Path

from ..bundle_form import CONFIG_FOLDER, MANIFEST, PROGRAM_FOLDER
from .atomic_files import TEMPORARY_PATTERN, read_json, remove_folder, temporary_path
from .owned_folders import is_own, remove_if_empty


class ProgramFolders:
    """The folders below a root, which is `/` on a host; one for each program and version.

    Folders of programs are texts here, to be compared with those that the manifests of releases name.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / PROGRAM_FOLDER.lstrip("/")
        self._collectors = root / CONFIG_FOLDER.lstrip("/")

    def map_ownership(self) -> dict[str, bool]:
        """Return all folders of programs, and whether a run of this collection has made each of them."""
        if not self.folder.is_dir():
            return {}
        return {str(folder): is_own(folder) for folder in self.folder.iterdir() if folder.is_dir()}

    def list_used(self) -> set[str]:
        """Return the folders of the programs that releases of all collectors of this host name."""
        manifests = self._collectors.glob(f"*/releases/*/{MANIFEST}")
        folders = set()
        for manifest in manifests:
            program = read_json(manifest).get("program")
            if program:
                folders.add(str(Path(program).parent))
        return folders

    def list_unfinished_folders(self) -> list[Path]:
        """Return the folders that killed installations of programs left."""
        return list(self.folder.glob(TEMPORARY_PATTERN))

    def remove(self, folder: str) -> None:
        """Remove the folder of a program, and the folder of all programs with the last one."""
        remove_folder(Path(folder), temporary_path(Path(folder)))
        remove_if_empty(self.folder)
