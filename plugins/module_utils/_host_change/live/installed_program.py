# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a Collector as it is wanted on a host, and whether it can be used or installed there. Private."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..._otelcol.errors import Problem
from ..selinux_words import program_words
from . import late_imports
from .host_store import Store
from .machine import Machine

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
            check_sum(sum_of(opened), program, str(file))
            opened.seek(0)
            size = file.stat().st_size * (_GROWS if late_imports.packed().is_packed(opened) else _TWICE)
    free = machine.free_bytes(program.folder)
    if free < size:
        wrong = f"{program.folder.parent} has {free >> 20} MiB free, the program needs {size >> 20} MiB"
        raise Problem(wrong, fix="Make room, then run again.")


def selinux_line(program: Program, machine: Machine) -> str:
    """Return what SELinux needs before systemd may start the program; empty if nothing."""
    if not machine.enforces_selinux():
        return ""
    return program_words(str(program.path), machine.selinux_type(program.path), program.folder is not None)


def sum_of(file: BinaryIO) -> str:
    """Return the SHA-256 of a file, from where it is."""
    total = hashlib.sha256()
    read: Callable[[], bytes] = lambda: file.read(_CHUNK)  # noqa: E731
    for chunk in iter(read, b""):
        total.update(chunk)
    return total.hexdigest()


def check_sum(found: str, program: Program, place: str) -> None:
    """Raise Problem for a sum that is not that of the program. `place` is where the file is."""
    if found != program.sha256:
        wrong = f"{place} has the sum {found}, and {program.sha256} was asked"
        raise Problem(wrong, asked=f"Install {program.path}", fix="Get the file again, or correct its `sha256`.")
