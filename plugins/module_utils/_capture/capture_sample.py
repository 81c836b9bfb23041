# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded sample of telemetry: lines of OTLP JSON come in, masked lines go out. Private.

`captured_parts.py` and `capture_files.py` of `live` fill a `CaptureSample` line by line, until it is full. A line is
one request of OTLP. Its values are masked (record_masks.py), so that no content goes out: of

    {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "GET /order/17", …}]}]}]}

the line `{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "GET <5-YErAo>", …}]}]}]}` is written. Bytes of a
request are counted before masking (`received_bytes`, and `octets` as a bound) and after it (`bytes`). A record is a
span, a log record or a data point.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.errors import Problem
from .._otelcol.otlp_requests import LISTS_BY_SIGNAL, MALFORMED_ERRORS, count_items
from .collector_rates import ServedRecords
from .record_masks import RecordMasks

# What ends a sample: one of its bounds, or the end of the files that are captured.
SECONDS_BOUND = "seconds"
RECORDS_BOUND = "records"
BYTES_BOUND = "bytes"
FILES_END = "end of the files"
# The longest line that is read: a request of OTLP has 4 MiB by default, and as JSON some three times as much.
LINE_BYTES = 64 << 20
_FOREIGN_FIX = "Give files that exporter file wrote with `format: json` and without compression, or OTLP JSON lines."


@dataclass(frozen=True)
class Bounds:
    """Where a sample ends, whichever comes first."""

    seconds: float
    records: int
    octets: int
    """Bytes of OTLP JSON before masking."""


@dataclass(frozen=True)
class SampleEnd:
    """How a sample ended."""

    seconds: float
    """How long it took; 0 for files, whose duration nobody knows."""
    ended_by: str
    """SECONDS_BOUND, RECORDS_BOUND, BYTES_BOUND or FILES_END."""
    served_records: ServedRecords | None = None
    """What the pods beside that of the capture accepted meanwhile; None for files. They are read before that pod gets
    the first record, and after the last one that the sample has."""


@dataclass
class SignalSize:
    """How much of one signal a sample has: requests, records, and bytes of JSON before and after masking."""

    requests: int = 0
    records: int = 0
    received_bytes: int = 0
    bytes: int = 0


@dataclass
class CaptureSample:
    """What has come in so far."""

    masks: RecordMasks
    bounds: Bounds
    write: Callable[[str, bytes], None]
    """Gets the signal and the bytes of each line that goes out."""
    sizes: dict[str, SignalSize] = field(default_factory=dict)
    """How much has come in, by signal."""

    def add(self, line: bytes, where: str) -> None:
        """Mask and count one request. Raises Problem if it is no OTLP JSON; `where` names the file and the line."""
        request = _parse_request(line, where)
        # A line of the exporter has one signal. A file of others may have several in one line: each is a request.
        request_by_signal: dict[str, dict[str, Any]] = {}
        for signal, (resources, _scopes, _records) in LISTS_BY_SIGNAL.items():
            if request.get(resources):
                request_by_signal[signal] = {resources: request[resources]}
        for signal, own_request in request_by_signal.items():
            # The same share for each, since only the sum counts: files have no rates.
            received_bytes = ceil(len(line) / len(request_by_signal))
            self._add(signal, own_request, received_bytes, where)

    def _add(self, signal: str, request: dict[str, Any], received_bytes: int, where: str) -> None:
        # Both before the line is written, so that a malformed request is neither written nor counted.
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
    """Return the request of a line. Raises Problem if it is no JSON, or no request of OTLP."""
    try:
        request = parse_json(line)
    except ValueError as error:
        raise Problem("this is no JSON", where=where, fix=_FOREIGN_FIX) from error
    if not isinstance(request, dict) or not any(resources in request for resources, *_rest in LISTS_BY_SIGNAL.values()):
        raise Problem("this is JSON, but no request of OTLP", where=where, fix=_FOREIGN_FIX)
    return request


class LineSplitter:
    """Makes whole lines out of parts of a text, which may end anywhere.

    The parts `{"a":1}\\n{"b"` and `:2}\\n` give the lines `{"a":1}` and then `{"b":2}`.
    """

    def __init__(self) -> None:
        self.unfinished_line = b""

    def split_off_lines(self, part: bytes) -> list[bytes]:
        """Return the lines that a part completes. Raises Problem for a line that is too long."""
        *lines, self.unfinished_line = (self.unfinished_line + part).split(b"\n")
        if len(self.unfinished_line) > LINE_BYTES:
            wrong = f"a line has more than {LINE_BYTES >> 20} MiB"
            raise Problem(wrong, fix="Let the exporter write smaller requests, for example behind processor batch.")
        return [line for line in lines if line.strip()]
