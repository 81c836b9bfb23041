# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the lines of a collector's log, and find the entries that report a failure. Private.

`logs.py` groups the entries of a whole log, and `crash_logs.py` looks for the last words of a collector that has ended.
An entry is one message of a program's logger, with a level and fields:

    2026-01-31T12:00:00.000Z<TAB>error<TAB>Exporting failed.<TAB>{"otelcol.component.kind": "exporter",
    "otelcol.component.id": "otlp", "otelcol.signal": "traces", "error": "connection refused"}
    → FailureEntry("error", "Exporting failed.", "connection refused", "exporters/otlp", "traces")

    Error: failed to build pipelines
    → FailureEntry("error", "failed to build pipelines")
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._otelcol.bounded.json_text import parse_json

# An entry as text: time, level, place in the source, message and fields, between tabs. The place and the fields may be
# missing. Source: the console encoder of zap, the Collector's logger.
_CONSOLE_ENTRY = re.compile(
    r"(?P<time>\S+)\t(?P<level>debug|info|warn|error|dpanic|panic|fatal)\t(?:(?P<caller>\S+:\d+)\t)?"
    r"(?P<message>[^\t]*)(?:\t(?P<fields>\{.*\}))?\Z",
    re.IGNORECASE,
)
# A line of the Kubernetes client in the Collector: `E0131 12:00:00.000000       1 reflector.go:200] message`.
_KLOG_LINE = re.compile(r"[EF]\d{4} [\d:.]+ +\d+ \S+\] (?P<message>.*)")
# The last line of a collector that does not start, or that Go's runtime ends.
FATAL_LINE = re.compile(r"(?:Error|panic|fatal error): (?P<message>.*)")
# A further line of an error about the config, behind a fatal line: `'exporters' unknown type…`, before 0.120 with an
# asterisk.
_CONFIG_ERROR_PART = re.compile(r"(?:\* )?(?:error decoding )?'[^']*' |\* ")
# The section of a config for each kind of component that an entry may name.
_SECTIONS_OF_KINDS = {
    "receiver": "receivers",
    "processor": "processors",
    "exporter": "exporters",
    "extension": "extensions",
}
# Entries with one of these fields repeat another entry: what gRPC logs, the exporter logs too.
_REPEATING_FIELDS = ("grpc_log",)


class LogLine(NamedTuple):
    """A line of a log, without the timestamp before it."""

    time: str
    """The timestamp, such as `2026-01-31T12:00:00.000Z`."""
    text: str


@dataclass(frozen=True)
class FailureEntry:
    """An entry of a log that reports a failure."""

    level: str
    """Such as `error`."""
    message: str
    error: str = ""
    """The field `error`; empty without one."""
    about: str = ""
    """The component, such as `exporters/otlp`; empty if the entry names none."""
    signal: str = ""
    """Such as `traces`; empty if the entry names none."""

    @property
    def error_text(self) -> str:
        """The message and the error of the entry in one text."""
        return " ".join(filter(None, (self.message, self.error)))


def join_log_lines(log_text: str) -> Iterator[LogLine]:
    """Yield the lines of a log, each of which begins with a timestamp and a blank.

    An error about the config has several lines, which are yielded as one. For example:

        T1 Error: failed to get config: cannot unmarshal the configuration:
        T2 'exporters' unknown type: "otpl"
        → LogLine("T1", "Error: failed to get config: … 'exporters' unknown type: …")
    """
    unfinished_error: LogLine | None = None
    for line in log_text.splitlines():
        time, _blank, text = line.partition(" ")
        is_further_part = not text.strip() or _CONFIG_ERROR_PART.match(text)
        if unfinished_error and is_further_part:
            joined_text = f"{unfinished_error.text} {text.strip()}".rstrip()
            unfinished_error = LogLine(unfinished_error.time, joined_text)
            continue
        if unfinished_error:
            yield unfinished_error
            unfinished_error = None
        if FATAL_LINE.match(text):
            unfinished_error = LogLine(time, text)
        else:
            yield LogLine(time, text)
    if unfinished_error:
        yield unfinished_error


def read_failure_entry(line: str) -> FailureEntry | None:
    """Return the entry in a line that reports a failure; None for another line.

    A line reports a failure if its level says so, or if it has an error: retries have the level `info`.
    """
    structured_entry = _parse_structured_line(line)
    if structured_entry is None:
        match = _KLOG_LINE.match(line) or FATAL_LINE.match(line)
        return FailureEntry("error", match["message"]) if match else None
    level, message, fields = structured_entry
    if level in ("info", "debug") and not fields.get("error"):
        return None
    if any(fields.get(name) for name in _REPEATING_FIELDS):
        return None
    return _build_entry(level, message, fields)


class _StructuredEntry(NamedTuple):
    """An entry of the Collector's log. `fields` has all other fields of the entry by their names."""

    level: str
    message: str
    fields: Mapping[str, Any]


def _parse_structured_line(line: str) -> _StructuredEntry | None:
    """Return the entry in a line, which the Collector logs as text or as JSON; None for a line of another form."""
    if line.startswith("{"):
        fields = _parse_json_object(line)
        if not fields:
            return None
        return _StructuredEntry(_find_first_text(fields, "level").lower(), _find_first_text(fields, "msg"), fields)
    match = _CONSOLE_ENTRY.match(line)
    if not match:
        return None
    return _StructuredEntry(match["level"].lower(), match["message"], _parse_json_object(match["fields"] or "{}"))


def _parse_json_object(text: str) -> dict[str, Any]:
    """Return the object in a text; empty for anything else."""
    try:
        parsed_object = parse_json(text)
    except ValueError:
        return {}
    return parsed_object if isinstance(parsed_object, dict) else {}


def _build_entry(level: str, message: str, fields: Mapping[str, Any]) -> FailureEntry:
    """Return the entry of a failure. Before 0.122, the Collector named the fields `kind`, `name` and `data_type`."""
    kind = _find_first_text(fields, "otelcol.component.kind", "kind").lower()
    name = _find_first_text(fields, "otelcol.component.id", "name")
    component = ""
    if kind in _SECTIONS_OF_KINDS and name:
        component = f"{_SECTIONS_OF_KINDS[kind]}/{name}"
    return FailureEntry(
        level,
        message,
        error=_find_first_text(fields, "error", "err"),
        about=component,
        signal=_find_first_text(fields, "otelcol.signal", "data_type"),
    )


def _find_first_text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the value of the first of these fields that has one, as text; empty if none has one."""
    for name in names:
        if fields.get(name):
            return str(fields[name])
    return ""
