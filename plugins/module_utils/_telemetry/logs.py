# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a collector's log says is wrong: entries grouped by their cause. Private."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .._otelcol.bounded.json_text import parse_json
from .._otelcol.errors import clean_text
from .log_causes import CAUSES, Cause, find_causes
from .times import seconds_between

LONGEST_TEXT = 400
# A line that reports a failure has the reason near its end, after fields of the Collector.
LONGEST_FAILURE = 1500
# A collector that retries says so at least that often. Source: max_interval of exporterhelper, 30 s.
CURRENT_SECONDS = 60
# What repeats with other numbers is the same entry.
VARIABLE_PART = re.compile(r"\b(?:0x)?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b|\d+")
_CONSOLE_ENTRY = re.compile(
    r"(?P<time>\S+)\t(?P<level>debug|info|warn|error|dpanic|panic|fatal)\t(?:(?P<caller>\S+:\d+)\t)?"
    r"(?P<message>[^\t]*)(?:\t(?P<fields>\{.*\}))?\Z",
    re.IGNORECASE,
)
_KLOG_LINE = re.compile(r"[EF]\d{4} [\d:.]+ +\d+ \S+\] (?P<message>.*)")
_FATAL_LINE = re.compile(r"(?:Error|panic|fatal error): (?P<message>.*)")
# A line after it, of what is wrong with a config: `'exporters' unknown type…`, before 0.120 with an asterisk.
_CONFIG_ERROR_PART = re.compile(r"(?:\* )?(?:error decoding )?'[^']*' |\* ")
_SECTIONS_OF_KINDS = {
    "receiver": "receivers",
    "processor": "processors",
    "exporter": "exporters",
    "extension": "extensions",
}
_FIELDS_OF_NOISE = ("grpc_log",)
# How the exporterhelper says that it gives data up.
_DROP_WORDS = ("Dropping data", "Rejecting data")
# Source: net.OpError and net.DNSError of Go.
_DIALED_ADDRESS = re.compile(r"dial \w+:? (?:lookup (?P<name>[\w.-]+)|(?P<address>\[[\da-fA-F:]+\]:\d+|[\w.-]+:\d+))")

# What ends no collector at its start, or is told of a crash in more detail elsewhere.
_NOT_CRASH_CAUSES = (
    "broken",
    "rejected",
    "queue_full",
    "memory",
    "too_many",
    "too_large",
    "out_of_order",
    "series_limit",
    "file",
)


def group_log_failures(log_text: str, read_time: str, mask_secrets: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return what a log with the kubelet's timestamps says is wrong, masked, the latest first."""
    rows_by_key: dict[tuple[str, ...], dict[str, Any]] = {}
    for line_time, line in _join_log_lines(log_text):
        entry = _read_failure_entry(line)
        if entry is None:
            continue
        error_text = " ".join(filter(None, (entry["message"], entry["error"])))
        cause = next(find_causes(error_text, CAUSES), None)
        kind_of_failure = cause.id if cause else VARIABLE_PART.sub("#", error_text)[:LONGEST_TEXT]
        row_key = (entry["about"], entry["signal"], kind_of_failure)
        earlier_row = rows_by_key.get(row_key, {"count": 0, "drops": False})
        rows_by_key[row_key] = {
            **entry,
            "cause": cause.id if cause else None,
            "text": cause.text if cause else "",
            "fix": cause.fix if cause else "",
            "drops": earlier_row["drops"] or any(drop_words in error_text for drop_words in _DROP_WORDS),
            "address": _find_dialed_address(error_text),
            "count": earlier_row["count"] + 1,
            "time": line_time,
            "said": error_text,
        }
    rows = [_mask_and_shorten(row, read_time, mask_secrets) for row in rows_by_key.values()]
    return sorted(rows, key=lambda row: row["seconds_ago"])


def _mask_and_shorten(row: Mapping[str, Any], read_time: str, mask_secrets: Callable[[str], str]) -> dict[str, Any]:
    """Return a row as it is shown: masked first, because masks do not recognise a secret that is cut."""
    masked_row = {key: mask_secrets(value) if isinstance(value, str) else value for key, value in row.items()}
    return {
        **masked_row,
        "said": clean_text(masked_row["said"], LONGEST_TEXT),
        "text": clean_text(masked_row["text"], LONGEST_TEXT),
        "seconds_ago": round(seconds_between(masked_row["time"], read_time)),
    }


def _find_dialed_address(error_text: str) -> str:
    """Return the address that a connection was tried to, as HOST:PORT or as the name that was looked up, or nothing."""
    match = _DIALED_ADDRESS.search(error_text)
    return str(match["address"] or match["name"]) if match else ""


def _join_log_lines(log_text: str) -> Iterator[tuple[str, str]]:
    """Yield time and line; the parts of an error about the config, which is printed over several lines, are one."""
    unfinished_error: tuple[str, str] | None = None
    for line in log_text.splitlines():
        line_time, _blank, line_text = line.partition(" ")
        if unfinished_error and (not line_text.strip() or _CONFIG_ERROR_PART.match(line_text)):
            unfinished_error = (unfinished_error[0], f"{unfinished_error[1]} {line_text.strip()}".rstrip())
            continue
        if unfinished_error:
            yield unfinished_error
        unfinished_error = (line_time, line_text) if _FATAL_LINE.match(line_text) else None
        if not unfinished_error:
            yield line_time, line_text
    if unfinished_error:
        yield unfinished_error


def _read_failure_entry(line: str) -> dict[str, Any] | None:
    """Return an entry about a failure: by its level, or by an error in it, because retries are `info`."""
    level_message_fields = _parse_structured_line(line)
    if level_message_fields is None:
        unstructured = _KLOG_LINE.match(line) or _FATAL_LINE.match(line)
        return _build_entry("error", unstructured["message"], {}) if unstructured else None
    level, message, fields = level_message_fields
    if level in ("info", "debug") and not fields.get("error"):
        return None
    if any(fields.get(name) for name in _FIELDS_OF_NOISE):  # gRPC's own log repeats what the exporter says of it
        return None
    return _build_entry(level, message, fields)


def _parse_structured_line(line: str) -> tuple[str, str, Mapping[str, Any]] | None:
    """Return level, message and fields of an entry of the Collector, which logs as text or JSON; else nothing."""
    if line.startswith("{"):
        fields = _parse_json_object(line)
        if not fields:
            return None
        return _find_first_text(fields, "level").lower(), _find_first_text(fields, "msg"), fields
    match = _CONSOLE_ENTRY.match(line)
    if not match:
        return None
    return match["level"].lower(), match["message"], _parse_json_object(match["fields"] or "{}")


def _parse_json_object(text: str) -> dict[str, Any]:
    """Return the object in a text; empty for anything else."""
    try:
        parsed_object = parse_json(text)
    except ValueError:
        return {}
    return parsed_object if isinstance(parsed_object, dict) else {}


def _build_entry(level: str, message: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry; before 0.122 the Collector called its fields `kind`, `name` and `data_type`."""
    kind = _find_first_text(fields, "otelcol.component.kind", "kind").lower()
    name = _find_first_text(fields, "otelcol.component.id", "name")
    component = ""
    if kind in _SECTIONS_OF_KINDS and name:
        component = f"{_SECTIONS_OF_KINDS[kind]}/{name}"
    return {
        "level": level,
        "message": message,
        "error": _find_first_text(fields, "error", "err"),
        "about": component,
        "signal": _find_first_text(fields, "otelcol.signal", "data_type"),
    }


def _find_first_text(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of some fields that has a value, as text; empty if none has one."""
    for name in names:
        if fields.get(name):
            return str(fields[name])
    return ""


def select_last_lines(lines: Sequence[str], most_lines: int, longest_line: int) -> list[tuple[str, int]]:
    """Return the last lines of a log, each with its longest length.

    A line that reports a failure may be longer, and the last ones come first if what follows, such as a stack trace,
    has no other.
    """
    last_lines = list(lines[-most_lines:])
    if not any(_read_failure_entry(line) for line in last_lines):
        failure_lines = [line for line in lines[:-most_lines] if _read_failure_entry(line)][-2:]
        last_lines = [*failure_lines, *last_lines[len(failure_lines) :]]
    return [(line, LONGEST_FAILURE if _read_failure_entry(line) else longest_line) for line in last_lines]


def find_crash_cause(lines: Sequence[str]) -> Cause | None:
    """Return why a collector ended, by its last words; None if they name no cause that another page explains better."""
    crash_causes = [cause for cause in CAUSES if cause.id not in _NOT_CRASH_CAUSES]
    return next(find_causes(find_last_words(lines), crash_causes), None)


def find_last_words(lines: Sequence[str]) -> str:
    """Return what a collector said before it ended: its last error, else its last line."""
    timestamped_lines = "\n".join(f"- {line}" for line in lines)
    last_error = None
    for _when, line in _join_log_lines(timestamped_lines):
        match = _FATAL_LINE.match(line)
        if match:
            last_error = match["message"]
    if last_error is not None:
        return last_error
    return lines[-1] if lines else ""
