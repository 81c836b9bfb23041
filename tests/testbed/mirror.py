# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local release mirror: a folder `PRODUCT/VERSION/` per release, with the manifest and the images' archives.

What the testbed makes carries a mark. A release without it was put there by somebody else, and is taken as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.home import Home
from tests.testbed.progress import say

MIRROR_VARIABLE = "O11Y_RELEASE_MIRROR"
MARK_FILE = ".made-by-testbed"


def find_mirror_folder(home: Home, environment: Mapping[str, str]) -> Path:
    """The mirror's folder. A mirror behind a URL is for roles only: images are loaded from files."""
    configured_folder = environment.get(MIRROR_VARIABLE, "")
    return (
        Path(configured_folder).absolute()
        if configured_folder and "://" not in configured_folder
        else home.root / "mirror"
    )


@dataclass(frozen=True)
class Release:
    """One version of a product in the mirror."""

    root: Path
    product: str
    version: str
    file: str = ""
    """The file that makes the folder a release; without a name, the manifest."""

    @property
    def folder(self) -> Path:
        """Everything of the release; its versions have a `v` as upstream's tags do."""
        return self.root / self.product / f"v{self.version}"

    @property
    def manifest(self) -> Path:
        """What is applied to a cluster, or what a host installs."""
        return self.folder / (self.file or f"{self.product}.yaml")

    @property
    def images(self) -> list[Path]:
        """The images' archives."""
        return sorted((self.folder / "images").glob("*.tar"))

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else put it there."""
        return self.manifest.exists() and not (self.folder / MARK_FILE).exists()

    def is_made(self, content_key: str) -> bool:
        """Whether it is there, or made of exactly this."""
        mark_file = self.folder / MARK_FILE
        is_whole = (
            mark_file.exists() and mark_file.read_text() == content_key and all(image.exists() for image in self.images)
        )
        return self.is_foreign or is_whole

    def prepare(self, home: Home, content_key: str, fill_folder: Callable[[Path], None]) -> None:
        """Make it unless it is there, or made of exactly this already."""
        if self.is_made(content_key):
            return
        with home.lock(f"release-{self.product}-{self.version}"):
            if not self.is_made(content_key):
                self.make(content_key, fill_folder)
                say(f"made {self.manifest}")

    def make(self, content_key: str, fill_folder: Callable[[Path], None]) -> None:
        """Fill a draft folder and rename it: what has the final name is always whole."""
        draft = self.folder.with_name(f".{self.folder.name}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        try:
            fill_folder(draft)
            (draft / MARK_FILE).write_text(content_key)
            if self.folder.exists():
                shutil.rmtree(self.folder)
            draft.rename(self.folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
