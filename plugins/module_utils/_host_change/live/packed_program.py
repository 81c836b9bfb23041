# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program out of what releases have: an archive, a deb, an rpm, or the program itself. Private.

A package brings a unit that starts at once and takes the default ports, and scripts that make a user. So it is read and
never installed. Sources: deb(5) and ar(5); rpm.org, "RPM Package format"; cpio(5), the form `newc`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ..._otelcol.errors import Problem

_GZIP, _XZ, _BZIP2, _ZSTD = b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd"
_DEB, _RPM = b"!<arch>\n", b"\xed\xab\xee\xdb"
_LONGEST_MARK = max(map(len, (_GZIP, _XZ, _BZIP2, _DEB, _RPM)))
# Where the packages of releases have their program. Source: opentelemetry-collector-releases, nfpm of .goreleaser.yaml.
_PROGRAM_FOLDER = "usr/bin/"
_AR_HEADER = 60
_RPM_LEAD, _RPM_HEADER, _RPM_TAG, _RPM_ALIGNED = 96, 16, 16, 8
_RPM_MARK = b"\x8e\xad\xe8"
_CPIO_HEADER, _CPIO_ALIGNED, _CPIO_MARKS = 110, 4, (b"070701", b"070702")
_CPIO_SIZE, _CPIO_NAME_SIZE = slice(54, 62), slice(94, 102)
_CPIO_END, _LONGEST_NAME = "TRAILER!!!", 4096
_CHUNK = 1024 * 1024
_FIX_OF_BROKEN, _FIX_OF_MISSING = "Get it again.", "Use the archive of the release, a file `.tar.gz`."
_BROKEN_ERRORS = (tarfile.TarError, EOFError, ValueError, struct.error, lzma.LZMAError, OSError)


class _MissingError(Exception):
    """The package lacks what is asked; the text says what."""


@dataclass
class _FilePart:
    """A part of a file, from where the file is, that reads as a file of its own."""

    file: BinaryIO
    remaining_bytes: int

    def read(self, size: int = -1) -> bytes:
        byte_count = self.remaining_bytes if size < 0 else min(size, self.remaining_bytes)
        data = self.file.read(byte_count)
        if byte_count and not data:
            raise EOFError("it ends too early")
        self.remaining_bytes -= len(data)
        return data


def is_packed(file: BinaryIO) -> bool:
    """Whether a file is an archive or a package. It is read from its start, and is there again afterwards."""
    return _find_reader(file) is not None


def unpack(file: BinaryIO, member: str, write: Callable[[Any], None], task: str = "") -> None:
    """Give the program to `write`: the member of an archive or package, or else the file itself.

    Raises Problem for a file without it, for a broken one, and for one that Python cannot unpack. What `write` raises
    is passed on.
    """
    reader = _find_reader(file)
    if reader is None:
        write(file)
        return
    form_name = "archive" if reader is _read_tar_member else "package"
    member_path = member if reader is _read_tar_member or "/" in member else _PROGRAM_FOLDER + member
    try:
        content = reader(file, member_path)
    except _MissingError as missing:
        raise Problem(f"the {form_name} {missing}", asked=task, fix=_FIX_OF_MISSING) from missing
    except _BROKEN_ERRORS as error:
        raise Problem(f"the {form_name} is broken: {error}", asked=task, fix=_FIX_OF_BROKEN) from error
    if content is None:
        raise Problem(f"the {form_name} has no file '{member_path}'", asked=task, fix="Correct `member`.")
    write(_CheckedMember(content, form_name, task))


@dataclass
class _CheckedMember:
    """A member of an archive. What it raises while it is read says that the archive is broken."""

    content: Any
    archive_noun: str
    asked: str

    def read(self, size: int = -1) -> bytes:
        try:
            return bytes(self.content.read(size))
        except _BROKEN_ERRORS as error:
            raise Problem(
                f"the {self.archive_noun} is broken: {error}", asked=self.asked, fix=_FIX_OF_BROKEN
            ) from error


def _find_reader(file: BinaryIO) -> Callable[[BinaryIO, str], Any] | None:
    """Return what reads a file of this form; nothing for a program."""
    file_start = file.read(_LONGEST_MARK)
    file.seek(0)
    forms: list[Any] = [
        (_GZIP, _read_tar_member),
        (_XZ, _read_tar_member),
        (_BZIP2, _read_tar_member),
        (_DEB, _read_deb_member),
        (_RPM, _read_rpm_member),
    ]
    return next((reader for mark, reader in forms if file_start.startswith(mark)), None)


def _read_tar_member(file: Any, member_path: str, mode: str = "r:*") -> Any:
    archive: Any = tarfile.open(fileobj=file, mode=mode)  # type: ignore[call-overload]  # noqa: SIM115
    for member in archive:
        if member.isfile() and _relative_path(member.name) == member_path:
            return archive.extractfile(member)
    return None


def _relative_path(member_name: str) -> str:
    return member_name[2:] if member_name.startswith("./") else member_name.lstrip("/")


# ── deb ──


def _read_deb_member(file: BinaryIO, member_path: str) -> Any:
    for name, part in _iter_ar_parts(file):
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                raise _MissingError("is packed as zst, which Python cannot read")
            return _read_tar_member(part, member_path, "r|*")
    raise _MissingError("has no part data.tar")


def _iter_ar_parts(file: BinaryIO) -> Iterator[tuple[str, _FilePart]]:
    """Yield the name and content of each part. Every part begins at an even place.

    Raises ValueError for a size below 0: the way to the next part would lead back.
    """
    offset = len(_DEB)
    while True:
        file.seek(offset)
        header = file.read(_AR_HEADER)
        if not header:
            return
        name, size = header[:16].decode("ascii").rstrip(" /"), int(header[48:58])
        if size < 0:
            raise ValueError(f"the part {name} has the size {size}")
        yield name, _FilePart(file, size)
        offset += _AR_HEADER + size + size % 2


# ── rpm ──


def _read_rpm_member(file: BinaryIO, member_path: str) -> Any:
    file.seek(_RPM_LEAD)
    _skip_rpm_header(file)
    file.seek(-file.tell() % _RPM_ALIGNED, io.SEEK_CUR)
    _skip_rpm_header(file)
    for name, part in _iter_cpio_files(_open_payload(file)):
        if _relative_path(name) == member_path:
            return part
    return None


def _skip_rpm_header(file: BinaryIO) -> None:
    header = file.read(_RPM_HEADER)
    if not header.startswith(_RPM_MARK):
        raise ValueError("it has no header of rpm")
    tags, size = struct.unpack(">8xII", header)
    file.seek(tags * _RPM_TAG + size, io.SEEK_CUR)


def _open_payload(file: BinaryIO) -> Any:
    """Return the payload that begins where a file is."""
    payload_start = file.read(_LONGEST_MARK)
    file.seek(-len(payload_start), io.SEEK_CUR)
    if payload_start.startswith(_ZSTD):
        raise _MissingError("is packed as zst, which Python cannot read")
    forms: list[Any] = [(_GZIP, gzip.GzipFile), (_XZ, lzma.LZMAFile), (_BZIP2, bz2.BZ2File)]
    for mark, opener in forms:
        if payload_start.startswith(mark):
            return opener(fileobj=file) if opener is gzip.GzipFile else opener(file)
    raise ValueError("its payload has an unknown form")


def _iter_cpio_files(payload: Any) -> Iterator[tuple[str, _FilePart]]:
    """Yield the name and content of each file. Names and contents end at places that 4 divides."""
    while True:
        header = _read_exactly(payload, _CPIO_HEADER)
        if not header.startswith(_CPIO_MARKS):
            raise ValueError("its payload is no archive of cpio")
        size, name_size = int(header[_CPIO_SIZE], 16), int(header[_CPIO_NAME_SIZE], 16)
        if not 0 < name_size <= _LONGEST_NAME:
            raise ValueError("a name is too long")
        padded_size = name_size + -(_CPIO_HEADER + name_size) % _CPIO_ALIGNED
        name = _read_exactly(payload, padded_size)[: name_size - 1].decode("utf-8", "replace")
        if name == _CPIO_END:
            return
        part = _FilePart(payload, size)
        yield name, part
        _skip_bytes(payload, part.remaining_bytes + -size % _CPIO_ALIGNED)


def _read_exactly(payload: Any, size: int) -> bytes:
    data = bytes(payload.read(size))
    if len(data) != size:
        raise EOFError("it ends too early")
    return data


def _skip_bytes(payload: Any, size: int) -> None:
    while size > 0:
        size -= len(_read_exactly(payload, min(size, _CHUNK)))
