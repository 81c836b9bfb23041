# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a file of a package of Debian (deb). Private.

A deb is an archive of ar, whose part `data.tar.…` is a tar archive with the files:

    debian-binary    the version of the form
    control.tar.gz   scripts and descriptions, which are not read
    data.tar.gz      usr/bin/otelcol-contrib and all other files

Sources: deb(5) and ar(5). Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from .archive_parts import FilePart, MissingProgramError, NamedPart, Readable, count_padding
from .file_starts import AR
from .tar_archive import read_tar_member_in_order

# The bytes of the header of a part, and where the name and the size of the part are in it.
_HEADER_SIZE = 60
_NAME = slice(0, 16)
_SIZE = slice(48, 58)
# Every part begins at a multiple of so many bytes.
_ALIGNMENT = 2


def read_deb_member(file: BinaryIO, member_path: str) -> Readable | None:
    """Return a file of a package of Debian, as an open file; None if the package does not have it.

    Raises MissingProgramError for a package without files, or whose files Python cannot unpack.
    """
    for name, content in _iter_parts(file):
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                raise MissingProgramError("is packed as zst, which Python cannot read")
            return read_tar_member_in_order(content, member_path)
    raise MissingProgramError("has no part data.tar")


def _iter_parts(file: BinaryIO) -> Iterator[NamedPart]:
    """Yield the name and the content of each part of an archive of ar.

    Raises ValueError for a size below 0, with which the search for the next part would go back.
    """
    offset = len(AR)
    while True:
        file.seek(offset)
        header = file.read(_HEADER_SIZE)
        if not header:
            return
        name = header[_NAME].decode("ascii").rstrip(" /")
        size = int(header[_SIZE])
        if size < 0:
            raise ValueError(f"the part {name} has the size {size}")
        yield NamedPart(name, FilePart(file, size))
        offset += _HEADER_SIZE + size + count_padding(size, _ALIGNMENT)
