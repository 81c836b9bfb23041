# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of one collector on a host, and what is done with several of them at once. Private.

`Store` finds the files of a collector by its name. For collector `agent`, these are:

| attribute | what it is | class |
|---|---|---|
| `releases` | `/etc/otelcol/agent/releases/000001` … and the link `current` to the one in use | release_folders.py |
| `links` | links from `/etc/systemd/system` and `/etc/tmpfiles.d` to files of the release in use | system_links.py |
| `change_record` … | notes in `/etc/otelcol/agent`: the change under way, a rollback, passed waves | change_notes.py |
| `programs` | `/opt/otelcol/contrib-0.158.0-…`, which all collectors share | program_folders.py |

Files and folders are first made under temporary names and then renamed (atomic_files.py); a killed run may leave one
under its temporary name. A path is foreign if something is there that no run of this collection has made.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..bundle_form import CONFIG_FOLDER, DROP_IN, SERVICE_SUFFIX, unit_name
from .atomic_files import remove_file, remove_folder, temporary_path
from .change_notes import ChangeRecord, PassedWaves, RollbackNote, UndecidedChange
from .owned_folders import is_own, others_may_write, read_manifest, remove_if_empty
from .program_folders import ProgramFolders
from .release_folders import Cipher, ReleaseFolders
from .state_folders import remove_state
from .system_links import SystemLinks

# The lock of all runs on this host, below its root.
LOCK_PATH = "run/otelcol-runs.lock"


class Store:
    """The files of one collector below a root, which is `/` on a host.

    `all` is the folder of all collectors, `folder` that of this one.
    """

    def __init__(self, root: Path, name: str, cipher: Cipher, *, encrypts: bool = False) -> None:
        self.root, self.name = root, name
        self.service = unit_name(name)
        self.all = root / CONFIG_FOLDER.lstrip("/")
        self.folder = self.all / name
        self.releases = ReleaseFolders(self.folder, cipher, encrypts)
        self.change_record = ChangeRecord(self.folder)
        self.rollback_note = RollbackNote(self.folder, self.releases)
        self.undecided_change = UndecidedChange(self.folder, self.releases)
        self.passed_waves = PassedWaves(self.folder, self.releases)
        self.links = SystemLinks(root, name, self.folder)
        self.programs = ProgramFolders(root)
        # A name with a dot: no collector can have it, or the check of one would be the service of another.
        self.check_unit = root / "run/systemd/system" / f"otelcol-{name}.check.service"
        self.check_output = root / "run" / f"otelcol-{name}.check.log"
        self.lock = root / LOCK_PATH

    # ── Owners ──

    def is_own(self) -> bool:
        """Whether a run of this collection has made the folder of this collector."""
        return is_own(self.folder)

    def had_state(self) -> bool:
        """Whether the state folder was there before the first install, so that a removal leaves it."""
        return bool(read_manifest(self.folder).get("had_state"))

    def has_drop_ins(self) -> bool:
        """Whether services of this host have drop-ins of this collection, or such drop-ins under temporary names."""
        return any(self.links.units.glob(f"*{SERVICE_SUFFIX}.d/{DROP_IN}*"))

    def list_foreign(self) -> list[str]:
        """Return the paths of this collector at which somebody else has a folder, a file or a link."""
        foreign_paths = self.links.list_foreign()
        if os.path.lexists(str(self.folder)) and not self.is_own():
            return [str(self.folder), *foreign_paths]
        return foreign_paths

    def list_exposed(self) -> list[str]:
        """Return the folders of this collection that others than this user may change, and so what services run."""
        folders = (self.all, self.folder, self.programs.folder)
        return [str(folder) for folder in folders if folder.is_dir() and others_may_write(folder)]

    # ── What killed runs left ──

    def list_temporary_paths(self) -> list[Path]:
        """Return what killed runs of this collector left: files and folders under temporary names, and of a check."""
        own_paths = (*self._list_temporary_files(), *self._list_temporary_folders(), self.check_unit, self.check_output)
        paths = (*own_paths, *self.programs.list_unfinished_folders())
        return [path for path in paths if os.path.lexists(str(path))]

    def remove_temporary_paths(self) -> None:
        """Remove files, links and folders that killed runs left under temporary names."""
        for temporary_file in self._list_temporary_files():
            remove_file(temporary_file)
        for temporary_folder in self._list_temporary_folders():
            shutil.rmtree(str(temporary_folder), ignore_errors=True)

    def _list_temporary_files(self) -> list[Path]:
        """Return where the links and notes of this collector are made before they are renamed."""
        notes = (self.change_record, self.passed_waves, self.rollback_note, self.undecided_change)
        note_files = [note.path for note in notes]
        return [temporary_path(path) for path in (*self.links.list_targets(), *note_files, self.releases.current)]

    def _list_temporary_folders(self) -> list[Path]:
        """Return where the folders of this collector are made before they are renamed."""
        folders = (self.all, self.folder, self.programs.folder)
        return [*map(temporary_path, folders), self.releases.temporary_folder]

    # ── Removal ──

    def drop_release(self, number: str) -> None:
        """Remove a release, and that it has passed a wave: its number may return."""
        self.passed_waves.forget(number)
        self.releases.remove(number)

    def remove_links(self) -> None:
        """Remove the links of the system, and what a check left."""
        self.links.remove()
        remove_file(self.check_unit)
        remove_file(self.check_output)

    def remove(self, state: str) -> None:
        """Remove the state folder, if one is named, and the folder of a collector."""
        if state:
            remove_state(self.root, state)
        remove_folder(self.folder, temporary_path(self.folder))
        remove_if_empty(self.all)
