# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of collectors on a host: releases, the link to the one in use, and the record of a change. Private.

A release is written beside its place and renamed, the link is renamed over: each is there whole or not at all. Every
folder that a run makes has a `manifest.json` that names the collection; without it, the folder is somebody else's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from ..._otelcol.kube.names import OWNER
from ..bundle_form import (
    BEFORE_ALL,
    CONFIG_FOLDER,
    CREDENTIALS,
    DROP_IN,
    MANIFEST,
    PROGRAM_FOLDER,
    SERVICE_SUFFIX,
    TMPFILES,
    unit_name,
)
from ..host_plan import Change, Links
from ..host_release import StoredFile
from .whole_files import (
    draft_path,
    json_bytes,
    read_json,
    read_link_target,
    remove_file,
    remove_link,
    replace_link,
    retire_folder,
    sync_folder,
    write_file,
)

# The lock of all runs on this host, below its root.
LOCK_PATH = "run/otelcol-runs.lock"
_DRAFT = ".draft"
_ROOT_ID, _OTHERS_WRITE = 0, 0o022


def list_own_collectors(root: Path) -> list[str]:
    """Return the names of the collectors that runs of this collection have made below a root."""
    folder = root / CONFIG_FOLDER.lstrip("/")
    if not folder.is_dir():
        return []
    names = []
    for entry in sorted(folder.iterdir()):
        is_draft = entry.name.startswith(".")
        if not is_draft and read_json(entry / MANIFEST).get("owner") == OWNER:
            names.append(entry.name)
    return names


class Cipher(Protocol):
    """What keeps a secret on the disk of this host."""

    def encrypt(self, name: str, secret: bytes) -> bytes:
        """Return a credential as only this host reads it. Raises Problem if it cannot."""

    def decrypt(self, name: str, data: bytes) -> bytes | None:
        """Return the secret; nothing if it cannot be read."""


class Store:
    """The files of one collector below a root, which is `/` on a host.

    Credentials are compared as secrets, since encryption gives another text each time.
    """

    def __init__(self, root: Path, name: str, cipher: Cipher, encrypts: bool = False) -> None:
        self.root, self.name = root, name
        self._cipher, self._encrypts = cipher, encrypts
        self.service = unit_name(name)
        self.all = root / CONFIG_FOLDER.lstrip("/")
        self.folder = self.all / name
        self.releases = self.folder / "releases"
        self.current = self.folder / "current"
        self.programs = root / PROGRAM_FOLDER.lstrip("/")
        self.units = root / "etc/systemd/system"
        self.unit = self.units / self.service
        self.wanted_by = self.units / "multi-user.target.wants" / self.service
        self.tmpfiles = root / "etc/tmpfiles.d" / f"otelcol-{name}.conf"
        self.record = self.folder / "change.json"
        self.waves = self.folder / "waves.json"
        self.back = self.folder / "back.json"
        self.undecided_change = self.folder / "undecided.json"
        # A name with a dot: no collector can have it, or the check of one would be the service of another.
        self.check_unit = root / "run/systemd/system" / f"otelcol-{name}.check.service"
        self.lock = root / LOCK_PATH
        self.check_output = root / "run" / f"otelcol-{name}.check.log"

    # ── Owners ──

    def owner(self, folder: Path) -> str:
        """Return the owner that the manifest of a folder names; empty without one."""
        return str(read_json(folder / MANIFEST).get("owner") or "")

    def is_own(self, folder: Path) -> bool:
        return self.owner(folder) == OWNER

    def manifest(self, folder: Path) -> dict[str, Any]:
        return read_json(folder / MANIFEST)

    @property
    def had_state(self) -> bool:
        """Whether the state folder was there before the first install, so that a removal leaves it."""
        return bool(self.manifest(self.folder).get("had_state"))

    def foreign(self) -> list[str]:
        """Return the places of this collector that somebody else has."""
        foreign_paths = []
        if os.path.lexists(str(self.folder)) and not self.is_own(self.folder):
            foreign_paths.append(str(self.folder))
        for link_path, wanted_target in self._link_targets().items():
            if (
                link_path != self.wanted_by
                and os.path.lexists(str(link_path))
                and read_link_target(link_path) != wanted_target
            ):
                foreign_paths.append(str(link_path))
        return foreign_paths

    def exposed(self) -> list[str]:
        """Return the folders of this collection that others than this user may change, and so what services run."""
        folders = (self.all, self.folder, self.programs)
        return [str(folder) for folder in folders if folder.is_dir() and _others_may_write(folder)]

    def make(self, folder: Path, **facts: Any) -> None:
        """Make a folder of this collection, unless it is there. It is never there without its manifest."""
        if not folder.exists():
            draft = draft_path(folder)
            shutil.rmtree(str(draft), ignore_errors=True)
            draft.mkdir(parents=True, mode=0o755)
            draft.chmod(0o755)
            write_file(draft / MANIFEST, json_bytes({"owner": OWNER, **facts}), 0o644)
            draft.rename(folder)

    def leftovers(self) -> list[Path]:
        """Return what killed runs of this collector left beside its places, and drafts of programs."""
        places = (*self._draft_files(), *self._draft_folders(), self.check_unit, self.check_output)
        return [place for place in (*places, *self.programs.glob(".*.new")) if os.path.lexists(str(place))]

    def clear_drafts(self) -> None:
        """Remove what killed runs left beside the places of folders, files and links."""
        for draft in self._draft_files():
            remove_file(draft)
        for draft in self._draft_folders():
            shutil.rmtree(str(draft), ignore_errors=True)

    def _draft_files(self) -> list[Path]:
        return [draft_path(place) for place in (*self._link_targets(), *self._note_files(), self.current)]

    def _note_files(self) -> tuple[Path, ...]:
        return (self.record, self.waves, self.back, self.undecided_change)

    def _draft_folders(self) -> list[Path]:
        return [draft_path(self.all), draft_path(self.folder), draft_path(self.programs), self.releases / _DRAFT]

    # ── Releases ──

    def numbers(self) -> list[str]:
        """Return the names of the releases that are whole."""
        if not self.releases.is_dir():
            return []
        return sorted(folder.name for folder in self.releases.iterdir() if folder.name.isdigit())

    def in_use(self) -> str:
        """Return the release to which the link leads; empty if there is none."""
        number = Path(read_link_target(self.current)).name
        return number if number in self.numbers() else ""

    def path(self, number: str) -> Path:
        return self.releases / number

    def files(self, number: str) -> dict[str, StoredFile]:
        """Return the files of a release as they are on disk."""
        folder = self.path(number)
        manifest = self.manifest(folder)
        shown_texts, is_encrypted = manifest.get("shown") or {}, bool(manifest.get("encrypted"))
        file_by_name = {}
        for path in sorted(folder.rglob("*")) if number else []:
            name = str(path.relative_to(folder))
            if path.is_file() and name != MANIFEST:
                data = path.read_bytes()
                if is_encrypted and name.startswith(CREDENTIALS):
                    data = self._decrypt_secret(path.name, data)
                file_by_name[name] = StoredFile(data, path.stat().st_mode & 0o777, shown_texts.get(name, ""))
        return file_by_name

    def _decrypt_secret(self, name: str, data: bytes) -> bytes:
        """Return the secret of a credential, to compare it; what cannot be read differs from every secret."""
        secret = self._cipher.decrypt(name, data)
        return data if secret is None else secret

    def write(self, number: str, files: Mapping[str, StoredFile], facts: Mapping[str, Any]) -> None:
        """Write a release beside its place, then rename it."""
        draft = self.releases / _DRAFT
        shutil.rmtree(str(draft), ignore_errors=True)
        draft.mkdir(mode=0o755)
        draft.chmod(0o755)
        for path, file in files.items():
            target = draft / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.parent.chmod(0o700 if path.startswith(CREDENTIALS) else 0o755)
            is_encrypted = self._encrypts and path.startswith(CREDENTIALS)
            data = self._cipher.encrypt(target.name, file.data) if is_encrypted else file.data
            write_file(target, data, file.mode)
        shown_texts = {path: file.shown for path, file in files.items() if file.shown}
        manifest = {"owner": OWNER, "shown": shown_texts, "encrypted": self._encrypts, **facts}
        write_file(draft / MANIFEST, json_bytes(manifest), 0o644)
        draft.rename(self.path(number))
        sync_folder(self.releases)

    def drop(self, number: str) -> None:
        """Remove a release, and that it has passed a wave: its number may return. Half of a release is none."""
        self._forget_passed(number)
        retire_folder(self.path(number), self.releases / _DRAFT)

    def newest(self) -> str:
        """Return the newest release; empty without one."""
        return (self.numbers() or [""])[-1]

    # ── Links ──

    def _link_targets(self) -> dict[Path, str]:
        return {
            self.unit: f"{self.folder}/current/{self.service}",
            self.wanted_by: f"../{self.service}",
            self.tmpfiles: f"{self.folder}/current/{TMPFILES}",
        }

    def links(self, files: Mapping[str, StoredFile]) -> Links:
        """Return the links of the system, as they are and as a release with these files wants them."""
        places = self._link_targets()
        wanted_targets = {
            str(link_path): target
            for link_path, target in places.items()
            if link_path != self.tmpfiles or TMPFILES in files
        }
        return Links({str(link_path): read_link_target(link_path) for link_path in places}, wanted_targets)

    def set_links(self, files: Mapping[str, StoredFile]) -> None:
        links = self.links(files)
        for link_path in links.wrong:
            Path(link_path).parent.mkdir(parents=True, exist_ok=True)
            replace_link(Path(link_path), links.wanted[link_path])
        for link_path in set(links.there) - set(links.wanted):
            remove_file(Path(link_path))

    def switch(self, number: str) -> None:
        """Let the one link lead to a release."""
        replace_link(self.current, f"releases/{number}")

    # ── The record of a change ──

    def change(self) -> Change | None:
        """Return the change that is under way, or that a killed run left."""
        record = read_json(self.record)
        change_fields = {key: str(record.get(key) or "") for key in ("earlier", "candidate", "step", "when", "way")}
        return Change(**change_fields) if change_fields["step"] else None

    def note(self, change: Change) -> None:
        write_file(self.record, json_bytes(asdict(change)), 0o644)

    def done(self) -> None:
        remove_file(self.record)

    # ── The way back ──

    def note_back(self, number: str) -> None:
        """Note that a release is in use since a task has undone the change to a later one."""
        write_file(self.back, json_bytes({"release": number}), 0o644)

    def came_back(self) -> bool:
        """Whether the release in use is there since a task has undone a later one, and not by a change of its own."""
        number = self.in_use()
        return bool(number) and read_json(self.back).get("release") == number

    def before(self, number: str) -> str:
        """Return the release that ran before another one; empty if none is kept."""
        earlier_numbers = [release_number for release_number in self.numbers() if release_number < number]
        return earlier_numbers[-1] if earlier_numbers else ""

    def written(self, number: str) -> float:
        """Return when a release was written, in seconds of Unix by the clock of the host."""
        return (self.path(number) / MANIFEST).stat().st_mtime

    # ── Waves ──

    def note_undecided(self, earlier: str) -> None:
        """Note what a change goes back to if its wave fails. Without an earlier release, it is a first install."""
        write_file(self.undecided_change, json_bytes({"earlier": earlier or BEFORE_ALL}), 0o644)

    def undecided(self) -> str:
        """Return what the change that no wave has decided goes back to: a release or `nothing`; empty without one."""
        number, earlier = self.in_use(), str(read_json(self.undecided_change).get("earlier") or "")
        is_there = earlier in (BEFORE_ALL, *self.numbers())
        return earlier if number and is_there and earlier != number else ""

    def decided(self) -> None:
        """Forget what the last change goes back to: it stays, or has gone back."""
        remove_file(self.undecided_change)

    def passed_waves(self) -> dict[str, Any]:
        """Return which wave each release has passed, by the number of the release."""
        return read_json(self.waves)

    def note_passed(self, number: str, row: Mapping[str, Any]) -> None:
        """Note that a release has passed its wave. Releases that are gone are forgotten."""
        wave_by_release = {
            release_number: wave
            for release_number, wave in self.passed_waves().items()
            if release_number in self.numbers()
        }
        write_file(self.waves, json_bytes({**wave_by_release, number: dict(row)}), 0o644)

    def passed(self, number: str) -> dict[str, Any]:
        """Return the wave that a release has passed; empty if it has passed none, or another one of its number."""
        wave = self.passed_waves().get(number)
        return wave if isinstance(wave, dict) and wave.get("sum") == self.release_sum(number) else {}

    def _forget_passed(self, number: str) -> None:
        wave_by_release = self.passed_waves()
        if number in wave_by_release:
            other_waves = {
                release_number: wave for release_number, wave in wave_by_release.items() if release_number != number
            }
            with suppress(OSError):  # on a full disk, the sum of the release tells that it is another one
                write_file(self.waves, json_bytes(other_waves), 0o644)

    def release_sum(self, number: str) -> str:
        """Return what tells a release from another one of its number: a sum of its files, without credentials.

        A sum of a credential would let it be guessed.
        """
        digest = hashlib.sha256()
        for name, file in self.files(number).items():
            data = b"" if name.startswith(CREDENTIALS) else file.data
            digest.update(f"{name} {file.mode:o} {hashlib.sha256(data).hexdigest()}\n".encode())
        digest.update(str(self.manifest(self.path(number)).get("program") or "").encode())
        return digest.hexdigest()

    # ── Programs ──

    def program_folders(self) -> dict[str, bool]:
        """Return the folders of programs, and whether they are this collection's."""
        if not self.programs.is_dir():
            return {}
        return {str(folder): self.is_own(folder) for folder in self.programs.iterdir() if folder.is_dir()}

    def used_programs(self) -> set[str]:
        """Return the folders of the programs that releases of all collectors of this host name."""
        manifests = self.all.glob(f"*/releases/*/{MANIFEST}")
        folders = set()
        for manifest in manifests:
            program = read_json(manifest).get("program")
            if program:
                folders.add(str(Path(program).parent))
        return folders

    def has_drop_ins(self) -> bool:
        """Whether services of this host have drop-ins of this collection, or drafts of them."""
        return any(self.units.glob(f"*{SERVICE_SUFFIX}.d/{DROP_IN}*"))

    # ── Removal ──

    def remove_links(self) -> None:
        for place in (*self._link_targets(), self.check_unit, self.check_output):
            remove_file(place)

    def remove(self, state: str) -> None:
        """Remove the state folder, if one is named, and the folder of a collector."""
        if state:
            self._remove_state(state)
        retire_folder(self.folder, draft_path(self.folder))
        self.remove_if_last(self.all)

    def private(self, state: str) -> Path:
        """Return where the state folder of a dynamic user is. Source: systemd.exec(5), StateDirectory."""
        variable_folder = self.root / "var/lib"
        return variable_folder / "private" / Path(state).relative_to("/var/lib")

    def state_places(self, state: str) -> list[Path]:
        """Return where the state folder is, or was: a dynamic user's place is a link to the private one."""
        places = (self.root / state.lstrip("/"), self.private(state))
        return [place for place in places if not place.is_symlink()]

    def has_state(self, state: str) -> bool:
        return bool(state) and os.path.lexists(str(self.root / state.lstrip("/")))

    def _remove_state(self, state: str) -> None:
        remove_link(self.root / state.lstrip("/"))
        for place in self.state_places(state):
            shutil.rmtree(str(place), ignore_errors=True)
            if place.parent.name not in ("lib", "private"):
                with suppress(OSError):  # another collector has its state there
                    place.parent.rmdir()

    def remove_program(self, folder: str) -> None:
        retire_folder(Path(folder), draft_path(Path(folder)))
        self.remove_if_last(self.programs)

    def remove_if_last(self, folder: Path) -> None:
        """Remove a folder of this collection in which nothing is left but its manifest."""
        if self.is_own(folder) and [entry.name for entry in folder.iterdir()] == [MANIFEST]:
            retire_folder(folder, draft_path(folder))


def _others_may_write(folder: Path) -> bool:
    """Whether another user than root and this one may change what is in a folder."""
    folder_status = folder.stat()
    return folder_status.st_uid not in (_ROOT_ID, os.geteuid()) or bool(folder_status.st_mode & _OTHERS_WRITE)
