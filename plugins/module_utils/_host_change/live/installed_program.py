# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of a Collector as it is wanted on a host, and whether it can be used or installed there. Private."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
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
# What a program needs whose file is not on the host. That of distribution contrib 0.158.0 has 330 MiB.
_PROGRAM_BYTES = 400 * 1024 * 1024
# How many times the size of its file a program needs. A copy of the file is beside the program for a moment.
_PACKED_FACTOR = 6  # the copy, and a program of five times the archive, as that of contrib 0.158.0 is
_UNPACKED_FACTOR = 2  # the copy, and the program, which is the same


@dataclass(frozen=True)
class Program:
    """The program as it is wanted: in use as it is there (`folder` is empty), or installed into its folder.

    `host_file` is a file of the host, `controller_file` one of the controller, which is not on the host yet.
    """

    path: Path
    folder: Path | None = None
    sha256: str = ""
    host_file: str = ""
    url: str = ""
    controller_file: str = ""
    member: str = ""

    @property
    def is_awaited(self) -> bool:
        """Whether only the controller has it: the action plugin then copies it here."""
        return bool(self.controller_file) and not self.host_file and not self.is_there

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
        host_file=places["path"],
        url=places["url"],
        controller_file=places["file"],
        member=member,
    )


def check_program(program: Program, machine: Machine) -> None:
    """Raise Problem if a program cannot be used or installed, before anything is written."""
    if program.is_there:
        return
    if program.folder is None:
        fix = "Correct `path`, or install the package that has it."
        raise Problem(f"there is no program {program.path}", where="bundle.program.path", fix=fix)
    needed = _needed_bytes(program)
    free = machine.free_bytes(program.folder)
    if free < needed:
        wrong = f"{program.folder.parent} has {free >> 20} MiB free, the program needs {needed >> 20} MiB"
        raise Problem(wrong, fix="Make room, then run again.")


def _needed_bytes(program: Program) -> int:
    """Return the room that an installation needs. Raises Problem if its file is not on the host or has another sum."""
    if not program.host_file:
        return _PROGRAM_BYTES
    file = Path(program.host_file)
    if not file.is_file():
        raise Problem(f"there is no file {file}", where="bundle.program", fix="Copy it to the host first.")
    with file.open("rb") as opened:
        check_sum(sum_of(opened), program, str(file))
        opened.seek(0)
        is_packed = late_imports.packed().is_packed(opened)
        return file.stat().st_size * (_PACKED_FACTOR if is_packed else _UNPACKED_FACTOR)


def selinux_line(program: Program, machine: Machine) -> str:
    """Return what SELinux needs before systemd may start the program; empty if nothing."""
    if not machine.enforces_selinux():
        return ""
    return program_words(str(program.path), machine.selinux_type(program.path), program.folder is not None)


def sum_of(file: BinaryIO) -> str:
    """Return the SHA-256 of a file, from where it is."""
    total = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        total.update(chunk)
    return total.hexdigest()


def check_sum(found: str, program: Program, place: str) -> None:
    """Raise Problem for a sum that is not that of the program. `place` is where the file is."""
    if found != program.sha256:
        wrong = f"{place} has the sum {found}, and {program.sha256} was asked"
        raise Problem(wrong, asked=f"Install {program.path}", fix="Get the file again, or correct its `sha256`.")
