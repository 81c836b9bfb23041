# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the Collector's program on a host: out of a file there or a URL, with a sum that must match. Private."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from ..._otelcol.errors import Problem, shown
from ..selinux_words import program_words
from .host_store import Store
from .machine import Machine, http_errors
from .packed_program import is_packed, unpack

_CHUNK = 1024 * 1024
_SUM_LENGTH = 64
_PLACES = ("path", "file", "url")
# The program of distribution contrib 0.158.0 has 330 MiB; its archive a fifth of that. What it comes from is there
# beside it for a moment.
_PROGRAM_BYTES, _GROWS, _TWICE = 400 * 1024 * 1024, 6, 2


@dataclass(frozen=True)
class Program:
    """The program as it is wanted: in use as it is there (`folder` is empty), or installed into its folder.

    `source` is a file of the host, `file` one of the controller, which is not on the host yet.
    """

    path: Path
    folder: Path | None = None
    sha256: str = ""
    source: str = ""
    url: str = ""
    file: str = ""
    member: str = ""

    @property
    def is_awaited(self) -> bool:
        """Whether only the controller has it: the action plugin then copies it here."""
        return bool(self.file) and not self.source and not self.is_there

    @property
    def is_there(self) -> bool:
        return self.path.is_file() and os.access(str(self.path), os.X_OK)


def program_of(given: Mapping[str, Any], architecture: str, store: Store) -> Program:
    """Return the program that fits this host. Raises Problem if none does, or if its row is not whole."""
    rows = {name: row for name, row in (given.get("architectures") or {}).items() if row}
    if not rows:
        path = Path(given.get("path") or "/nowhere")
        return Program(store.root / str(path).lstrip("/"))
    if architecture not in rows:
        wrong = f"there is no program for {architecture}, only for {', '.join(sorted(rows))}"
        raise Problem(wrong, where="bundle.program", fix="Add a row of this architecture to `architectures`.")
    return _archived(given, architecture, rows[architecture], store)


def _archived(given: Mapping[str, Any], architecture: str, row: Mapping[str, Any], store: Store) -> Program:
    """Return the program of an archive. Raises Problem if its row has no sum or no place."""
    total = str(row.get("sha256") or "").lower()
    places = {name: str(row.get(name) or "") for name in _PLACES}
    if len(total) != _SUM_LENGTH or not any(places.values()):
        fix = "Give its `sha256`, and `path`, `file` or `url`."
        raise Problem(
            "the program has no sum or no place", where=f"bundle.program.architectures.{architecture}", fix=fix
        )
    member = str(row.get("member") or given.get("member") or "otelcol")
    folder = store.programs / f"{given.get('distribution') or 'otelcol'}-{given.get('version') or '0'}-{total[:12]}"
    return Program(
        path=folder / Path(member).name,
        folder=folder,
        sha256=total,
        source=places["path"],
        url=places["url"],
        file=places["file"],
        member=member,
    )


def check_program(program: Program, machine: Machine) -> None:
    """Raise Problem if a program cannot be used or installed, before anything is written."""
    if program.is_there:
        return
    if program.folder is None:
        fix = "Correct `path`, or install the package that has it."
        raise Problem(f"there is no program {program.path}", where="bundle.program.path", fix=fix)
    size = _PROGRAM_BYTES
    if program.source:
        file = Path(program.source)
        if not file.is_file():
            raise Problem(f"there is no file {file}", where="bundle.program", fix="Copy it to the host first.")
        with file.open("rb") as opened:
            _check_sum(_sum(opened), program, str(file))
            opened.seek(0)
            size = file.stat().st_size * (_GROWS if is_packed(opened) else _TWICE)
    free = machine.free_bytes(program.folder)
    if free < size:
        wrong = f"{program.folder.parent} has {free >> 20} MiB free, the program needs {size >> 20} MiB"
        raise Problem(wrong, fix="Make room, then run again.")


def selinux_line(program: Program, machine: Machine) -> str:
    """Return what SELinux needs before systemd may start the program; empty if nothing."""
    if not machine.enforces_selinux():
        return ""
    return program_words(str(program.path), machine.selinux_type(program.path), program.folder is not None)


def install(program: Program, store: Store, machine: Machine) -> bool:
    """Put a program into its folder, unless it is there. Return whether it was put there."""
    if program.folder is None or program.is_there:
        return False
    store.make(store.programs)
    draft = store.programs / f".{program.folder.name}.new"
    shutil.rmtree(str(draft), ignore_errors=True)
    store.make(draft, sha256=program.sha256)
    try:
        with _opened(program, draft, machine) as file:
            write = partial(_write, draft / program.path.name)
            unpack(file, program.member, write, asked=f"Install {program.path}")
        if machine.enforces_selinux():
            machine.run("restorecon", str(draft / program.path.name))  # the type that the owner's rules give it
        shutil.rmtree(str(program.folder), ignore_errors=True)
        draft.rename(program.folder)
    except (OSError, ValueError) as error:
        wrong = f"it cannot be installed from {shown(program.source or program.url)}: {error}"
        fix = "Mend this or correct the place, then run again."
        raise Problem(wrong, asked=f"Install {program.path}", fix=fix) from error
    finally:
        shutil.rmtree(str(draft), ignore_errors=True)
    return True


def clear_drafts(store: Store) -> None:
    """Remove what killed installations left."""
    for draft in store.programs.glob(".*.new"):
        if store.is_own(store.programs) or store.is_own(draft):
            shutil.rmtree(str(draft), ignore_errors=True)


def _opened(program: Program, draft: Path, machine: Machine) -> BinaryIO:
    """Return the file as it comes, with the sum that is asked. It is copied first: nobody else can change the copy."""
    file = (draft / "download").open("w+b")
    try:
        with http_errors(), closing(_origin(program, machine)) as answer:
            shutil.copyfileobj(answer, file, _CHUNK)
        file.seek(0)
        _check_sum(_sum(file), program, shown(program.source or program.url))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _origin(program: Program, machine: Machine) -> Any:
    return Path(program.source).open("rb") if program.source else machine.download(program.url)


def _sum(file: BinaryIO) -> str:
    total = hashlib.sha256()
    read: Callable[[], bytes] = lambda: file.read(_CHUNK)  # noqa: E731
    for chunk in iter(read, b""):
        total.update(chunk)
    return total.hexdigest()


def _check_sum(found: str, program: Program, place: str) -> None:
    if found != program.sha256:
        wrong = f"{place} has the sum {found}, and {program.sha256} was asked"
        raise Problem(wrong, asked=f"Install {program.path}", fix="Get the file again, or correct its `sha256`.")


def _write(target: Path, content: Any) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), 0o755)
    download = target.with_name("download")
    if download.exists():
        download.unlink()
