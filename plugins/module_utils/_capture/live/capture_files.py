# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the records of files for a capture: what exporter file wrote, or OTLP JSON of others. Private.

`capture_task.py` calls `read_files` for module telemetry_capture. A file is one request of OTLP as JSON, or lines with
a request each; it may be packed with gzip. The sample masks and counts the requests until it is full
(capture_sample.py). A last line without an end may be half written. If it is no JSON, it is left out, with the note

    /var/otel/traces.jsonl ends inside line 17, which was left out
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

from ..._otelcol.bounded.json_text import parse_json
from ..._otelcol.bounded.live.bounded_reads import BROKEN_ERRORS, iter_lines, open_regular_file
from ..._otelcol.bounded.read_limits import ARCHIVE_LIMIT, TEXT_LIMIT
from ..._otelcol.errors import Problem
from ..capture_sample import FILES_END, LINE_BYTES, CaptureSample

# What is done, for messages.
_ASKED = "Capture files"
# How packed files begin that this collection does not unpack. Sources: RFC 8878 (zstd), APPNOTE.TXT of PKWARE (zip).
_FOREIGN_PACKINGS = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}


class FilesEnd(NamedTuple):
    """How the reading of files ended."""

    ended_by: str
    """What ended the sample: one of its bounds, or FILES_END."""
    notes: list[str]
    """What of the files was left out, one line each."""


def read_files(paths: Sequence[str], sample: CaptureSample) -> FilesEnd:
    """Add the records of files to a sample until it is full.

    Raises Problem for a file that cannot be read, that is broken, or that is no OTLP JSON.
    """
    notes: list[str] = []
    for path in paths:
        try:
            with open_regular_file(path, ARCHIVE_LIMIT) as file:
                ended_by = _add_file(path, file, sample, notes)
        except BROKEN_ERRORS as error:
            reason = getattr(error, "strerror", None) or f"it is cut off or broken: {error}"
            fix = "Get it again, or leave it out. Nothing was written."
            raise Problem(f"{path} cannot be read: {reason}", asked=_ASKED, fix=fix) from error
        if ended_by:
            return FilesEnd(ended_by, notes)
    return FilesEnd(FILES_END, notes)


def _add_file(path: str, file: BinaryIO, sample: CaptureSample, notes: list[str]) -> str:
    """Add the records of one file. Return what ended the sample; empty if it still has room."""
    document = _read_whole_document(path, file)
    if document:
        sample.add(document, path)
        return sample.full
    for line_number, line in enumerate(iter_lines(file, LINE_BYTES, path), 1):
        if not line.endswith(b"\n"):
            _add_last_line(path, line, line_number, sample, notes)
        elif line.strip():
            sample.add(line.rstrip(b"\n"), f"{path}, line {line_number}")
        if sample.full:
            break
    return sample.full


def _add_last_line(path: str, last_line: bytes, line_number: int, sample: CaptureSample, notes: list[str]) -> None:
    """Add the last line, which has no end, if it is whole: a Collector that runs may not have written all of it."""
    if not last_line.strip():
        return
    try:
        parse_json(last_line)
    except ValueError:
        notes.append(f"{path} ends inside line {line_number}, which was left out")
        if line_number == 1:
            raise Problem("the file has no whole line of JSON", asked=_ASKED, where=path) from None
        return
    sample.add(last_line, f"{path}, line {line_number}")


def _read_whole_document(path: str, file: BinaryIO) -> bytes:
    """Return the content of a small file that is one JSON document over several lines; nothing for other files.

    The next read of the file begins at its start. Raises Problem for a file that is packed, but not with gzip.
    """
    head = file.read(TEXT_LIMIT + 1)
    file.seek(0)
    for first_bytes, packing in _FOREIGN_PACKINGS.items():
        if head.startswith(first_bytes):
            raise Problem(f"{path} is packed with {packing}", asked=_ASKED, fix="Unpack it, or pack it with gzip.")
    # A line of an exporter begins with `{"`. One document over several lines has its first key in the second line.
    is_over_several_lines = head.lstrip().startswith(b"{\n")
    if len(head) > TEXT_LIMIT or not is_over_several_lines:
        return b""
    try:
        document: Any = parse_json(head)
    except ValueError:
        return b""
    # In one line, since its length counts as that of a request.
    return json.dumps(document, separators=(",", ":")).encode()
