# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read option `program` of a collector of a host: a program that is there, or archives by architecture. Private.

Module host_render puts the program into the bundle of the host. An archive has a SHA-256 sum, which comes from the user
or from the lock file of releases. An architecture is `amd64` or `arm64`. A release in this file is one of the Collector
on GitHub, not the numbered folder of a host that host_plan.py calls so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .._host_change.bundle_form import ARCHITECTURES
from .._install.releases.lock_file import LOCK_COMMAND, PROGRAMS, Lock
from .._otelcol.errors import Problem, strip_credentials

# The distributions that have archives, and the program in each.
# Source: opentelemetry-collector-releases, distributions/*/.goreleaser.yaml.
_PROGRAM_BY_DISTRIBUTION = {
    "contrib": "otelcol-contrib",
    "core": "otelcol",
    "k8s": "otelcol-k8s",
    "otlp": "otelcol-otlp",
}
_PRODUCT = "opentelemetry-collector-releases"
_DOWNLOADS = f"https://github.com/open-telemetry/{_PRODUCT}/releases/download"
# The forms in which releases have the program. A package is unpacked on the host, never installed.
_ARCHIVE = "tar.gz"
_FILE_SCHEME = "file://"
# Where the user has an archive: a file of the controller, a path on the host, or a URL that the host reaches.
_PLACE_OPTIONS = ("file", "path", "url")
# A space ends a word of a unit, and `%` and `$` begin what systemd replaces. Source: systemd.service(5), COMMAND LINES.
_PATH_IN_UNIT = re.compile(r"[A-Za-z0-9/._+-]+\Z")
_SHA256_DIGITS = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class ReleasedArchive:
    """An archive of a release of the Collector, as lock files and mirrors describe it."""

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
class HostProgram:
    """The program of a collector."""

    distribution: str
    version: str
    path: str
    """The path of a program that the user has installed; empty for one that comes from an archive."""
    archive_by_architecture: Mapping[str, Mapping[str, str]]
    """The archives, each with `sha256`, `member`, and one of `file`, `path` and `url`."""
    released_archives: tuple[ReleasedArchive, ...] = ()
    """The archives that come from releases. Archives of the user are neither locked nor mirrored."""

    def as_dict(self) -> dict[str, Any]:
        """Return `program` of the bundle."""
        if self.path:
            return {"path": self.path}
        return {
            "distribution": self.distribution,
            "version": self.version,
            "architectures": dict(self.archive_by_architecture),
        }


@dataclass(frozen=True)
class Releases:
    """Where the archives of releases are, and their sums."""

    mirror_place: str = ""
    """The folder or the URL of a mirror of releases; empty to download from GitHub."""
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

    def find_archive_place(self, version: str, archive: str) -> dict[str, str]:
        """Return where an archive is: a file of the controller, or a URL that the host reaches."""
        if not self.mirror_place:
            return {"url": _published_url(version, archive)}
        mirror_place = f"{self.mirror_place.rstrip('/')}/{_mirror_path(version, archive)}"
        if "://" in mirror_place and not mirror_place.startswith(_FILE_SCHEME):
            return {"url": mirror_place}
        return {"file": mirror_place.removeprefix(_FILE_SCHEME)}


@dataclass(frozen=True)
class DistributionRelease:
    """A version of a distribution of the Collector, with an archive for each architecture."""

    distribution: str
    version: str
    releases: Releases
    archive_format: str = _ARCHIVE

    @property
    def program_name(self) -> str:
        """The name of the program in the archives."""
        return _PROGRAM_BY_DISTRIBUTION[self.distribution]

    def build_archive_name(self, architecture: str) -> str:
        """Return the name of an archive. Source: .goreleaser.yaml of the distributions."""
        return f"{self.program_name}_{self.version}_linux_{architecture}.{self.archive_format}"

    def find_locked_sum(self, architecture: str) -> str:
        """Return the sum that a lock has of an archive; empty without one."""
        return self.releases.find_locked_sum(self.build_archive_name(architecture))

    def list_known_architectures(self) -> list[str]:
        """Return the architectures with a sum in the lock, or else those whose sums this run is to find."""
        locked_architectures = [name for name in ARCHITECTURES if self.find_locked_sum(name)]
        if not locked_architectures and self.releases.finds_sums:
            return list(self.releases.unlocked_architectures)
        return locked_architectures

    def find_archive_place(self, architecture: str) -> dict[str, str]:
        """Return where an archive is."""
        return self.releases.find_archive_place(self.version, self.build_archive_name(architecture))

    def build_released_archive(self, architecture: str, digits: str) -> ReleasedArchive:
        """Return an archive. `digits` are those of its sum, or empty if the sum is not known."""
        name = self.build_archive_name(architecture)
        (origin,) = self.find_archive_place(architecture).values()
        return ReleasedArchive(
            name=name,
            path=_mirror_path(self.version, name),
            origin=origin,
            published=_published_url(self.version, name),
            sum=f"sha256:{digits}" if digits else "",
        )

    def describe_missing_sum(self) -> Problem:
        """Return the problem that no sum of an archive is known."""
        archive = self.build_archive_name("ARCHITECTURE")
        if self.releases.lock:
            return self.releases.lock.build_not_locked_problem(PROGRAMS, archive)
        wrong = f"no sum of {archive} is known, and `program` does not say where a program is"
        fix = f"Run `{LOCK_COMMAND}`, or write `program: {{amd64: {{sha256: SUM}}}}` or `program: {{path: FILE}}`."
        return Problem(wrong, fix=fix)


def _mirror_path(version: str, archive: str) -> str:
    """Return the place of an archive in a mirror."""
    return f"{_PRODUCT}/v{version}/{archive}"


def _published_url(version: str, archive: str) -> str:
    """Return the URL where a release has an archive."""
    return f"{_DOWNLOADS}/v{version}/{archive}"


def read_host_program(options: Mapping[str, Any], distribution: str, version: str, releases: Releases) -> HostProgram:
    """Return the program that option `program` describes. Raises Problem if no sum or no archive is known."""
    path, package = options.get("path") or "", options.get("package") or ""
    options_by_architecture = {name: options[name] for name in ARCHITECTURES if options.get(name)}
    if path:
        _check_path(path, bool(options_by_architecture or package))
        return HostProgram(distribution, version, path, {})
    if distribution not in _PROGRAM_BY_DISTRIBUTION:
        wrong = f"distribution {distribution} has no archive for hosts"
        raise Problem(wrong, fix="Install its program, and give `program: {path: FILE}`.")
    release = DistributionRelease(distribution, version, releases, package or _ARCHIVE)
    if not options_by_architecture:
        options_by_architecture = {name: {} for name in release.list_known_architectures()}
    return _describe_archived_program(options_by_architecture, release)


def _check_path(path: str, has_archive: bool) -> None:
    """Raise Problem for a path that no unit can start, or that an archive stands beside."""
    if has_archive:
        raise Problem("`program` has a path and an archive", fix="Give one of them.")
    if not path.startswith("/"):
        raise Problem(f"`program.path` is '{path}'", fix="Give the full path of the program on the host.")
    if not _PATH_IN_UNIT.match(path):
        wrong = f"`program.path` is '{path}', which has characters that mean something else in a unit"
        raise Problem(wrong, fix="Use letters, digits and `/._+-`, such as those of a link to it.")


def _describe_archived_program(
    options_by_architecture: Mapping[str, Mapping[str, Any]], release: DistributionRelease
) -> HostProgram:
    """Return the program of archives, by architecture. Raises Problem if there are none."""
    if not options_by_architecture:
        raise release.describe_missing_sum()
    archives = {}
    released = []
    for architecture, archive_options in options_by_architecture.items():
        archive = _describe_archive(architecture, archive_options, release)
        archives[architecture] = archive
        if not _user_place(archive_options):
            released.append(release.build_released_archive(architecture, archive["sha256"]))
    return HostProgram(release.distribution, release.version, "", archives, tuple(released))


def _user_place(archive_options: Mapping[str, Any]) -> dict[str, str]:
    """Return where the user has an archive; empty for that of a release."""
    return {name: str(archive_options[name]) for name in _PLACE_OPTIONS if archive_options.get(name)}


def _describe_archive(
    architecture: str, archive_options: Mapping[str, Any], release: DistributionRelease
) -> dict[str, str]:
    """Return the archive of an architecture: the user's, or that of the distribution's release.

    The keys are `sha256`, `member` (the program in the archive), and one of `file`, `path` and `url`. Raises Problem
    for a missing or wrong sum, for two places, and for a URL that is none or has a login.
    """
    option = f"`program.{architecture}`"
    digits = _choose_digits(option, architecture, archive_options, release)
    user_place = _user_place(archive_options)
    if len(user_place) > 1:
        places_text = " and ".join(f"`{name}`" for name in user_place)
        raise Problem(f"{option} has {places_text}", fix="Give one of them.")
    archive_place = user_place or release.find_archive_place(architecture)
    _check_url(option, archive_place.get("url", ""))
    return {**archive_place, "sha256": digits, "member": str(archive_options.get("member") or release.program_name)}


def _choose_digits(
    option: str, architecture: str, archive_options: Mapping[str, Any], release: DistributionRelease
) -> str:
    """Return the digits of the sum of an archive: the user's, or those of the lock; empty if this run finds them.

    Raises Problem for a sum that is missing or malformed, and for one of a release that the lock contradicts.
    """
    is_users_own, locked_digits = bool(_user_place(archive_options)), release.find_locked_sum(architecture)
    digits = str(archive_options.get("sha256") or locked_digits).lower()
    may_be_unknown = release.releases.finds_sums and not is_users_own and not digits
    if not may_be_unknown and not _SHA256_DIGITS.match(digits):
        raise Problem(f"{option} has no SHA-256 of 64 hexadecimal digits", fix="Give `sha256` of the archive.")
    if locked_digits and not is_users_own:
        _check_locked_digits(option, digits, locked_digits, release.build_archive_name(architecture))
    return digits


def _check_locked_digits(option: str, digits: str, locked_digits: str, archive: str) -> None:
    """Raise Problem for a sum that is not the one that the lock has of an archive."""
    if digits != locked_digits:
        wrong = f"{option} has the sum {digits}, and the lock has {locked_digits} of {archive}"
        raise Problem(wrong, fix="Remove `sha256`, or find out which is right.")


def _check_url(option: str, url: str) -> None:
    """Raise Problem for a URL that is no address, or that has a login."""
    try:
        url_parts = urlsplit(url)
        _port = url_parts.port
    except ValueError as error:
        wrong = f"{option} comes from {strip_credentials(url)}, which is no address"
        raise Problem(wrong, fix="Correct `url`, or the address of the mirror.") from error
    if "@" in url_parts.netloc:
        wrong = (
            f"{option} comes from {strip_credentials(url)} with a user or a password, which the log of the host would"
            " have"
        )
        raise Problem(wrong, fix="Use an address without them, `file`, or a mirror that is a folder of the controller.")
