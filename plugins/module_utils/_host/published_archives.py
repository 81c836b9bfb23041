# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archives with the Collector's program that its project publishes: their names, locations and sums. Private.

`host_program.py` asks this file for a collector whose option `program` does not say where a program is. The project
publishes an archive for each distribution, version and architecture, such as

    otelcol-contrib_0.158.0_linux_amd64.tar.gz

in its releases on GitHub. A mirror has the same archives. The sum of an archive comes from the lock file, if there is
one; a run that makes the lock file finds the sums itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from .._host_change.bundle_form import ARCHITECTURES
from .._install.releases.lock_file import LOCK_COMMAND, PROGRAMS, Lock
from .._otelcol.catalogue.builds import PROGRAM_BY_DISTRIBUTION
from .._otelcol.errors import Problem

# The form of the archives, if the user does not ask for a package.
DEFAULT_FORMAT = "tar.gz"
# The repository whose releases have the archives.
_REPOSITORY = "opentelemetry-collector-releases"
_DOWNLOADS = f"https://github.com/open-telemetry/{_REPOSITORY}/releases/download"
_FILE_SCHEME = "file://"


@dataclass(frozen=True)
class PublishedArchive:
    """An archive that the Collector project has published, as lock files and mirrors describe it."""

    name: str
    path: str
    """Its path in a mirror."""
    origin: str
    """Where it is now: a path or a URL of the mirror, or `published` without a mirror."""
    published: str
    """Its URL on GitHub."""
    sum: str
    """Such as `sha256:` with 64 digits; empty if it is not known."""


@dataclass(frozen=True)
class ArchiveLocation:
    """Where an archive is now."""

    kind: str
    """`file` for one on the controller, or `url` for one that the host reaches."""
    address: str
    """The path or the URL."""

    def as_dict(self) -> dict[str, str]:
        """Return the location as option `program` has that of a user, such as `{"file": PATH}`."""
        return {self.kind: self.address}


@dataclass(frozen=True)
class ArchiveSource:
    """Where published archives come from, and their sums.

    A sum is that of the lock. Without a lock, this run may find the sums of some architectures, to make one. If there
    is neither, no sum is known, and the user has to give it.
    """

    mirror_address: str = ""
    """The folder or the URL of a mirror; empty to download from GitHub."""
    lock: Lock | None = None
    """The lock file, which has the sums of archives by their names."""
    architectures_to_sum: tuple[str, ...] = ()
    """The architectures whose sums this run is to find if there is no lock. Their archives need none."""

    @property
    def finds_sums(self) -> bool:
        """Whether this run is to find the sums of archives, so that an archive needs none."""
        return self.lock is None and bool(self.architectures_to_sum)


@dataclass(frozen=True)
class DistributionVersion:
    """A version of a distribution of the Collector, with an archive for each architecture."""

    distribution: str
    version: str
    archive_source: ArchiveSource
    archive_format: str = DEFAULT_FORMAT

    @property
    def program_name(self) -> str:
        """The name of the program in the archives."""
        return PROGRAM_BY_DISTRIBUTION[self.distribution]

    def list_architectures(self) -> list[str]:
        """Return the architectures with a sum in the lock, or those whose sums this run is to find."""
        if self.archive_source.finds_sums:
            return list(self.archive_source.architectures_to_sum)
        return [name for name in ARCHITECTURES if self.find_locked_digits(name)]

    def find_locked_digits(self, architecture: str) -> str:
        """Return the digits of the sum that the lock has of an archive; empty without one."""
        lock = self.archive_source.lock
        if lock is None:
            return ""
        return lock.list_sums(PROGRAMS).get(self.build_archive_name(architecture), "").removeprefix("sha256:")

    def find_location(self, architecture: str) -> ArchiveLocation:
        """Return where the archive of an architecture is: in the mirror, or on GitHub without one."""
        mirror_address = self.archive_source.mirror_address
        if not mirror_address:
            return ArchiveLocation("url", self._build_published_url(architecture))
        address = f"{mirror_address.rstrip('/')}/{self._build_mirror_path(architecture)}"
        if "://" in address and not address.startswith(_FILE_SCHEME):
            return ArchiveLocation("url", address)
        return ArchiveLocation("file", address.removeprefix(_FILE_SCHEME))

    def build_published_archive(self, architecture: str, digits: str) -> PublishedArchive:
        """Return an archive. `digits` are those of its sum, or empty if the sum is not known."""
        return PublishedArchive(
            name=self.build_archive_name(architecture),
            path=self._build_mirror_path(architecture),
            origin=self.find_location(architecture).address,
            published=self._build_published_url(architecture),
            sum=f"sha256:{digits}" if digits else "",
        )

    def build_archive_name(self, architecture: str) -> str:
        """Return the name of an archive, such as `otelcol-contrib_0.158.0_linux_amd64.tar.gz`.

        Source: .goreleaser.yaml of the distributions.
        """
        return f"{self.program_name}_{self.version}_linux_{architecture}.{self.archive_format}"

    def _build_mirror_path(self, architecture: str) -> str:
        """Return the path of an archive in a mirror.

        For example, `opentelemetry-collector-releases/v0.158.0/otelcol_0.158.0_….tar.gz`.
        """
        return f"{_REPOSITORY}/v{self.version}/{self.build_archive_name(architecture)}"

    def _build_published_url(self, architecture: str) -> str:
        """Return the URL of an archive on GitHub."""
        return f"{_DOWNLOADS}/v{self.version}/{self.build_archive_name(architecture)}"

    def describe_missing_sum(self) -> Problem:
        """Return the problem that no sum of an archive is known."""
        archive = self.build_archive_name("ARCHITECTURE")
        if self.archive_source.lock:
            return self.archive_source.lock.build_not_locked_problem(PROGRAMS, archive)
        wrong = f"no sum of {archive} is known, and `program` does not say where a program is"
        fix = f"Run `{LOCK_COMMAND}`, or write `program: {{amd64: {{sha256: SUM}}}}` or `program: {{path: FILE}}`."
        return Problem(wrong, fix=fix)
