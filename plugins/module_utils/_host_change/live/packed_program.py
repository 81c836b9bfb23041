# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the Collector's program out of a file that its project publishes: a tar archive, a deb, an rpm, or itself.
Private.

`live/program_installation.py` calls `unpack` with the file and the path of the program in it. For example, for
`otelcol-contrib_0.158.0_linux_amd64.tar.gz` and `otelcol-contrib`, it writes the member `otelcol-contrib`; of a deb or
an rpm, it writes `usr/bin/otelcol-contrib`.

A package is read and never installed: it would bring a unit that starts at once and takes the default ports, and
scripts that make a user. A deb is an archive of ar whose part `data.tar.…` has the files. An rpm has a lead, two
headers and a payload: a packed archive of cpio. Sources: deb(5) and ar(5); rpm.org, "RPM Package format"; cpio(5), the
form `newc`. Runs on the host: Python 3.8, standard library.
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
from typing import Any, BinaryIO, NamedTuple

from ..._otelcol.errors import Problem

# The first bytes of files, by which their forms are known.
_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ"
_BZIP2 = b"BZh"
_ZSTD = b"\x28\xb5\x2f\xfd"
_DEB = b"!<arch>\n"
_RPM = b"\xed\xab\xee\xdb"
_LONGEST_MARK = max(map(len, (_GZIP, _XZ, _BZIP2, _DEB, _RPM)))
# The folder of the program in packages. Source: opentelemetry-collector-releases, nfpm of .goreleaser.yaml.
_PROGRAM_FOLDER = "usr/bin/"
# ar: the bytes of the header of a part.
_AR_HEADER = 60
# rpm: the bytes of the lead, of a header without its tags, and of a tag.
_RPM_LEAD = 96
_RPM_HEADER = 16
_RPM_TAG = 16
# The second header of rpm begins at a multiple of so many bytes.
_RPM_ALIGNED = 8
# The first bytes of a header of rpm.
_RPM_MARK = b"\x8e\xad\xe8"
# cpio: the bytes of the header of a file, and its first bytes.
_CPIO_HEADER = 110
_CPIO_MARKS = (b"070701", b"070702")
# Names and contents are padded to a multiple of so many bytes.
_CPIO_ALIGNED = 4
# Where two hexadecimal numbers are in that header: the size of the file, and that of its name.
_CPIO_SIZE = slice(54, 62)
_CPIO_NAME_SIZE = slice(94, 102)
# The name of the last entry in cpio.
_CPIO_END = "TRAILER!!!"
# The longest name that is read.
_LONGEST_NAME = 4096
_CHUNK = 1024 * 1024
# The nouns for forms in messages.
_ARCHIVE = "archive"
_PACKAGE = "package"
_FIX_OF_BROKEN = "Get it again."
_FIX_OF_MISSING = "Use the archive of the release, a file `.tar.gz`."
# What the libraries of Python raise for a broken archive.
_BROKEN_ERRORS = (tarfile.TarError, EOFError, ValueError, struct.error, lzma.LZMAError, OSError)


class _MissingError(Exception):
    """Python cannot take the program out of a package. The text is the end of a sentence about the package."""


@dataclass
class _FilePart:
    """A part of a file that reads as a file of its own. It begins where the file is read next."""

    file: BinaryIO
    remaining_bytes: int

    def read(self, size: int = -1) -> bytes:
        byte_count = self.remaining_bytes if size < 0 else min(size, self.remaining_bytes)
        data = self.file.read(byte_count)
        if byte_count and not data:
            raise EOFError("it ends too early")
        self.remaining_bytes -= len(data)
        return data


class _NamedPart(NamedTuple):
    """A part of an archive, with its name."""

    name: str
    content: _FilePart


def is_packed(file: BinaryIO) -> bool:
    """Return whether a file is an archive or a package. The file must be at its start, and is there afterwards."""
    return _find_form(file) is not None


def unpack(file: BinaryIO, member: str, write: Callable[[Any], None], task: str = "") -> None:
    """Call `write` with the program, as a file to read: a member of an archive or package, or else the file itself.

    `member` is the path of the program in an archive, or its name in a package. `task` says in messages what is done.
    Raises Problem for a file that lacks the program, is broken, or cannot be unpacked by Python. What `write` raises is
    passed on.
    """
    form = _find_form(file)
    if form is None:
        write(file)
        return
    is_name_in_package = form.noun == _PACKAGE and "/" not in member
    member_path = _PROGRAM_FOLDER + member if is_name_in_package else member
    try:
        content = form.read_member(file, member_path)
    except _MissingError as missing:
        raise Problem(f"the {form.noun} {missing}", asked=task, fix=_FIX_OF_MISSING) from missing
    except _BROKEN_ERRORS as error:
        raise Problem(f"the {form.noun} is broken: {error}", asked=task, fix=_FIX_OF_BROKEN) from error
    if content is None:
        raise Problem(f"the {form.noun} has no file '{member_path}'", asked=task, fix="Correct `member`.")
    write(_CheckedMember(content, form.noun, task))


@dataclass
class _CheckedMember:
    """A member of an archive or package. If its read fails, it raises Problem: the archive is broken."""

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


class _Form(NamedTuple):
    """A form of files that have the program as a member."""

    first_bytes: bytes
    noun: str
    read_member: Callable[[BinaryIO, str], Any]
    """Takes the file and the path of a member, and returns the member as a file; None if there is no such member."""


def _find_form(file: BinaryIO) -> _Form | None:
    """Return the form of a file; None for any other file, such as a program."""
    file_start = file.read(_LONGEST_MARK)
    file.seek(0)
    forms = (
        _Form(_GZIP, _ARCHIVE, _read_tar_member),
        _Form(_XZ, _ARCHIVE, _read_tar_member),
        _Form(_BZIP2, _ARCHIVE, _read_tar_member),
        _Form(_DEB, _PACKAGE, _read_deb_member),
        _Form(_RPM, _PACKAGE, _read_rpm_member),
    )
    for form in forms:
        if file_start.startswith(form.first_bytes):
            return form
    return None


def _read_tar_member(file: Any, member_path: str, mode: str = "r:*") -> Any:
    """Return a file of a tar archive, as an open file; None if the archive does not have it."""
    archive: Any = tarfile.open(fileobj=file, mode=mode)  # type: ignore[call-overload]  # noqa: SIM115
    for member in archive:
        if member.isfile() and _relative_path(member.name) == member_path:
            return archive.extractfile(member)
    return None


def _relative_path(member_name: str) -> str:
    """Return the path of a member as `a/b`, which archives write as `a/b`, `./a/b` or `/a/b`."""
    return member_name[2:] if member_name.startswith("./") else member_name.lstrip("/")


# ── deb ──


def _read_deb_member(file: BinaryIO, member_path: str) -> Any:
    """Return a file of a package of Debian, as an open file. Raises _MissingError if the package has none."""
    for name, content in _iter_ar_parts(file):
        if name.startswith("data.tar"):
            if name.endswith(".zst"):
                raise _MissingError("is packed as zst, which Python cannot read")
            # `r|*` reads the archive as a stream, since a part of a file has no method `seek`.
            return _read_tar_member(content, member_path, mode="r|*")
    raise _MissingError("has no part data.tar")


def _iter_ar_parts(file: BinaryIO) -> Iterator[_NamedPart]:
    """Yield the name and the content of each part. Every part begins at an even offset.

    Raises ValueError for a size below 0, with which the search for the next part would go back.
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
        yield _NamedPart(name, _FilePart(file, size))
        offset += _AR_HEADER + size + size % 2


# ── rpm ──


def _read_rpm_member(file: BinaryIO, member_path: str) -> Any:
    """Return a file of a package of RPM, as an open file; None if the package does not have it."""
    file.seek(_RPM_LEAD)
    _skip_rpm_header(file)
    file.seek(-file.tell() % _RPM_ALIGNED, io.SEEK_CUR)
    _skip_rpm_header(file)
    for name, content in _iter_cpio_files(_open_payload(file)):
        if _relative_path(name) == member_path:
            return content
    return None


def _skip_rpm_header(file: BinaryIO) -> None:
    """Move behind a header of RPM, of which a package has two before its files."""
    header = file.read(_RPM_HEADER)
    if not header.startswith(_RPM_MARK):
        raise ValueError("it has no header of rpm")
    tags, size = struct.unpack(">8xII", header)
    file.seek(tags * _RPM_TAG + size, io.SEEK_CUR)


def _open_payload(file: BinaryIO) -> Any:
    """Return the unpacked payload, an archive of cpio. It begins where the file is read next."""
    payload_start = file.read(_LONGEST_MARK)
    file.seek(-len(payload_start), io.SEEK_CUR)
    if payload_start.startswith(_ZSTD):
        raise _MissingError("is packed as zst, which Python cannot read")
    if payload_start.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)
    if payload_start.startswith(_XZ):
        return lzma.LZMAFile(file)
    if payload_start.startswith(_BZIP2):
        return bz2.BZ2File(file)
    raise ValueError("its payload has an unknown form")


def _iter_cpio_files(payload: Any) -> Iterator[_NamedPart]:
    """Yield the name and the content of each file. Names and contents are padded to a multiple of 4 bytes."""
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
        yield _NamedPart(name, part)
        _skip_bytes(payload, part.remaining_bytes + -size % _CPIO_ALIGNED)


def _read_exactly(payload: Any, size: int) -> bytes:
    data = bytes(payload.read(size))
    if len(data) != size:
        raise EOFError("it ends too early")
    return data


def _skip_bytes(payload: Any, size: int) -> None:
    while size > 0:
        size -= len(_read_exactly(payload, min(size, _CHUNK)))
