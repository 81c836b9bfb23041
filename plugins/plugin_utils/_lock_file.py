# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a lock: found, read and written. Controller only. Private."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..module_utils._install.releases import lock_file
from ..module_utils._otelcol.bounded.live.bounded_reads import file_text, sum_of
from ..module_utils._otelcol.bounded.read_limits import ARCHIVE
from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.rules.reports import count_in_words
from ._otelcol import _documents, _files, _yaml

# The value of lock_file that uses no lock.
NONE = "none"
_HEAD = f"""\
---
# What this inventory was locked to. Commit this file. The playbooks site, mirror and render compare sums with it.
# To change it: {lock_file.LOCK_IT}
"""


def beside(given: str, inventory: Any) -> str:
    """Return the lock to use: the given file, or the one beside the inventory if it exists, or an empty text."""
    if given:
        return "" if given == NONE else given
    if not inventory:
        return ""
    path = Path(str(inventory)) / lock_file.FILE
    return str(path) if path.is_file() else ""


def find(path: str) -> lock_file.Lock | None:
    """Return the lock in a file, or None for an empty path. Raises Problem if there is no lock in it."""
    return _read(Path(path).expanduser()) if path else None


def _read(path: Path) -> lock_file.Lock:
    if not _files.is_there(path, Path.is_file):
        fix = f"Run `{lock_file.LOCK_IT}`, or correct otel_lock_file."
        raise Problem("the file does not exist", asked="Read the lock", where=str(path), fix=fix)
    return lock_file.read(_documents.read_yaml(path), str(path))


def pin(path: str, *, lenient: bool = False) -> lock_file.Pin:
    """Return the function that gives an image its digest; a lenient one leaves an image that is not locked."""
    found = find(path)
    if found is None:
        return lock_file.unpinned
    return found.known if lenient else found.pinned


def locked(arguments: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Write the lock, or compare archives with it. Raises Problem for what has no sum, or another one."""
    path = Path(arguments["path"]).expanduser()
    if arguments["state"] == "verified":
        return _verify(path, arguments)
    before = file_text(path) if path.is_file() else ""
    old = _read(path) if before else None
    is_of_programs = arguments["programs"] is not None
    rows, exclude = _of_programs(arguments, old) if is_of_programs else _of_all(arguments, old)
    text = _HEAD + _yaml.dump(lock_file.content(rows, exclude, old))
    is_needed = not is_of_programs or bool(rows or old)
    changed = is_needed and _files.place(path, text, check)
    diff = {"before": before, "after": text, "before_header": str(path), "after_header": str(path)}
    message = f"{count_in_words(len(rows), 'sum')} in {path}"
    return {"changed": changed, "diff": diff if changed else {}, "path": str(path), "msg": message}


def _verify(path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Compare archives with the lock. Raises Problem for one that has no sum there, or another one."""
    lock, archives = _read(path), list(_archives(arguments))
    for archive in archives:
        lock.verify(*archive)
    return {"path": str(path), "msg": f"{count_in_words(len(archives), 'archive')} as in {path}"}


class _Row(NamedTuple):
    """What a lock has of a file or an image: the part of the lock, its name, its sum, and where it came from."""

    part: str
    name: str
    checksum: str
    origin: str


def _rows(arguments: Mapping[str, Any]) -> Iterator[_Row]:
    """Yield the manifests and charts with their sums."""
    for part in (lock_file.MANIFESTS, lock_file.CHARTS):
        for row in arguments[part]:
            yield _Row(part, str(row["name"]), str(row["sum"]), str(row["from"]))


def _of_all(arguments: Mapping[str, Any], old: lock_file.Lock | None) -> tuple[list[_Row], list[str]]:
    """Return the rows and exclusions of a lock, with the programs of hosts that it has."""
    programs = [row for row in _kept(old) if row.part == lock_file.PROGRAMS]
    return [*_rows(arguments), *_images(arguments), *_archives(arguments), *programs], list(arguments["exclude"])


def _of_programs(arguments: Mapping[str, Any], old: lock_file.Lock | None) -> tuple[list[_Row], list[str]]:
    """Return the rows and exclusions of a lock of which only the programs of hosts are new."""
    programs = [_Row(lock_file.PROGRAMS, row["name"], row["sum"], row["from"]) for row in arguments["programs"]]
    others = [row for row in _kept(old) if row.part != lock_file.PROGRAMS]
    return [*programs, *others], list(old.exclude if old else ())


def _kept(old: lock_file.Lock | None) -> Iterator[_Row]:
    """Yield the rows that the lock has."""
    if old is None:
        return
    for part, rows in old.rows.items():
        for name, row in rows.items():
            yield _Row(part, name, row["sum"], row.get("from", ""))


def _images(arguments: Mapping[str, Any]) -> Iterator[_Row]:
    """Yield the images with their digests; an unreachable registry's are those of the lock in the release mirror."""
    mirror = Path(arguments["mirror"]).expanduser() / lock_file.FILE if arguments["mirror"] else None
    mirrored = _read(mirror).rows.get(lock_file.IMAGES, {}) if mirror and mirror.is_file() else {}
    digests = [text.strip() for text in arguments["digests"]] or [""] * len(arguments["images"])
    for row, digest in zip(arguments["images"], digests, strict=True):
        image = row["image"]
        if "@" in image:
            continue
        registry = row["target"] if arguments["pushed"] else f"docker://{row['source']}"
        if digest:
            yield _Row(lock_file.IMAGES, image, digest, registry)
        else:
            checksum = mirrored.get(image, {}).get("sum", "")
            yield _Row(lock_file.IMAGES, image, checksum, str(mirror or registry))


def _archives(arguments: Mapping[str, Any]) -> Iterator[_Row]:
    """Yield the archives of images with their sums; none without a folder of archives."""
    if not arguments["archives"]:
        return
    folder = Path(arguments["archives"])
    for row in arguments["images"]:
        yield _Row(lock_file.ARCHIVES, row["archive"], _checksum(folder / row["archive"]), row["image"])


def _checksum(path: Path) -> str:
    """Return the sum of an archive. Raises Problem if it cannot be read."""
    try:
        return sum_of(path, ARCHIVE)
    except OSError as error:
        fix = "Run o11y.opentelemetry.mirror with internet access first."
        wrong = f"cannot read it: {error.strerror}"
        raise Problem(wrong, asked="Read the archive", where=str(path), fix=fix) from error
