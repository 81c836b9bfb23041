# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that reads files, streams, archives and what programs print: each with a limit. Private.

A device or a pipe has no end, and a small archive unpacks to any size. tests/contract/test_reads.py finds other reads.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import io
import lzma
import os
import selectors
import stat
import subprocess
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import Problem
from ..read_limits import ARCHIVE, CHUNK, OUTPUT, SMALL_ANSWER, TEXT, joined_chunks, too_large

# What else than a file can have a path.
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)
# How archives are packed, by their first bytes.
_PACKED: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ", lzma.LZMAFile),
)
# What reading a broken archive raises.
BROKEN = (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError)


@contextmanager
def opened(path: Path | str, most: int) -> Iterator[BinaryIO]:
    """Yield a regular file. Raises OSError as `open` does, and Problem for a device or pipe and for a larger file."""
    found = os.stat(path)  # noqa: PTH116 - a path with a NUL is a ValueError here, and opening a pipe would wait
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), "something else")
        raise Problem(f"{path} is no regular file but {kind}", fix="Give the path of a file.")
    if found.st_size > most:
        raise too_large(str(path), most)
    with Path(path).open("rb") as file:
        yield file


def file_bytes(path: Path | str, most: int = TEXT) -> bytes:
    """Return a regular file. Raises OSError if it cannot be read, and Problem for a larger one and for a device."""
    with opened(path, most) as file:
        return joined_chunks(_chunks(file.read), most, str(path))


def file_text(path: Path | str, most: int = TEXT) -> str:
    """Return a regular file in UTF-8, with the ends of lines of Unix. Raises as `file_bytes` does, and ValueError."""
    return file_bytes(path, most).decode("utf-8").replace("\r\n", "\n")


def file_head(path: Path, most: int) -> bytes:
    """Return the first bytes of a regular file, which may be larger. Raises what `file_bytes` does."""
    with opened(path, ARCHIVE) as file:
        return file.read(most)


def file_tail(path: Path, most: int) -> str:
    """Return the last bytes of a regular file that may grow, as text. Raises what `file_bytes` does."""
    with opened(path, ARCHIVE) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read(most).decode("utf-8", errors="replace")


def add_to_sum(digest: Any, path: Path, most: int, label: str | None = None) -> None:
    """Add a regular file to a sum; with a label, also the label and the size. Raises what `file_bytes` does."""
    with opened(path, most) as file:
        if label is not None:
            digest.update(f"{label}\0{os.fstat(file.fileno()).st_size}\0".encode())
        for chunk in _chunks(file.read):
            digest.update(chunk)


def sum_of(path: Path, most: int) -> str:
    """Return the SHA-256 of a regular file. Raises what `file_bytes` does."""
    digest = hashlib.sha256()
    add_to_sum(digest, path, most)
    return f"sha256:{digest.hexdigest()}"


def stream_bytes(read: Callable[[int], bytes], most: int, what: str) -> bytes:
    """Return all of a stream. Raises Problem if it is larger than the limit."""
    return joined_chunks(_chunks(read), most, what)


def stream_sum(read: Callable[[int], bytes], write: Callable[[bytes], object], most: int, what: str) -> str:
    """Give all of a stream to `write`, and return its SHA-256. Raises Problem if it is larger than the limit."""
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(read):
        size += len(chunk)
        if size > most:
            raise too_large(what, most)
        digest.update(chunk)
        write(chunk)
    return f"sha256:{digest.hexdigest()}"


def body(answer: Any, most: int = SMALL_ANSWER, what: str = "the answer") -> bytes:
    """Return the body of an answer of urllib3 that is not read yet, and give its connection back.

    Raises what urllib3 raises, and Problem if the body, packed or not, is larger than the limit.
    """
    try:
        found = joined_chunks(answer.stream(CHUNK, decode_content=True), most, what)
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return found


def unpacked_gzip(packed: bytes, most: int, what: str) -> Iterator[bytes]:
    """Yield what gzip packed, in chunks. Raises one of BROKEN, and Problem if it is larger than the limit."""
    size = 0
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        for chunk in _chunks(file.read):
            size += len(chunk)
            if size > most:
                raise too_large(what, most)
            yield chunk


def lines_of(file: BinaryIO, most: int, what: str) -> Iterator[bytes]:
    """Yield the lines of a file with their ends, unpacked if its first bytes are those of gzip, bzip2 or xz.

    The file is read from its start; only its last line may have no end. `most` is the longest line, in bytes. Raises
    one of BROKEN for a file that is cut off, and Problem for a longer line.
    """
    stream = _unpacking(file)
    while line := stream.readline(most + 1):
        if len(line) > most:
            raise too_large(f"a line of {what}", most)
        yield line


def archive_member(path: Path, wanted: Callable[[str], bool], limits: tuple[int, int]) -> bytes:
    """Return the first regular file of a tar archive whose name is wanted; empty if there is none.

    `limits` are those of the file and of all that is unpacked. Raises one of BROKEN for an archive that is not whole,
    and Problem for more, for links, and for names that lead out of the archive.
    """
    most, all_most = limits
    found: bytes | None = None
    with opened(path, ARCHIVE) as packed:
        stream = _Counted(_unpacking(packed), all_most, str(path))
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # from its start to its end
            for item in archive:
                _check_place(item, path)
                if found is None and item.isreg() and wanted(item.name):
                    found = _content(archive, item, most, f"{path}/{item.name}")
        for _rest in _chunks(stream.read):  # what is cut short behind the last entry is told too
            pass
    return found or b""


def _check_place(item: tarfile.TarInfo, path: Path) -> None:
    """Raise Problem for an entry that is another file, or that is to be one outside of the archive."""
    if item.issym() or item.islnk():
        wrong = f"its entry {item.name} is a link to {item.linkname}"
    elif item.name.startswith("/") or ".." in item.name.split("/"):
        wrong = f"its entry {item.name} leads out of it"
    else:
        return
    raise Problem(wrong, asked="Read an archive", where=str(path), fix="Pack it again, with the file itself.")


def _content(archive: tarfile.TarFile, item: tarfile.TarInfo, most: int, what: str) -> bytes:
    if item.size > most:
        raise too_large(what, most)
    file = archive.extractfile(item)
    return joined_chunks(_chunks(file.read), most, what) if file else b""


def _unpacking(file: BinaryIO) -> Any:
    """Return a stream of what is packed in a file, by its first bytes."""
    start = file.read(8)
    file.seek(0)
    return next((unpack(file) for sign, unpack in _PACKED if start.startswith(sign)), file)


class _Counted(io.RawIOBase):
    """A stream that ends with a Problem where it gets larger than its limit."""

    def __init__(self, stream: Any, most: int, what: str) -> None:
        self._stream, self._left, self._most, self._what = stream, most, most, what

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found: bytes = self._stream.read(CHUNK if size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise too_large(f"{self._what}, unpacked,", self._most)
        return found


def run_program(
    command: Sequence[str], *, env: Mapping[str, str], seconds: float, most: int = OUTPUT, **how: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its exit code and what it printed. It has no input.

    Raises OSError if it does not start, TimeoutExpired, and Problem if it prints more than the limit; it ends then.
    """
    with started(command, env=dict(env), stdin=subprocess.DEVNULL, **how) as process:
        try:
            output, errors = printed(process, seconds, most)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def started(command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
    """Start a program whose output `printed` reads. Raises OSError.

    `AnsibleModule.run_command`, which ansible-test asks for, reads without a limit, and only modules have it.
    """
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, **how)  # pylint: disable=ansible-bad-function


def printed(process: subprocess.Popen[bytes], seconds: float, most: int = OUTPUT) -> tuple[bytes, bytes]:
    """Return what a program prints until its end, as `communicate` does; it goes on after an exception.

    Raises TimeoutExpired, and Problem if it prints more than the limit.
    """
    end, found = time.monotonic() + seconds, {"stdout": b"", "stderr": b""}
    with selectors.DefaultSelector() as pipes:
        for name in found:
            pipes.register(getattr(process, name), selectors.EVENT_READ, name)
        while pipes.get_map():
            for key, _events in pipes.select(max(0.0, end - time.monotonic())):
                chunk = os.read(key.fd, CHUNK)
                found[key.data] += chunk
                if len(found[key.data]) > most:
                    raise too_large("what the program prints", most)
                if not chunk:
                    pipes.unregister(key.fileobj)
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(process.args, seconds)
    process.wait(max(0.0, end - time.monotonic()))
    return found["stdout"], found["stderr"]


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    return iter(lambda: read(CHUNK), b"")
