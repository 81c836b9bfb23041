# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that reads files, streams, archives and what programs print: each with a limit. Private.

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
from ..read_limits import (
    ARCHIVE_LIMIT,
    CHUNK,
    OUTPUT_LIMIT,
    SMALL_ANSWER_LIMIT,
    TEXT_LIMIT,
    join_chunks,
    too_large_error,
)

# What else than a file can have a path.
_SPECIAL_FILE_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)
# How archives are packed, by their first bytes.
_UNPACKERS: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ", lzma.LZMAFile),
)
# What reading a broken archive raises.
BROKEN_ERRORS = (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError)


@contextmanager
def open_regular_file(path: Path | str, max_bytes: int) -> Iterator[BinaryIO]:
    """Yield a regular file. Raises OSError as `open` does, and Problem for a device or pipe and for a larger file."""
    status = os.stat(path)  # noqa: PTH116 - a path with a NUL is a ValueError here, and opening a pipe would wait
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _SPECIAL_FILE_KINDS if is_kind(status.st_mode)), "something else")
        raise Problem(f"{path} is no regular file but {kind}", fix="Give the path of a file.")
    if status.st_size > max_bytes:
        raise too_large_error(str(path), max_bytes)
    with Path(path).open("rb") as file:
        yield file


def read_file_bytes(path: Path | str, max_bytes: int = TEXT_LIMIT) -> bytes:
    """Return a regular file. Raises OSError if it cannot be read, and Problem for a larger one and for a device."""
    with open_regular_file(path, max_bytes) as file:
        return join_chunks(_iter_chunks(file.read), max_bytes, str(path))


def read_file_text(path: Path | str, max_bytes: int = TEXT_LIMIT) -> str:
    """Return a regular file in UTF-8, with the ends of lines of Unix.

    Raises as `read_file_bytes` does, and ValueError.
    """
    return read_file_bytes(path, max_bytes).decode("utf-8").replace("\r\n", "\n")


def read_file_head(path: Path, max_bytes: int) -> bytes:
    """Return the first bytes of a regular file, which may be larger. Raises what `read_file_bytes` does."""
    with open_regular_file(path, ARCHIVE_LIMIT) as file:
        return file.read(max_bytes)


def read_file_tail(path: Path, max_bytes: int) -> str:
    """Return the last bytes of a regular file that may grow, as text. Raises what `read_file_bytes` does."""
    with open_regular_file(path, ARCHIVE_LIMIT) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - max_bytes))
        return file.read(max_bytes).decode("utf-8", errors="replace")


def add_to_sum(digest: Any, path: Path, max_bytes: int, label: str | None = None) -> None:
    """Add a regular file to a sum; with a label, also the label and the size. Raises what `read_file_bytes` does.

    Several files in one sum need labels: without a size and a mark between them, the files `ab` and `c` would have the
    sum of `a` and `bc`.
    """
    with open_regular_file(path, max_bytes) as file:
        if label is not None:
            digest.update(f"{label}\0{os.fstat(file.fileno()).st_size}\0".encode())
        for chunk in _iter_chunks(file.read):
            digest.update(chunk)


def compute_file_sum(path: Path, max_bytes: int) -> str:
    """Return the SHA-256 of a regular file. Raises what `read_file_bytes` does."""
    digest = hashlib.sha256()
    add_to_sum(digest, path, max_bytes)
    return f"sha256:{digest.hexdigest()}"


def read_stream(read: Callable[[int], bytes], max_bytes: int, subject: str) -> bytes:
    """Return all of a stream. Raises Problem if it is larger than the limit."""
    return join_chunks(_iter_chunks(read), max_bytes, subject)


def copy_and_sum_stream(
    read: Callable[[int], bytes], write: Callable[[bytes], object], max_bytes: int, subject: str
) -> str:
    """Give all of a stream to `write`, and return its SHA-256. Raises Problem if it is larger than the limit."""
    digest, size = hashlib.sha256(), 0
    for chunk in _iter_chunks(read):
        size += len(chunk)
        if size > max_bytes:
            raise too_large_error(subject, max_bytes)
        digest.update(chunk)
        write(chunk)
    return f"sha256:{digest.hexdigest()}"


def read_body(answer: Any, max_bytes: int = SMALL_ANSWER_LIMIT, subject: str = "the answer") -> bytes:
    """Return the body of an answer of urllib3 that is not read yet, and give its connection back.

    Raises what urllib3 raises, and Problem if the body, packed or not, is larger than the limit.
    """
    try:
        content = join_chunks(answer.stream(CHUNK, decode_content=True), max_bytes, subject)
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return content


def iter_unpacked_gzip(packed: bytes, max_bytes: int, subject: str) -> Iterator[bytes]:
    """Yield what gzip packed, in chunks. Raises one of BROKEN_ERRORS, and Problem if it is larger than the limit."""
    size = 0
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        for chunk in _iter_chunks(file.read):
            size += len(chunk)
            if size > max_bytes:
                raise too_large_error(subject, max_bytes)
            yield chunk


def iter_lines(file: BinaryIO, max_bytes: int, subject: str) -> Iterator[bytes]:
    """Yield the lines of a file with their ends, unpacked if its first bytes are those of gzip, bzip2 or xz.

    The file is read from its start; only its last line may have no end. `max_bytes` is the longest line, in bytes.
    Raises one of BROKEN_ERRORS for a file that is cut off, and Problem for a longer line.
    """
    stream = _open_unpacked(file)
    while line := stream.readline(max_bytes + 1):
        if len(line) > max_bytes:
            raise too_large_error(f"a line of {subject}", max_bytes)
        yield line


def read_archive_member(path: Path, is_wanted: Callable[[str], bool], limits: tuple[int, int]) -> bytes:
    """Return the first regular file of a tar archive whose name is wanted; empty if there is none.

    `limits` are two numbers of bytes: for the file, and for all that is unpacked. Raises one of BROKEN_ERRORS for an
    archive that is not whole, and Problem for more, for links, and for names that lead out of the archive.
    """
    max_bytes, max_unpacked_bytes = limits
    content: bytes | None = None
    with open_regular_file(path, ARCHIVE_LIMIT) as packed:
        stream = _LimitedStream(_open_unpacked(packed), max_unpacked_bytes, str(path))
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # from its start to its end
            for entry in archive:
                _check_entry(entry, path)  # each of them, also behind the wanted one: others unpack the same archive
                if content is None and entry.isreg() and is_wanted(entry.name):
                    content = _read_entry(archive, entry, max_bytes, f"{path}/{entry.name}")
        for _chunk in _iter_chunks(stream.read):  # an archive that is cut short behind its last entry is broken too
            pass
    return content or b""


def _check_entry(entry: tarfile.TarInfo, path: Path) -> None:
    """Raise Problem for an entry that is another file, or that is to be one outside of the archive."""
    if entry.issym() or entry.islnk():
        wrong = f"its entry {entry.name} is a link to {entry.linkname}"
    elif entry.name.startswith("/") or ".." in entry.name.split("/"):
        wrong = f"its entry {entry.name} leads out of it"
    else:
        return
    raise Problem(wrong, asked="Read an archive", where=str(path), fix="Pack it again, with the file itself.")


def _read_entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, max_bytes: int, subject: str) -> bytes:
    if entry.size > max_bytes:
        raise too_large_error(subject, max_bytes)
    file = archive.extractfile(entry)
    return join_chunks(_iter_chunks(file.read), max_bytes, subject) if file else b""


def _open_unpacked(file: BinaryIO) -> Any:
    """Return a stream of what is packed in a file, by its first bytes."""
    file_start = file.read(8)
    file.seek(0)
    return next((unpack(file) for mark, unpack in _UNPACKERS if file_start.startswith(mark)), file)


class _LimitedStream(io.RawIOBase):
    """A stream that ends with a Problem where it gets larger than its limit."""

    def __init__(self, stream: Any, max_bytes: int, subject: str) -> None:
        self._stream = stream
        self._subject = subject
        self._max_bytes = max_bytes
        self._remaining_bytes = max_bytes

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        # Whoever asks for all gets a chunk: all of it could fill the memory before the limit is compared.
        data: bytes = self._stream.read(CHUNK if size < 0 else size)
        self._remaining_bytes -= len(data)
        if self._remaining_bytes < 0:
            raise too_large_error(f"{self._subject}, unpacked,", self._max_bytes)
        return data


def run_program(
    command: Sequence[str], *, env: Mapping[str, str], seconds: float, max_bytes: int = OUTPUT_LIMIT, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its exit code and what it printed. It has no input.

    Raises OSError if it does not start, TimeoutExpired, and Problem if it prints more than the limit; it ends then.
    """
    with start_program(command, env=dict(env), stdin=subprocess.DEVNULL, **options) as process:
        try:
            output, errors = read_output(process, seconds, max_bytes)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def start_program(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a program whose output `read_output` reads. Raises OSError.

    `AnsibleModule.run_command`, which ansible-test asks for, reads without a limit, and only modules have it.
    """
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, **options)  # pylint: disable=ansible-bad-function


def read_output(process: subprocess.Popen[bytes], seconds: float, max_bytes: int = OUTPUT_LIMIT) -> tuple[bytes, bytes]:
    """Return what a program prints until its end, as `communicate` does: its output and its errors.

    Raises TimeoutExpired, and Problem if it prints more than the limit; the program still runs then.
    """
    deadline, output = time.monotonic() + seconds, {"stdout": b"", "stderr": b""}
    with selectors.DefaultSelector() as pipes:
        for name in output:
            pipes.register(getattr(process, name), selectors.EVENT_READ, name)
        while pipes.get_map():
            for key, _events in pipes.select(max(0.0, deadline - time.monotonic())):
                chunk = os.read(key.fd, CHUNK)
                output[key.data] += chunk
                if len(output[key.data]) > max_bytes:
                    raise too_large_error("what the program prints", max_bytes)
                if not chunk:
                    pipes.unregister(key.fileobj)
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(process.args, seconds)
    process.wait(max(0.0, deadline - time.monotonic()))
    return output["stdout"], output["stderr"]


def _iter_chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    return iter(lambda: read(CHUNK), b"")
