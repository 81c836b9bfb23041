# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans, data points and log records in the short form that people write: their fields, and the words of fields.

`written_records.py` writes them as OTLP in JSON, and `read_records.py` reads them. The short form of a span is ::

    {"name": "GET /", "kind": "server", "status": "error", "attributes": {"url.path": "/"}, "duration": "10ms"}

Private.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Problem
from ..otlp_requests import METRIC_KINDS

Record = dict[str, Any]
"""A record in the short form, such as `{"name": "GET /", "kind": "server"}`. `FIELDS_BY_RECORD_KIND` has its keys."""

RecordsByName = Mapping[str, Mapping[str, Sequence[Record]]]
"""The records that a test got: by the name under which they arrived, such as an exporter, then by kind, as `spans`."""

# The signal of each kind of records in the short form: pipelines and OTLP's paths of spans are named `traces`.
SIGNAL_BY_RECORD_KIND = {"spans": "traces", "metrics": "metrics", "logs": "logs"}
RECORD_KINDS = tuple(SIGNAL_BY_RECORD_KIND)
RECORD_KINDS_BY_SIGNAL = {signal: record_kind for record_kind, signal in SIGNAL_BY_RECORD_KIND.items()}
COMMON_FIELDS = ("attributes", "resource", "scope")
# Words in the order of the numbers that OTLP has for them, from 0.
SPAN_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS_WORDS = ("unset", "ok", "error")
TEMPORALITY_WORDS = ("unspecified", "delta", "cumulative")
# The lowest number of each severity. Source: SeverityNumber of opentelemetry-proto's logs.proto.
SEVERITY_NUMBERS = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
SEVERITY_WORDS = {number: word for word, number in SEVERITY_NUMBERS.items()}
# The fields that a record of each kind can have.
FIELDS_BY_RECORD_KIND = {
    "spans": ("name", "kind", "status", "message", "trace", "id", "parent", "duration", "events", *COMMON_FIELDS),
    "metrics": (
        "name", "type", "unit", "description", "value", "monotonic", "temporality", "count", "sum", "bounds", "buckets",
        *COMMON_FIELDS,
    ),
    "logs": ("body", "severity", "severity_text", "event_name", "trace", "id", *COMMON_FIELDS),
}  # fmt: skip
# The types of metrics that a test can give: values of the field `type`. OTLP has more (METRIC_KINDS).
METRIC_POINT_KINDS = ("gauge", "sum", "histogram")
# How many hexadecimal digits ids have.
TRACE_DIGITS = 32
SPAN_DIGITS = 16
# With so few digits, a number of nanoseconds is finite.
_DURATION = re.compile(r"(\d{1,30}(?:\.\d{1,30})?)(ns|us|ms|s|m)\Z")
NANOSECONDS_BY_UNIT = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000}


def make_identifier(value: Any, digits: int) -> str:
    """Return an id of hexadecimal digits: the value itself if it is one, or else digits of the value's hash."""
    text = str(value)
    if re.fullmatch(rf"[0-9a-f]{{{digits}}}", text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def parse_nanoseconds(value: Any, where: str) -> int:
    """Return the nanoseconds of a duration such as `10ms` or `1.5s`. Raises Problem for another text."""
    duration_match = _DURATION.match(str(value))
    if not duration_match:
        raise Problem(f"'{value}' is not a duration", where=where, fix="Write it like 10ms or 1.5s.")
    return int(float(duration_match[1]) * NANOSECONDS_BY_UNIT[duration_match[2]])


def find_metric_kind(record: Mapping[str, Any]) -> str:
    """Return the kind of a metric of OTLP: `sum` for `{"name": "hits", "sum": {…}}`; empty text for another record."""
    return next((kind for kind in METRIC_KINDS if kind in record), "")


def sort_keys(value: Any) -> Any:
    """Return a value of a record, with the keys in order if it is a mapping: equal attributes look the same then."""
    return dict(sorted(value.items())) if isinstance(value, Mapping) else value
