# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Collector as upstream releases it for hosts: an archive with the program, and a file of sums, in the mirror."""

from __future__ import annotations

import gzip
import hashlib
import io
import platform
import tarfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.testbed.build import COLLECTOR_VERSION, COMPONENTS, Builds, build_key
from tests.testbed.image import ARCHITECTURES, add_file
from tests.testbed.mirror import Release

PRODUCT = "opentelemetry-collector-releases"
"""The repository of upstream's releases: the mirror has its files below the paths that the downloads have."""
COMPONENT, PROGRAM = "otelcol", "otelcol-contrib"
CHECKSUMS_FILE = f"{PRODUCT}_{PROGRAM}_checksums.txt"
README_TEXT = f"""\
A part of OpenTelemetry Collector Contrib {COLLECTOR_VERSION}, built by the testbed from the same Go modules.
It says {COLLECTOR_VERSION} whatever the version of this archive.
"""


@dataclass(frozen=True)
class CollectorRelease:
    """A version of the archive, for the architecture of this machine."""

    version: str = COLLECTOR_VERSION

    @property
    def archive_name(self) -> str:
        """The archive's name."""
        architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
        return f"{PROGRAM}_{self.version}_linux_{architecture}.tar.gz"

    def find_release(self, mirror: Path) -> Release:
        """Its place in the mirror."""
        return Release(mirror, PRODUCT, self.version, self.archive_name)

    def archive_path(self, mirror: Path) -> Path:
        """The archive in the mirror."""
        return self.find_release(mirror).manifest

    def prepare(self, builds: Builds, mirror: Path) -> None:
        """Make sure that the mirror has the archive; one that you put there stays."""
        file_digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
        content_key = f"{build_key(COMPONENTS[COMPONENT], builds.go)}-{file_digest}"
        program = builds.program_path(COMPONENT, PROGRAM)
        self.find_release(mirror).prepare(builds.home, content_key, partial(self._fill_release, program))

    def _fill_release(self, program: Path, folder: Path) -> None:
        """Write archive and sums; the same program gives the same bytes."""
        archive = folder / self.archive_name
        with (
            archive.open("wb") as archive_file,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=archive_file, mtime=0) as gzip_file,
            tarfile.open(fileobj=gzip_file, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            add_file(tar, "README.md", io.BytesIO(README_TEXT.encode()), len(README_TEXT.encode()))
            with program.open("rb") as content:
                add_file(tar, PROGRAM, content, program.stat().st_size, 0o755)
        with archive.open("rb") as content:
            checksum = hashlib.file_digest(content, "sha256").hexdigest()
        (folder / CHECKSUMS_FILE).write_text(f"{checksum}  {self.archive_name}\n", encoding="utf-8")
