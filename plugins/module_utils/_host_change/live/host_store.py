# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All places of one collector on a host, and what is done with several of them at once. Private.

Each kind of place is a class of its own: releases (release_folders.py), links of the system (system_links.py), notes of
changes (change_notes.py), programs (program_folders.py). A place is foreign if it is there and no run of this
collection has made it. A draft is a file or folder that a run has not renamed to its place (whole_files.py).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..bundle_form import CONFIG_FOLDER, DROP_IN, SERVICE_SUFFIX, unit_name
from .change_notes import ChangeRecord, PassedWaves, ReturnNote, UndecidedChange
from .owned_folders import is_own, others_may_write, read_manifest, remove_if_empty
from .program_folders import ProgramFolders
from .release_folders import Cipher, ReleaseFolders
from .state_places import remove_state
from .system_links import SystemLinks
from .whole_files import draft_path, remove_file, retire_folder

# The lock of all runs on this host, below its root.
LOCK_PATH = "run/otelcol-runs.lock"


class Store:
    """The files of one collector below a root, which is `/` on a host.

    `all` is the folder of all collectors, `folder` that of this one.
    """

    def __init__(self, root: Path, name: str, cipher: Cipher, encrypts: bool = False) -> None:
        self.root, self.name = root, name
        self.service = unit_name(name)
        self.all = root / CONFIG_FOLDER.lstrip("/")
        self.folder = self.all / name
        self.releases = ReleaseFolders(self.folder, cipher, encrypts)
        self.change_record = ChangeRecord(self.folder)
        self.return_note = ReturnNote(self.folder, self.releases)
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
        """Whether services of this host have drop-ins of this collection, or drafts of them."""
        return any(self.links.units.glob(f"*{SERVICE_SUFFIX}.d/{DROP_IN}*"))

    def list_foreign(self) -> list[str]:
        """Return the places of this collector that somebody else has."""
        is_taken = os.path.lexists(str(self.folder)) and not self.is_own()
        return [*([str(self.folder)] if is_taken else []), *self.links.list_foreign()]

    def list_exposed(self) -> list[str]:
        """Return the folders of this collection that others than this user may change, and so what services run."""
        folders = (self.all, self.folder, self.programs.folder)
        return [str(folder) for folder in folders if folder.is_dir() and others_may_write(folder)]

    # ── What killed runs left ──

    def list_leftovers(self) -> list[Path]:
        """Return what killed runs of this collector left beside its places, and drafts of programs."""
        places = (*self._list_draft_files(), *self._list_draft_folders(), self.check_unit, self.check_output)
        return [place for place in (*places, *self.programs.list_drafts()) if os.path.lexists(str(place))]

    def clear_drafts(self) -> None:
        """Remove what killed runs left beside the places of folders, files and links."""
        for draft in self._list_draft_files():
            remove_file(draft)
        for draft in self._list_draft_folders():
            shutil.rmtree(str(draft), ignore_errors=True)

    def _list_draft_files(self) -> list[Path]:
        notes = (self.change_record, self.passed_waves, self.return_note, self.undecided_change)
        note_files = [note.path for note in notes]
        return [draft_path(place) for place in (*self.links.list_targets(), *note_files, self.releases.current)]

    def _list_draft_folders(self) -> list[Path]:
        folders = (self.all, self.folder, self.programs.folder)
        return [*map(draft_path, folders), self.releases.draft]

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
        retire_folder(self.folder, draft_path(self.folder))
        remove_if_empty(self.all)
