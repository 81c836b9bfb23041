# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the Collector's program for a host, and check that it can be used or installed there. Private.

Nothing is written here; `live/program_installation.py` installs the program. The program is one that the user has
installed, or it is in an archive: a file that the Collector project publishes, with the program as a member. For
example, option `program` of a bundle is one of

    {"path": "/usr/bin/otelcol"}
    {"distribution": "contrib", "version": "0.158.0", "architectures": {"amd64": {"sha256": "1a2b…", "url": "https://…"}}}

and the second one is installed as `/opt/otelcol/contrib-0.158.0-1a2b3c4d5e6f/otelcol`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..._otelcol.errors import Problem
from ..selinux_words import describe_type_fix
from . import late_imports
from .host_store import Store
from .machine import Machine

# How many bytes are hashed at a time.
_CHUNK_BYTES = 1024 * 1024
# The hexadecimal digits of a SHA-256.
_SUM_LENGTH = 64
# The options that say where an archive is: a file of the host, a file of the controller, or a URL.
_LOCATIONS = ("path", "file", "url")
# The room for a program whose archive is not on the host yet. That of distribution contrib 0.158.0 has 330 MiB.
_PROGRAM_BYTES = 400 * 1024 * 1024
# The room for a program whose archive is on the host, as a multiple of the archive's size. A copy of the archive is
# beside the program for a moment. A program has five times the size of its archive, as that of contrib 0.158.0.
_PACKED_FACTOR = 6
# The room for a program that is not packed: the copy, and the program.
_UNPACKED_FACTOR = 2


@dataclass(frozen=True)
class ProgramArchive:
    """The archive with a program. It is in one of three locations, and the others are empty."""

    sha256: str
    """The sum of the archive, as hexadecimal digits."""
    member: str
    """The path of the program in the archive."""
    host_file: str = ""
    """The archive as a file of the host."""
    url: str = ""
    """The archive as a URL."""
    controller_file: str = ""
    """The archive as a file of the controller, which is not on the host yet."""

    @property
    def location(self) -> str:
        """Where the host reads the archive: the path of a file, or a URL."""
        return self.host_file or self.url


@dataclass(frozen=True)
class Program:
    """The program that a collector runs."""

    path: Path
    archive: ProgramArchive | None = None
    """The archive from which it is installed; None for a program that the user has installed."""

    @property
    def is_awaited(self) -> bool:
        """Whether the host needs its archive, and only the controller has it: the action plugin then copies it."""
        if self.archive is None or self.is_there:
            return False
        return bool(self.archive.controller_file) and not self.archive.host_file

    @property
    def is_there(self) -> bool:
        """Whether it is a file on the host that can be run."""
        return self.path.is_file() and os.access(str(self.path), os.X_OK)


# Stands for no program: a removal and a rollback install none, and a bundle may name none that fits the host.
NO_PROGRAM = Program(Path("/nowhere"))


def choose_program(program_options: Mapping[str, Any], architecture: str, store: Store) -> Program:
    """Return the program for this host. `program_options` is `program` of a bundle.

    Raises Problem if there is no program for the architecture, or if its row lacks a sum or a location.
    """
    row_by_architecture: dict[str, Mapping[str, Any]] = {}
    for name, program_row in (program_options.get("architectures") or {}).items():
        if program_row:
            row_by_architecture[name] = program_row
    if not row_by_architecture:
        path = Path(program_options.get("path") or "/nowhere")
        return Program(store.root / str(path).lstrip("/"))
    if architecture not in row_by_architecture:
        wrong = f"there is no program for {architecture}, only for {', '.join(sorted(row_by_architecture))}"
        raise Problem(wrong, where="bundle.program", fix="Add a row of this architecture to `architectures`.")
    return _describe_archived_program(program_options, architecture, row_by_architecture[architecture], store)


def _describe_archived_program(
    program_options: Mapping[str, Any], architecture: str, program_row: Mapping[str, Any], store: Store
) -> Program:
    """Return the program in an archive. Raises Problem if its row has no sum or no location."""
    archive_sum = str(program_row.get("sha256") or "").lower()
    locations = {name: str(program_row.get(name) or "") for name in _LOCATIONS}
    if len(archive_sum) != _SUM_LENGTH or not any(locations.values()):
        fix = "Give its `sha256`, and `path`, `file` or `url`."
        raise Problem(
            "the program has no sum or no place", where=f"bundle.program.architectures.{architecture}", fix=fix
        )
    member = str(program_row.get("member") or program_options.get("member") or "otelcol")
    distribution = program_options.get("distribution") or "otelcol"
    version = program_options.get("version") or "0"
    folder = store.programs.folder / f"{distribution}-{version}-{archive_sum[:12]}"
    archive = ProgramArchive(
        sha256=archive_sum,
        member=member,
        host_file=locations["path"],
        url=locations["url"],
        controller_file=locations["file"],
    )
    return Program(folder / Path(member).name, archive)


def check_program(program: Program, machine: Machine) -> None:
    """Raise Problem if a program cannot be used or installed, before anything is written."""
    if program.is_there:
        return
    if program.archive is None:
        fix = "Correct `path`, or install the package that has it."
        raise Problem(f"there is no program {program.path}", where="bundle.program.path", fix=fix)
    needed_bytes = _count_needed_bytes(program, program.archive)
    folder = program.path.parent
    free_bytes = machine.free_bytes(folder)
    if free_bytes < needed_bytes:
        wrong = f"{folder.parent} has {free_bytes >> 20} MiB free, the program needs {needed_bytes >> 20} MiB"
        raise Problem(wrong, fix="Make room, then run again.")


def _count_needed_bytes(program: Program, archive: ProgramArchive) -> int:
    """Return the bytes that an installation needs. Raises Problem if the archive is missing or has another sum."""
    if not archive.host_file:
        return _PROGRAM_BYTES
    file = Path(archive.host_file)
    if not file.is_file():
        raise Problem(f"there is no file {file}", where="bundle.program", fix="Copy it to the host first.")
    with file.open("rb") as opened_file:
        check_archive_sum(hash_file(opened_file), program, str(file))
        opened_file.seek(0)
        is_packed = late_imports.import_packed_program().is_packed(opened_file)
        return file.stat().st_size * (_PACKED_FACTOR if is_packed else _UNPACKED_FACTOR)


def describe_selinux_needs(program: Program, machine: Machine) -> str:
    """Return what SELinux needs before systemd may start the program; empty if nothing."""
    if not machine.enforces_selinux():
        return ""
    return describe_type_fix(str(program.path), machine.read_selinux_type(program.path), program.archive is not None)


def hash_file(file: BinaryIO) -> str:
    """Return the SHA-256 of a file from its current position on."""
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def check_archive_sum(file_sum: str, program: Program, file_path: str) -> None:
    """Raise Problem if the sum of a file is not that of the program's archive. `file_path` names the file."""
    wanted_sum = program.archive.sha256 if program.archive else ""
    if file_sum != wanted_sum:
        wrong = f"{file_path} has the sum {file_sum}, and {wanted_sum} was asked"
        raise Problem(wrong, asked=f"Install {program.path}", fix="Get the file again, or correct its `sha256`.")
