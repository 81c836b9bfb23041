# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of programs for hosts: their sums, and their copies in a release mirror. Controller only. Private."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ...module_utils._install.releases.lock_file import LOCK_FILE, PROGRAMS
from ...module_utils._otelcol.bounded.live.bounded_reads import compute_file_sum, copy_and_sum_stream, open_regular_file
from ...module_utils._otelcol.bounded.read_limits import ARCHIVE_LIMIT
from ...module_utils._otelcol.errors import Problem, strip_credentials
from .. import _lock_file
from .._otelcol import _files
from . import source

# Reads a stream by its `read`, and returns its sum.
_StreamReader = Callable[[Callable[[int], bytes]], str]
# The mode of files in a mirror: each user of the machine may read them.
_FILE_MODE = 0o644


def collect_archives(rows: Iterable[Mapping[str, Any]], root: str, check: bool) -> tuple[list[dict[str, str]], bool]:
    """Return each archive with its name, sum and origin, and whether one was copied into the mirror `root`.

    Without `root` the archives are only read. With `check` none is copied, so the sum of a missing one may be empty.
    Raises Problem for an archive that is not there, or that has another sum than its row or the lock of the mirror.
    """
    mirror_sums = _read_mirror_sums(root)
    archive_rows = [{**row, "sum": row["sum"] or mirror_sums.get(row["name"], "")} for row in _merge_by_name(rows)]
    if not root:
        return [
            _build_locked_row(row, _read_checked_sum(row, str(row["origin"]), _compute_sum)) for row in archive_rows
        ], False
    mirrored_rows = [_copy_into_mirror(row, Path(root).expanduser() / row["path"], check) for row in archive_rows]
    return [row for row, _changed in mirrored_rows], any(changed for _row, changed in mirrored_rows)


def _merge_by_name(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return each archive once, by name. Raises Problem if two hosts want two sums of it."""
    row_by_name: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        earlier_row = row_by_name.setdefault(row["name"], row)
        if row["sum"] and not earlier_row["sum"]:
            row_by_name[row["name"]] = row
        elif row["sum"] and row["sum"] != earlier_row["sum"]:
            wrong = f"two hosts want other sums of it: {earlier_row['sum']} and {row['sum']}"
            raise Problem(wrong, asked=f"Use {row['name']}", fix="Find out which is right, and correct `program`.")
    return [row_by_name[name] for name in sorted(row_by_name)]


def _read_mirror_sums(root: str) -> dict[str, str]:
    path = Path(root).expanduser() / LOCK_FILE
    lock = _lock_file.read_lock_if_given(str(path)) if root and path.is_file() else None
    return lock.sums(PROGRAMS) if lock else {}


def _build_locked_row(row: Mapping[str, Any], archive_sum: str) -> dict[str, str]:
    return {"name": row["name"], "path": row["path"], "sum": archive_sum, "from": strip_credentials(row["origin"])}


def _copy_into_mirror(row: Mapping[str, Any], target: Path, check: bool) -> tuple[dict[str, str], bool]:
    if _files.is_path_of_kind(target, Path.is_file):
        archive_sum = compute_file_sum(target, ARCHIVE_LIMIT)
        _check_sum(row, archive_sum, str(target))
        return _build_locked_row(row, archive_sum), False
    # A mirror that is still to be filled has nothing to fill it from.
    origin = row["published"] if Path(str(row["origin"])).expanduser() == target else row["origin"]
    if check:
        return _build_locked_row({**row, "origin": origin}, row["sum"]), True
    _files.make_folder(target.parent)
    with _open_draft(target) as draft_file:
        archive_sum = _read_checked_sum(row, origin, partial(_write_and_sum, draft_file))
    return _build_locked_row({**row, "origin": origin}, archive_sum), True


@contextmanager
def _open_draft(target: Path) -> Iterator[Path]:
    """Yield a file beside its place, which is renamed to it if all goes well: nobody finds half an archive."""
    descriptor, draft_name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    draft = Path(draft_name)
    try:
        yield draft
        draft.chmod(_FILE_MODE)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _compute_sum(read: Callable[[int], bytes]) -> str:
    return copy_and_sum_stream(read, lambda _chunk: None, ARCHIVE_LIMIT, "the archive")


def _write_and_sum(draft: Path, read: Callable[[int], bytes]) -> str:
    """Write a stream to a file from its start, and return its sum."""
    with draft.open("wb") as file:
        archive_sum = copy_and_sum_stream(read, file.write, ARCHIVE_LIMIT, "the archive")
        file.flush()
        os.fsync(file.fileno())
    return archive_sum


def _read_checked_sum(row: Mapping[str, Any], origin: str, read_stream: _StreamReader) -> str:
    """Return the sum of an archive that `read_stream` reads."""
    activity = f"Read {row['name']}"
    archive_sum = (
        _read_url_sum(row, origin, read_stream, activity)
        if "://" in origin
        else _read_file_sum(origin, read_stream, activity)
    )
    _check_sum(row, archive_sum, origin)
    return archive_sum


def _read_url_sum(row: Mapping[str, Any], url: str, read_stream: _StreamReader, activity: str) -> str:
    if source.find_unprotected([url]) and not row["sum"]:
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
    with source.open_answer(url) as answer:
        return read_stream(answer.read)


def _read_file_sum(origin: str, read_stream: _StreamReader, activity: str) -> str:
    try:
        with open_regular_file(Path(origin).expanduser(), ARCHIVE_LIMIT) as file:
            return read_stream(file.read)
    except OSError as error:
        fix = "Put the archive there, leave the architecture out (otel_mirror_architectures), or correct the mirror."
        raise Problem(f"cannot read it: {error.strerror}", asked=activity, where=origin, fix=fix) from error


def _check_sum(row: Mapping[str, Any], archive_sum: str, place: str) -> None:
    if row["sum"] and archive_sum != row["sum"]:
        wrong = f"the program has {archive_sum}, and {row['sum']} was asked"
        fix = "Find out who changed it. If the change is right, correct the sum in the lock or in `program`."
        raise Problem(wrong, asked=f"Use {row['name']}", where=strip_credentials(place), fix=fix)
