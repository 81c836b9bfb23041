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

from tests.testbed.build import COLLECTOR_VERSION, COMPONENTS, Builds, key
from tests.testbed.image import ARCHITECTURES, add_file
from tests.testbed.mirror import Release

PRODUCT = "opentelemetry-collector-releases"
"""The repository of upstream's releases: the mirror has its files below the paths that the downloads have."""
COMPONENT, PROGRAM = "otelcol", "otelcol-contrib"
SUMS = f"{PRODUCT}_{PROGRAM}_checksums.txt"
NOTE = f"""\
A part of OpenTelemetry Collector Contrib {COLLECTOR_VERSION}, built by the testbed from the same Go modules.
It says {COLLECTOR_VERSION} whatever the version of this archive.
"""


@dataclass(frozen=True)
class CollectorRelease:
    """A version of the archive, for the architecture of this machine."""

    version: str = COLLECTOR_VERSION

    @property
    def file(self) -> str:
        """The archive's name."""
        architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
        return f"{PROGRAM}_{self.version}_linux_{architecture}.tar.gz"

    def release(self, mirror: Path) -> Release:
        """Its place in the mirror."""
        return Release(mirror, PRODUCT, self.version, self.file)

    def archive(self, mirror: Path) -> Path:
        """The archive in the mirror."""
        return self.release(mirror).manifest

    def prepare(self, builds: Builds, mirror: Path) -> None:
        """Make sure that the mirror has the archive; one that you put there stays."""
        made_by = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
        wanted = f"{key(COMPONENTS[COMPONENT], builds.go)}-{made_by}"
        program = builds.program(COMPONENT, PROGRAM)
        self.release(mirror).prepare(builds.home, wanted, partial(self._fill, program))

    def _fill(self, program: Path, folder: Path) -> None:
        """Write archive and sums; the same program gives the same bytes."""
        archive = folder / self.file
        with (
            archive.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            add_file(tar, "README.md", io.BytesIO(NOTE.encode()), len(NOTE.encode()))
            with program.open("rb") as content:
                add_file(tar, PROGRAM, content, program.stat().st_size, 0o755)
        with archive.open("rb") as content:
            total = hashlib.file_digest(content, "sha256").hexdigest()
        (folder / SUMS).write_text(f"{total}  {self.file}\n", encoding="utf-8")
