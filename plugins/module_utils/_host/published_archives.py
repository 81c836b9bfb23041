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
class ArchiveSource:
    """Where published archives come from: GitHub or a mirror; and the sums that are known of them."""

    mirror_address: str = ""
    """The folder or the URL of a mirror; empty to download from GitHub."""
    lock: Lock | None = None
    """The lock file, which has the sums of archives by their names."""
    unlocked_architectures: tuple[str, ...] = ()
    """The architectures whose archives need no sum while there is no lock: this run is to find the sums."""

    def find_locked_sum(self, archive: str) -> str:
        """Return the sum that the lock has of an archive; empty without one."""
        if self.lock is None:
            return ""
        return self.lock.list_sums(PROGRAMS).get(archive, "").removeprefix("sha256:")

    @property
    def finds_sums(self) -> bool:
        """Whether this run is to find the sums of archives, so that an archive needs none."""
        return bool(self.unlocked_architectures) and self.lock is None

    def find_archive_location(self, version: str, archive: str) -> dict[str, str]:
        """Return where an archive is: `{"file": PATH}` on the controller, or `{"url": URL}` that the host reaches."""
        if not self.mirror_address:
            return {"url": _published_url(version, archive)}
        mirror_address = f"{self.mirror_address.rstrip('/')}/{_mirror_path(version, archive)}"
        if "://" in mirror_address and not mirror_address.startswith(_FILE_SCHEME):
            return {"url": mirror_address}
        return {"file": mirror_address.removeprefix(_FILE_SCHEME)}


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

    def build_archive_name(self, architecture: str) -> str:
        """Return the name of an archive, such as `otelcol-contrib_0.158.0_linux_amd64.tar.gz`.

        Source: .goreleaser.yaml of the distributions.
        """
        return f"{self.program_name}_{self.version}_linux_{architecture}.{self.archive_format}"

    def find_locked_sum(self, architecture: str) -> str:
        """Return the sum that a lock has of an archive; empty without one."""
        return self.archive_source.find_locked_sum(self.build_archive_name(architecture))

    def list_known_architectures(self) -> list[str]:
        """Return the architectures with a sum in the lock, or else those whose sums this run is to find."""
        locked_architectures = [name for name in ARCHITECTURES if self.find_locked_sum(name)]
        if not locked_architectures and self.archive_source.finds_sums:
            return list(self.archive_source.unlocked_architectures)
        return locked_architectures

    def find_archive_location(self, architecture: str) -> dict[str, str]:
        """Return where the archive of an architecture is, as `ArchiveSource.find_archive_location` returns it."""
        return self.archive_source.find_archive_location(self.version, self.build_archive_name(architecture))

    def build_published_archive(self, architecture: str, digits: str) -> PublishedArchive:
        """Return an archive. `digits` are those of its sum, or empty if the sum is not known."""
        name = self.build_archive_name(architecture)
        (origin,) = self.find_archive_location(architecture).values()
        return PublishedArchive(
            name=name,
            path=_mirror_path(self.version, name),
            origin=origin,
            published=_published_url(self.version, name),
            sum=f"sha256:{digits}" if digits else "",
        )

    def describe_missing_sum(self) -> Problem:
        """Return the problem that no sum of an archive is known."""
        archive = self.build_archive_name("ARCHITECTURE")
        if self.archive_source.lock:
            return self.archive_source.lock.build_not_locked_problem(PROGRAMS, archive)
        wrong = f"no sum of {archive} is known, and `program` does not say where a program is"
        fix = f"Run `{LOCK_COMMAND}`, or write `program: {{amd64: {{sha256: SUM}}}}` or `program: {{path: FILE}}`."
        return Problem(wrong, fix=fix)


def _mirror_path(version: str, archive: str) -> str:
    """Return the path of an archive in a mirror:
    `opentelemetry-collector-releases/v0.158.0/otelcol_0.158.0_….tar.gz`."""
    return f"{_REPOSITORY}/v{version}/{archive}"


def _published_url(version: str, archive: str) -> str:
    """Return the URL of an archive on GitHub."""
    return f"{_DOWNLOADS}/v{version}/{archive}"
