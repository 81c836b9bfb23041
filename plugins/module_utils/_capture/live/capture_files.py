# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of exporter file, and OTLP JSON of others, as the source of a capture. Private."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

from ..._otelcol.bounded.live.bounded_reads import BROKEN, opened
from ..._otelcol.bounded.read_limits import ARCHIVE, CHUNK, TEXT
from ..._otelcol.errors import Problem
from ..capture_sample import FILES, Lines, Sample

_ASKED = "Capture files"
_GZIP = b"\x1f\x8b"
_OTHER = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}


def read_files(paths: Sequence[str], sample: Sample) -> tuple[str, list[str]]:
    """Add the records of files to a sample. Return what ended it, and what was left out, in words.

    Raises Problem for a file that cannot be read, that is broken, or that is no OTLP JSON.
    """
    notes: list[str] = []
    for path in paths:
        try:
            with opened(path, ARCHIVE) as file:
                ended = _read(path, file, sample, notes)
        except BROKEN as error:
            why = getattr(error, "strerror", None) or f"it is cut off or broken: {error}"
            fix = "Get it again, or leave it out. Nothing was written."
            raise Problem(f"{path} cannot be read: {why}", asked=_ASKED, fix=fix) from error
        if ended:
            return ended, notes
    return FILES, notes


def _read(path: str, file: IO[bytes], sample: Sample, notes: list[str]) -> str:
    """Add the records of one file. Return what ended the sample, or an empty text."""
    whole = _whole_document(path, file)
    if whole:
        sample.add(whole, path)
        return sample.full
    lines, number = Lines(), 0
    for part in _parts(file):
        for line in lines.of(part):
            number += 1
            sample.add(line, f"{path}, line {number}")
            if sample.full:
                return sample.full
    _add_rest(path, lines.rest, number + 1, sample, notes)
    return sample.full


def _add_rest(path: str, rest: bytes, number: int, sample: Sample, notes: list[str]) -> None:
    """Add the last line, which has no end, if it is whole: a Collector that runs may not have written all of it."""
    if not rest.strip():
        return
    try:
        json.loads(rest)
    except ValueError:
        notes.append(f"{path} ends inside line {number}, which was left out")
        if number == 1:
            raise Problem("the file has no whole line of JSON", asked=_ASKED, where=path) from None
        return
    sample.add(rest, f"{path}, line {number}")


def _whole_document(path: str, file: IO[bytes]) -> bytes:
    """Return a small file that is one document over several lines, as people write it; else nothing, and rewind."""
    head = file.read(TEXT + 1)
    file.seek(0)
    kind = next((name for mark, name in _OTHER.items() if head.startswith(mark)), "")
    if kind:
        raise Problem(f"{path} is packed with {kind}", asked=_ASKED, fix="Unpack it, or pack it with gzip.")
    if len(head) > TEXT or not head.lstrip().startswith(b"{\n"):
        return b""
    try:
        document: Any = json.loads(head)
    except ValueError:
        return b""
    return json.dumps(document, separators=(",", ":")).encode()


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a file, unpacked if it is packed with gzip."""
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if packed else file
    while part := stream.read(16 * CHUNK):
        yield part
