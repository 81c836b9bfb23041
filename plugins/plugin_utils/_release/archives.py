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

from ...module_utils._install.releases.lock_file import FILE, PROGRAMS
from ...module_utils._otelcol.bounded.live.bounded_reads import opened, stream_sum, sum_of
from ...module_utils._otelcol.bounded.read_limits import ARCHIVE
from ...module_utils._otelcol.errors import Problem, shown
from .. import _lock_file
from .._otelcol import _files
from . import source

# Reads a stream by its `read`, and returns its sum.
_Read = Callable[[Callable[[int], bytes]], str]
# The mode of files in a mirror: each user of the machine may read them.
_MODE = 0o644


def collected(rows: Iterable[Mapping[str, Any]], root: str, check: bool) -> tuple[list[dict[str, str]], bool]:
    """Return each archive with its name, sum and origin, and whether one was copied into the mirror `root`.

    Without `root` the archives are only read. With `check` none is copied, so the sum of a missing one may be empty.
    Raises Problem for an archive that is not there, or that has another sum than its row or the lock of the mirror.
    """
    known = _sums_of_mirror(root)
    wanted = [{**row, "sum": row["sum"] or known.get(row["name"], "")} for row in _once(rows)]
    if not root:
        return [_locked(row, _read(row, str(row["origin"]), _ignored)) for row in wanted], False
    found = [_mirrored(row, Path(root).expanduser() / row["path"], check) for row in wanted]
    return [row for row, _changed in found], any(changed for _row, changed in found)


def _once(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return each archive once, by name. Raises Problem if two hosts want two sums of it."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        other = found.setdefault(row["name"], row)
        if row["sum"] and not other["sum"]:
            found[row["name"]] = row
        elif row["sum"] and row["sum"] != other["sum"]:
            wrong = f"two hosts want other sums of it: {other['sum']} and {row['sum']}"
            raise Problem(wrong, asked=f"Use {row['name']}", fix="Find out which is right, and correct `program`.")
    return [found[name] for name in sorted(found)]


def _sums_of_mirror(root: str) -> dict[str, str]:
    path = Path(root).expanduser() / FILE
    lock = _lock_file.read_if_given(str(path)) if root and path.is_file() else None
    return lock.sums(PROGRAMS) if lock else {}


def _locked(row: Mapping[str, Any], total: str) -> dict[str, str]:
    return {"name": row["name"], "path": row["path"], "sum": total, "from": shown(row["origin"])}


def _mirrored(row: Mapping[str, Any], target: Path, check: bool) -> tuple[dict[str, str], bool]:
    if _files.is_there(target, Path.is_file):
        total = sum_of(target, ARCHIVE)
        _compare(row, total, str(target))
        return _locked(row, total), False
    # A mirror that is still to be filled has nothing to fill it from.
    origin = row["published"] if Path(str(row["origin"])).expanduser() == target else row["origin"]
    if check:
        return _locked({**row, "origin": origin}, row["sum"]), True
    _files.make_folder(target.parent)
    with _placed(target) as draft:
        total = _read(row, origin, partial(_into, draft))
    return _locked({**row, "origin": origin}, total), True


@contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """Yield a file beside its place, which is renamed to it if all goes well: nobody finds half an archive."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(_MODE)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _ignored(read: Callable[[int], bytes]) -> str:
    return stream_sum(read, lambda _chunk: None, ARCHIVE, "the archive")


def _into(draft: Path, read: Callable[[int], bytes]) -> str:
    """Write a stream to a file from its start, and return its sum."""
    with draft.open("wb") as file:
        total = stream_sum(read, file.write, ARCHIVE, "the archive")
        file.flush()
        os.fsync(file.fileno())
    return total


def _read(row: Mapping[str, Any], origin: str, take: _Read) -> str:
    """Return the sum of an archive that `take` reads."""
    asked = f"Read {row['name']}"
    total = _of_url(row, origin, take, asked) if "://" in origin else _of_file(origin, take, asked)
    _compare(row, total, origin)
    return total


def _of_url(row: Mapping[str, Any], url: str, take: _Read, asked: str) -> str:
    if source.unprotected([url]) and not row["sum"]:
        wrong = "the connection does not protect the archive, and no SHA-256 is expected of it"
        fix = "Use https, or give its `sha256` in `program`."
        raise Problem(wrong, asked=asked, where=shown(url), fix=fix)
    total = source.fetched(url, asked, partial(_streamed, take=take))
    if total is None:
        fix = "Correct `distribution` or `version`, leave the architecture out (otel_mirror_architectures),"
        fix += " or correct the mirror."
        raise Problem("it is not there", asked=asked, where=shown(url), fix=fix)
    return total


def _streamed(url: str, take: _Read) -> str:
    with source.answer_of(url) as answer:
        return take(answer.read)


def _of_file(origin: str, take: _Read, asked: str) -> str:
    try:
        with opened(Path(origin).expanduser(), ARCHIVE) as file:
            return take(file.read)
    except OSError as error:
        fix = "Put the archive there, leave the architecture out (otel_mirror_architectures), or correct the mirror."
        raise Problem(f"cannot read it: {error.strerror}", asked=asked, where=origin, fix=fix) from error


def _compare(row: Mapping[str, Any], total: str, where: str) -> None:
    if row["sum"] and total != row["sum"]:
        wrong = f"the program has {total}, and {row['sum']} was asked"
        fix = "Find out who changed it. If the change is right, correct the sum in the lock or in `program`."
        raise Problem(wrong, asked=f"Use {row['name']}", where=shown(where), fix=fix)
