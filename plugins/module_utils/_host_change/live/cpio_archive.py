# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Yield the files of an archive of cpio in the form `newc`, which packages of RPM have. Private.

Each file is a header, its name and its content. The name with the header, and the content, are padded to a multiple of
4 bytes. The last entry has the name `TRAILER!!!`. Source: cpio(5). Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

from collections.abc import Iterator

from .archive_parts import FilePart, NamedPart, Readable, count_padding

# The bytes of the header of a file, and its first bytes.
_HEADER_SIZE = 110
_HEADER_STARTS = (b"070701", b"070702")
# Where two hexadecimal numbers are in the header: the size of the content, and that of the name with a NUL behind it.
_CONTENT_SIZE = slice(54, 62)
_NAME_SIZE = slice(94, 102)
_ALIGNMENT = 4
_LAST_NAME = "TRAILER!!!"
# The longest name that is read.
_LONGEST_NAME = 4096
# So many bytes are skipped at a time.
_CHUNK = 1024 * 1024


def iter_cpio_files(archive: Readable) -> Iterator[NamedPart]:
    """Yield the name and the content of each file. Raises ValueError or EOFError for an archive that is not whole."""
    while True:
        header = _read_exactly(archive, _HEADER_SIZE)
        if not header.startswith(_HEADER_STARTS):
            raise ValueError("its payload is no archive of cpio")
        content_size = int(header[_CONTENT_SIZE], 16)
        if content_size < 0:
            raise ValueError("a file has a size below zero")
        name = _read_name(archive, int(header[_NAME_SIZE], 16))
        if name == _LAST_NAME:
            return
        content = FilePart(archive, content_size)
        yield NamedPart(name, content)
        _skip_bytes(archive, content.remaining_bytes + count_padding(content_size, _ALIGNMENT))


def _read_name(archive: Readable, name_size: int) -> str:
    """Return the name behind a header, and skip its padding."""
    if not 0 < name_size <= _LONGEST_NAME:
        raise ValueError("a name is too long")
    padded_name = _read_exactly(archive, name_size + count_padding(_HEADER_SIZE + name_size, _ALIGNMENT))
    return padded_name[: name_size - 1].decode("utf-8", "replace")


def _read_exactly(archive: Readable, size: int) -> bytes:
    """Return so many bytes. Raises EOFError if there are less."""
    data = archive.read(size)
    if len(data) != size:
        raise EOFError("it ends too early")
    return data


def _skip_bytes(archive: Readable, size: int) -> None:
    """Read so many bytes, in chunks, and drop them: a packed archive cannot be read from another place."""
    while size > 0:
        size -= len(_read_exactly(archive, min(size, _CHUNK)))
