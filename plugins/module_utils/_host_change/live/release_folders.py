# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of a collector on a host, each in a folder of its own, and the link to the one in use. Private.

A release is what one deployment of the collector consists of: its config, unit and credentials, as files in a numbered
folder. (A release of a product, such as Collector 0.158.0, is something else.) For example, with `/etc/otelcol/agent`
as the folder of the collector:

    releases/000001/config.yaml
    releases/000002/config.yaml
    releases/000002/manifest.json    facts about the release: its program, the URL of its metrics
    current -> releases/000002

A release is written under a temporary name and renamed, and so is the link: each is there whole or not at all.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ..._otelcol.kube.names import OWNER
from ..bundle_form import CREDENTIALS, MANIFEST
from ..host_release import StoredFile
from .atomic_files import json_bytes, read_link_target, remove_folder, replace_link, sync_folder, write_file
from .owned_folders import read_manifest

# The folder of a release until it is renamed to its number.
_TEMPORARY_NAME = ".draft"


class Cipher(Protocol):
    """What encrypts a secret for the disk of this host. `Machine` is one."""

    def encrypt(self, name: str, secret: bytes) -> bytes:
        """Return a credential as only this host reads it. Raises Problem if it cannot."""

    def decrypt(self, name: str, data: bytes) -> bytes | None:
        """Return the secret; None if it cannot be read."""


class ReleaseFolders:
    """The releases of one collector. The name of a release is its number as a text, such as `000001`.

    Credentials are compared as secrets, since encryption gives another text each time.
    """

    def __init__(self, collector_folder: Path, cipher: Cipher, encrypts: bool) -> None:
        self._cipher, self._encrypts = cipher, encrypts
        self.folder = collector_folder / "releases"
        self.temporary_folder = self.folder / _TEMPORARY_NAME
        # The link to the release in use.
        self.current = collector_folder / "current"

    # ── Which releases there are ──

    def list_numbers(self) -> list[str]:
        """Return the names of the releases, the oldest first, such as `["000001", "000002"]`."""
        if not self.folder.is_dir():
            return []
        return sorted(folder.name for folder in self.folder.iterdir() if folder.name.isdigit())

    def find_current(self) -> str:
        """Return the release to which the link leads; empty if there is none."""
        number = Path(read_link_target(self.current)).name
        return number if number in self.list_numbers() else ""

    def find_newest(self) -> str:
        """Return the newest release; empty without one."""
        return (self.list_numbers() or [""])[-1]

    def find_before(self, number: str) -> str:
        """Return the release that ran before another one; empty if none is kept."""
        earlier_numbers = [release_number for release_number in self.list_numbers() if release_number < number]
        return earlier_numbers[-1] if earlier_numbers else ""

    # ── What a release holds ──

    def path(self, number: str) -> Path:
        """Return the folder of a release."""
        return self.folder / number

    def read_manifest(self, number: str) -> dict[str, Any]:
        """Return what the manifest of a release says: `program`, `metrics`, `shown`, `encrypted`."""
        return read_manifest(self.path(number))

    def read_files(self, number: str) -> dict[str, StoredFile]:
        """Return the files of a release as they are on disk, by path; none for an empty number."""
        folder = self.path(number)
        manifest = self.read_manifest(number)
        shown_texts, is_encrypted = manifest.get("shown") or {}, bool(manifest.get("encrypted"))
        file_by_name = {}
        # Without a number, `folder` is the folder of all releases.
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

    def read_time_written(self, number: str) -> float:
        """Return when a release was written, in seconds of Unix by the clock of the host."""
        return (self.path(number) / MANIFEST).stat().st_mtime

    def find_written_mark(self, number: str) -> str:
        """Return a mark of when a release was written, such as `1769860800123456789`; empty without such a release.

        It tells the release from every other one with the same number, also from one with the same files.
        """
        manifest = self.path(number) / MANIFEST
        return str(manifest.stat().st_mtime_ns) if number and manifest.is_file() else ""

    def compute_sum(self, number: str) -> str:
        """Return the SHA-256 of a release's files, which tells it from a later release with the same number.

        A number may return after its release was removed. Credentials are left out: a sum would let them be guessed.
        """
        digest = hashlib.sha256()
        for name, file in self.read_files(number).items():
            data = b"" if name.startswith(CREDENTIALS) else file.data
            digest.update(f"{name} {file.mode:o} {hashlib.sha256(data).hexdigest()}\n".encode())
        digest.update(str(self.read_manifest(number).get("program") or "").encode())
        return digest.hexdigest()

    # ── Changes ──

    def make_folder(self) -> None:
        """Make the folder of all releases, unless it is there."""
        self.folder.mkdir(mode=0o755, exist_ok=True)
        self.folder.chmod(0o755)  # the umask of the run may have taken bits from the mode above

    def write(self, number: str, files: Mapping[str, StoredFile], facts: Mapping[str, Any]) -> None:
        """Write a release. `facts` are what its manifest says besides: its program, and the URL of its metrics."""
        shutil.rmtree(str(self.temporary_folder), ignore_errors=True)
        self.temporary_folder.mkdir(mode=0o755)
        self.temporary_folder.chmod(0o755)
        for path, file in files.items():
            target = self.temporary_folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.parent.chmod(0o700 if path.startswith(CREDENTIALS) else 0o755)
            is_encrypted = self._encrypts and path.startswith(CREDENTIALS)
            data = self._cipher.encrypt(target.name, file.data) if is_encrypted else file.data
            write_file(target, data, file.mode)
        shown_texts = {path: file.shown_text for path, file in files.items() if file.shown_text}
        manifest = {"owner": OWNER, "shown": shown_texts, "encrypted": self._encrypts, **facts}
        write_file(self.temporary_folder / MANIFEST, json_bytes(manifest), 0o644)
        self.temporary_folder.rename(self.path(number))
        sync_folder(self.folder)

    def switch_to(self, number: str) -> None:
        """Put a release into use: let the link `current` lead to it."""
        replace_link(self.current, f"releases/{number}")

    def remove(self, number: str) -> None:
        """Remove a release. A killed run leaves all of it or none: half of a release is none."""
        remove_folder(self.path(number), self.temporary_folder)
