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
_BIN = "usr/bin/"
_AR_HEADER = 60
_RPM_LEAD, _RPM_HEADER, _RPM_TAG, _RPM_ALIGNED = 96, 16, 16, 8
_RPM_MARK = b"\x8e\xad\xe8"
_CPIO_HEADER, _CPIO_ALIGNED, _CPIO_MARKS = 110, 4, (b"070701", b"070702")
_CPIO_SIZE, _CPIO_NAME_SIZE = slice(54, 62), slice(94, 102)
_CPIO_END, _LONGEST_NAME = "TRAILER!!!", 4096
_CHUNK = 1024 * 1024
_AGAIN, _OTHER_FORM = "Get it again.", "Use the archive of the release, a file `.tar.gz`."
_BROKEN = (tarfile.TarError, EOFError, ValueError, struct.error, lzma.LZMAError, OSError)


class _MissingError(Exception):
    """The package lacks what is asked; the text says what."""


@dataclass
class _Part:
    """A part of a file, from where the file is, that reads as a file of its own."""

    file: BinaryIO
    left: int

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        data = self.file.read(wanted)
        if wanted and not data:
            raise EOFError("it ends too early")
        self.left -= len(data)
        return data


def is_packed(file: BinaryIO) -> bool:
    """Whether a file is an archive or a package. It is read from its start, and is there again afterwards."""
    return _form(file) is not None


def unpack(file: BinaryIO, member: str, write: Callable[[Any], None], asked: str = "") -> None:
    """Give the program to `write`: the member of an archive or package, or else the file itself.

    Raises Problem for a file without it, for a broken one, and for one that Python cannot unpack. What `write` raises
    is passed on.
    """
    reader = _form(file)
    if reader is None:
        write(file)
        return
    word = "archive" if reader is _from_tar else "package"
    wanted = member if reader is _from_tar or "/" in member else _BIN + member
    try:
        content = reader(file, wanted)
    except _MissingError as missing:
        raise Problem(f"the {word} {missing}", asked=asked, fix=_OTHER_FORM) from missing
    except _BROKEN as error:
        raise Problem(f"the {word} is broken: {error}", asked=asked, fix=_AGAIN) from error
    if content is None:
        raise Problem(f"the {word} has no file '{wanted}'", asked=asked, fix="Correct `member`.")
    write(_Checked(content, word, asked))


@dataclass
class _Checked:
    """A member of an archive. What it raises while it is read says that the archive is broken."""

    content: Any
    word: str
    asked: str

    def read(self, size: int = -1) -> bytes:
        try:
            return bytes(self.content.read(size))
        except _BROKEN as error:
            raise Problem(f"the {self.word} is broken: {error}", asked=self.asked, fix=_AGAIN) from error


def _form(file: BinaryIO) -> Callable[[BinaryIO, str], Any] | None:
    """Return what reads a file of this form; nothing for a program."""
    start = file.read(_LONGEST_MARK)
    file.seek(0)
    forms: list[Any] = [(_GZIP, _from_tar), (_XZ, _from_tar), (_BZIP2, _from_tar), (_DEB, _from_deb), (_RPM, _from_rpm)]
    return next((reader for mark, reader in forms if start.startswith(mark)), None)


def _from_tar(file: Any, wanted: str, mode: str = "r:*") -> Any:
    archive: Any = tarfile.open(fileobj=file, mode=mode)  # type: ignore[call-overload]  # noqa: SIM115
    for one in archive:
        if one.isfile() and _plain(one.name) == wanted:
            return archive.extractfile(one)
    return None


def _plain(name: str) -> str:
    return name[2:] if name.startswith("./") else name.lstrip("/")


# ── deb ──


def _from_deb(file: BinaryIO, wanted: str) -> Any:
    for name, part in _ar_parts(file):
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                raise _MissingError("is packed as zst, which Python cannot read")
            return _from_tar(part, wanted, "r|*")
    raise _MissingError("has no part data.tar")


def _ar_parts(file: BinaryIO) -> Iterator[tuple[str, _Part]]:
    """Yield the name and content of each part. Every part begins at an even place."""
    place = len(_DEB)
    while True:
        file.seek(place)
        header = file.read(_AR_HEADER)
        if not header:
            return
        name, size = header[:16].decode("ascii").rstrip(" /"), int(header[48:58])
        yield name, _Part(file, size)
        place += _AR_HEADER + size + size % 2


# ── rpm ──


def _from_rpm(file: BinaryIO, wanted: str) -> Any:
    file.seek(_RPM_LEAD)
    _skip_rpm_header(file)
    file.seek(-file.tell() % _RPM_ALIGNED, io.SEEK_CUR)
    _skip_rpm_header(file)
    for name, part in _cpio_files(_unpacked(file)):
        if _plain(name) == wanted:
            return part
    return None


def _skip_rpm_header(file: BinaryIO) -> None:
    header = file.read(_RPM_HEADER)
    if not header.startswith(_RPM_MARK):
        raise ValueError("it has no header of rpm")
    tags, size = struct.unpack(">8xII", header)
    file.seek(tags * _RPM_TAG + size, io.SEEK_CUR)


def _unpacked(file: BinaryIO) -> Any:
    """Return the payload that begins where a file is."""
    mark = file.read(_LONGEST_MARK)
    file.seek(-len(mark), io.SEEK_CUR)
    if mark.startswith(_ZSTD):
        raise _MissingError("is packed as zst, which Python cannot read")
    forms: list[Any] = [(_GZIP, gzip.GzipFile), (_XZ, lzma.LZMAFile), (_BZIP2, bz2.BZ2File)]
    for start, opened in forms:
        if mark.startswith(start):
            return opened(fileobj=file) if opened is gzip.GzipFile else opened(file)
    raise ValueError("its payload has an unknown form")


def _cpio_files(payload: Any) -> Iterator[tuple[str, _Part]]:
    """Yield the name and content of each file. Names and contents end at places that 4 divides."""
    while True:
        header = _whole(payload, _CPIO_HEADER)
        if not header.startswith(_CPIO_MARKS):
            raise ValueError("its payload is no archive of cpio")
        size, name_size = int(header[_CPIO_SIZE], 16), int(header[_CPIO_NAME_SIZE], 16)
        if not 0 < name_size <= _LONGEST_NAME:
            raise ValueError("a name is too long")
        padded = name_size + -(_CPIO_HEADER + name_size) % _CPIO_ALIGNED
        name = _whole(payload, padded)[: name_size - 1].decode("utf-8", "replace")
        if name == _CPIO_END:
            return
        part = _Part(payload, size)
        yield name, part
        _skip(payload, part.left + -size % _CPIO_ALIGNED)


def _whole(payload: Any, size: int) -> bytes:
    data = bytes(payload.read(size))
    if len(data) != size:
        raise EOFError("it ends too early")
    return data


def _skip(payload: Any, size: int) -> None:
    while size > 0:
        size -= len(_whole(payload, min(size, _CHUNK)))
