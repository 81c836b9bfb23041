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

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._install.releases.lock_file import LOCK_FILE, PROGRAMS
from ...module_utils._otelcol.bounded.live.bounded_reads import compute_file_sum, copy_and_sum_stream, open_regular_file
from ...module_utils._otelcol.bounded.read_limits import ARCHIVE_LIMIT
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .. import _lock_file
from .._otelcol import _files
from . import source

# Reads a stream by its function `read`, and returns its sum. It may write the stream to a file meanwhile.
_StreamReader = Callable[[Callable[[int], bytes]], str]
# The mode of files in a mirror: each user of the machine may read them.
_FILE_MODE = 0o644


@dataclass(frozen=True)
class Archive:
    """An archive to read."""

    name: str
    path: str
    """Its place in a mirror, below the root."""
    origin: str
    """The path or the address to read it from."""
    published: str
    """The address at its publisher; empty if there is none."""
    expected_sum: str
    """Empty if no sum is known."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Archive:
        """Return the archive in a row of the option `programs`, which host_render makes."""
        return cls(
            name=row["name"],
            path=row["path"],
            origin=str(row["origin"]),
            published=str(row.get("published", "")),
            expected_sum=row["sum"],
        )


class CollectedArchives(NamedTuple):
    """Each archive with its name, path, sum and origin, as the result has it, and whether one was copied."""

    rows: list[dict[str, str]]
    changed: bool


class _MirroredArchive(NamedTuple):
    """An archive in a mirror, as a row of the result, and whether it was copied or would be."""

    row: dict[str, str]
    changed: bool


def collect_archives(rows: Iterable[Mapping[str, Any]], root: str, check: bool) -> CollectedArchives:
    """Return the sum and the origin of each archive, and copy them into the mirror `root`.

    Without `root` the archives are only read. With `check` none is copied, so the sum of a missing one may be empty.
    Raises Problem for an archive that is not there, or that has another sum than its row or the lock of the mirror.
    """
    archives = _merge_by_name(Archive.from_row(row) for row in rows)
    mirror_sums = _read_mirror_sums(root)
    expected_archives = [
        replace(archive, expected_sum=archive.expected_sum or mirror_sums.get(archive.name, "")) for archive in archives
    ]
    if not root:
        return CollectedArchives([_read_without_mirror(archive) for archive in expected_archives], changed=False)
    mirror = _files.expand_path(root)
    mirrored_archives = [_copy_into_mirror(archive, mirror / archive.path, check) for archive in expected_archives]
    return CollectedArchives(
        [mirrored.row for mirrored in mirrored_archives],
        changed=any(mirrored.changed for mirrored in mirrored_archives),
    )


def _read_without_mirror(archive: Archive) -> dict[str, str]:
    """Read an archive, and return its row."""
    archive_sum = _read_checked_sum(archive, archive.origin, _compute_sum)
    return _build_row(archive, archive_sum, archive.origin)


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


def _read_mirror_sums(root: str) -> dict[str, str]:
    """Return the sums of archives in the lock of a mirror, by name; none without a mirror or a lock."""
    path = _files.expand_path(root) / LOCK_FILE
    has_lock = bool(root) and _files.is_path_of_kind(path, Path.is_file)
    lock = _lock_file.read_lock(path) if has_lock else None
    return lock.list_sums(PROGRAMS) if lock else {}


def _build_row(archive: Archive, archive_sum: str, origin: str) -> dict[str, str]:
    """Return an archive as a row of the result."""
    return {"name": archive.name, "path": archive.path, "sum": archive_sum, "from": strip_credentials(origin)}


def _copy_into_mirror(archive: Archive, target: Path, check: bool) -> _MirroredArchive:
    """Copy an archive to its place in a mirror, unless it is there. Check mode copies nothing.

    Raises Problem if something else than a file is there, or if the archive is not the expected one.
    """
    if _files.is_path_of_kind(target, Path.is_file):
        archive_sum = compute_file_sum(target, ARCHIVE_LIMIT)
        _check_sum(archive, archive_sum, str(target))
        return _MirroredArchive(_build_row(archive, archive_sum, archive.origin), changed=False)
    if _files.is_path_of_kind(target, Path.exists):
        fix = "Move it away, and run again."
        raise Problem("this is no file", asked=f"Copy {archive.name}", where=str(target), fix=fix)
    # A mirror that is still to be filled has nothing to fill it from.
    origin = archive.published if _files.expand_path(archive.origin) == target else archive.origin
    if check:
        return _MirroredArchive(_build_row(archive, archive.expected_sum, origin), changed=True)
    _files.make_folder(target.parent)
    with _open_partial_file(target) as partial_file:
        archive_sum = _read_checked_sum(archive, origin, partial(_write_and_sum, partial_file))
    return _MirroredArchive(_build_row(archive, archive_sum, origin), changed=True)


@contextmanager
def _open_partial_file(target: Path) -> Iterator[Path]:
    """Yield a file beside its place, which is renamed to it if all goes well: nobody finds half an archive."""
    descriptor, partial_name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    partial_file = Path(partial_name)
    try:
        yield partial_file
        partial_file.chmod(_FILE_MODE)
        partial_file.replace(target)
    finally:
        partial_file.unlink(missing_ok=True)


def _compute_sum(read: Callable[[int], bytes]) -> str:
    """Return the sum of a stream, which is kept nowhere."""
    return copy_and_sum_stream(read, lambda _chunk: None, ARCHIVE_LIMIT, "the archive")


def _write_and_sum(partial_file: Path, read: Callable[[int], bytes]) -> str:
    """Write a stream to a file from its start, and return its sum."""
    with partial_file.open("wb") as file:
        archive_sum = copy_and_sum_stream(read, file.write, ARCHIVE_LIMIT, "the archive")
        file.flush()
        os.fsync(file.fileno())
    return archive_sum


def _read_checked_sum(archive: Archive, origin: str, read_stream: _StreamReader) -> str:
    """Return the sum of an archive that `read_stream` reads."""
    activity = f"Read {archive.name}"
    is_address = "://" in origin
    if is_address:
        archive_sum = _read_url_sum(archive, origin, read_stream, activity)
    else:
        archive_sum = _read_file_sum(origin, read_stream, activity)
    _check_sum(archive, archive_sum, origin)
    return archive_sum


def _read_url_sum(archive: Archive, url: str, read_stream: _StreamReader, activity: str) -> str:
    """Return the sum of an archive at an address. Raises Problem if it is not there, or nothing protects it."""
    if source.find_unprotected([url]) and not archive.expected_sum:
        wrong = "the connection does not protect the archive, and no SHA-256 is expected of it"
        fix = "Use https, or give its `sha256` in `program`."
        raise Problem(wrong, asked=activity, where=strip_credentials(url), fix=fix)
    archive_sum = source.fetch_with_retries(url, activity, partial(_read_answer, read_stream=read_stream))
    if archive_sum is None:
        fix = "Correct `distribution` or `version`, leave the architecture out (otel_mirror_architectures),"
        fix += " or correct the mirror."
        raise Problem("it is not there", asked=activity, where=strip_credentials(url), fix=fix)
    return archive_sum


def _read_answer(url: str, read_stream: _StreamReader) -> str:
    """Return the sum of what is at an address."""
    with source.open_answer(url) as answer:
        return read_stream(answer.read)


def _read_file_sum(origin: str, read_stream: _StreamReader, activity: str) -> str:
    """Return the sum of an archive in a file. Raises Problem if it cannot be read."""
    try:
        with open_regular_file(_files.expand_path(origin), ARCHIVE_LIMIT) as file:
            return read_stream(file.read)
    except OSError as error:
        fix = "Put the archive there, leave the architecture out (otel_mirror_architectures), or correct the mirror."
        raise Problem(f"cannot read it: {error.strerror}", asked=activity, where=origin, fix=fix) from error


def _check_sum(archive: Archive, archive_sum: str, place: str) -> None:
    """Raise Problem for an archive that has another sum than the expected one."""
    if archive.expected_sum and archive_sum != archive.expected_sum:
        wrong = f"the program has {archive_sum}, and {archive.expected_sum} was asked"
        fix = "Find out who changed it. If the change is right, correct the sum in the lock or in `program`."
        raise Problem(wrong, asked=f"Use {archive.name}", where=strip_credentials(place), fix=fix)
