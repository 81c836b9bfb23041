# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the Collector's program out of a file that its project publishes: a tar archive, a deb, an rpm, or itself.
Private.

`live/program_installation.py` calls `unpack` with the file and the path of the program in it. For example, for
`otelcol-contrib_0.158.0_linux_amd64.tar.gz` and `otelcol-contrib`, it writes the member `otelcol-contrib`; of a deb or
an rpm, it writes `usr/bin/otelcol-contrib`.

A package is read and never installed: it would bring a unit that starts at once and takes the default ports, and
scripts that make a user. Each form has a file: tar_archive.py, deb_package.py and rpm_package.py. Runs on the host:
Python 3.8, standard library.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from ..._otelcol.errors import Problem
from .archive_parts import MissingProgramError, Readable
from .deb_package import read_deb_member
from .file_starts import AR, BZIP2, GZIP, RPM, XZ, peek_start
from .rpm_package import read_rpm_member
from .tar_archive import read_tar_member

# The folder of the program in packages. Source: opentelemetry-collector-releases, nfpm of .goreleaser.yaml.
_PACKAGE_FOLDER = "usr/bin/"
_FIX_OF_BROKEN = "Get it again."
_FIX_OF_MISSING = "Use the archive of the release, a file `.tar.gz`."
# What the libraries of Python raise for a broken archive.
_BROKEN_ERRORS = (tarfile.TarError, EOFError, ValueError, struct.error, zlib.error, lzma.LZMAError, OSError)


class _Form(NamedTuple):
    """A form of files that have the program as a member."""

    file_start: bytes
    """The first bytes of each such file."""
    noun: str
    """What messages call such a file."""
    program_folder: str
    """Where the program is if only its name is given: a folder with a slash, or empty for the top of an archive."""
    read_member: Callable[[BinaryIO, str], Readable | None]
    """Takes the file and the path of a member, and returns the member as a file; None if there is no such member."""


_FORMS = (
    _Form(GZIP, "archive", "", read_tar_member),
    _Form(XZ, "archive", "", read_tar_member),
    _Form(BZIP2, "archive", "", read_tar_member),
    _Form(AR, "package", _PACKAGE_FOLDER, read_deb_member),
    _Form(RPM, "package", _PACKAGE_FOLDER, read_rpm_member),
)


def is_packed(file: BinaryIO) -> bool:
    """Return whether a file is an archive or a package. The file must be at its start, and is there afterwards."""
    return _find_form(file) is not None


def unpack(file: BinaryIO, member: str, write: Callable[[Readable], None], task: str = "") -> None:
    """Call `write` with the program, as a file to read: a member of an archive or package, or else the file itself.

    `member` is the path of the program in an archive, or its name in a package. `task` says in messages what is done.
    Raises Problem for a file that lacks the program, is broken, or cannot be unpacked by Python. What `write` raises is
    passed on.
    """
    form = _find_form(file)
    if form is None:
        write(file)
        return
    member_path = member if "/" in member else form.program_folder + member
    try:
        content = form.read_member(file, member_path)
    except MissingProgramError as missing:
        raise Problem(f"the {form.noun} {missing}", asked=task, fix=_FIX_OF_MISSING) from missing
    except _BROKEN_ERRORS as error:
        raise _build_broken_problem(form.noun, error, task) from error
    if content is None:
        raise Problem(f"the {form.noun} has no file '{member_path}'", asked=task, fix="Correct `member`.")
    write(_CheckedMember(content, form.noun, task))


@dataclass
class _CheckedMember:
    """A member of an archive or package. If its read fails, it raises Problem: the archive is broken."""

    content: Readable
    archive_noun: str
    task: str

    def read(self, size: int = -1) -> bytes:
        """Return bytes of the member."""
        try:
            return self.content.read(size)
        except _BROKEN_ERRORS as error:
            raise _build_broken_problem(self.archive_noun, error, self.task) from error


def _build_broken_problem(archive_noun: str, error: Exception, task: str) -> Problem:
    """Return the problem of an archive or package that cannot be read to its end."""
    return Problem(f"the {archive_noun} is broken: {error}", asked=task, fix=_FIX_OF_BROKEN)


def _find_form(file: BinaryIO) -> _Form | None:
    """Return the form of a file; None for any other file, such as a program."""
    file_start = peek_start(file)
    for form in _FORMS:
        if file_start.startswith(form.file_start):
            return form
    return None
