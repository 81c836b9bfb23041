# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of programs for hosts: their sums, and their copies in a release mirror. Controller only. Private.

A sum is the SHA-256 of an archive. A mirror is a folder with copies of archives and manifests, for places without the
internet (docs/airgapped.md). `release_mirror.py` calls `collect_archives` with rows of host_render. Each row comes back
with its sum and where it was read, such as

    {"name": "otelcol-contrib_0.158.0_linux_amd64.tar.gz", "path": "…", "sum": "sha256:…", "from": "https://…"}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._install.releases.lock_file import LOCK_FILE, PROGRAMS
from ...module_utils._otelcol.bounded.live.bounded_reads import compute_file_sum
from ...module_utils._otelcol.bounded.read_limits import ARCHIVE_LIMIT
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .. import _lock_file
from .._otelcol import _files
from .archive_reader import Archive, ArchiveReader
from .mirror_copy import open_mirror_copy


class CollectedArchives(NamedTuple):
    """Each archive with its name, path, sum and origin, as the result has it, and whether one was copied."""

    rows: list[dict[str, str]]
    changed: bool


def collect_archives(rows: Iterable[Mapping[str, Any]], root: str, check: bool) -> CollectedArchives:
    """Return the sum and the origin of each archive, and copy them into the mirror `root`.

    Without `root` the archives are only read. With `check` none is copied, so the sum of a missing one may be empty.
    Raises Problem for an archive that is not there, or that has another sum than its row or the lock of the mirror.
    """
    archives = _merge_by_name(Archive.from_row(row) for row in rows)
    if not root:
        return CollectedArchives([_read_archive(archive) for archive in archives], changed=False)
    mirror = _Mirror(_files.expand_path(root), is_check_mode=check)
    mirrored_archives = [mirror.add(archive) for archive in mirror.expect_locked_sums(archives)]
    return CollectedArchives(
        [mirrored.row for mirrored in mirrored_archives],
        changed=any(mirrored.was_missing for mirrored in mirrored_archives),
    )


def _merge_by_name(archives: Iterable[Archive]) -> list[Archive]:
    """Return each archive once, by name. Raises Problem if two hosts want two sums of it."""
    archive_by_name: dict[str, Archive] = {}
    for archive in archives:
        earlier = archive_by_name.setdefault(archive.name, archive)
        if archive.expected_sum and not earlier.expected_sum:
            archive_by_name[archive.name] = archive
        elif archive.expected_sum and archive.expected_sum != earlier.expected_sum:
            wrong = f"two hosts want other sums of it: {earlier.expected_sum} and {archive.expected_sum}"
            raise Problem(wrong, asked=f"Use {archive.name}", fix="Find out which is right, and correct `program`.")
    return [archive_by_name[name] for name in sorted(archive_by_name)]


def _read_archive(archive: Archive) -> dict[str, str]:
    """Read an archive without copying it, and return its row."""
    archive_sum = ArchiveReader(archive, archive.origin, copy=None).read_sum()
    return _build_row(archive, archive_sum, archive.origin)


def _build_row(archive: Archive, archive_sum: str, origin: str) -> dict[str, str]:
    """Return an archive as a row of the result."""
    return {"name": archive.name, "path": archive.path, "sum": archive_sum, "from": strip_credentials(origin)}


class _MirroredArchive(NamedTuple):
    """An archive in a mirror, as a row of the result, and whether this run had to copy it."""

    row: dict[str, str]
    was_missing: bool


@dataclass(frozen=True)
class _Mirror:
    """A folder with copies of archives. Check mode copies nothing."""

    root: Path
    is_check_mode: bool

    def expect_locked_sums(self, archives: Iterable[Archive]) -> list[Archive]:
        """Return archives with the sum in the lock of the mirror as the expected one, where none is expected yet."""
        sum_by_name = self._read_locked_sums()
        return [
            replace(archive, expected_sum=archive.expected_sum or sum_by_name.get(archive.name, ""))
            for archive in archives
        ]

    def _read_locked_sums(self) -> dict[str, str]:
        """Return the sums of archives in the lock of the mirror, by name; none without a lock."""
        path = self.root / LOCK_FILE
        lock = _lock_file.read_lock(path) if _files.is_path_of_kind(path, Path.is_file) else None
        return lock.list_sums(PROGRAMS) if lock else {}

    def add(self, archive: Archive) -> _MirroredArchive:
        """Copy an archive to its place in the mirror, unless it is there.

        Raises Problem if something else than a file is there, or if the archive is not the expected one.
        """
        target = self.root / archive.path
        if _files.is_path_of_kind(target, Path.is_file):
            archive_sum = compute_file_sum(target, ARCHIVE_LIMIT)
            archive.check_sum(archive_sum, str(target))
            return _MirroredArchive(_build_row(archive, archive_sum, archive.origin), was_missing=False)
        if _files.is_path_of_kind(target, Path.exists):
            fix = "Move it away, and run again."
            raise Problem("this is no file", asked=_describe_copying(archive), where=str(target), fix=fix)
        # Hosts that take their programs from this mirror name the missing copy itself as the origin. Then the archive
        # comes from its publisher.
        is_own_origin = _files.expand_path(archive.origin) == target
        origin = archive.published if is_own_origin else archive.origin
        archive_sum = archive.expected_sum if self.is_check_mode else _copy_archive(archive, origin, target)
        return _MirroredArchive(_build_row(archive, archive_sum, origin), was_missing=True)


def _copy_archive(archive: Archive, origin: str, target: Path) -> str:
    """Copy an archive from an origin to a file, and return its sum."""
    with open_mirror_copy(target, _describe_copying(archive)) as copy:
        return ArchiveReader(archive, origin, copy).read_sum()


def _describe_copying(archive: Archive) -> str:
    """Return what messages say was tried."""
    return f"Copy {archive.name}"
