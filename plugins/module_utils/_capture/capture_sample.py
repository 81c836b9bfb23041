# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded sample of telemetry: lines of OTLP JSON come in, masked lines go out. Private.

A line is one request of OTLP. A mask stands for a value, so that no content goes out (see record_masks.py). Bytes of a
request are counted before masking (`received_bytes`, and `octets` as a bound) and after it (`bytes`). A record is a
span, a log record or a data point. `capture_task.py` and `capture_files.py` fill a sample.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.errors import Problem
from .._otelcol.otlp_requests import LISTS_BY_SIGNAL, MALFORMED_ERRORS, count_items
from .collector_rates import ServedRecords
from .record_masks import RecordMasks

SECONDS_BOUND, RECORDS_BOUND, BYTES_BOUND, FILES_END = "seconds", "records", "bytes", "end of the files"
"""What ends a sample."""
LINE_BYTES = 64 << 20
"""The longest line that is read: a request of OTLP has 4 MiB by default, and as JSON some three times as much."""
_FOREIGN_FIX = "Give files that exporter file wrote with `format: json` and without compression, or OTLP JSON lines."


@dataclass(frozen=True)
class Bounds:
    """Where a sample ends, whichever comes first. `octets` are bytes of OTLP JSON before masking."""

    seconds: float
    records: int
    octets: int


@dataclass(frozen=True)
class SampleEnd:
    """How many seconds a sample took, what ended it, and what the pods beside that of the capture accepted.

    They are read before that pod gets the first record, and after the last one that the sample has. `seconds` is 0 for
    files, whose duration nobody knows.
    """

    seconds: float
    ended_by: str
    served_records: ServedRecords | None = None


@dataclass
class SignalSize:
    """How much of one signal a sample has: requests, records, and bytes of JSON before and after masking."""

    requests: int = 0
    records: int = 0
    received_bytes: int = 0
    bytes: int = 0


@dataclass
class CaptureSample:
    """What has come in so far. `write` gets the signal and the bytes of each line that goes out."""

    masks: RecordMasks
    bounds: Bounds
    write: Callable[[str, bytes], None]
    sizes: dict[str, SignalSize] = field(default_factory=dict)

    def add(self, line: bytes, where: str) -> None:
        """Mask and count one request. Raises Problem if it is no OTLP JSON; `where` names the file and the line."""
        request = _parse_request(line, where)
        for signal, (resources, _scopes, _records) in LISTS_BY_SIGNAL.items():
            if request.get(resources):
                self._add(signal, {resources: request[resources]}, len(line), where)

    def _add(self, signal: str, request: dict[str, Any], received_bytes: int, where: str) -> None:
        try:
            records = count_items(signal, request)
            masked_line = json.dumps(self.masks.mask_request(request), separators=(",", ":")).encode("ascii")
        except MALFORMED_ERRORS as error:
            raise Problem("this is JSON, but not of OTLP", where=where, fix=_FOREIGN_FIX) from error
        self.write(signal, masked_line)
        size = self.sizes.setdefault(signal, SignalSize())
        size.requests += 1
        size.records += records
        size.received_bytes += received_bytes
        size.bytes += len(masked_line)

    @property
    def records(self) -> int:
        return sum(size.records for size in self.sizes.values())

    @property
    def full(self) -> str:
        """The bound that the sample has reached, RECORDS_BOUND or BYTES_BOUND; empty while it has room."""
        if self.records >= self.bounds.records:
            return RECORDS_BOUND
        received_bytes = sum(size.received_bytes for size in self.sizes.values())
        return BYTES_BOUND if received_bytes >= self.bounds.octets else ""


def _parse_request(line: bytes, where: str) -> dict[str, Any]:
    try:
        request = parse_json(line)
    except ValueError as error:
        raise Problem("this is no JSON", where=where, fix=_FOREIGN_FIX) from error
    if not isinstance(request, dict) or not any(resources in request for resources, *_rest in LISTS_BY_SIGNAL.values()):
        raise Problem("this is JSON, but no request of OTLP", where=where, fix=_FOREIGN_FIX)
    return request


class LineSplitter:
    """Makes whole lines out of parts of a text, which may end anywhere. `rest` is the last line, without an end yet."""

    def __init__(self) -> None:
        self.rest = b""

    def split_off_lines(self, part: bytes) -> list[bytes]:
        """Return the lines that a part completes. Raises Problem for a line that is too long."""
        *lines, self.rest = (self.rest + part).split(b"\n")
        if len(self.rest) > LINE_BYTES:
            wrong = f"a line has more than {LINE_BYTES >> 20} MiB"
            raise Problem(wrong, fix="Let the exporter write smaller requests, for example behind processor batch.")
        return [line for line in lines if line.strip()]
