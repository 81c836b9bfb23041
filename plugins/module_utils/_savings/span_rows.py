# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of each span of a capture, and of each trace. Private.

`span_use.py` makes a row of each span, and puts the rows together to traces in the end. `service_summary.py` counts the
rows of each service. Example: a trace whose spans begin at second 1 and end at second 4 takes 3 seconds, so it is slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .._otelcol.config.masking import conceal_secrets
from .._otelcol.forecast.text_templates import make_template
from .captured_records import NO_AMOUNT, Amount, Record
from .record_enumerations import has_error_status, read_span_kind

SLOW_MS = 2000
"""Traces of this duration are slow. It is the default of `slow_ms` of recipe `tail_sampling`."""
_NANOSECONDS_PER_MS = 1_000_000


class SpanRow(NamedTuple):
    """What is remembered of a span. Numbers stand for ids, since they take less room: equal ids have equal numbers.

    `start_nanoseconds` and `end_nanoseconds` are in nanoseconds since 1970.
    """

    trace_number: int
    span_number: int
    parent_number: int
    """0 for a span without a parent."""
    service: str
    name: str
    kind: str
    """Such as `INTERNAL`."""
    has_failed: bool
    start_nanoseconds: int
    end_nanoseconds: int
    size_bytes: int


@dataclass
class Trace:
    """The spans of a trace together."""

    amount: Amount = NO_AMOUNT
    has_failed: bool = False
    start_nanoseconds: int = 0
    end_nanoseconds: int = 0

    def add_span(self, span: SpanRow) -> None:
        """Add a span. If it has no start, that of the trace stays as it is."""
        if span.start_nanoseconds:
            self.start_nanoseconds = min(self.start_nanoseconds or span.start_nanoseconds, span.start_nanoseconds)
        self.end_nanoseconds = max(self.end_nanoseconds, span.end_nanoseconds)
        self.has_failed |= span.has_failed
        self.amount = self.amount.plus(1, span.size_bytes)

    @property
    def is_plain(self) -> bool:
        """Whether it has no error, and is not slow."""
        return not self.has_failed and not self._is_slow

    @property
    def _is_slow(self) -> bool:
        """Whether it takes long. A trace whose spans have no start is not known to be slow."""
        if not self.start_nanoseconds:
            return False
        return self.end_nanoseconds - self.start_nanoseconds >= SLOW_MS * _NANOSECONDS_PER_MS


def read_span_row(record: Record, is_masked: bool) -> SpanRow:
    """Return the row of a span. Of a masked capture, the name of a span is a template, such as `GET /<*>`."""
    span = record.body
    parent_id = span.get("parentSpanId") or ""
    has_parent = bool(parent_id.strip("0"))  # OTLP writes no parent as an empty text, or as an id of zeros
    span_name = str(span.get("name") or "")
    return SpanRow(
        trace_number=hash(span.get("traceId")),
        span_number=hash(span.get("spanId")),
        parent_number=hash(parent_id) if has_parent else 0,
        service=record.resource.service_name,
        # The report shows names. A masked name and its readable form have the same template, and any other name may
        # have a secret in it.
        name=make_template(span_name) if is_masked else conceal_secrets(span_name),
        kind=read_span_kind(span),
        has_failed=has_error_status(span),
        start_nanoseconds=int(span.get("startTimeUnixNano") or 0),
        end_nanoseconds=int(span.get("endTimeUnixNano") or 0),
        size_bytes=record.size_bytes,
    )
