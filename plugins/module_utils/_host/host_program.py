# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read option `program` of a collector of a host: a program that is there, or archives by architecture. Private.

`_host_build.py` of plugin_utils calls `read_host_program`, and module host_render puts the program into the bundle of
the host. An architecture is `amd64` or `arm64`. For example:

    {path: /usr/bin/otelcol-contrib}                      a program that the user has installed
    {amd64: {sha256: 1a2b…, file: otelcol.tar.gz}}        an archive of the user
    {}                                                    the published archives (published_archives.py)

An archive needs a SHA-256 sum, which comes from the user or from the lock file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .._host_change.bundle_form import ARCHITECTURES
from .._otelcol.catalogue.builds import PROGRAM_BY_DISTRIBUTION
from .._otelcol.errors import Problem, strip_credentials
from .published_archives import DEFAULT_FORMAT, ArchiveSource, DistributionVersion, PublishedArchive

# Where the user has an archive: a file of the controller, a path on the host, or a URL that the host reaches.
_LOCATION_OPTIONS = ("file", "path", "url")
# A space ends a word of a unit, and `%` and `$` begin what systemd replaces. Source: systemd.service(5), COMMAND LINES.
_PATH_IN_UNIT = re.compile(r"[A-Za-z0-9/._+-]+\Z")
# The schemes of URLs that a host downloads from. Source: urllib.request.build_opener of Python.
_SERVER_SCHEMES = ("https", "http", "ftp")
_FILE_SCHEME = "file"
_SHA256_DIGITS = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class HostProgram:
    """The program of a collector: one that is on the host, or one in an archive for each architecture."""

    distribution: str
    version: str
    path: str
    """The path of a program that the user has installed; empty for one that comes from an archive."""
    archive_by_architecture: Mapping[str, Mapping[str, str]]
    """The archives, each with `sha256`, `member`, and one of `file`, `path` and `url`."""
    published_archives: tuple[PublishedArchive, ...] = ()
    """Those that the Collector project has published. Archives of the user are neither locked nor mirrored."""

    def as_dict(self) -> dict[str, Any]:
        """Return `program` of the bundle, as `bundle_form` has it."""
        if self.path:
            return {"path": self.path}
        return {
            "distribution": self.distribution,
            "version": self.version,
            "architectures": dict(self.archive_by_architecture),
        }


def read_host_program(
    options: Mapping[str, Any], distribution: str, version: str, archive_source: ArchiveSource
) -> HostProgram:
    """Return the program that option `program` describes. Raises Problem if no sum or no archive is known."""
    path = options.get("path") or ""
    package = options.get("package") or ""
    options_by_architecture = {name: options[name] for name in ARCHITECTURES if options.get(name)}
    if path:
        _check_path(path, has_archive=bool(options_by_architecture or package))
        return HostProgram(distribution, version, path, {})
    if distribution not in PROGRAM_BY_DISTRIBUTION:
        wrong = f"distribution {distribution} has no archive for hosts"
        raise Problem(wrong, fix="Install its program, and give `program: {path: FILE}`.")
    published_version = DistributionVersion(distribution, version, archive_source, package or DEFAULT_FORMAT)
    return _describe_archived_program(options_by_architecture, published_version)


def _check_path(path: str, *, has_archive: bool) -> None:
    """Raise Problem for a path that no unit can start, or that an archive stands beside."""
    if has_archive:
        raise Problem("`program` has a path and an archive", fix="Give one of them.")
    if not path.startswith("/"):
        raise Problem(f"`program.path` is '{path}'", fix="Give the full path of the program on the host.")
    if not _PATH_IN_UNIT.match(path):
        wrong = f"`program.path` is '{path}', which has characters that mean something else in a unit"
        raise Problem(wrong, fix="Use letters, digits and `/._+-`, such as those of a link to it.")


def _describe_archived_program(
    options_by_architecture: Mapping[str, Mapping[str, Any]], published_version: DistributionVersion
) -> HostProgram:
    """Return the program of archives, by architecture: those that the user describes, else all that are published.

    Raises Problem if there are none.
    """
    architectures = list(options_by_architecture) or published_version.list_architectures()
    if not architectures:
        raise published_version.describe_missing_sum()
    archives = {}
    published = []
    for architecture in architectures:
        archive_options = options_by_architecture.get(architecture, {})
        archive = _describe_archive(architecture, archive_options, published_version)
        archives[architecture] = archive
        if not _find_user_location(archive_options):
            # Lock files and mirrors have the archives of the project alone.
            published.append(published_version.build_published_archive(architecture, archive["sha256"]))
    return HostProgram(published_version.distribution, published_version.version, "", archives, tuple(published))


def _find_user_location(archive_options: Mapping[str, Any]) -> dict[str, str]:
    """Return where the user has an archive: `{"file": PATH}`, for example; empty for a published archive."""
    return {name: str(archive_options[name]) for name in _LOCATION_OPTIONS if archive_options.get(name)}


def _describe_archive(
    architecture: str, archive_options: Mapping[str, Any], published_version: DistributionVersion
) -> dict[str, str]:
    """Return the archive of an architecture: the user's, or the published one.

    The keys are `sha256`, `member` (the program in the archive), and one of `file`, `path` and `url`. Raises Problem
    for a missing or wrong sum, for two locations, and for a URL that no host downloads from or that has a login.
    """
    option = f"`program.{architecture}`"
    digits = _choose_digits(option, architecture, archive_options, published_version)
    user_location = _find_user_location(archive_options)
    if len(user_location) > 1:
        locations_text = " and ".join(f"`{name}`" for name in user_location)
        raise Problem(f"{option} has {locations_text}", fix="Give one of them.")
    archive_location = user_location or published_version.find_location(architecture).as_dict()
    if "url" in archive_location:
        _check_url(option, archive_location["url"])
    return {
        **archive_location,
        "sha256": digits,
        "member": str(archive_options.get("member") or published_version.program_name),
    }


def _choose_digits(
    option: str, architecture: str, archive_options: Mapping[str, Any], published_version: DistributionVersion
) -> str:
    """Return the digits of the sum of an archive: the user's, or those of the lock; empty if this run finds them.

    Raises Problem for a sum that is missing or malformed, and for one of a published archive that the lock contradicts.
    """
    is_users_own = bool(_find_user_location(archive_options))
    locked_digits = published_version.find_locked_digits(architecture)
    digits = str(archive_options.get("sha256") or locked_digits).lower()
    may_be_unknown = published_version.archive_source.finds_sums and not is_users_own and not digits
    if not may_be_unknown and not _SHA256_DIGITS.match(digits):
        raise Problem(f"{option} has no SHA-256 of 64 hexadecimal digits", fix="Give `sha256` of the archive.")
    if locked_digits and not is_users_own:
        _check_locked_digits(option, digits, locked_digits, published_version.build_archive_name(architecture))
    return digits


def _check_locked_digits(option: str, digits: str, locked_digits: str, archive: str) -> None:
    """Raise Problem for a sum that is not the one that the lock has of an archive."""
    if digits != locked_digits:
        wrong = f"{option} has the sum {digits}, and the lock has {locked_digits} of {archive}"
        raise Problem(wrong, fix="Remove `sha256`, or find out which is right.")


def _check_url(option: str, url: str) -> None:
    """Raise Problem for a URL that is no address, that a host cannot download from, or that has a login."""
    try:
        url_parts = urlsplit(url)
        _port = url_parts.port  # raises ValueError for a port that is no number, which `urlsplit` does not check
    except ValueError as error:
        wrong = f"{option} comes from {strip_credentials(url)}, which is no address"
        raise Problem(wrong, fix="Correct `url`, or the address of the mirror.") from error
    has_server = url_parts.scheme in _SERVER_SCHEMES and bool(url_parts.netloc)
    if not has_server and url_parts.scheme != _FILE_SCHEME:
        wrong = f"{option} comes from {strip_credentials(url)}, which is no address that a host downloads from"
        raise Problem(wrong, fix="Give an address of https, http or ftp in `url`, or as the mirror.")
    if "@" in url_parts.netloc:
        wrong = (
            f"{option} comes from {strip_credentials(url)} with a user or a password, which the log of the host would"
            " have"
        )
        raise Problem(wrong, fix="Use an address without them, `file`, or a mirror that is a folder of the controller.")
