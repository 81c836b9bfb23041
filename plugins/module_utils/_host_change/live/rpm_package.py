# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a file of a package of RPM. Private.

An rpm has these parts, one after the other:

    lead       96 bytes, which nothing here needs
    header     the signature, padded to a multiple of 8 bytes
    header     name, version, scripts and the like, which are not read
    payload    a packed archive of cpio with the files

Source: rpm.org, "RPM Package format". Runs on the host: Python 3.8, standard library.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
from typing import BinaryIO

from .archive_parts import MissingProgramError, Readable, count_padding, relative_path
from .cpio_archive import iter_cpio_files
from .file_starts import BZIP2, GZIP, XZ, ZSTD, peek_start

_LEAD_SIZE = 96
# The first bytes of a header, the bytes of a header without its tags, and those of a tag.
_HEADER_START = b"\x8e\xad\xe8"
_HEADER_SIZE = 16
_TAG_SIZE = 16
# Two numbers behind 8 other bytes of a header: how many tags it has, and the bytes of their values.
_HEADER_NUMBERS = ">8xII"
# The second header begins at a multiple of so many bytes.
_ALIGNMENT = 8


def read_rpm_member(file: BinaryIO, member_path: str) -> Readable | None:
    """Return a file of a package of RPM, as an open file; None if the package does not have it.

    Raises MissingProgramError for a package whose files Python cannot unpack.
    """
    file.seek(_LEAD_SIZE)
    _skip_header(file)
    file.seek(count_padding(file.tell(), _ALIGNMENT), io.SEEK_CUR)
    _skip_header(file)
    for name, content in iter_cpio_files(_open_payload(file)):
        if relative_path(name) == member_path:
            return content
    return None


def _skip_header(file: BinaryIO) -> None:
    """Move behind a header. Raises ValueError if there is none."""
    header = file.read(_HEADER_SIZE)
    if not header.startswith(_HEADER_START):
        raise ValueError("it has no header of rpm")
    tag_count, values_size = struct.unpack(_HEADER_NUMBERS, header)
    file.seek(tag_count * _TAG_SIZE + values_size, io.SEEK_CUR)


def _open_payload(file: BinaryIO) -> Readable:
    """Return the unpacked payload, an archive of cpio. It begins where the file is read next."""
    payload_start = peek_start(file)
    if payload_start.startswith(ZSTD):
        raise MissingProgramError("is packed as zst, which Python cannot read")
    if payload_start.startswith(GZIP):
        return gzip.GzipFile(fileobj=file)
    if payload_start.startswith(XZ):
        return lzma.LZMAFile(file)
    if payload_start.startswith(BZIP2):
        return bz2.BZ2File(file)
    raise ValueError("its payload has an unknown form")
