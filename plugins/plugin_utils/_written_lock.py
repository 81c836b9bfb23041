# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module release_lock: write the lock of an inventory, or compare archives of images with it. Controller only. Private.

A lock is a YAML file with the sums of all that an inventory installs: manifests, charts, images, archives of images and
programs of hosts. For example, a row of it is

    manifests: {cert-manager v1.18.0: {sum: "sha256:…", from: "https://…/cert-manager.yaml"}}

Playbook lock writes it. Role tasks read it by `_lock_file.py`, and refuse what has another sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from ..module_utils._install.releases import lock_file
from ..module_utils._otelcol.bounded.live.bounded_reads import compute_file_sum
from ..module_utils._otelcol.bounded.read_limits import ARCHIVE_LIMIT
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.report_model import format_count
from ._lock_file import read_lock
from ._otelcol import _files, _yaml

_FILE_HEADER = f"""\
---
# What this inventory was locked to. Commit this file. The playbooks site, mirror and render compare sums with it.
# To change it: {lock_file.LOCK_COMMAND}
"""


# The options with rows of files, and the keys of such a row. Each holds a text, which may be empty.
_FILE_OPTIONS = ("manifests", "charts", "programs")
_FILE_KEYS = ("name", "sum", "from")


# The keys of a row of the result of release_mirror. One of them, `from`, is a word of Python.
SummedFile = TypedDict("SummedFile", {"name": str, "sum": str, "from": str})


class LockedImage(TypedDict):
    """An image of the result of release_mirror."""

    image: str
    source: str
    """Where it is published."""
    target: str
    """Where it is in the registry of the mirror."""
    archive: str
    """Its archive, by its path below the folder of archives."""


class ImageToLock(NamedTuple):
    """An image, and the digest that its registry gives."""

    image: LockedImage
    digest: str
    """Empty if the registry does not answer, or was not asked."""


@dataclass(frozen=True)
class LockRequest:
    """The options of module release_lock, whose documentation describes them. Paths are expanded."""

    path: Path
    """The file of the lock."""
    manifests: Sequence[SummedFile]
    charts: Sequence[SummedFile]
    images: Sequence[ImageToLock]
    is_pushed: bool
    """Whether the images are in the registry of the mirror."""
    archives: Path | None
    """The folder with the archives of images."""
    lock_of_mirror: Path | None
    """The lock of the release mirror, which has the digests that no registry gives."""
    programs: Sequence[SummedFile] | None
    """The programs of hosts. If they are given, they alone change, and the lock keeps all else."""
    exclude: Sequence[str]
    """Patterns of images that are not locked."""

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> LockRequest:
        """Return the request of a task.

        Raises Problem for a row that lacks a key, and if some images have no digest, and others have one too many.
        """
        for option in _FILE_OPTIONS:
            for position, row in enumerate(arguments[option] or (), start=1):
                _check_row(option, position, row, _FILE_KEYS)
        for position, image in enumerate(arguments["images"], start=1):
            _check_row("images", position, image, _list_image_keys(image, arguments))
        archives, mirror = arguments["archives"], arguments["mirror"]
        return cls(
            path=_files.expand_path(arguments["path"]),
            manifests=arguments["manifests"],
            charts=arguments["charts"],
            images=_join_digests(arguments["images"], arguments["digests"]),
            is_pushed=arguments["pushed"],
            archives=_files.expand_path(archives) if archives else None,
            lock_of_mirror=_files.expand_path(mirror) / lock_file.LOCK_FILE if mirror else None,
            programs=arguments["programs"],
            exclude=arguments["exclude"],
        )


def _list_image_keys(image: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Return the keys of an image that are read: where it is from if its name has no digest, and its archive."""
    keys = ["image"]
    if "@" not in str(image.get("image")):
        keys.append("target" if arguments["pushed"] else "source")
    if arguments["archives"]:
        keys.append("archive")
    return keys


def _check_row(option: str, position: int, row: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Raise Problem for a row of an option that has no text as the value of one of the keys."""
    for key in keys:
        if not isinstance(row.get(key), str):
            wrong = f"row {position} of `{option}` has no text as its `{key}`"
            raise Problem(wrong, asked="Lock the files", fix="Give the rows as release_mirror returns them.")


def _join_digests(images: Sequence[LockedImage], digests: Sequence[str]) -> list[ImageToLock]:
    """Return each image with its digest, which option `digests` has in the same order.

    The option is empty if no registry was asked. Raises Problem for another number of digests than of images.
    """
    if not digests:
        return [ImageToLock(image, "") for image in images]
    if len(digests) != len(images):
        wrong = f"{format_count(len(images), 'image')} cannot have {format_count(len(digests), 'digest')}"
        raise Problem(wrong, asked="Lock the images", fix="Give one digest for each image, in the same order.")
    return [ImageToLock(image, digest.strip()) for image, digest in zip(images, digests, strict=True)]


def lock_or_verify(arguments: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Return the result of release_lock. Raises Problem for a file or image without a sum, or with another one."""
    request = LockRequest.from_arguments(arguments)
    if arguments["state"] == "verified":
        return verify_archives(request)
    return write_lock(request, check=check)


def verify_archives(request: LockRequest) -> dict[str, Any]:
    """Compare archives with the lock. Raises Problem for one that has no sum there, or another one."""
    lock = read_lock(request.path)
    archives = list(_iter_archive_rows(request))
    for archive in archives:
        lock.verify_sum(archive.part, archive.name, archive.checksum, archive.origin)
    return {"path": str(request.path), "msg": f"{format_count(len(archives), 'archive')} as in {request.path}"}


def write_lock(request: LockRequest, *, check: bool) -> dict[str, Any]:
    """Write the lock, and return the difference. Raises Problem for an image without a digest."""
    path = request.path
    old_text = _files.read_text_file(path) if _files.is_path_of_kind(path, Path.is_file) else ""
    old_lock = read_lock(path) if old_text else None
    rows = list(_iter_new_rows(request, old_lock))
    result = {"changed": False, "diff": {}, "path": str(path), "msg": f"{format_count(len(rows), 'sum')} in {path}"}
    # A task about programs makes no lock for an inventory that has neither a lock nor programs.
    has_nothing_to_lock = request.programs is not None and not rows and old_lock is None
    if has_nothing_to_lock:
        return {**result, "msg": f"there is nothing to lock, and no lock at {path}"}
    exclude = request.exclude if request.programs is None else _read_exclusions(old_lock)
    new_text = _FILE_HEADER + _yaml.dump(lock_file.build_lock_content(rows, exclude, old_lock))
    if _files.write_or_check(path, new_text, check):
        diff = {"before": old_text, "after": new_text, "before_header": str(path), "after_header": str(path)}
        result |= {"changed": True, "diff": diff}
    return result


def _iter_new_rows(request: LockRequest, old_lock: lock_file.Lock | None) -> Iterator[lock_file.Checksum]:
    """Yield the rows of the new lock: those of the request, and those of the old lock that it does not replace.

    A request has either the programs of hosts, or all else.
    """
    replaces_programs = request.programs is not None
    if request.programs is not None:
        yield from _iter_file_rows(lock_file.PROGRAMS, request.programs)
    else:
        yield from _iter_file_rows(lock_file.MANIFESTS, request.manifests)
        yield from _iter_file_rows(lock_file.CHARTS, request.charts)
        yield from _iter_image_rows(request)
        yield from _iter_archive_rows(request)
    for row in _iter_lock_rows(old_lock):
        is_program = row.part == lock_file.PROGRAMS
        if is_program != replaces_programs:
            yield row


def _iter_file_rows(part: str, files: Sequence[SummedFile]) -> Iterator[lock_file.Checksum]:
    """Yield the rows of manifests, charts or programs, whose sums release_mirror has found."""
    for file in files:
        yield lock_file.Checksum(part, str(file["name"]), str(file["sum"]), str(file["from"]))


def _iter_image_rows(request: LockRequest) -> Iterator[lock_file.Checksum]:
    """Yield the images with their digests. Where a registry does not answer, the lock of the mirror has the digest."""
    mirror_digests = _read_mirror_digests(request.lock_of_mirror)
    for image, digest in request.images:
        name = image["image"]
        has_digest_in_name = "@" in name
        if has_digest_in_name:
            continue
        origin = image["target"] if request.is_pushed else f"docker://{image['source']}"
        if not digest and request.lock_of_mirror:
            origin = str(request.lock_of_mirror)
        yield lock_file.Checksum(lock_file.IMAGES, name, digest or mirror_digests.get(name, ""), origin)


def _read_mirror_digests(path: Path | None) -> dict[str, str]:
    """Return the digests of images in the lock of a release mirror; none without such a file."""
    if path is None or not _files.is_path_of_kind(path, Path.is_file):
        return {}
    return read_lock(path).list_sums(lock_file.IMAGES)


def _iter_archive_rows(request: LockRequest) -> Iterator[lock_file.Checksum]:
    """Yield the archives of images with their sums; none without a folder of archives."""
    if request.archives is None:
        return
    for image, _digest in request.images:
        checksum = _compute_sum(request.archives / image["archive"])
        yield lock_file.Checksum(lock_file.ARCHIVES, image["archive"], checksum, image["image"])


def _compute_sum(path: Path) -> str:
    """Return the sum of an archive. Raises Problem if it cannot be read."""
    try:
        return compute_file_sum(path, ARCHIVE_LIMIT)
    except OSError as error:
        fix = "Run o11y.opentelemetry.mirror with internet access first."
        wrong = f"cannot read it: {error.strerror}"
        raise Problem(wrong, asked="Read the archive", where=str(path), fix=fix) from error


def _iter_lock_rows(lock: lock_file.Lock | None) -> Iterator[lock_file.Checksum]:
    """Yield the rows that a lock has; none without a lock."""
    if lock is None:
        return
    for part, rows in lock.rows_by_part.items():
        for name, row in rows.items():
            yield lock_file.Checksum(part, name, row["sum"], row.get("from", ""))


def _read_exclusions(lock: lock_file.Lock | None) -> Sequence[str]:
    """Return the patterns of images that a lock leaves out; none without a lock."""
    return lock.excluded_patterns if lock else ()
