# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of exporter file, and OTLP JSON of others, as the source of a capture. Private."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

from ..._otelcol.bounded.json_text import json_value
from ..._otelcol.bounded.live.bounded_reads import BROKEN, lines_of, opened
from ..._otelcol.bounded.read_limits import ARCHIVE, TEXT
from ..._otelcol.errors import Problem
from ..capture_sample import FILES, LINE_BYTES, Sample

_ASKED = "Capture files"
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


def _read(path: str, file: BinaryIO, sample: Sample, notes: list[str]) -> str:
    """Add the records of one file. Return what ended the sample, or an empty text."""
    whole = _whole_document(path, file)
    if whole:
        sample.add(whole, path)
        return sample.full
    for number, line in enumerate(lines_of(file, LINE_BYTES, path), 1):
        if not line.endswith(b"\n"):
            _add_rest(path, line, number, sample, notes)
        elif line.strip():
            sample.add(line.rstrip(b"\n"), f"{path}, line {number}")
        if sample.full:
            break
    return sample.full


def _add_rest(path: str, rest: bytes, number: int, sample: Sample, notes: list[str]) -> None:
    """Add the last line, which has no end, if it is whole: a Collector that runs may not have written all of it."""
    if not rest.strip():
        return
    try:
        json_value(rest)
    except ValueError:
        notes.append(f"{path} ends inside line {number}, which was left out")
        if number == 1:
            raise Problem("the file has no whole line of JSON", asked=_ASKED, where=path) from None
        return
    sample.add(rest, f"{path}, line {number}")


def _whole_document(path: str, file: BinaryIO) -> bytes:
    """Return a small file that is one document over several lines, as people write it; else nothing, and rewind."""
    head = file.read(TEXT + 1)
    file.seek(0)
    kind = next((name for mark, name in _OTHER.items() if head.startswith(mark)), "")
    if kind:
        raise Problem(f"{path} is packed with {kind}", asked=_ASKED, fix="Unpack it, or pack it with gzip.")
    if len(head) > TEXT or not head.lstrip().startswith(b"{\n"):
        return b""
    try:
        document: Any = json_value(head)
    except ValueError:
        return b""
    return json.dumps(document, separators=(",", ":")).encode()
